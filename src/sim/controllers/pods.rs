//! Pods of workloads: creation from a template, ownership, ranking, deletion.

use std::sync::Arc;

use serde_json::{Value, json};

use super::context::CONTROLLER_MANAGER;
use crate::model::accelerator::is_extended_resource;
use crate::sim::api;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, metadata_text};
use crate::sim::objects::condition::{is_condition_true, true_since};
use crate::sim::objects::kinds::POD;
use crate::sim::objects::owner::{controller_of, is_controlled_by, owner_reference};
use crate::sim::objects::resources::requests_device;
use crate::sim::objects::state::is_active;

const SERVED_POD: api::ServedKind = api::ServedKind { kind: POD, is_namespaced: true };

/// The pods that an object controls, ordered by name.
pub(super) fn controlled_pods(cluster: &SimCluster, owner: &Value) -> Vec<Arc<Value>> {
    let mut all = cluster.list(&POD, Some(&metadata_text(owner, "namespace")));
    all.retain(|pod| is_controlled_by(pod, owner));
    all
}

/// Whether a pod is subject to the new pod fault: it requests an accelerator, and its workload has an older pod.
pub(super) fn is_additional_pod(cluster: &SimCluster, pod: &Value) -> bool {
    let Some(owner) = controller_of(pod).filter(|_| requests_device(pod)) else { return false };
    let siblings = cluster.list(&POD, Some(&metadata_text(pod, "namespace")));
    siblings.iter().any(|other| {
        let same = controller_of(other).is_some_and(|other_owner| other_owner["uid"] == owner["uid"]);
        same && other["metadata"]["uid"] != pod["metadata"]["uid"] && creation_order(other) < creation_order(pod)
    })
}

/// The sort key for the age of pods: the time has whole seconds, so that the name breaks ties.
pub(super) fn creation_order(pod: &Value) -> (&str, &str) {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    (text("creationTimestamp"), text("name"))
}

/// Removes the extended resources and the resource claims from a pod.
fn strip_accelerators(pod: &mut Value) {
    if let Some(spec) = pod["spec"].as_object_mut() {
        spec.shift_remove("resourceClaims");
    }
    for container in pod["spec"]["containers"].as_array_mut().into_iter().flatten() {
        if let Some(resources) = container["resources"].as_object_mut() {
            resources.shift_remove("claims");
        }
        for amounts in ["limits", "requests"] {
            if let Some(amounts) = container["resources"][amounts].as_object_mut() {
                amounts.retain(|resource, _| !is_extended_resource(resource));
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
        strip_accelerators(&mut pod);
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
