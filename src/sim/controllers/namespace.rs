//! The namespace controller: deletes the content of a deleted namespace, then the namespace.

use serde_json::json;

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::garbage_collector;
use super::work_queue::WorkKind;
use crate::sim::cluster::{FieldManager, group_resource};
use crate::sim::objects::kinds::{NAMESPACE, NAMESPACED_KINDS};
use crate::sim::objects::{condition, state};
use crate::units::HumanDuration;

/// Interval at which it checks for remaining content.
const RETRY_INTERVAL: HumanDuration = HumanDuration::from_secs(1);

/// Deletes the content of a namespace that is being deleted; removes the namespace when it is empty.
pub(super) fn sync(context: &mut ControllerContext, name: &str) {
    let Some(namespace) = context.cluster.get(&NAMESPACE, "", name) else { return };
    if !state::is_deleting(&namespace) {
        return;
    }
    let mut remaining_kinds = Vec::new();
    for kind in &NAMESPACED_KINDS {
        for object in context.cluster.list(kind, Some(name)) {
            garbage_collector::delete(context, kind, &object);
        }
        let count = context.cluster.list(kind, Some(name)).len();
        if count > 0 {
            remaining_kinds.push(format!("{}. has {count} resource instances", group_resource(kind)));
        }
    }
    if remaining_kinds.is_empty() && !context.config.namespace_stuck {
        context.cluster.remove(&NAMESPACE, "", name);
        return;
    }
    let now = context.cluster.now();
    let remaining = format!("Some resources are remaining: {}", remaining_kinds.join(", "));
    let stuck = context.config.namespace_stuck;
    // Cannot fail: the namespace has just been read.
    let _ =
        context.cluster.update(FieldManager::update_status(CONTROLLER_MANAGER), &NAMESPACE, "", name, |namespace| {
            let status = &mut namespace["status"];
            status["phase"] = json!("Terminating");
            let message = "All content successfully deleted, may be waiting on finalization";
            condition::set(status, &now, "NamespaceDeletionContentFailure", "False", "ContentDeleted", message);
            if !remaining_kinds.is_empty() {
                condition::set(status, &now, "NamespaceContentRemaining", "True", "SomeResourcesRemain", &remaining);
            }
            if stuck {
                let message = "Some content in the namespace has finalizers remaining: \
                           nvidia.com/finalizer in 1 resource instances";
                condition::set(status, &now, "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message);
            }
        });
    if !remaining_kinds.is_empty() {
        context.enqueue_after(WorkKind::Namespace, "", name, RETRY_INTERVAL);
    }
}
