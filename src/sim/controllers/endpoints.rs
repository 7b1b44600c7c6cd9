//! `EndpointSlices` of Services with a selector.

use serde_json::{Value, json};

use super::condition::holds;
use super::kinds::{POD, SERVICE, SLICE};
use super::manager::{MANAGER, Manager};
use super::{labels, pods, revision};
use crate::sim::cluster::{Cluster, Hand, text};

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Writes which pods stand behind a Service.
pub(super) fn sync(manager: &mut Manager, namespace: &str, name: &str) {
    let cluster = &manager.cluster;
    let Some(service) = cluster.get(&SERVICE, namespace, name) else { return };
    if service["spec"]["selector"].as_object().is_none_or(serde_json::Map::is_empty) {
        return;
    }
    let mut pods = cluster.list(&POD, Some(namespace));
    pods.retain(|pod| labels::is_within(&service["spec"]["selector"], &pod["metadata"]["labels"]));
    pods.retain(|pod| pod["status"]["podIP"].is_string());
    let endpoints: Vec<_> = pods.iter().map(|pod| endpoint(pod)).collect();
    let ports = ports(&service, pods.first().map(|pod| &**pod));
    match slice_of(cluster, namespace, name) {
        Some(slice) => {
            // It was there a moment ago.
            let _ = cluster.change(Hand::of(MANAGER), &SLICE, namespace, &slice, |slice| {
                slice["endpoints"] = json!(endpoints);
                slice["ports"] = ports;
            });
        }
        None => {
            let slice = json!({
                "metadata": {"name": format!("{name}-{}", revision::suffix(cluster)), "namespace": namespace,
                    "labels": {SERVICE_NAME: name,
                        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
                    "ownerReferences": [pods::reference(&service)]},
                "addressType": "IPv4", "endpoints": endpoints, "ports": ports});
            // Its name is new.
            let _ = cluster.create(Hand::of(MANAGER), &SLICE, slice);
        }
    }
}

fn slice_of(cluster: &Cluster, namespace: &str, service: &str) -> Option<String> {
    let slices = cluster.list(&SLICE, Some(namespace));
    slices.iter().find(|slice| slice["metadata"]["labels"][SERVICE_NAME] == service).map(|slice| text(slice, "name"))
}

fn endpoint(pod: &Value) -> Value {
    let (ready, ending) = (holds(pod, "Ready"), pods::is_deleting(pod));
    json!({"addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"],
        "conditions": {"ready": ready && !ending, "serving": ready, "terminating": ending},
        "targetRef": {"kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"]}})
}

/// The ports of a Service as its pods have them: names are looked up in a pod.
fn ports(service: &Value, pod: Option<&Value>) -> Value {
    let all = service["spec"]["ports"].as_array().into_iter().flatten().map(|port| {
        let target = &port["targetPort"];
        let number = match target.as_str() {
            Some(name) => pod.and_then(|pod| named(pod, name)).unwrap_or_else(|| port["port"].clone()),
            None if target.is_null() => port["port"].clone(),
            None => target.clone(),
        };
        json!({"name": port["name"].as_str().unwrap_or_default(), "port": number, "protocol": "TCP"})
    });
    Value::Array(all.collect())
}

fn named(pod: &Value, name: &str) -> Option<Value> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let mut ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    ports.find(|port| port["name"] == name).map(|port| port["containerPort"].clone())
}

/// Whether a ready pod stands behind a Service.
pub(super) fn serves(cluster: &Cluster, namespace: &str, service: &str) -> bool {
    let slices = cluster.list(&SLICE, Some(namespace));
    let mut own = slices.iter().filter(|slice| slice["metadata"]["labels"][SERVICE_NAME] == service);
    own.any(|slice| slice["endpoints"].as_array().into_iter().flatten().any(|one| one["conditions"]["ready"] == true))
}
