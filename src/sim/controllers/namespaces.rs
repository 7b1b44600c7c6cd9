//! The namespace controller: a namespace that is deleted goes when nothing is left in it.

use serde_json::json;

use super::kinds::{NAMESPACE, NAMESPACED};
use super::manager::{MANAGER, Manager};
use super::queue::Duty;
use super::{condition, garbage, pods};
use crate::sim::cluster::{Hand, resource};
use crate::units::Span;

/// How long it waits for what has been told to end.
const AGAIN: Span = Span::from_secs(1);

/// Deletes what a namespace that is deleted holds, and then the namespace.
pub(super) fn sync(manager: &mut Manager, name: &str) {
    let Some(namespace) = manager.cluster.get(&NAMESPACE, "", name) else { return };
    if !pods::is_deleting(&namespace) {
        return;
    }
    let mut left = Vec::new();
    for kind in &NAMESPACED {
        for object in manager.cluster.list(kind, Some(name)) {
            garbage::delete(manager, kind, &object);
        }
        let rest = manager.cluster.list(kind, Some(name)).len();
        if rest > 0 {
            left.push(format!("{}. has {rest} resource instances", resource(kind)));
        }
    }
    if left.is_empty() && !manager.setting.namespace_stuck {
        manager.cluster.remove(&NAMESPACE, "", name);
        return;
    }
    let now = manager.cluster.now();
    let remains = format!("Some resources are remaining: {}", left.join(", "));
    let stuck = manager.setting.namespace_stuck;
    // It was there a moment ago.
    let _ = manager.cluster.change(Hand::status(MANAGER), &NAMESPACE, "", name, |namespace| {
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
        manager.plan(Duty::Namespace, "", name, AGAIN);
    }
}
