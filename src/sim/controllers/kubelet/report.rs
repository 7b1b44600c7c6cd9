//! What the kubelet reports of healthy pods.

use serde_json::{Value, json};

use super::pod_status::{KUBELET, container_statuses, update_status};
use crate::model::accelerator::is_extended_resource;
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::controllers::context::ControllerContext;
use crate::sim::controllers::event;
use crate::sim::objects::devices::{plugin_id, pod_devices};
use crate::sim::objects::kinds::POD;
use crate::sim::objects::resources::requested_resources;
use crate::sim::objects::{claims, condition};

/// Reports that the pod is admitted, with its devices, and that its images are being pulled.
pub(super) fn report_admitted(context: &ControllerContext, pod: &Value) {
    let cluster = &context.cluster;
    let now = cluster.now();
    // `pod` was read before the devices were allocated.
    let updated = cluster.get(&POD, &metadata_text(pod, "namespace"), &metadata_text(pod, "name"));
    let resources = updated.map(|pod| allocated_resources(cluster, &pod)).unwrap_or_default();
    let mut statuses = container_statuses(pod, &json!({"waiting": {"reason": "ContainerCreating"}}), false);
    if context.config.reports_devices && !resources.is_empty() {
        statuses[accelerator_container(pod)]["allocatedResourcesStatus"] = json!(resources);
    }
    let message = unready_message(pod);
    update_status(cluster, pod, |status| {
        status["startTime"] = json!(now);
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "PodReadyToStartContainers", "False", "", "");
        condition::set(status, &now, "Initialized", "True", "", "");
        condition::set(status, &now, "Ready", "False", "ContainersNotReady", &message);
        condition::set(status, &now, "ContainersReady", "False", "ContainersNotReady", &message);
    });
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let message = format!("Pulling image {}", container["image"]);
        event::record(cluster, KUBELET, pod, ("Normal", "Pulling"), message);
    }
}

/// The devices of a pod by resource. Those of a claim are `claim:ENTRY`, each with driver, pool and name (kubernetes v1.37.2,
/// pkg/kubelet/cm/dra/manager.go).
fn allocated_resources(cluster: &SimCluster, pod: &Value) -> Vec<Value> {
    let resource = |name: &str, ids: Vec<String>| {
        let ids: Vec<_> = ids.iter().map(|id| json!({"resourceID": id, "health": "Healthy"})).collect();
        json!({"name": name, "resources": ids})
    };
    let claims = claims::existing_claims(cluster, pod).into_iter().map(|(entry, claim)| {
        let devices = claims::allocated_devices(&claim).into_iter();
        let ids = devices.map(|(driver, pool, device)| format!("{driver}/{pool}/{device}")).collect();
        resource(&format!("claim:{entry}"), ids)
    });
    let claims: Vec<_> = claims.collect();
    match (pod_devices(pod), requested_resources(pod).into_keys().next()) {
        (devices, Some(name)) if claims.is_empty() && !devices.is_empty() => {
            let ids = devices.into_iter().map(|(_, id, accelerator)| plugin_id(&name, id, accelerator));
            vec![resource(&name, ids.collect())]
        }
        _ => claims,
    }
}

/// Index of the container that requests an extended resource or a claim.
fn accelerator_container(pod: &Value) -> usize {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let requests_device = |container: &Value| {
        let resources = &container["resources"];
        let requests = resources["requests"].as_object();
        !resources["claims"].is_null() || requests.is_some_and(|all| all.keys().any(|name| is_extended_resource(name)))
    };
    all.into_iter().position(requests_device).unwrap_or(0)
}

fn unready_message(pod: &Value) -> String {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let names: Vec<_> = all.filter_map(|container| container["name"].as_str()).collect();
    format!("containers with unready status: [{}]", names.join(" "))
}

pub(super) fn report_pulled(cluster: &SimCluster, pod: &Value) {
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let message = format!("Successfully pulled image {}", container["image"]);
        event::record(cluster, KUBELET, pod, ("Normal", "Pulled"), message);
    }
}

/// Reports that the containers run, and are not ready yet.
pub(super) fn report_running(context: &ControllerContext, pod: &Value, address: &str) {
    let cluster = &context.cluster;
    let now = cluster.now();
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let name = container["name"].as_str().unwrap_or_default();
        event::record(cluster, KUBELET, pod, ("Normal", "Created"), format!("Container created: {name}"));
        event::record(cluster, KUBELET, pod, ("Normal", "Started"), format!("Container started: {name}"));
    }
    let statuses = container_statuses(pod, &json!({"running": {"startedAt": now}}), false);
    update_status(cluster, pod, |status| {
        status["phase"] = json!("Running");
        status["podIP"] = json!(address);
        status["podIPs"] = json!([{"ip": address}]);
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "PodReadyToStartContainers", "True", "", "");
    });
}

/// Reports whether the containers are ready.
pub(super) fn report_ready(cluster: &SimCluster, pod: &Value, ready: bool) {
    let now = cluster.now();
    let message = unready_message(pod);
    let (condition_status, reason, message) =
        if ready { ("True", "", "") } else { ("False", "ContainersNotReady", &*message) };
    update_status(cluster, pod, |status| {
        for container in status["containerStatuses"].as_array_mut().into_iter().flatten() {
            container["ready"] = json!(ready);
        }
        condition::set(status, &now, "Ready", condition_status, reason, message);
        condition::set(status, &now, "ContainersReady", condition_status, reason, message);
    });
}

/// Reports that the containers have stopped after the deletion of the pod.
pub(super) fn report_stopped(cluster: &SimCluster, pod: &Value) {
    let now = cluster.now();
    let ended = json!({"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": now}});
    let statuses = container_statuses(pod, &ended, false);
    update_status(cluster, pod, |status| {
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "Ready", "False", "PodCompleted", "");
        condition::set(status, &now, "ContainersReady", "False", "PodCompleted", "");
    });
    event::record(cluster, KUBELET, pod, ("Normal", "Killing"), "Stopping containers");
}
