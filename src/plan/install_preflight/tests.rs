use super::*;
use crate::model::inventory::{ChartSummary, ExistingRelease, QuotaHeadroom, RejectedObject, RequiredObject};

/// The built-in scenario, and a cluster in which nothing stands in its way.
fn healthy() -> (Scenario, Inventory) {
    let scenario: Scenario =
        serde_saphyr::from_str(include_str!("../../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
    let mut inventory = Inventory { helm_version: "v4.3.1".to_owned(), ..Inventory::default() };
    inventory.charts.insert("ollama".to_owned(), ChartSummary { target_replicas: Some(1), ..ChartSummary::default() });
    inventory.preflight.used_node_ports = Some([(31434, "shop/web".to_owned())].into());
    (scenario, inventory)
}

fn errors_and_warnings(scenario: &Scenario, inventory: &Inventory) -> (Vec<String>, Vec<String>) {
    let refusals = errors(scenario, inventory).into_iter().map(|one| one.message).collect();
    (refusals, warnings(scenario, inventory))
}

#[test]
fn a_free_cluster_gives_no_word() {
    let (scenario, inventory) = healthy();
    assert_eq!(errors_and_warnings(&scenario, &inventory), (vec![], vec![]));
}

#[test]
fn a_node_port_that_another_service_has_is_named_with_its_owner() {
    let (mut scenario, inventory) = healthy();
    scenario.endpoint.node_port = Some(31434);
    let (refusals, _) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(
        refusals,
        [
            "node port 31434, which the Service of the load (endpoint.nodePort) wants, is not free: Service shop/web has it"
        ]
    );
    scenario.endpoint.node_port = Some(31435);
    assert_eq!(errors_and_warnings(&scenario, &inventory).0, Vec::<String>::new());
}

#[test]
fn a_node_port_that_chart_and_load_both_want_is_taken_too() {
    let (mut scenario, mut inventory) = healthy();
    scenario.endpoint.node_port = Some(32000);
    inventory.charts.entry("ollama".to_owned()).or_default().node_ports = [("gpuhpa/ollama".to_owned(), 32000)].into();
    assert!(errors_and_warnings(&scenario, &inventory).0[0].contains("Service gpuhpa/ollama of release ollama"));
    // A release that stands already has its own port.
    inventory.existing_releases.insert("ollama".to_owned(), ExistingRelease::default());
    assert_eq!(errors_and_warnings(&scenario, &inventory).0, Vec::<String>::new());
}

/// The release stands, is to be upgraded, and the HPA controller has set the target's size.
fn scaled_target(replicas: i32) -> (Scenario, Inventory) {
    let (mut scenario, mut inventory) = healthy();
    scenario.releases.get_mut("ollama").unwrap().if_exists = IfExists::Upgrade;
    inventory.existing_releases.insert("ollama".to_owned(), ExistingRelease::default());
    let writer = |manager: &str, operation: &str, subresource: &str| ReplicasManager {
        manager: manager.to_owned(),
        operation: operation.to_owned(),
        subresource: subresource.to_owned(),
        time: None,
    };
    let writers = vec![writer("helm", "Apply", ""), writer("kube-controller-manager", "Update", "scale")];
    inventory.preflight.target =
        Some(ExistingTarget { replicas, replicas_managers: writers, server_side_applied: true });
    (scenario, inventory)
}

#[test]
fn helm_4_over_a_target_that_an_hpa_has_scaled_is_refused_and_explained() {
    let (scenario, inventory) = scaled_target(3);
    let (refusals, warnings) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(
        refusals,
        [
            "helm v4.3.1 cannot upgrade release ollama: its chart sets spec.replicas of Deployment ollama to 1, and kube-controller-manager, subresource scale has set it to 3 and owns the field"
        ]
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn the_same_size_is_no_conflict_and_helm_3_resets_it() {
    let (scenario, inventory) = scaled_target(1);
    assert_eq!(errors_and_warnings(&scenario, &inventory), (vec![], vec![]));
    let (scenario, mut inventory) = scaled_target(3);
    inventory.helm_version = "v3.22.0".to_owned();
    let (refusals, warnings) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(refusals, Vec::<String>::new());
    assert!(warnings[0].contains("sets the target's size from 3 to 1"), "{warnings:?}");
}

#[test]
fn what_is_absent_or_not_taken_is_said() {
    let (scenario, mut inventory) = healthy();
    let need = |kind: &str, name: &str| RequiredObject {
        kind: kind.to_owned(),
        namespace: None,
        name: name.to_owned(),
        required_by: "Deployment ollama".to_owned(),
    };
    inventory.preflight.missing_objects = vec![need("RuntimeClass", "nvidia"), need("StorageClass", "longhorn")];
    inventory.preflight.rejected_objects = vec![RejectedObject {
        release: None,
        object: "Service gpuhpa/ollama".to_owned(),
        message: "no such port".to_owned(),
    }];
    inventory.preflight.quotas =
        vec![QuotaHeadroom { quota: "q".to_owned(), resource: "requests.nvidia.com/gpu".to_owned(), remaining: 2 }];
    let (refusals, warnings) = errors_and_warnings(&scenario, &inventory);
    assert_eq!(refusals.len(), 2);
    assert!(refusals[0].starts_with("RuntimeClass nvidia does not exist"));
    assert!(refusals[1].contains("Service gpuhpa/ollama: no such port"));
    for words in ["StorageClass longhorn", "leaves 2 of requests.nvidia.com/gpu: 3"] {
        assert!(warnings.iter().any(|warning| warning.contains(words)), "{words}: {warnings:?}");
    }
}
