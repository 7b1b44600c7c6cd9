//! What a kubelet writes of a pod that does what it should.

use serde_json::{Value, json};

use super::{KUBELET, container_statuses, devices, update_status};
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::controllers::manager::ControllerManager;
use crate::sim::controllers::scheduler::requested_resources;
use crate::sim::controllers::{condition, event};

/// The pod is taken over, its devices are given, its image is on its way.
pub(super) fn report_admitted(manager: &ControllerManager, pod: &Value) {
    let cluster = &manager.cluster;
    let now = cluster.now();
    // The devices have been given since.
    let given = cluster.get(&super::POD, &metadata_text(pod, "namespace"), &metadata_text(pod, "name"));
    let devices = given.map(|pod| devices::pod_devices(&pod)).unwrap_or_default();
    let mut statuses = container_statuses(pod, &json!({"waiting": {"reason": "ContainerCreating"}}), false);
    if manager.config.reports_devices && !devices.is_empty() {
        let ids: Vec<_> = devices.iter().map(|(_, id, _)| json!({"resourceID": id, "health": "Healthy"})).collect();
        let resource = requested_resources(pod).into_keys().next().unwrap_or_default();
        let holder = accelerator_container(pod);
        statuses[holder]["allocatedResourcesStatus"] = json!([{"name": resource, "resources": ids}]);
    }
    let waits = unready_message(pod);
    update_status(cluster, pod, |status| {
        status["startTime"] = json!(now);
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "PodReadyToStartContainers", "False", "", "");
        condition::set(status, &now, "Initialized", "True", "", "");
        condition::set(status, &now, "Ready", "False", "ContainersNotReady", &waits);
        condition::set(status, &now, "ContainersReady", "False", "ContainersNotReady", &waits);
    });
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let message = format!("Pulling image {}", container["image"]);
        event::record(cluster, KUBELET, pod, ("Normal", "Pulling"), message);
    }
}

/// Which container holds the accelerators.
fn accelerator_container(pod: &Value) -> usize {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let asks = |container: &Value| {
        container["resources"]["requests"].as_object().is_some_and(|all| all.keys().any(|name| name.contains('/')))
    };
    all.into_iter().position(asks).unwrap_or(0)
}

fn unready_message(pod: &Value) -> String {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let names: Vec<_> = all.filter_map(|container| container["name"].as_str()).collect();
    format!("containers with unready status: [{}]", names.join(" "))
}

/// The image is there.
pub(super) fn report_pulled(cluster: &SimCluster, pod: &Value) {
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let message = format!("Successfully pulled image {}", container["image"]);
        event::record(cluster, KUBELET, pod, ("Normal", "Pulled"), message);
    }
}

/// The containers run; their probes have yet to pass.
pub(super) fn report_running(manager: &ControllerManager, pod: &Value, address: &str) {
    let cluster = &manager.cluster;
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

/// The probes pass, or do so no longer.
pub(super) fn report_ready(cluster: &SimCluster, pod: &Value, ready: bool) {
    let now = cluster.now();
    let waits = unready_message(pod);
    let (holds, reason, message) = if ready { ("True", "", "") } else { ("False", "ContainersNotReady", &*waits) };
    update_status(cluster, pod, |status| {
        for container in status["containerStatuses"].as_array_mut().into_iter().flatten() {
            container["ready"] = json!(ready);
        }
        condition::set(status, &now, "Ready", holds, reason, message);
        condition::set(status, &now, "ContainersReady", holds, reason, message);
    });
}

/// The containers have ended, as they were told to.
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
