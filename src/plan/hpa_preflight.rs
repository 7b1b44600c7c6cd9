//! Preflight warnings about the HPA: results that the run is expected to have, and that only the run can prove.

use super::adoption::is_adopted;
use super::api_services::METRICS_APIS;
use super::foreign_hpa;
use super::offline;
use super::preflight_error::preflight_error;
use crate::hpa::{self, CUSTOM_METRICS_GROUP};
use crate::model::hpa_source::HpaSource;
use crate::model::inventory::Inventory;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::plan::PreflightProblem;
use crate::model::scenario::Scenario;

pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory, metric: Option<&MetricUnderTest>) -> Vec<String> {
    let is_own = |name: &&String| scenario.hpa_source() == HpaSource::Adopted(name);
    let other_hpas = inventory.existing_hpas.iter().filter(|name| !is_own(name)).map(|name| {
        let of_keda = hpa::scaled_object_of_hpa(name).map_or(String::new(), |scaled_object| {
            format!(", which KEDA has made of ScaledObject {scaled_object} by its name,")
        });
        format!(
            "HPA {}/{name}{of_keda} already scales the target, and the controller acts on none of several: Setup/AutoscalerActive will be INCONCLUSIVE (AmbiguousSelector)",
            scenario.namespace
        )
    });
    let start = start_replicas(scenario, inventory).and_then(|replicas| describe_start(scenario, replicas));
    let of_source = foreign_hpa::warnings(scenario, inventory);
    other_hpas.chain(of_source).chain(unserved_metrics_api(metric, inventory)).chain(start).collect()
}

/// Reasons for which the HPA cannot act on the target.
pub(super) fn errors(scenario: &Scenario, inventory: &Inventory) -> Vec<PreflightProblem> {
    let mut all = foreign_hpa::errors(inventory);
    for (name, chart) in inventory.charts.iter().filter(|(name, _)| !is_adopted(scenario, inventory, name)) {
        all.extend(chart.target_autoscalers.iter().map(|autoscaler| {
            preflight_error(
                format!(
                    "release {name} renders {autoscaler} for the target itself, and the controller acts on none of two HPAs (AmbiguousSelector)"
                ),
                "switch it off in the release's values (in many charts autoscaling.enabled: false)",
            )
        }));
    }
    if start_replicas(scenario, inventory) == Some(0) {
        all.push(preflight_error(
            "the target has 0 replicas, and the controller does not scale a target from a 0 that it did not set (ScalingDisabled)"
                .to_owned(),
            "give it minReplicas replicas before the run (the release's values, or kubectl scale)",
        ));
    }
    all
}

/// spec.replicas of the target when the HPA is created, where they are known: those of the target that exists and stays as
/// it is, else those of the chart that renders it.
fn start_replicas(scenario: &Scenario, inventory: &Inventory) -> Option<i32> {
    let mut charts = inventory.charts.iter().filter(|(name, _)| !is_adopted(scenario, inventory, name));
    let rendered = charts.find_map(|(_, chart)| chart.target_replicas);
    rendered.or(inventory.preflight.target.as_ref().map(|target| target.replicas))
}

/// Where the run begins if the target does not start with minReplicas.
fn describe_start(scenario: &Scenario, replicas: i32) -> Option<String> {
    let spec = &scenario.hpa.spec;
    let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
    if replicas == 0 || replicas == min {
        return None;
    }
    let noun = if replicas == 1 { "replica" } else { "replicas" };
    let start = format!("the target starts with {replicas} {noun}");
    Some(if replicas < min {
        format!("{start}, below minReplicas: the HPA enforces {min} first, and the run begins there")
    } else {
        let enforced =
            if replicas > max { format!("; the HPA enforces maxReplicas {max} first") } else { String::new() };
        format!(
            "{start}, above minReplicas {min}{enforced}: unless they fall to {min} before the baseline, Control/IdleHolds will be INCONCLUSIVE; start the target with {min}"
        )
    })
}

/// Warns if no APIService serves the API of the HPA's metric, and no release of the scenario installs one.
fn unserved_metrics_api(metric: Option<&MetricUnderTest>, inventory: &Inventory) -> Option<String> {
    if !offline::has_cluster(inventory) {
        return None;
    }
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

    /// The warnings and errors of a target that starts with this many replicas; minReplicas 2 and maxReplicas 4.
    fn start_with(replicas: i32) -> (String, String) {
        let mut scenario = Scenario::default();
        (scenario.hpa.spec.min_replicas, scenario.hpa.spec.max_replicas) = (Some(2), 4);
        let mut inventory = Inventory::default();
        inventory.metrics_apis.insert("v1beta1.custom.metrics.k8s.io".to_owned(), MetricsApi::default());
        let chart = ChartSummary { target_replicas: Some(replicas), ..ChartSummary::default() };
        inventory.charts.insert("ollama".to_owned(), chart);
        let errors: Vec<String> = errors(&scenario, &inventory).into_iter().map(|one| one.message).collect();
        (warnings(&scenario, &inventory, None).join("; "), errors.join("; "))
    }

    #[test]
    fn a_target_that_does_not_start_with_min_is_told_where_the_run_begins() {
        assert_eq!(start_with(2), (String::new(), String::new()));
        assert!(start_with(1).0.contains("starts with 1 replica, below minReplicas: the HPA enforces 2 first"));
        assert!(start_with(3).0.contains("above minReplicas 2: unless they fall to 2"), "{}", start_with(3).0);
        assert!(start_with(9).0.contains("above minReplicas 2; the HPA enforces maxReplicas 4 first"));
        assert!(start_with(0).1.contains("0 replicas"), "{:?}", start_with(0));
    }

    #[test]
    fn an_autoscaler_of_the_chart_is_an_error() {
        let mut inventory = Inventory::default();
        let target_autoscalers = vec!["HorizontalPodAutoscaler ollama".to_owned()];
        inventory.charts.insert("ollama".to_owned(), ChartSummary { target_autoscalers, ..ChartSummary::default() });
        let found = errors(&Scenario::default(), &inventory);
        assert!(found[0].message.starts_with("release ollama renders HorizontalPodAutoscaler ollama for the target"));
    }

    #[test]
    fn another_hpa_on_the_target_is_a_warning() {
        let inventory = Inventory { existing_hpas: vec!["theirs".to_owned()], ..Inventory::default() };
        let text = warn(&inventory);
        assert!(text.starts_with("HPA gpuhpa/theirs already scales the target"), "{text}");
        let inventory = Inventory { existing_hpas: vec!["keda-hpa-theirs".to_owned()], ..Inventory::default() };
        assert!(warn(&inventory).contains("which KEDA has made of ScaledObject theirs"), "{}", warn(&inventory));
    }
}
