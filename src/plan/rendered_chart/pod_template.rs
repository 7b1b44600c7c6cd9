//! The pod template of a rendered workload, as far as it requests resources.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::Value;

/// The containers with their resources and restart policies. The rest is left out, so that a field that does not parse
/// does not hide the accelerators.
pub(super) fn pod_spec(workload: &Value) -> PodSpec {
    let spec = &workload["spec"]["template"]["spec"];
    PodSpec {
        containers: containers(&spec["containers"]),
        init_containers: Some(containers(&spec["initContainers"])),
        ..PodSpec::default()
    }
}

fn containers(list: &Value) -> Vec<Container> {
    list.as_array().into_iter().flatten().map(container).collect()
}

fn container(rendered: &Value) -> Container {
    let resources = &rendered["resources"];
    Container {
        restart_policy: rendered["restartPolicy"].as_str().map(ToOwned::to_owned),
        resources: Some(ResourceRequirements {
            limits: Some(quantities(&resources["limits"])),
            requests: Some(quantities(&resources["requests"])),
            ..ResourceRequirements::default()
        }),
        ..Container::default()
    }
}

/// Quantities by name. A manifest may contain a number where k8s-openapi reads only text.
fn quantities(amounts: &Value) -> BTreeMap<String, Quantity> {
    let text = |amount: &Value| amount.as_str().map_or_else(|| amount.to_string(), ToOwned::to_owned);
    amounts.as_object().into_iter().flatten().map(|(name, amount)| (name.clone(), Quantity(text(amount)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::requested_resources;
    use serde_json::json;

    fn requested(spec: &Value) -> BTreeMap<String, i64> {
        requested_resources(&pod_spec(&json!({"spec": {"template": {"spec": spec}}})))
    }

    #[test]
    fn numbers_and_texts_are_quantities_and_init_containers_count() {
        let gpus = |amount: Value| json!({"resources": {"limits": {"nvidia.com/gpu": amount}}});
        let two = BTreeMap::from([("nvidia.com/gpu".to_owned(), 2)]);
        assert_eq!(requested(&json!({"containers": [gpus(json!(1)), gpus(json!("1"))]})), two);
        assert_eq!(requested(&json!({"initContainers": [gpus(json!(2))], "containers": [gpus(json!(1))]})), two);
        let sidecar = json!({"restartPolicy": "Always", "resources": {"requests": {"nvidia.com/gpu": 1}}});
        assert_eq!(requested(&json!({"initContainers": [sidecar], "containers": [gpus(json!(1))]})), two);
    }

    #[test]
    fn a_resource_of_kubernetes_itself_is_no_extended_resource() {
        let limits = json!({"example.kubernetes.io/x": 1, "requests.nvidia.com/gpu": 1, "cpu": "500m"});
        assert!(requested(&json!({"containers": [{"resources": {"limits": limits}}, {"resources": null}]})).is_empty());
    }
}
