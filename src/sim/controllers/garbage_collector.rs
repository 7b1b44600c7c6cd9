//! The garbage collector: what belongs to something that is gone goes too; what is deleted in the foreground goes after
//! what belongs to it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{NAMESPACED_KINDS, POD};
use super::manager::{CONTROLLER_MANAGER, ControllerManager};
use super::pods;
use crate::model::resource_kind::ResourceKind;
use crate::sim::api::{FOREGROUND_FINALIZER, delete_in_foreground};
use crate::sim::cluster::{FieldManager, metadata_text};

/// Kinds to which others belong.
const OWNER_KINDS: [&str; 6] = ["Deployment", "StatefulSet", "ReplicaSet", "Service", "DaemonSet", "Job"];

/// Deletes what belongs to an object that is gone.
pub(super) fn delete_dependents(manager: &ControllerManager, gone: &Value) {
    for (kind, object) in dependents(manager, gone) {
        delete(manager, &kind, &object);
    }
}

/// An object that is deleted: it goes once nothing that belongs to it is left, and no other finalizer holds it. Pods and
/// namespaces have their own ways.
pub(super) fn sync_foreground(manager: &mut ControllerManager, namespace: &str, name: &str) {
    for kind in NAMESPACED_KINDS.iter().filter(|kind| **kind != POD) {
        let Some(object) = manager.cluster.get(kind, namespace, name).filter(|one| pods::is_deleting(one)) else {
            continue;
        };
        let left = dependents(manager, &object);
        if !left.is_empty() {
            for (kind, one) in &left {
                if OWNER_KINDS.contains(&kind.kind) {
                    // It was there a moment ago.
                    let _ = delete_in_foreground(&manager.cluster, kind, namespace, &metadata_text(one, "name"));
                } else {
                    delete(manager, kind, one);
                }
            }
            manager.enqueue(super::work_queue::WorkKind::ForegroundDeletion, namespace, name);
            continue;
        }
        let mut finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        finalizers.retain(|one| one != FOREGROUND_FINALIZER);
        if finalizers.is_empty() {
            manager.cluster.remove(kind, namespace, name);
        } else {
            // It was there a moment ago.
            let _ = manager.cluster.update(FieldManager::update(CONTROLLER_MANAGER), kind, namespace, name, |one| {
                one["metadata"]["finalizers"] = json!(finalizers);
            });
        }
    }
}

fn dependents(manager: &ControllerManager, owner: &Value) -> Vec<(ResourceKind, Arc<Value>)> {
    let uid = &owner["metadata"]["uid"];
    let belongs = |object: &Value| {
        object["metadata"]["ownerReferences"].as_array().is_some_and(|all| all.iter().any(|of| of["uid"] == *uid))
    };
    let namespace = metadata_text(owner, "namespace");
    if !owner["kind"].as_str().is_some_and(|kind| OWNER_KINDS.contains(&kind)) {
        return Vec::new();
    }
    let listed = NAMESPACED_KINDS.iter().flat_map(|kind| {
        let objects = manager.cluster.list(kind, Some(&namespace));
        objects.into_iter().filter(|object| belongs(object)).map(|object| (*kind, object))
    });
    listed.collect()
}

/// Deletes an object; one that has finalizers waits for them.
pub(super) fn delete(manager: &ControllerManager, kind: &ResourceKind, object: &Value) {
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    if *kind == POD {
        return pods::delete(&manager.cluster, object);
    }
    if object["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
        manager.cluster.remove(kind, &namespace, &name);
    } else if !pods::is_deleting(object) {
        let now = manager.cluster.now();
        // It was there a moment ago.
        let _ = manager.cluster.update(FieldManager::update(""), kind, &namespace, &name, |object| {
            object["metadata"]["deletionTimestamp"] = json!(now);
        });
    }
}
