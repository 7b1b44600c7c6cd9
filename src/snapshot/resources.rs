//! Counts extended resources: what a node offers, and what a pod or a pod template requests.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::model::accelerator::is_extended_resource;
use crate::units::Milli;

/// Amounts of extended resources, by name.
type ResourceCounts = BTreeMap<String, i64>;

/// The extended resources among quantities. API validation allows only whole numbers of them.
#[must_use]
pub(crate) fn extended_resources(quantities: &BTreeMap<String, Quantity>) -> ResourceCounts {
    let extended = quantities.iter().filter(|(name, _)| is_extended_resource(name));
    extended.filter_map(|(name, quantity)| Some((name.clone(), quantity.0.parse::<Milli>().ok()?.0 / 1000))).collect()
}

/// The extended resources that a pod requests, as the scheduler counts them (kubernetes v1.37.2,
/// staging/src/k8s.io/component-helpers/resource/helpers.go, `AggregateContainerRequests`): the sum of its containers and
/// sidecars, or what an init container needs together with the sidecars before it, if that is more. Sidecars are init
/// containers with restartPolicy Always. Ephemeral containers cannot request any.
#[must_use]
pub(crate) fn requested_resources(spec: &PodSpec) -> ResourceCounts {
    let mut requested = held_resources(spec);
    let mut sidecars = ResourceCounts::new();
    for container in spec.init_containers.iter().flatten() {
        let mut in_use = sidecars.clone();
        add(&mut in_use, &container_resources(container));
        raise(&mut requested, &in_use);
        if is_sidecar(container) {
            sidecars = in_use;
        }
    }
    requested
}

/// The extended resources that a pod holds while it serves: those of its containers and sidecars. An accelerator of an init
/// container alone is back at the device plugin by then.
#[must_use]
pub(crate) fn held_resources(spec: &PodSpec) -> ResourceCounts {
    let mut held = ResourceCounts::new();
    let sidecars = spec.init_containers.iter().flatten().filter(|container| is_sidecar(container));
    for container in spec.containers.iter().chain(sidecars) {
        add(&mut held, &container_resources(container));
    }
    held
}

/// The extended resources of the pods on nodes. A pod that has ended has released its own.
#[must_use]
pub(crate) fn used_resources<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> ResourceCounts {
    let has_ended = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    };
    let specs = pods.into_iter().filter(|pod| !has_ended(pod)).filter_map(|pod| pod.spec.as_ref());
    let mut used = ResourceCounts::new();
    for spec in specs.filter(|spec| spec.node_name.is_some()) {
        add(&mut used, &requested_resources(spec));
    }
    used
}

fn is_sidecar(init_container: &Container) -> bool {
    init_container.restart_policy.as_deref() == Some("Always")
}

/// Requests, or limits of resources without a request: the API server sets them equal for extended resources.
fn container_resources(container: &Container) -> ResourceCounts {
    let declared = container.resources.clone().unwrap_or_default();
    let mut quantities = declared.limits.unwrap_or_default();
    quantities.extend(declared.requests.unwrap_or_default());
    extended_resources(&quantities)
}

fn add(sum: &mut ResourceCounts, counts: &ResourceCounts) {
    for (name, count) in counts {
        let total = sum.entry(name.clone()).or_insert(0);
        *total = total.saturating_add(*count);
    }
}

fn raise(most: &mut ResourceCounts, counts: &ResourceCounts) {
    for (name, count) in counts {
        let highest = most.entry(name.clone()).or_insert(*count);
        *highest = (*highest).max(*count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn requested(init: Value, containers: Value) -> Vec<(String, i64)> {
        let spec = json!({"initContainers": init, "containers": containers});
        requested_resources(&serde_json::from_value(spec).unwrap()).into_iter().collect()
    }

    fn container(resource: &str, count: &str) -> Value {
        json!({"name": "c", "resources": {"limits": {resource: count, "cpu": "2"}}})
    }

    fn gpu(count: &str) -> Value {
        container("nvidia.com/gpu", count)
    }

    fn sidecar(count: &str) -> Value {
        let mut sidecar = gpu(count);
        sidecar["restartPolicy"] = json!("Always");
        sidecar
    }

    #[test]
    fn containers_add_up_and_an_init_container_counts_if_it_needs_more() {
        let gpus = |count| vec![("nvidia.com/gpu".to_owned(), count)];
        assert_eq!(requested(json!([]), json!([gpu("1"), gpu("2")])), gpus(3));
        assert_eq!(requested(json!([gpu("1"), gpu("2")]), json!([gpu("1"), gpu("2")])), gpus(3), "one after the other");
        assert_eq!(requested(json!([gpu("4")]), json!([gpu("1")])), gpus(4));
        assert_eq!(requested(json!([gpu("1")]), json!([{"name": "c"}])), gpus(1), "it alone");
    }

    #[test]
    fn a_sidecar_adds_to_the_containers_and_to_the_init_containers_after_it() {
        let gpus = |count| vec![("nvidia.com/gpu".to_owned(), count)];
        assert_eq!(requested(json!([sidecar("1")]), json!([gpu("1")])), gpus(2));
        assert_eq!(requested(json!([gpu("2"), sidecar("1")]), json!([gpu("1")])), gpus(2), "before the sidecar");
        assert_eq!(requested(json!([sidecar("1"), gpu("2")]), json!([gpu("1")])), gpus(3), "beside the sidecar");
    }

    #[test]
    fn an_init_container_holds_nothing_while_the_pod_serves() {
        let spec = json!({"initContainers": [gpu("4"), sidecar("1")], "containers": [gpu("2")]});
        let held = held_resources(&serde_json::from_value(spec).unwrap());
        assert_eq!(held.into_iter().collect::<Vec<_>>(), [("nvidia.com/gpu".to_owned(), 3)]);
    }

    #[test]
    fn only_extended_resources_count_and_a_request_goes_before_a_limit() {
        let native = container("example.kubernetes.io/x", "1");
        let both = json!({"name": "c", "resources": {"limits": {"a.b/c": "2"}, "requests": {"a.b/c": "1"}}});
        assert_eq!(requested(json!([]), json!([native, container("hugepages-2Mi", "4Mi")])), []);
        assert_eq!(
            requested(json!([]), json!([both, container("amd.com/gpu", "1k")])),
            [("a.b/c".to_owned(), 1), ("amd.com/gpu".to_owned(), 1000)]
        );
    }

    fn pod(spec: Value, phase: &str) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec, "status": {"phase": phase}})).unwrap()
    }

    #[test]
    fn pods_on_nodes_use_what_the_scheduler_counts_for_them() {
        let container = json!({"name": "c", "resources": {"requests": {"nvidia.com/gpu": "1"}}});
        let init = json!({"name": "i", "resources": {"requests": {"nvidia.com/gpu": "2"}}});
        let native = json!({"name": "c", "resources": {"requests": {"example.kubernetes.io/x": "1", "cpu": "1"}}});
        let used = used_resources(&[
            pod(json!({"nodeName": "n", "containers": [container, native]}), "Running"),
            pod(json!({"nodeName": "n", "initContainers": [init], "containers": [container]}), "Pending"),
            pod(json!({"nodeName": "n", "containers": [container]}), "Succeeded"),
            pod(json!({"containers": [container]}), "Pending"),
        ]);
        assert_eq!(used, BTreeMap::from([("nvidia.com/gpu".to_owned(), 3)]));
    }
}
