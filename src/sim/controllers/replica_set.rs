//! The `ReplicaSet` controller.

use serde_json::{Value, json};
use std::sync::Arc;

use super::condition::holds;
use super::kinds::REPLICA_SET;
use super::manager::{MANAGER, Manager};
use super::queue::Duty;
use super::{event, pods, revision};
use crate::sim::cluster::{Hand, text};
use crate::units::Span;

const COMPONENT: &str = "replicaset-controller";
/// How long after a refused pod it tries again.
const RETRY: Span = Span::from_secs(10);

/// Makes or deletes pods until there are as many as asked for, and says how many there are.
pub(super) fn sync(manager: &mut Manager, namespace: &str, name: &str) {
    let Some(set) = manager.cluster.get(&REPLICA_SET, namespace, name) else { return };
    if pods::is_deleting(&set) {
        return;
    }
    let mut active = pods::owned(&manager.cluster, &set);
    active.retain(|pod| pods::is_active(pod));
    let wanted = usize::try_from(set["spec"]["replicas"].as_u64().unwrap_or(1)).unwrap_or(0);
    for _ in active.len()..wanted {
        if !create(manager, &set) {
            manager.plan(Duty::ReplicaSet, namespace, name, RETRY);
            break;
        }
    }
    if active.len() > wanted {
        surrender(manager, &set, &active, active.len() - wanted);
    }
    let mut now = pods::owned(&manager.cluster, &set);
    now.retain(|pod| pods::is_active(pod));
    status(manager, &set, &now);
}

fn create(manager: &Manager, set: &Value) -> bool {
    let name = format!("{}-{}", text(set, "name"), revision::suffix(&manager.cluster));
    match pods::create(&manager.cluster, set, &name, &[]) {
        Ok(()) => {
            let message = format!("Created pod: {name}");
            event::tell(&manager.cluster, COMPONENT, set, ("Normal", "SuccessfulCreate"), message);
            true
        }
        Err(refusal) => {
            let message = format!("Error creating: {refusal}");
            event::tell(&manager.cluster, COMPONENT, set, ("Warning", "FailedCreate"), message);
            false
        }
    }
}

fn surrender(manager: &Manager, set: &Value, active: &[Arc<Value>], surplus: usize) {
    let mut ranked = active.to_vec();
    ranked.sort_by_cached_key(|pod| pods::rank(pod, active));
    for pod in ranked.iter().take(surplus) {
        pods::delete(&manager.cluster, pod);
        let message = format!("Deleted pod: {}", text(pod, "name"));
        event::tell(&manager.cluster, COMPONENT, set, ("Normal", "SuccessfulDelete"), message);
    }
}

fn status(manager: &Manager, set: &Value, active: &[Arc<Value>]) {
    let ready = active.iter().filter(|pod| holds(pod, "Ready")).count();
    let (namespace, name) = (text(set, "namespace"), text(set, "name"));
    // One that is gone has no status.
    let _ = manager.cluster.change(Hand::status(MANAGER), &REPLICA_SET, &namespace, &name, |set| {
        let generation = set["metadata"]["generation"].clone();
        set["status"] = json!({"replicas": active.len(), "fullyLabeledReplicas": active.len(),
            "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": generation});
    });
}
