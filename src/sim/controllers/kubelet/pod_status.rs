//! The status of pods, as kubelets write it.

use serde_json::{Value, json};

use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::objects::kinds::POD;

/// Field manager and event component of the kubelets.
pub(super) const KUBELET: &str = "kubelet";

/// Updates a pod's status. The only error is NotFound: the pod is deleted.
pub(super) fn update_status(cluster: &SimCluster, pod: &Value, edit: impl FnOnce(&mut Value)) {
    let _ = cluster.update(
        FieldManager::update_status(KUBELET),
        &POD,
        &metadata_text(pod, "namespace"),
        &metadata_text(pod, "name"),
        |pod| {
            edit(&mut pod["status"]);
        },
    );
}

/// Builds the containerStatuses of a pod with one state for all.
pub(super) fn container_statuses(pod: &Value, state: &Value, ready: bool) -> Value {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let old = |n: usize| &pod["status"]["containerStatuses"][n];
    let statuses = all.enumerate().map(|(n, container)| {
        let mut status = json!({"name": container["name"], "image": container["image"],
            "imageID": "", "ready": ready, "started": !state["running"].is_null(),
            "restartCount": old(n)["restartCount"].as_i64().unwrap_or(0), "state": state});
        for field in ["allocatedResourcesStatus", "lastState"] {
            if !old(n)[field].is_null() {
                status[field] = old(n)[field].clone();
            }
        }
        status
    });
    Value::Array(statuses.collect())
}
