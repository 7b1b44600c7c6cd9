//! Whether an aggregated API can be reached: its Service has a ready pod.

use super::condition;
use super::endpoint_slice;
use super::kinds::{API_SERVICE, SERVICE};
use super::manager::ControllerManager;
use crate::sim::cluster::FieldManager;

/// Writes whether an `APIService` is available.
pub(super) fn sync(manager: &mut ControllerManager, name: &str) {
    let cluster = &manager.cluster;
    let Some(found) = cluster.get(&API_SERVICE, "", name) else { return };
    let of = &found["spec"]["service"];
    let (namespace, service) = (of["namespace"].as_str().unwrap_or_default(), of["name"].as_str().unwrap_or_default());
    let (holds, reason, message) = if of.is_null() {
        ("True", "Local", "Local APIServices are always available".to_owned())
    } else if cluster.get(&SERVICE, namespace, service).is_none() {
        ("False", "ServiceNotFound", format!("service/{service} in \"{namespace}\" is not present"))
    } else if endpoint_slice::has_ready_endpoint(cluster, namespace, service) {
        ("True", "Passed", "all checks passed".to_owned())
    } else {
        let message = format!("endpoints for service/{service} in \"{namespace}\" have no addresses");
        ("False", "MissingEndpoints", message)
    };
    let now = cluster.now();
    // One that is gone has no status.
    let _ = cluster.update(FieldManager::update_status("kube-apiserver"), &API_SERVICE, "", name, |found| {
        condition::set(&mut found["status"], &now, "Available", holds, reason, &message);
    });
}
