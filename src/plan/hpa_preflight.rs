//! Preflight warnings about the HPA: results that the run is expected to have, and that only the run can prove.

use super::api_services::METRICS_APIS;
use crate::hpa::CUSTOM_METRICS_GROUP;
use crate::model::inventory::Inventory;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::scenario::Scenario;

pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory, metric: Option<&MetricUnderTest>) -> Vec<String> {
    let other_hpas = inventory.existing_hpas.iter().map(|name| {
        format!(
            "HPA {}/{name} already scales the target, and the controller acts on none of several: Setup/AutoscalerActive will be INCONCLUSIVE (AmbiguousSelector)",
            scenario.namespace
        )
    });
    other_hpas.chain(unserved_metrics_api(metric, inventory)).collect()
}

/// Warns if no APIService serves the API of the HPA's metric, and no release of the scenario installs one.
fn unserved_metrics_api(metric: Option<&MetricUnderTest>, inventory: &Inventory) -> Option<String> {
    let group = metric.map_or(CUSTOM_METRICS_GROUP, MetricUnderTest::api_group);
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

    fn warn(inventory: &Inventory) -> String {
        let mut scenario = Scenario::default();
        scenario.hpa.spec.metrics = serde_json::from_value(serde_json::json!([{"type": "Pods", "pods": {
            "metric": {"name": "u"}, "target": {"type": "AverageValue", "averageValue": "60"}}}]))
        .unwrap();
        warnings(&scenario, inventory, MetricUnderTest::from_scenario(&scenario).as_ref()).join("; ")
    }

    #[test]
    fn an_api_without_an_apiservice_is_a_warning() {
        assert!(warn(&Inventory::default()).contains("no APIService serves custom.metrics.k8s.io"));
        let mut external = Inventory::default();
        external.metrics_apis.insert("v1beta1.external.metrics.k8s.io".to_owned(), MetricsApi::default());
        assert!(warn(&external).contains("no APIService serves custom.metrics.k8s.io"));
        let mut served = Inventory::default();
        served.metrics_apis.insert("v1beta1.custom.metrics.k8s.io".to_owned(), MetricsApi::default());
        assert_eq!(warn(&served), "");
        let mut installed = Inventory::default();
        let api_services = vec!["v1beta1.custom.metrics.k8s.io".to_owned()];
        installed.charts.insert("adapter".to_owned(), ChartSummary { api_services, ..ChartSummary::default() });
        assert_eq!(warn(&installed), "");
    }

    #[test]
    fn another_hpa_on_the_target_is_a_warning() {
        let inventory = Inventory { existing_hpas: vec!["theirs".to_owned()], ..Inventory::default() };
        let text = warn(&inventory);
        assert!(text.starts_with("HPA gpuhpa/theirs already scales the target"), "{text}");
    }
}
