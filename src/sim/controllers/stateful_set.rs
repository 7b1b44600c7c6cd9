//! The `StatefulSet` controller: ordered pods with a claim each, which outlives its pod.

use std::sync::Arc;

use serde_json::{Value, json};

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::{event, generated_names, pods};
use crate::sim::cluster::{FieldManager, StatusError, metadata_text};
use crate::sim::objects::condition::is_condition_true;
use crate::sim::objects::kinds::{PERSISTENT_VOLUME_CLAIM, STATEFUL_SET};
use crate::sim::objects::state;

const COMPONENT: &str = "statefulset-controller";

/// Creates or deletes the next pod, and updates the status.
pub(super) fn sync(context: &mut ControllerContext, namespace: &str, name: &str) {
    let Some(set) = context.cluster.get(&STATEFUL_SET, namespace, name) else { return };
    if state::is_deleting(&set) {
        return;
    }
    let desired = set["spec"]["replicas"].as_u64().unwrap_or(1);
    let revision = format!("{name}-{}", generated_names::template_hash(&set["spec"]["template"]));
    let pods = pods::controlled_pods(&context.cluster, &set);
    sync_pods(context, &set, desired, &revision, &pods);
    update_status(context, &set, &revision, &pods::controlled_pods(&context.cluster, &set));
}

/// Takes the next step: in order and one pod at a time, unless `podManagementPolicy` is Parallel.
fn sync_pods(context: &ControllerContext, set: &Value, desired: u64, revision: &str, pods: &[Arc<Value>]) {
    let parallel = set["spec"]["podManagementPolicy"] == "Parallel";
    let is_serving = |pod: &Value| is_condition_true(pod, "Ready") && !state::is_deleting(pod);
    for ordinal in 0..desired {
        match pods.iter().find(|pod| ordinal_of(pod) == Some(ordinal)) {
            None => {
                create_pod(context, set, ordinal, revision);
                if !parallel {
                    return;
                }
            }
            Some(pod) if !parallel && !is_serving(pod) => return,
            Some(_) => {}
        }
    }
    let mut surplus: Vec<_> =
        pods.iter().filter(|pod| ordinal_of(pod).is_some_and(|number| number >= desired)).collect();
    surplus.sort_by_key(|pod| std::cmp::Reverse(ordinal_of(pod)));
    let outdated =
        |pod: &&Arc<Value>| surplus.is_empty() && pod["metadata"]["labels"]["controller-revision-hash"] != revision;
    let outdated_pod = pods.iter().rev().filter(outdated).take(1);
    let to_delete: Vec<_> =
        surplus.iter().copied().take(if parallel { usize::MAX } else { 1 }).chain(outdated_pod).collect();
    for pod in to_delete.into_iter().filter(|pod| !state::is_deleting(pod)) {
        pods::delete(&context.cluster, pod);
        let message = format!(
            "delete Pod {} in StatefulSet {} successful",
            metadata_text(pod, "name"),
            metadata_text(set, "name")
        );
        event::record(&context.cluster, COMPONENT, set, ("Normal", "SuccessfulDelete"), message);
    }
}

fn ordinal_of(pod: &Value) -> Option<u64> {
    metadata_text(pod, "name").rsplit_once('-')?.1.parse().ok()
}

fn create_pod(context: &ControllerContext, set: &Value, ordinal: u64, revision: &str) {
    let (set_name, name) = (metadata_text(set, "name"), format!("{}-{ordinal}", metadata_text(set, "name")));
    let labels = [
        ("statefulset.kubernetes.io/pod-name", name.as_str()),
        ("apps.kubernetes.io/pod-index", &ordinal.to_string()),
        ("controller-revision-hash", revision),
    ];
    let mut owner = set.clone();
    owner["spec"]["template"]["spec"]["hostname"] = json!(name);
    for template in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let claim = format!("{}-{name}", metadata_text(template, "name"));
        let volume = json!({"name": metadata_text(template, "name"), "persistentVolumeClaim": {"claimName": claim}});
        match owner["spec"]["template"]["spec"]["volumes"].as_array_mut() {
            Some(volumes) => volumes.push(volume),
            None => owner["spec"]["template"]["spec"]["volumes"] = json!([volume]),
        }
        // The error is AlreadyExists: the claim of an earlier pod is used again.
        let _ = create_claim(context, set, template, &claim);
    }
    let (kind, reason, message) = match pods::create(&context.cluster, &owner, &name, &labels) {
        Ok(()) => ("Normal", "SuccessfulCreate", format!("create Pod {name} in StatefulSet {set_name} successful")),
        Err(error) => {
            ("Warning", "FailedCreate", format!("create Pod {name} in StatefulSet {set_name} failed error: {error}"))
        }
    };
    event::record(&context.cluster, COMPONENT, set, (kind, reason), message);
}

fn create_claim(context: &ControllerContext, set: &Value, template: &Value, name: &str) -> Result<(), StatusError> {
    let claim = json!({
        "metadata": {"name": name, "namespace": set["metadata"]["namespace"],
            "labels": set["spec"]["selector"]["matchLabels"]},
        "spec": template["spec"], "status": {"phase": "Pending"}});
    context.cluster.create(FieldManager::update(CONTROLLER_MANAGER), &PERSISTENT_VOLUME_CLAIM, claim).map(|_| ())
}

fn update_status(context: &ControllerContext, set: &Value, revision: &str, pods: &[Arc<Value>]) {
    let ready = pods.iter().filter(|pod| is_condition_true(pod, "Ready") && state::is_active(pod)).count();
    let of_revision = |pod: &&Arc<Value>| pod["metadata"]["labels"]["controller-revision-hash"] == revision;
    let updated = pods.iter().filter(of_revision).count();
    let (namespace, name) = (metadata_text(set, "namespace"), metadata_text(set, "name"));
    // The error is NotFound: the object is deleted.
    let _ = context.cluster.update(
        FieldManager::update_status(CONTROLLER_MANAGER),
        &STATEFUL_SET,
        &namespace,
        &name,
        |set| {
            set["status"] = json!({"observedGeneration": set["metadata"]["generation"], "replicas": pods.len(),
            "readyReplicas": ready, "availableReplicas": ready, "currentReplicas": updated,
            "updatedReplicas": updated, "currentRevision": revision, "updateRevision": revision,
            "collisionCount": 0});
        },
    );
}
