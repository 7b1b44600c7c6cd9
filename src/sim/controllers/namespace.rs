//! The namespace controller: a namespace that is deleted goes when nothing is left in it.

use serde_json::json;

use super::kinds::{NAMESPACE, NAMESPACED_KINDS};
use super::manager::{CONTROLLER_MANAGER, ControllerManager};
use super::work_queue::WorkKind;
use super::{condition, garbage_collector, pods};
use crate::sim::cluster::{FieldManager, group_resource};
use crate::units::HumanDuration;

/// How long it waits for what has been told to end.
const RETRY_INTERVAL: HumanDuration = HumanDuration::from_secs(1);

/// Deletes what a namespace that is deleted holds, and then the namespace.
pub(super) fn sync(manager: &mut ControllerManager, name: &str) {
    let Some(namespace) = manager.cluster.get(&NAMESPACE, "", name) else { return };
    if !pods::is_deleting(&namespace) {
        return;
    }
    let mut left = Vec::new();
    for kind in &NAMESPACED_KINDS {
        for object in manager.cluster.list(kind, Some(name)) {
            garbage_collector::delete(manager, kind, &object);
        }
        let rest = manager.cluster.list(kind, Some(name)).len();
        if rest > 0 {
            left.push(format!("{}. has {rest} resource instances", group_resource(kind)));
        }
    }
    if left.is_empty() && !manager.config.namespace_stuck {
        manager.cluster.remove(&NAMESPACE, "", name);
        return;
    }
    let now = manager.cluster.now();
    let remains = format!("Some resources are remaining: {}", left.join(", "));
    let stuck = manager.config.namespace_stuck;
    // It was there a moment ago.
    let _ =
        manager.cluster.update(FieldManager::update_status(CONTROLLER_MANAGER), &NAMESPACE, "", name, |namespace| {
            let status = &mut namespace["status"];
            status["phase"] = json!("Terminating");
            let message = "All content successfully deleted, may be waiting on finalization";
            condition::set(status, &now, "NamespaceDeletionContentFailure", "False", "ContentDeleted", message);
            if !left.is_empty() {
                condition::set(status, &now, "NamespaceContentRemaining", "True", "SomeResourcesRemain", &remains);
            }
            if stuck {
                let message = "Some content in the namespace has finalizers remaining: \
                           nvidia.com/finalizer in 1 resource instances";
                condition::set(status, &now, "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message);
            }
        });
    if !left.is_empty() {
        manager.enqueue_after(WorkKind::Namespace, "", name, RETRY_INTERVAL);
    }
}
