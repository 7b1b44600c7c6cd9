use super::*;
use crate::model::inventory::{ChartSummary, ExistingRelease, QuotaHeadroom, RejectedObject, RequiredObject};

/// The built-in scenario, and a cluster without conflicts.
fn healthy() -> (Scenario, Inventory) {
    let scenario: Scenario =
        serde_saphyr::from_str(include_str!("../../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
    let mut inventory = Inventory { helm_version: "v4.3.1".to_owned(), ..Inventory::default() };
    inventory.charts.insert("ollama".to_owned(), ChartSummary { target_replicas: Some(1), ..ChartSummary::default() });
    inventory.preflight.used_node_ports = Some([(31434, "shop/web".to_owned())].into());
    (scenario, inventory)
}

fn errors_and_warnings(scenario: &Scenario, inventory: &Inventory) -> (Vec<String>, Vec<String>) {
    let errors = errors(scenario, inventory).into_iter().map(|one| one.message).collect();
    (errors, warnings(scenario, inventory))
}

#[test]
fn a_cluster_without_conflicts_has_no_errors_or_warnings() {
    let (scenario, inventory) = healthy();
    assert_eq!(errors_and_warnings(&scenario, &inventory), (vec![], vec![]));
}

#[test]
fn a_node_port_in_use_is_named_with_its_service() {
    let (mut scenario, inventory) = healthy();
    scenario.endpoint.node_port = Some(31434);
    let (errors, _) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(
        errors,
        [
            "node port 31434, requested by the Service of the load (endpoint.nodePort), is not free: Service shop/web uses it"
        ]
    );
    scenario.endpoint.node_port = Some(31435);
    assert_eq!(errors_and_warnings(&scenario, &inventory).0, Vec::<String>::new());
}

#[test]
fn a_node_port_requested_by_chart_and_load_is_not_free() {
    let (mut scenario, mut inventory) = healthy();
    scenario.endpoint.node_port = Some(32000);
    inventory.charts.entry("ollama".to_owned()).or_default().node_ports = [("gpuhpa/ollama".to_owned(), 32000)].into();
    assert!(errors_and_warnings(&scenario, &inventory).0[0].contains("Service gpuhpa/ollama of release ollama"));
    // An existing release has its port already.
    inventory.existing_releases.insert("ollama".to_owned(), ExistingRelease::default());
    assert_eq!(errors_and_warnings(&scenario, &inventory).0, Vec::<String>::new());
}

/// The release exists and is to be upgraded, and the HPA controller has set the target's replicas.
fn scaled_target(replicas: i32) -> (Scenario, Inventory) {
    let (mut scenario, mut inventory) = healthy();
    scenario.releases.get_mut("ollama").unwrap().if_exists = IfExists::Upgrade;
    inventory.existing_releases.insert("ollama".to_owned(), ExistingRelease::default());
    let manager = |manager: &str, operation: &str, subresource: &str| ReplicasManager {
        manager: manager.to_owned(),
        operation: operation.to_owned(),
        subresource: subresource.to_owned(),
        time: None,
    };
    let managers = vec![manager("helm", "Apply", ""), manager("kube-controller-manager", "Update", "scale")];
    inventory.preflight.target =
        Some(ExistingTarget { replicas, replicas_managers: managers, server_side_applied: true });
    (scenario, inventory)
}

#[test]
fn helm_4_over_a_target_that_an_hpa_has_scaled_is_refused_and_explained() {
    let (scenario, inventory) = scaled_target(3);
    let (errors, warnings) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(
        errors,
        [
            "helm v4.3.1 cannot upgrade release ollama: its chart sets spec.replicas of Deployment ollama to 1, and kube-controller-manager, subresource scale has set it to 3 and owns the field"
        ]
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn the_same_replicas_are_no_conflict_and_helm_3_resets_them() {
    let (scenario, inventory) = scaled_target(1);
    assert_eq!(errors_and_warnings(&scenario, &inventory), (vec![], vec![]));
    let (scenario, mut inventory) = scaled_target(3);
    inventory.helm_version = "v3.22.0".to_owned();
    let (errors, warnings) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(errors, Vec::<String>::new());
    assert!(warnings[0].contains("sets the target's replicas from 3 to 1"), "{warnings:?}");
}

#[test]
fn missing_and_rejected_objects_are_reported() {
    let (scenario, mut inventory) = healthy();
    let missing = |kind: &str, name: &str| RequiredObject {
        kind: kind.to_owned(),
        name: name.to_owned(),
        required_by: "Deployment ollama".to_owned(),
        ..RequiredObject::default()
    };
    inventory.preflight.missing_objects = vec![missing("RuntimeClass", "nvidia"), missing("StorageClass", "longhorn")];
    inventory.preflight.rejected_objects = vec![RejectedObject {
        release: None,
        object: "Service gpuhpa/ollama".to_owned(),
        message: "no such port".to_owned(),
    }];
    inventory.preflight.quotas =
        vec![QuotaHeadroom { quota: "q".to_owned(), resource: "requests.nvidia.com/gpu".to_owned(), remaining: 2 }];
    let (errors, warnings) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(errors.len(), 2);
    assert!(errors[0].starts_with("RuntimeClass nvidia does not exist"));
    assert!(errors[1].contains("Service gpuhpa/ollama (dryRun=All): no such port"));
    for text in ["StorageClass longhorn", "has 2 of requests.nvidia.com/gpu left: 3"] {
        assert!(warnings.iter().any(|warning| warning.contains(text)), "{text}: {warnings:?}");
    }
}

#[test]
fn a_store_that_does_not_exist_is_an_error_where_the_hpas_metric_comes_from_it() {
    let (scenario, mut inventory) = healthy();
    let missing = |required_by: &str, is_optional: bool| RequiredObject {
        kind: RequiredObject::SERVICE.to_owned(),
        namespace: Some("monitoring".to_owned()),
        name: "vm".to_owned(),
        required_by: required_by.to_owned(),
        is_optional,
    };
    let adapter = "Deployment prometheus-adapter (--prometheus-url=http://vm.monitoring.svc:8428)";
    inventory.preflight.missing_objects = vec![missing(adapter, false), missing("metric.store.service", true)];
    let (errors, warnings) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with(&format!("Service monitoring/vm does not exist: {adapter} reads the metrics there")));
    let of_store = "Service monitoring/vm (metric.store.service) does not exist";
    assert!(warnings.iter().any(|warning| warning.starts_with(of_store)), "{warnings:?}");
}

#[test]
fn an_hpa_that_the_api_server_would_store_otherwise_is_an_error() {
    let (scenario, mut inventory) = healthy();
    inventory.preflight.hpa_differences = vec!["behavior.scaleUp.tolerance is missing (applied: 0.05)".to_owned()];
    let found = errors(&scenario, &inventory);
    assert!(found[0].message.ends_with("INCONCLUSIVE: behavior.scaleUp.tolerance is missing (applied: 0.05)"));
    assert!(found[0].hint.contains("HPAConfigurableTolerance"), "{}", found[0].hint);
}

#[test]
fn values_that_nothing_reads_are_named() {
    let (scenario, mut inventory) = healthy();
    let chart = inventory.charts.get_mut("ollama").unwrap();
    chart.unused_values = vec!["ollama.tolerations".to_owned()];
    let (_, warnings) = errors_and_warnings(&scenario, &inventory);
    assert!(warnings[0].contains("reads ollama.tolerations of release ollama"), "{warnings:?}");
}

#[test]
fn a_node_port_outside_of_the_usual_range_is_a_warning() {
    let inventory = Inventory::default();
    let warned = |port: u16| {
        let mut scenario = Scenario::default();
        scenario.endpoint.node_port = Some(port);
        warnings(&scenario, &inventory).iter().any(|text| {
            text.starts_with(&format!(
                "node port {port}, requested by the Service of the load (endpoint.nodePort), is outside of 30000"
            ))
        })
    };
    assert_eq!([80, 29_999, 30_000, 32_767, 32_768].map(warned), [true, true, false, false, true]);
}
