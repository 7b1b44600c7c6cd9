//! The Deployment controller: one `ReplicaSet` per pod template, with Recreate or `RollingUpdate` between them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::{event, generated_names};
use crate::sim::cluster::{FieldManager, metadata_text};
use crate::sim::objects::kinds::{DEPLOYMENT, REPLICA_SET};
use crate::sim::objects::{condition, owner, state};

/// Scales the `ReplicaSets` of a Deployment, and updates its status.
pub(super) fn sync(context: &mut ControllerContext, namespace: &str, name: &str) {
    let Some(deployment) = context.cluster.get(&DEPLOYMENT, namespace, name) else { return };
    if state::is_deleting(&deployment) {
        return;
    }
    let desired = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    let hash = generated_names::template_hash(&deployment["spec"]["template"]);
    let newest = format!("{name}-{hash}");
    if context.cluster.get(&REPLICA_SET, namespace, &newest).is_none() {
        create_replica_set(context, &deployment, &newest, &hash);
    }
    let mut sets = context.cluster.list(&REPLICA_SET, Some(namespace));
    sets.retain(|set| owner::is_controlled_by(set, &deployment));
    let (new, old): (Vec<_>, Vec<_>) = sets.into_iter().partition(|set| metadata_text(set, "name") == newest);
    let Some(new) = new.into_iter().next() else { return };
    for (set, size) in replica_set_sizes(&deployment, desired, &new, &old) {
        scale_replica_set(context, &deployment, &set, size);
    }
    update_status(context, &deployment, desired, &new, &old);
}

fn create_replica_set(context: &ControllerContext, deployment: &Value, name: &str, hash: &str) {
    const LABEL: &str = "pod-template-hash";
    let mut spec = json!({"replicas": 0, "selector": deployment["spec"]["selector"],
        "template": deployment["spec"]["template"]});
    spec["selector"]["matchLabels"][LABEL] = json!(hash);
    spec["template"]["metadata"]["labels"][LABEL] = json!(hash);
    let set = json!({"metadata": {"name": name, "namespace": deployment["metadata"]["namespace"],
        "labels": spec["template"]["metadata"]["labels"], "ownerReferences": [owner::owner_reference(deployment)]},
        "spec": spec, "status": {"replicas": 0}});
    // Cannot fail: the caller has checked that the name is free.
    let _ = context.cluster.create(FieldManager::update(CONTROLLER_MANAGER), &REPLICA_SET, set);
}

/// Returns the desired replicas of each `ReplicaSet` at this step of a rollout.
fn replica_set_sizes(deployment: &Value, desired: i64, new: &Arc<Value>, old: &[Arc<Value>]) -> Vec<(Arc<Value>, i64)> {
    let size = |set: &Value| set["spec"]["replicas"].as_i64().unwrap_or(0);
    let old_replicas: i64 = old.iter().map(|set| size(set).max(status_count(set, "replicas"))).sum();
    let set_all = |to: i64| old.iter().map(move |set| (Arc::clone(set), to));
    let strategy = &deployment["spec"]["strategy"];
    if old_replicas == 0 {
        return vec![(Arc::clone(new), desired)];
    }
    if strategy["type"] == "Recreate" {
        return set_all(0).collect();
    }
    let max_surge = resolve_int_or_percent(&strategy["rollingUpdate"]["maxSurge"], desired, true);
    let max_unavailable = resolve_int_or_percent(&strategy["rollingUpdate"]["maxUnavailable"], desired, false);
    let new_size =
        (desired + max_surge.max(i64::from(max_unavailable == 0)) - old_replicas).max(size(new)).min(desired);
    let available = status_count(new, "availableReplicas")
        + old.iter().map(|set| status_count(set, "availableReplicas")).sum::<i64>();
    let mut surplus = (available - (desired - max_unavailable)).max(0);
    let mut all = vec![(Arc::clone(new), new_size)];
    for set in old {
        let removed = surplus.min(size(set));
        surplus -= removed;
        all.push((Arc::clone(set), size(set) - removed));
    }
    all
}

fn status_count(set: &Value, field: &str) -> i64 {
    set["status"][field].as_i64().unwrap_or(0)
}

/// Resolves a number of replicas or a percentage of `total`; the default is 25 %.
fn resolve_int_or_percent(value: &Value, total: i64, round_up: bool) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent = value.as_str().and_then(|text| text.trim_end_matches('%').parse().ok()).unwrap_or(25);
    (total * percent + if round_up { 99 } else { 0 }) / 100
}

fn scale_replica_set(context: &ControllerContext, deployment: &Value, set: &Value, to: i64) {
    let from = set["spec"]["replicas"].as_i64().unwrap_or(0);
    if from == to {
        return;
    }
    let (namespace, name) = (metadata_text(set, "namespace"), metadata_text(set, "name"));
    // The error is NotFound: the object is deleted.
    let _ = context.cluster.update(FieldManager::update(CONTROLLER_MANAGER), &REPLICA_SET, &namespace, &name, |set| {
        set["spec"]["replicas"] = json!(to);
    });
    let direction = if to > from { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {name} from {from} to {to}");
    event::record(&context.cluster, "deployment-controller", deployment, ("Normal", "ScalingReplicaSet"), message);
}

fn update_status(context: &ControllerContext, deployment: &Value, desired: i64, new: &Value, old: &[Arc<Value>]) {
    let all = |field: &str| status_count(new, field) + old.iter().map(|set| status_count(set, field)).sum::<i64>();
    let (updated, available, replicas) = (status_count(new, "replicas"), all("availableReplicas"), all("replicas"));
    let now = context.cluster.now();
    let max_unavailable =
        resolve_int_or_percent(&deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], desired, false);
    let max_unavailable = if deployment["spec"]["strategy"]["type"] == "Recreate" { 0 } else { max_unavailable };
    let set = metadata_text(new, "name");
    let (namespace, name) = (metadata_text(deployment, "namespace"), metadata_text(deployment, "name"));
    // The error is NotFound: the object is deleted.
    let _ = context.cluster.update(
        FieldManager::update_status(CONTROLLER_MANAGER),
        &DEPLOYMENT,
        &namespace,
        &name,
        |deployment| {
            let generation = deployment["metadata"]["generation"].clone();
            let conditions = deployment["status"]["conditions"].take();
            let mut status = json!({"observedGeneration": generation, "replicas": replicas, "updatedReplicas": updated,
            "readyReplicas": all("readyReplicas"), "availableReplicas": available, "conditions": conditions});
            if desired > available {
                status["unavailableReplicas"] = json!(desired - available);
            }
            if available >= desired - max_unavailable {
                let message = "Deployment has minimum availability.";
                condition::set(&mut status, &now, "Available", "True", "MinimumReplicasAvailable", message);
            } else {
                let message = "Deployment does not have minimum availability.";
                condition::set(&mut status, &now, "Available", "False", "MinimumReplicasUnavailable", message);
            }
            let complete = updated == desired && replicas == desired && available == desired;
            let (reason, progress) = if complete {
                ("NewReplicaSetAvailable", "has successfully progressed")
            } else {
                ("ReplicaSetUpdated", "is progressing")
            };
            let message = format!("ReplicaSet \"{set}\" {progress}.");
            condition::set(&mut status, &now, "Progressing", "True", reason, &message);
            deployment["status"] = status;
        },
    );
}
