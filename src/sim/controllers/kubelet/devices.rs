//! Device allocation. A real kubelet keeps it in its checkpoint; here an annotation of the pod records it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::pod_status::KUBELET;
use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::objects::claims;
use crate::sim::objects::devices::{DEVICES_ANNOTATION, annotated_devices, claimable_name, device_slots};
use crate::sim::objects::kinds::{NODE, POD};
use crate::sim::objects::resources::requested_resources;

/// Allocates the first free devices of its node to a pod, and those of its resource claims.
pub(super) fn allocate(cluster: &SimCluster, pod: &Value) {
    let node_name = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    let Some(node) = cluster.get(&NODE, "", node_name) else { return };
    let allocated = match claims::claim_entries(pod).next() {
        Some(_) => claimed_slots(cluster, pod, &node),
        None => free_slots(cluster, pod, &node),
    };
    if allocated.is_empty() {
        return;
    }
    // The error is NotFound: the pod is deleted.
    let _ = cluster.update(
        FieldManager::update(KUBELET),
        &POD,
        &metadata_text(pod, "namespace"),
        &metadata_text(pod, "name"),
        |pod| {
            pod["metadata"]["annotations"][DEVICES_ANNOTATION] = json!(allocated.join(","));
        },
    );
}

/// The slots of the accelerators that the claims of a pod have.
fn claimed_slots(cluster: &SimCluster, pod: &Value, node: &Value) -> Vec<String> {
    let claims = claims::existing_claims(cluster, pod);
    let names: BTreeSet<String> =
        claims.iter().flat_map(|(_, claim)| claims::allocated_devices(claim)).map(|(.., device)| device).collect();
    device_slots(node).into_iter().filter(|slot| names.contains(&claimable_name(slot))).collect()
}

/// As many free slots of a node as a pod requests.
fn free_slots(cluster: &SimCluster, pod: &Value, node: &Value) -> Vec<String> {
    let is_allocatable = |resource: &String| !node["status"]["allocatable"][resource].is_null();
    let count: i64 =
        requested_resources(pod).iter().filter(|(resource, _)| is_allocatable(resource)).map(|(_, count)| *count).sum();
    if count == 0 {
        return Vec::new();
    }
    let others = cluster.list(&POD, None);
    let taken: BTreeSet<&str> = others
        .iter()
        .filter(|other| other["spec"]["nodeName"] == node["metadata"]["name"])
        .flat_map(|other| annotated_devices(other))
        .collect();
    let free = device_slots(node).into_iter().filter(|slot| !taken.contains(slot.as_str()));
    free.take(usize::try_from(count).unwrap_or(0)).collect()
}

/// The index of a pod's node in the list of nodes.
pub(super) fn node_index(cluster: &SimCluster, pod: &Value) -> usize {
    let nodes = cluster.list(&NODE, None);
    nodes.iter().position(|node| node["metadata"]["name"] == pod["spec"]["nodeName"]).unwrap_or(0)
}
