//! What a kubelet writes of a pod that does what it should.

use serde_json::{Value, json};

use super::{KUBELET, containers, device, write};
use crate::sim::cluster::{Cluster, text};
use crate::sim::controllers::manager::Manager;
use crate::sim::controllers::scheduler::requested;
use crate::sim::controllers::{condition, event};

/// The pod is taken over, its devices are given, its image is on its way.
pub(super) fn admitted(manager: &Manager, pod: &Value) {
    let cluster = &manager.cluster;
    let now = cluster.now();
    // The devices have been given since.
    let given = cluster.get(&super::POD, &text(pod, "namespace"), &text(pod, "name"));
    let devices = given.map(|pod| device::of(&pod)).unwrap_or_default();
    let mut statuses = containers(pod, &json!({"waiting": {"reason": "ContainerCreating"}}), false);
    if manager.setting.reports_devices && !devices.is_empty() {
        let ids: Vec<_> = devices.iter().map(|(_, id, _)| json!({"resourceID": id, "health": "Healthy"})).collect();
        let resource = requested(pod).into_keys().next().unwrap_or_default();
        let holder = holder(pod);
        statuses[holder]["allocatedResourcesStatus"] = json!([{"name": resource, "resources": ids}]);
    }
    let waits = unready(pod);
    write(cluster, pod, |status| {
        status["startTime"] = json!(now);
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "PodReadyToStartContainers", "False", "", "");
        condition::set(status, &now, "Initialized", "True", "", "");
        condition::set(status, &now, "Ready", "False", "ContainersNotReady", &waits);
        condition::set(status, &now, "ContainersReady", "False", "ContainersNotReady", &waits);
    });
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let message = format!("Pulling image {}", container["image"]);
        event::tell(cluster, KUBELET, pod, ("Normal", "Pulling"), message);
    }
}

/// Which container holds the accelerators.
fn holder(pod: &Value) -> usize {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let asks = |container: &Value| {
        container["resources"]["requests"].as_object().is_some_and(|all| all.keys().any(|name| name.contains('/')))
    };
    all.into_iter().position(asks).unwrap_or(0)
}

fn unready(pod: &Value) -> String {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let names: Vec<_> = all.filter_map(|container| container["name"].as_str()).collect();
    format!("containers with unready status: [{}]", names.join(" "))
}

/// The image is there.
pub(super) fn pulled(cluster: &Cluster, pod: &Value) {
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let message = format!("Successfully pulled image {}", container["image"]);
        event::tell(cluster, KUBELET, pod, ("Normal", "Pulled"), message);
    }
}

/// The containers run; their probes have yet to pass.
pub(super) fn running(manager: &Manager, pod: &Value, address: &str) {
    let cluster = &manager.cluster;
    let now = cluster.now();
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let name = container["name"].as_str().unwrap_or_default();
        event::tell(cluster, KUBELET, pod, ("Normal", "Created"), format!("Container created: {name}"));
        event::tell(cluster, KUBELET, pod, ("Normal", "Started"), format!("Container started: {name}"));
    }
    let statuses = containers(pod, &json!({"running": {"startedAt": now}}), false);
    write(cluster, pod, |status| {
        status["phase"] = json!("Running");
        status["podIP"] = json!(address);
        status["podIPs"] = json!([{"ip": address}]);
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "PodReadyToStartContainers", "True", "", "");
    });
}

/// The probes pass, or do so no longer.
pub(super) fn ready(cluster: &Cluster, pod: &Value, ready: bool) {
    let now = cluster.now();
    let waits = unready(pod);
    let (holds, reason, message) = if ready { ("True", "", "") } else { ("False", "ContainersNotReady", &*waits) };
    write(cluster, pod, |status| {
        for container in status["containerStatuses"].as_array_mut().into_iter().flatten() {
            container["ready"] = json!(ready);
        }
        condition::set(status, &now, "Ready", holds, reason, message);
        condition::set(status, &now, "ContainersReady", holds, reason, message);
    });
}

/// The containers have ended, as they were told to.
pub(super) fn stopped(cluster: &Cluster, pod: &Value) {
    let now = cluster.now();
    let ended = json!({"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": now}});
    let statuses = containers(pod, &ended, false);
    write(cluster, pod, |status| {
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "Ready", "False", "PodCompleted", "");
        condition::set(status, &now, "ContainersReady", "False", "PodCompleted", "");
    });
    event::tell(cluster, KUBELET, pod, ("Normal", "Killing"), "Stopping containers");
}
