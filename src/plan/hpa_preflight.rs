//! Preflight warnings about the HPA: results that the run is expected to have, and that only the run can prove.

use super::api_services::METRICS_APIS;
use crate::model::inventory::Inventory;
use crate::model::scenario::Scenario;

pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let other_hpas = inventory.existing_hpas.iter().map(|name| {
        format!(
            "HPA {}/{name} already scales the target, and the controller acts on none of several: Setup/AutoscalerActive will be INCONCLUSIVE (AmbiguousSelector)",
            scenario.namespace
        )
    });
    other_hpas.chain(unserved_metrics_api(scenario, inventory)).collect()
}

/// Warns if no APIService serves the API of the HPA's metric, and no release of the scenario installs one.
fn unserved_metrics_api(scenario: &Scenario, inventory: &Inventory) -> Option<String> {
    let is_external = scenario.hpa.spec.metrics.iter().flatten().any(|metric| metric.external.is_some());
    let group = if is_external { "external.metrics.k8s.io" } else { "custom.metrics.k8s.io" };
    let mut services = METRICS_APIS.iter().filter(|service| service.ends_with(&format!(".{group}")));
    let is_known = |service: &str| {
        inventory.metrics_apis.contains_key(service)
            || inventory.charts.values().any(|chart| chart.api_services.iter().any(|rendered| rendered == service))
    };
    (!services.any(|service| is_known(service))).then(|| {
        format!(
            "no APIService serves {group}, and no release installs one: Setup/MetricServed will be INCONCLUSIVE; add a release of a metrics adapter"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::{ChartSummary, MetricsApi};

    fn scenario() -> Scenario {
        let mut scenario = Scenario::default();
        scenario.hpa.spec.metrics = serde_json::from_value(serde_json::json!([{"type": "Pods", "pods": {
            "metric": {"name": "u"}, "target": {"type": "AverageValue", "averageValue": "60"}}}]))
        .unwrap();
        scenario
    }

    #[test]
    fn an_api_without_an_apiservice_is_a_warning() {
        let text = |inventory: &Inventory| warnings(&scenario(), inventory).join("; ");
        assert!(text(&Inventory::default()).contains("no APIService serves custom.metrics.k8s.io"));
        let mut external = Inventory::default();
        external.metrics_apis.insert("v1beta1.external.metrics.k8s.io".to_owned(), MetricsApi::default());
        assert!(text(&external).contains("no APIService serves custom.metrics.k8s.io"));
        let mut served = Inventory::default();
        served.metrics_apis.insert("v1beta1.custom.metrics.k8s.io".to_owned(), MetricsApi::default());
        assert_eq!(text(&served), "");
        let mut installed = Inventory::default();
        let api_services = vec!["v1beta1.custom.metrics.k8s.io".to_owned()];
        installed.charts.insert("adapter".to_owned(), ChartSummary { api_services, ..ChartSummary::default() });
        assert_eq!(text(&installed), "");
    }

    #[test]
    fn another_hpa_on_the_target_is_a_warning() {
        let inventory = Inventory { existing_hpas: vec!["theirs".to_owned()], ..Inventory::default() };
        let text = warnings(&scenario(), &inventory).join("; ");
        assert!(text.starts_with("HPA gpuhpa/theirs already scales the target"), "{text}");
    }
}
