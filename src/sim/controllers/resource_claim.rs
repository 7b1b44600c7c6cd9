//! The resource claim controller of kube-controller-manager (kubernetes v1.37.2, pkg/controller/resourceclaim): makes claims of
//! templates for pods, and releases the claims of pods that are gone.

use serde_json::{Value, json};

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::event;
use super::work_queue::WorkKind;
use crate::sim::api;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, metadata_text};
use crate::sim::objects::claims::{self, CLAIM_FINALIZER};
use crate::sim::objects::kinds::{POD, RESOURCE_CLAIM, RESOURCE_CLAIM_TEMPLATE};
use crate::sim::objects::{owner, state};

/// Its field manager.
const FIELD_MANAGER: &str = "ResourceClaimController";
/// Annotation of a claim with the name of its entry in the pod.
const ENTRY_ANNOTATION: &str = "resource.kubernetes.io/pod-claim-name";

const SERVED_CLAIM: api::ServedKind = api::ServedKind { kind: RESOURCE_CLAIM, is_namespaced: true };

/// Whether a pod has an entry with a template that has no claim yet.
pub(super) fn lacks_claims(pod: &Value) -> bool {
    claims::pod_claims(pod).iter().any(|one| one.claim.is_none())
}

/// Creates the claims of a pod's templates, and names them in the pod's status.
pub(super) fn create_for_pod(context: &ControllerContext, namespace: &str, name: &str) {
    let cluster = &context.cluster;
    let Some(pod) = cluster.get(&POD, namespace, name).filter(|pod| state::is_active(pod) && lacks_claims(pod)) else {
        return;
    };
    let mut statuses = pod["status"]["resourceClaimStatuses"].as_array().cloned().unwrap_or_default();
    for entry in claims::claim_entries(&pod) {
        let Some(template) = entry["resourceClaimTemplateName"].as_str() else { continue };
        match create_claim(cluster, &pod, &entry["name"], template) {
            Ok(claim) => statuses.push(json!({"name": entry["name"], "resourceClaimName": claim})),
            Err(error) => {
                let message = format!("PodResourceClaim {}: {error}", entry["name"].as_str().unwrap_or_default());
                event::record(cluster, "resource_claim", &pod, ("Warning", "FailedResourceClaimCreation"), message);
            }
        }
    }
    // The error is NotFound: the pod is deleted.
    let _ = cluster.update(FieldManager::update_status(FIELD_MANAGER), &POD, namespace, name, |pod| {
        pod["status"]["resourceClaimStatuses"] = json!(statuses);
    });
}

/// Creates the claim of a pod's entry from a template; returns its generated name.
fn create_claim(cluster: &SimCluster, pod: &Value, entry: &Value, template: &str) -> Result<String, StatusError> {
    let namespace = metadata_text(pod, "namespace");
    let found = cluster.get(&RESOURCE_CLAIM_TEMPLATE, &namespace, template);
    let template = found.ok_or_else(|| StatusError::not_found(&RESOURCE_CLAIM_TEMPLATE, template))?;
    let of_template = &template["spec"]["metadata"];
    let mut metadata = json!({
        "generateName": format!("{}-{}-", metadata_text(pod, "name"), entry.as_str().unwrap_or_default()),
        "namespace": namespace, "ownerReferences": [owner::owner_reference(pod)], "annotations": {},
    });
    if of_template["annotations"].is_object() {
        metadata["annotations"] = of_template["annotations"].clone();
    }
    metadata["annotations"][ENTRY_ANNOTATION] = entry.clone();
    if of_template["labels"].is_object() {
        metadata["labels"] = of_template["labels"].clone();
    }
    let claim = json!({"metadata": metadata, "spec": template["spec"]["spec"]});
    let created = api::create_object(cluster, FieldManager::update(CONTROLLER_MANAGER), &SERVED_CLAIM, claim, false)?;
    Ok(metadata_text(&created, "name"))
}

/// Enqueues the claims that a removed pod has used.
pub(super) fn enqueue_claims_of(context: &mut ControllerContext, pod: &Value) {
    if claims::claim_entries(pod).next().is_none() {
        return;
    }
    let namespace = metadata_text(pod, "namespace");
    for claim in claims::pod_claims(pod).into_iter().filter_map(|one| one.claim) {
        context.enqueue(WorkKind::ResourceClaim, &namespace, &claim);
    }
}

/// Removes the reservations of pods that are gone. Without any the claim has no devices any more; it is deleted if it was made
/// for a pod that is gone.
pub(super) fn sync(context: &ControllerContext, namespace: &str, name: &str) {
    let cluster = &context.cluster;
    let Some(claim) = cluster.get(&RESOURCE_CLAIM, namespace, name) else { return };
    let exists = |name: &Value, uid: &Value| {
        let pod = cluster.get(&POD, namespace, name.as_str().unwrap_or_default());
        pod.is_some_and(|pod| pod["metadata"]["uid"] == *uid && !has_ended(&pod))
    };
    let mut reserved = claim["status"]["reservedFor"].as_array().cloned().unwrap_or_default();
    reserved.retain(|consumer| exists(&consumer["name"], &consumer["uid"]));
    let was_made_for_pod = owner::controller_of(&claim).filter(|of| of["kind"] == POD.kind);
    let is_orphan = was_made_for_pod.is_some_and(|pod| !exists(&pod["name"], &pod["uid"]));
    // The error is NotFound: the claim is deleted.
    let _ =
        cluster.update(FieldManager::update_status(CONTROLLER_MANAGER), &RESOURCE_CLAIM, namespace, name, |claim| {
            release(claim, &reserved, is_orphan);
        });
    let is_kept = |claim: &Value| claim["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
    let updated = cluster.get(&RESOURCE_CLAIM, namespace, name);
    if updated.is_some_and(|claim| (is_orphan || state::is_deleting(&claim)) && !is_kept(&claim)) {
        cluster.remove(&RESOURCE_CLAIM, namespace, name);
    }
}

/// Leaves these reservations. Without any, a claim that had some, and one that is to go, loses its allocation.
fn release(claim: &mut Value, reserved: &[Value], is_orphan: bool) {
    let had_reservations = claim["status"]["reservedFor"].as_array().is_some_and(|all| !all.is_empty());
    if !reserved.is_empty() {
        claim["status"]["reservedFor"] = json!(reserved);
        return;
    }
    if !had_reservations && !is_orphan && !state::is_deleting(claim) {
        return;
    }
    claim["status"] = json!({});
    if let Some(finalizers) = claim["metadata"]["finalizers"].as_array_mut() {
        finalizers.retain(|one| one != CLAIM_FINALIZER);
    }
}

fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}
