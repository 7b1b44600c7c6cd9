//! Pods of workloads: creation from a template, ownership, ranking, deletion.

use std::sync::Arc;

use serde_json::{Value, json};

use super::condition::{is_condition_true, true_since};
use super::kinds::POD;
use super::manager::CONTROLLER_MANAGER;
use crate::sim::api;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, metadata_text};

const SERVED_POD: api::ServedKind = api::ServedKind { kind: POD, is_namespaced: true };

/// The owner reference of an object's controller.
pub(super) fn controller_of(object: &Value) -> Option<&Value> {
    object["metadata"]["ownerReferences"].as_array()?.iter().find(|owner| owner["controller"] == true)
}

/// Returns a controller owner reference to `owner`.
pub(super) fn owner_reference(owner: &Value) -> Value {
    json!({"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true})
}

pub(super) fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    controller_of(object).is_some_and(|of| of["uid"] == owner["metadata"]["uid"])
}

/// The pods that an object controls, ordered by name.
pub(super) fn controlled_pods(cluster: &SimCluster, owner: &Value) -> Vec<Arc<Value>> {
    let mut all = cluster.list(&POD, Some(&metadata_text(owner, "namespace")));
    all.retain(|pod| is_controlled_by(pod, owner));
    all
}

pub(super) fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Whether a pod is neither terminated nor being deleted.
pub(super) fn is_active(pod: &Value) -> bool {
    !is_deleting(pod) && pod["status"]["phase"] != "Succeeded" && pod["status"]["phase"] != "Failed"
}

/// Removes the extended resources from a pod.
fn strip_extended_resources(pod: &mut Value) {
    for container in pod["spec"]["containers"].as_array_mut().into_iter().flatten() {
        for amounts in ["limits", "requests"] {
            if let Some(amounts) = container["resources"][amounts].as_object_mut() {
                amounts.retain(|resource, _| !resource.contains('/'));
            }
        }
    }
}

/// Creates a pod from a workload's template.
pub(super) fn create(
    cluster: &SimCluster,
    owner: &Value,
    name: &str,
    labels: &[(&str, &str)],
) -> Result<(), StatusError> {
    let template = &owner["spec"]["template"];
    let mut metadata = json!({"name": name, "namespace": owner["metadata"]["namespace"],
        "labels": template["metadata"]["labels"], "ownerReferences": [owner_reference(owner)]});
    if !template["metadata"]["annotations"].is_null() {
        metadata["annotations"] = template["metadata"]["annotations"].clone();
    }
    for (label, value) in labels {
        metadata["labels"][*label] = json!(value);
    }
    let mut pod = json!({"metadata": metadata, "spec": template["spec"]});
    if cluster.config().controllers.strips_accelerators {
        strip_extended_resources(&mut pod);
    }
    api::create_object(cluster, FieldManager::update(CONTROLLER_MANAGER), &SERVED_POD, pod, false).map(|_| ())
}

/// Deletes a pod: at once if it has no node, otherwise its kubelet stops it first.
pub(super) fn delete(cluster: &SimCluster, pod: &Value) {
    // The error is NotFound or Conflict: the pod is deleted already.
    let _ = api::delete(
        cluster,
        &POD,
        &metadata_text(pod, "namespace"),
        &metadata_text(pod, "name"),
        Some(&metadata_text(pod, "uid")),
    );
}

/// The sort key by which a `ReplicaSet` deletes surplus pods, the smallest first: without a node, Pending, not ready, on a
/// node with more of its pods, ready for a shorter time, with more restarts, newer (kubernetes v1.37.2,
/// pkg/controller/controller_utils.go, `ActivePodsWithRanks`).
pub(super) fn deletion_rank(pod: &Value, all: &[Arc<Value>]) -> (u8, u8, u8, i64, LatestFirst, i64, LatestFirst) {
    let rank = |is_late: bool| u8::from(is_late);
    let node = &pod["spec"]["nodeName"];
    let phase = match pod["status"]["phase"].as_str() {
        Some("Running") => 2,
        Some("Unknown") => 1,
        _ => 0,
    };
    let same_node = all.iter().filter(|other| other["spec"]["nodeName"] == *node && is_active(other)).count();
    let statuses = pod["status"]["containerStatuses"].as_array();
    let restarts: i64 = statuses.into_iter().flatten().filter_map(|one| one["restartCount"].as_i64()).sum();
    (
        rank(!node.is_null()),
        phase,
        rank(is_condition_true(pod, "Ready")),
        -i64::try_from(same_node).unwrap_or(0),
        LatestFirst::from_time(true_since(pod, "Ready").unwrap_or_default()),
        -restarts,
        LatestFirst::from_time(pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default()),
    )
}

/// RFC 3339 times that sort the latest first.
pub(super) type LatestFirst = std::cmp::Reverse<String>;

trait FromTime {
    fn from_time(time: &str) -> Self;
}

impl FromTime for LatestFirst {
    fn from_time(time: &str) -> Self {
        std::cmp::Reverse(time.to_owned())
    }
}
