//! Endings of a run that are foreseen, though only the run can show them.

use super::survey::METRICS_APIS;
use crate::model::inventory::Inventory;
use crate::model::scenario::Scenario;

pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let rivals = inventory.existing_hpas.iter().map(|name| {
        format!(
            "HPA {}/{name} scales the target already, and the controller acts on neither of two: Setup/AutoscalerActive will be INCONCLUSIVE (AmbiguousSelector)",
            scenario.namespace
        )
    });
    rivals.chain(unserved_metrics_api(scenario, inventory)).collect()
}

/// Nobody serves the API of the HPA's metric, and no release of the scenario brings it.
fn unserved_metrics_api(scenario: &Scenario, inventory: &Inventory) -> Option<String> {
    let is_external = scenario.hpa.spec.metrics.iter().flatten().any(|metric| metric.external.is_some());
    let group = if is_external { "external.metrics.k8s.io" } else { "custom.metrics.k8s.io" };
    let mut serving = METRICS_APIS.iter().filter(|service| service.ends_with(&format!(".{group}")));
    let is_there = |service: &str| {
        inventory.metrics_apis.contains_key(service)
            || inventory.charts.values().any(|chart| chart.api_services.iter().any(|rendered| rendered == service))
    };
    (!serving.any(|service| is_there(service))).then(|| {
        format!(
            "nobody serves {group}, and no release of the scenario brings it: Setup/MetricServed will be INCONCLUSIVE; add a release of a metrics adapter"
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
    fn an_api_that_nothing_serves_is_a_warning() {
        let words = |inventory: &Inventory| warnings(&scenario(), inventory).join("; ");
        assert!(words(&Inventory::default()).contains("nobody serves custom.metrics.k8s.io"));
        let mut external = Inventory::default();
        external.metrics_apis.insert("v1beta1.external.metrics.k8s.io".to_owned(), MetricsApi::default());
        assert!(words(&external).contains("nobody serves custom.metrics.k8s.io"));
        let mut served = Inventory::default();
        served.metrics_apis.insert("v1beta1.custom.metrics.k8s.io".to_owned(), MetricsApi::default());
        assert_eq!(words(&served), "");
        let mut brought = Inventory::default();
        let api_services = vec!["v1beta1.custom.metrics.k8s.io".to_owned()];
        brought.charts.insert("adapter".to_owned(), ChartSummary { api_services, ..ChartSummary::default() });
        assert_eq!(words(&brought), "");
    }

    #[test]
    fn another_hpa_on_the_target_is_a_warning() {
        let inventory = Inventory { existing_hpas: vec!["theirs".to_owned()], ..Inventory::default() };
        let words = warnings(&scenario(), &inventory).join("; ");
        assert!(words.starts_with("HPA gpuhpa/theirs scales the target already"), "{words}");
    }
}
