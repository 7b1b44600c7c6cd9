//! The `EndpointSlice` controller, for Services with a selector.

use serde_json::{Value, json};

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::generated_names;
use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::objects::condition::is_condition_true;
use crate::sim::objects::kinds::{ENDPOINT_SLICE, POD, SERVICE};
use crate::sim::objects::{labels, owner, state};

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Writes the endpoints of a Service.
pub(super) fn sync(context: &mut ControllerContext, namespace: &str, name: &str) {
    let cluster = &context.cluster;
    let Some(service) = cluster.get(&SERVICE, namespace, name) else { return };
    if service["spec"]["selector"].as_object().is_none_or(serde_json::Map::is_empty) {
        return;
    }
    let mut pods = cluster.list(&POD, Some(namespace));
    pods.retain(|pod| labels::has_labels(&service["spec"]["selector"], &pod["metadata"]["labels"]));
    pods.retain(|pod| pod["status"]["podIP"].is_string());
    let endpoints: Vec<_> = pods.iter().map(|pod| endpoint(pod)).collect();
    let ports = endpoint_ports(&service, pods.first().map(|pod| &**pod));
    match find_slice(cluster, namespace, name) {
        Some(slice) => {
            // Cannot fail: the slice has just been listed.
            let _ =
                cluster.update(FieldManager::update(CONTROLLER_MANAGER), &ENDPOINT_SLICE, namespace, &slice, |slice| {
                    slice["endpoints"] = json!(endpoints);
                    slice["ports"] = ports;
                });
        }
        None => {
            let slice = json!({
                "metadata": {"name": format!("{name}-{}", generated_names::random_suffix(cluster)), "namespace": namespace,
                    "labels": {SERVICE_NAME: name,
                        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
                    "ownerReferences": [owner::owner_reference(&service)]},
                "addressType": "IPv4", "endpoints": endpoints, "ports": ports});
            // Cannot fail in practice: the name has a random suffix.
            let _ = cluster.create(FieldManager::update(CONTROLLER_MANAGER), &ENDPOINT_SLICE, slice);
        }
    }
}

fn find_slice(cluster: &SimCluster, namespace: &str, service: &str) -> Option<String> {
    let slices = cluster.list(&ENDPOINT_SLICE, Some(namespace));
    slices
        .iter()
        .find(|slice| slice["metadata"]["labels"][SERVICE_NAME] == service)
        .map(|slice| metadata_text(slice, "name"))
}

fn endpoint(pod: &Value) -> Value {
    let (ready, ending) = (is_condition_true(pod, "Ready"), state::is_deleting(pod));
    json!({"addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"],
        "conditions": {"ready": ready && !ending, "serving": ready, "terminating": ending},
        "targetRef": {"kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"]}})
}

/// Resolves the target ports of a Service; a named port is looked up in a pod.
fn endpoint_ports(service: &Value, pod: Option<&Value>) -> Value {
    let all = service["spec"]["ports"].as_array().into_iter().flatten().map(|port| {
        let target = &port["targetPort"];
        let number = match target.as_str() {
            Some(name) => pod.and_then(|pod| container_port(pod, name)).unwrap_or_else(|| port["port"].clone()),
            None if target.is_null() => port["port"].clone(),
            None => target.clone(),
        };
        json!({"name": port["name"].as_str().unwrap_or_default(), "port": number, "protocol": "TCP"})
    });
    Value::Array(all.collect())
}

fn container_port(pod: &Value, name: &str) -> Option<Value> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let mut ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    ports.find(|port| port["name"] == name).map(|port| port["containerPort"].clone())
}

pub(super) fn has_ready_endpoint(cluster: &SimCluster, namespace: &str, service: &str) -> bool {
    let slices = cluster.list(&ENDPOINT_SLICE, Some(namespace));
    let mut own = slices.iter().filter(|slice| slice["metadata"]["labels"][SERVICE_NAME] == service);
    own.any(|slice| slice["endpoints"].as_array().into_iter().flatten().any(|one| one["conditions"]["ready"] == true))
}
