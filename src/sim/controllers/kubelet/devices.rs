//! Device allocation. A real kubelet keeps it in its checkpoint; here an annotation of the pod records it, which the
//! simulated exporter reads. With time-slicing an accelerator has several devices, `UUID::0` and so on, as the NVIDIA
//! device plugin names them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{FieldManager, KUBELET, POD};
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::controllers::kinds::NODE;
use crate::sim::controllers::scheduler::requested_resources;

/// The device slots of a pod, separated by commas: the accelerator index, with time-slicing followed by `::` and the
/// replica index.
const DEVICES_ANNOTATION: &str = "simulator.gpuhpa/devices";

/// Node label with the number of devices per accelerator (NVIDIA gpu-feature-discovery).
pub(in crate::sim::controllers) const DEVICE_REPLICAS_LABEL: &str = "nvidia.com/gpu.replicas";

/// Allocates the first free devices of its node to a pod.
pub(super) fn allocate(cluster: &SimCluster, pod: &Value) {
    let node_name = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    let Some(node) = cluster.get(&NODE, "", node_name) else { return };
    let is_allocatable = |resource: &String| !node["status"]["allocatable"][resource].is_null();
    let count: i64 =
        requested_resources(pod).iter().filter(|(resource, _)| is_allocatable(resource)).map(|(_, count)| *count).sum();
    if count == 0 {
        return;
    }
    let others = cluster.list(&POD, None);
    let taken: BTreeSet<&str> = others
        .iter()
        .filter(|other| other["spec"]["nodeName"] == node_name)
        .flat_map(|other| annotated_devices(other))
        .collect();
    let free = device_slots(&node).into_iter().filter(|slot| !taken.contains(slot.as_str()));
    let allocated: Vec<_> = free.take(usize::try_from(count).unwrap_or(0)).collect();
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

/// The devices of a pod: node, device id, accelerator index.
pub(in crate::sim::controllers) fn pod_devices(pod: &Value) -> Vec<(String, String, usize)> {
    let Some(node) = pod["spec"]["nodeName"].as_str() else { return Vec::new() };
    annotated_devices(pod)
        .filter_map(|slot| device_id(node, slot))
        .map(|(id, accelerator)| (node.to_owned(), id, accelerator))
        .collect()
}

fn annotated_devices(pod: &Value) -> impl Iterator<Item = &str> {
    pod["metadata"]["annotations"][DEVICES_ANNOTATION].as_str().into_iter().flat_map(|slots| slots.split(','))
}

/// The devices of a node: device id, accelerator index.
pub(in crate::sim::controllers) fn node_devices(node: &Value) -> Vec<(String, usize)> {
    let name = metadata_text(node, "name");
    device_slots(node).iter().filter_map(|slot| device_id(&name, slot)).collect()
}

/// The device slots of all extended resources of a node, in allocation order: the device plugin spreads pods over the
/// accelerators before they share one.
fn device_slots(node: &Value) -> Vec<String> {
    let allocatable = node["status"]["allocatable"].as_object().into_iter().flatten();
    let extended = allocatable.filter(|(resource, _)| resource.contains('/'));
    let count: usize = extended.filter_map(|(_, count)| count.as_str()?.parse::<usize>().ok()).sum();
    let shared_by =
        node["metadata"]["labels"][DEVICE_REPLICAS_LABEL].as_str().and_then(|count| count.parse::<usize>().ok());
    match shared_by.filter(|replicas| *replicas > 1) {
        Some(replicas) => {
            let accelerators = count / replicas;
            (0..replicas)
                .flat_map(|replica| (0..accelerators).map(move |accelerator| format!("{accelerator}::{replica}")))
                .collect()
        }
        None => (0..count).map(|accelerator| accelerator.to_string()).collect(),
    }
}

/// The device id and accelerator index of a slot.
fn device_id(node: &str, slot: &str) -> Option<(String, usize)> {
    let (accelerator, replica) =
        slot.split_once("::").map_or((slot, None), |(accelerator, replica)| (accelerator, Some(replica)));
    let accelerator = accelerator.parse().ok()?;
    let uuid = device_uuid(node, accelerator);
    Some((replica.map_or(uuid.clone(), |replica| format!("{uuid}::{replica}")), accelerator))
}

/// The index of a pod's node in the list of nodes.
pub(super) fn node_index(cluster: &SimCluster, pod: &Value) -> usize {
    let nodes = cluster.list(&NODE, None);
    nodes.iter().position(|node| node["metadata"]["name"] == pod["spec"]["nodeName"]).unwrap_or(0)
}

/// The UUID of an accelerator, the same in every run: FNV-1a of node and index.
fn device_uuid(node: &str, accelerator: usize) -> String {
    let hash = |salt: &str| {
        let text = format!("{node}/{accelerator}/{salt}");
        text.bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (high, low) = (hash("high"), hash("low"));
    format!(
        "GPU-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
