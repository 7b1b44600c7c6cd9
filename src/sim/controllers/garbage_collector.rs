//! The garbage collector: deletes the dependents of a deleted owner, in the background or before the owner (foreground).

use std::sync::Arc;

use serde_json::{Value, json};

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::pods;
use crate::model::resource_kind::ResourceKind;
use crate::sim::api::{FOREGROUND_FINALIZER, delete_in_foreground};
use crate::sim::cluster::{FieldManager, metadata_text};
use crate::sim::objects::kinds::{NAMESPACED_KINDS, POD};
use crate::sim::objects::state;

/// Kinds that own other objects.
const OWNER_KINDS: [&str; 7] =
    ["Deployment", "StatefulSet", "ReplicaSet", "Service", "DaemonSet", "Job", "ScaledObject"];

/// Deletes the dependents of an owner that is removed.
pub(super) fn delete_dependents(context: &ControllerContext, owner: &Value) {
    for (kind, object) in dependents(context, owner) {
        delete(context, &kind, &object);
    }
}

/// Removes an object with a deletionTimestamp once it has no dependents and no other finalizer. The kubelet removes pods,
/// and the namespace controller namespaces.
pub(super) fn sync_foreground(context: &mut ControllerContext, namespace: &str, name: &str) {
    for kind in NAMESPACED_KINDS.iter().filter(|kind| **kind != POD) {
        let found = context.cluster.get(kind, namespace, name);
        let Some(object) = found.filter(|one| state::is_deleting(one) && !awaits_others(one)) else { continue };
        let remaining = dependents(context, &object);
        if !remaining.is_empty() {
            for (kind, one) in &remaining {
                if OWNER_KINDS.contains(&kind.kind) {
                    // Cannot fail: the object has just been listed.
                    let _ = delete_in_foreground(&context.cluster, kind, namespace, &metadata_text(one, "name"));
                } else {
                    delete(context, kind, one);
                }
            }
            context.enqueue(super::work_queue::WorkKind::ForegroundDeletion, namespace, name);
            continue;
        }
        let mut finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        finalizers.retain(|one| one != FOREGROUND_FINALIZER);
        if finalizers.is_empty() {
            context.cluster.remove(kind, namespace, name);
        } else {
            // Cannot fail: the object has just been read.
            let _ = context.cluster.update(FieldManager::update(CONTROLLER_MANAGER), kind, namespace, name, |one| {
                one["metadata"]["finalizers"] = json!(finalizers);
            });
        }
    }
}

/// Whether only finalizers of others keep an object: its dependents then stay until it is gone.
fn awaits_others(object: &Value) -> bool {
    let finalizers = object["metadata"]["finalizers"].as_array();
    finalizers.is_some_and(|all| !all.is_empty() && all.iter().all(|one| one != FOREGROUND_FINALIZER))
}

fn dependents(context: &ControllerContext, owner: &Value) -> Vec<(ResourceKind, Arc<Value>)> {
    let uid = &owner["metadata"]["uid"];
    let is_dependent = |object: &Value| {
        object["metadata"]["ownerReferences"].as_array().is_some_and(|all| all.iter().any(|of| of["uid"] == *uid))
    };
    let namespace = metadata_text(owner, "namespace");
    if !owner["kind"].as_str().is_some_and(|kind| OWNER_KINDS.contains(&kind)) {
        return Vec::new();
    }
    let listed = NAMESPACED_KINDS.iter().flat_map(|kind| {
        let objects = context.cluster.list(kind, Some(&namespace));
        objects.into_iter().filter(|object| is_dependent(object)).map(|object| (*kind, object))
    });
    listed.collect()
}

/// Deletes an object; one with finalizers only gets a deletionTimestamp.
pub(super) fn delete(context: &ControllerContext, kind: &ResourceKind, object: &Value) {
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    if *kind == POD {
        return pods::delete(&context.cluster, object);
    }
    if object["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
        context.cluster.remove(kind, &namespace, &name);
    } else if !state::is_deleting(object) {
        let now = context.cluster.now();
        // The error is NotFound: the object is deleted.
        let _ = context.cluster.update(FieldManager::update(""), kind, &namespace, &name, |object| {
            object["metadata"]["deletionTimestamp"] = json!(now);
        });
    }
}
