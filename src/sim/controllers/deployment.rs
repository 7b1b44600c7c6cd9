//! The Deployment controller: one `ReplicaSet` for each template, Recreate or `RollingUpdate` between them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{DEPLOYMENT, REPLICA_SET};
use super::manager::{CONTROLLER_MANAGER, ControllerManager};
use super::{condition, event, generated_names, pods};
use crate::sim::cluster::{FieldManager, metadata_text};

/// Brings the `ReplicaSets` of a Deployment to their sizes, and tells how far they are.
pub(super) fn sync(manager: &mut ControllerManager, namespace: &str, name: &str) {
    let Some(deployment) = manager.cluster.get(&DEPLOYMENT, namespace, name) else { return };
    if pods::is_deleting(&deployment) {
        return;
    }
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    let hash = generated_names::template_hash(&deployment["spec"]["template"]);
    let newest = format!("{name}-{hash}");
    if manager.cluster.get(&REPLICA_SET, namespace, &newest).is_none() {
        create_replica_set(manager, &deployment, &newest, &hash);
    }
    let mut sets = manager.cluster.list(&REPLICA_SET, Some(namespace));
    sets.retain(|set| pods::is_controlled_by(set, &deployment));
    let (new, old): (Vec<_>, Vec<_>) = sets.into_iter().partition(|set| metadata_text(set, "name") == newest);
    let Some(new) = new.into_iter().next() else { return };
    for (set, size) in replica_set_sizes(&deployment, wanted, &new, &old) {
        scale_replica_set(manager, &deployment, &set, size);
    }
    update_status(manager, &deployment, wanted, &new, &old);
}

fn create_replica_set(manager: &ControllerManager, deployment: &Value, name: &str, hash: &str) {
    const LABEL: &str = "pod-template-hash";
    let mut spec = json!({"replicas": 0, "selector": deployment["spec"]["selector"],
        "template": deployment["spec"]["template"]});
    spec["selector"]["matchLabels"][LABEL] = json!(hash);
    spec["template"]["metadata"]["labels"][LABEL] = json!(hash);
    let set = json!({"metadata": {"name": name, "namespace": deployment["metadata"]["namespace"],
        "labels": spec["template"]["metadata"]["labels"], "ownerReferences": [pods::owner_reference(deployment)]},
        "spec": spec, "status": {"replicas": 0}});
    // Its name was free a moment ago.
    let _ = manager.cluster.create(FieldManager::update(CONTROLLER_MANAGER), &REPLICA_SET, set);
}

/// The sizes that the `ReplicaSets` should have now.
fn replica_set_sizes(deployment: &Value, wanted: i64, new: &Arc<Value>, old: &[Arc<Value>]) -> Vec<(Arc<Value>, i64)> {
    let size = |set: &Value| set["spec"]["replicas"].as_i64().unwrap_or(0);
    let alive: i64 = old.iter().map(|set| size(set).max(status_count(set, "replicas"))).sum();
    let each = |to: i64| old.iter().map(move |set| (Arc::clone(set), to));
    let strategy = &deployment["spec"]["strategy"];
    if alive == 0 {
        return vec![(Arc::clone(new), wanted)];
    }
    if strategy["type"] == "Recreate" {
        return each(0).collect();
    }
    let surge = resolve_int_or_percent(&strategy["rollingUpdate"]["maxSurge"], wanted, true);
    let absent = resolve_int_or_percent(&strategy["rollingUpdate"]["maxUnavailable"], wanted, false);
    let grown = (wanted + surge.max(i64::from(absent == 0)) - alive).max(size(new)).min(wanted);
    let available = status_count(new, "availableReplicas")
        + old.iter().map(|set| status_count(set, "availableReplicas")).sum::<i64>();
    let mut surplus = (available - (wanted - absent)).max(0);
    let mut all = vec![(Arc::clone(new), grown)];
    for set in old {
        let less = surplus.min(size(set));
        surplus -= less;
        all.push((Arc::clone(set), size(set) - less));
    }
    all
}

fn status_count(set: &Value, field: &str) -> i64 {
    set["status"][field].as_i64().unwrap_or(0)
}

/// A number of replicas, or a percentage of them; 25 % where none is stated.
fn resolve_int_or_percent(stated: &Value, of: i64, up: bool) -> i64 {
    if let Some(number) = stated.as_i64() {
        return number;
    }
    let percent = stated.as_str().and_then(|text| text.trim_end_matches('%').parse().ok()).unwrap_or(25);
    (of * percent + if up { 99 } else { 0 }) / 100
}

fn scale_replica_set(manager: &ControllerManager, deployment: &Value, set: &Value, to: i64) {
    let from = set["spec"]["replicas"].as_i64().unwrap_or(0);
    if from == to {
        return;
    }
    let (namespace, name) = (metadata_text(set, "namespace"), metadata_text(set, "name"));
    // One that is gone has no size.
    let _ = manager.cluster.update(FieldManager::update(CONTROLLER_MANAGER), &REPLICA_SET, &namespace, &name, |set| {
        set["spec"]["replicas"] = json!(to);
    });
    let way = if to > from { "up" } else { "down" };
    let message = format!("Scaled {way} replica set {name} from {from} to {to}");
    event::record(&manager.cluster, "deployment-controller", deployment, ("Normal", "ScalingReplicaSet"), message);
}

fn update_status(manager: &ControllerManager, deployment: &Value, wanted: i64, new: &Value, old: &[Arc<Value>]) {
    let all = |field: &str| status_count(new, field) + old.iter().map(|set| status_count(set, field)).sum::<i64>();
    let (updated, available, replicas) = (status_count(new, "replicas"), all("availableReplicas"), all("replicas"));
    let now = manager.cluster.now();
    let absent =
        resolve_int_or_percent(&deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], wanted, false);
    let absent = if deployment["spec"]["strategy"]["type"] == "Recreate" { 0 } else { absent };
    let set = metadata_text(new, "name");
    let (namespace, name) = (metadata_text(deployment, "namespace"), metadata_text(deployment, "name"));
    // One that is gone has no status.
    let _ = manager.cluster.update(
        FieldManager::update_status(CONTROLLER_MANAGER),
        &DEPLOYMENT,
        &namespace,
        &name,
        |deployment| {
            let generation = deployment["metadata"]["generation"].clone();
            let conditions = deployment["status"]["conditions"].take();
            let mut status = json!({"observedGeneration": generation, "replicas": replicas, "updatedReplicas": updated,
            "readyReplicas": all("readyReplicas"), "availableReplicas": available, "conditions": conditions});
            if wanted > available {
                status["unavailableReplicas"] = json!(wanted - available);
            }
            if available >= wanted - absent {
                let message = "Deployment has minimum availability.";
                condition::set(&mut status, &now, "Available", "True", "MinimumReplicasAvailable", message);
            } else {
                let message = "Deployment does not have minimum availability.";
                condition::set(&mut status, &now, "Available", "False", "MinimumReplicasUnavailable", message);
            }
            let complete = updated == wanted && replicas == wanted && available == wanted;
            let (reason, words) = if complete {
                ("NewReplicaSetAvailable", "has successfully progressed")
            } else {
                ("ReplicaSetUpdated", "is progressing")
            };
            let message = format!("ReplicaSet \"{set}\" {words}.");
            condition::set(&mut status, &now, "Progressing", "True", reason, &message);
            deployment["status"] = status;
        },
    );
}
