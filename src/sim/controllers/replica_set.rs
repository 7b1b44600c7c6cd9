//! The `ReplicaSet` controller.

use serde_json::{Value, json};
use std::sync::Arc;

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::work_queue::WorkKind;
use super::{event, generated_names, pods};
use crate::sim::cluster::{FieldManager, metadata_text};
use crate::sim::objects::condition::is_condition_true;
use crate::sim::objects::kinds::REPLICA_SET;
use crate::sim::objects::state;
use crate::units::HumanDuration;

const COMPONENT: &str = "replicaset-controller";
/// Delay until the next attempt after a rejected pod.
const RETRY_DELAY: HumanDuration = HumanDuration::from_secs(10);

/// Creates or deletes pods to match the desired replicas, and updates the status.
pub(super) fn sync(context: &mut ControllerContext, namespace: &str, name: &str) {
    let Some(set) = context.cluster.get(&REPLICA_SET, namespace, name) else { return };
    if state::is_deleting(&set) {
        return;
    }
    let mut active = pods::controlled_pods(&context.cluster, &set);
    active.retain(|pod| state::is_active(pod));
    let desired = usize::try_from(set["spec"]["replicas"].as_u64().unwrap_or(1)).unwrap_or(0);
    for _ in active.len()..desired {
        if !create_pod(context, &set) {
            context.enqueue_after(WorkKind::ReplicaSet, namespace, name, RETRY_DELAY);
            break;
        }
    }
    if active.len() > desired {
        delete_surplus(context, &set, &active, active.len() - desired);
    }
    let mut now = pods::controlled_pods(&context.cluster, &set);
    now.retain(|pod| state::is_active(pod));
    update_status(context, &set, &now);
}

fn create_pod(context: &ControllerContext, set: &Value) -> bool {
    let name = format!("{}-{}", metadata_text(set, "name"), generated_names::random_suffix(&context.cluster));
    match pods::create(&context.cluster, set, &name, &[]) {
        Ok(()) => {
            let message = format!("Created pod: {name}");
            event::record(&context.cluster, COMPONENT, set, ("Normal", "SuccessfulCreate"), message);
            true
        }
        Err(error) => {
            let message = format!("Error creating: {error}");
            event::record(&context.cluster, COMPONENT, set, ("Warning", "FailedCreate"), message);
            false
        }
    }
}

fn delete_surplus(context: &ControllerContext, set: &Value, active: &[Arc<Value>], surplus: usize) {
    let mut ranked = active.to_vec();
    ranked.sort_by_cached_key(|pod| pods::deletion_rank(pod, active));
    for pod in ranked.iter().take(surplus) {
        pods::delete(&context.cluster, pod);
        let message = format!("Deleted pod: {}", metadata_text(pod, "name"));
        event::record(&context.cluster, COMPONENT, set, ("Normal", "SuccessfulDelete"), message);
    }
}

fn update_status(context: &ControllerContext, set: &Value, active: &[Arc<Value>]) {
    let ready = active.iter().filter(|pod| is_condition_true(pod, "Ready")).count();
    let (namespace, name) = (metadata_text(set, "namespace"), metadata_text(set, "name"));
    // The error is NotFound: the object is deleted.
    let _ = context.cluster.update(
        FieldManager::update_status(CONTROLLER_MANAGER),
        &REPLICA_SET,
        &namespace,
        &name,
        |set| {
            let generation = set["metadata"]["generation"].clone();
            set["status"] = json!({"replicas": active.len(), "fullyLabeledReplicas": active.len(),
            "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": generation});
        },
    );
}
