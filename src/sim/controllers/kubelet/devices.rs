//! Which device a pod holds. The kubelet keeps it in its checkpoint; here it stands in an annotation, from which the
//! exporter reads it. Whether it also stands in the status is a setting. A card shared by time offers several devices,
//! `UUID::0` and so on, as the NVIDIA device plugin names them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{FieldManager, KUBELET, POD};
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::controllers::kinds::NODE;
use crate::sim::controllers::scheduler::requested_resources;

/// A pod's devices, separated by commas: the number of the card, and where it is shared `::` and which part of it.
const DEVICES_ANNOTATION: &str = "simulated.gpuhpa/devices";

/// Label of a node that tells how many devices each of its cards is (gpu-feature-discovery).
pub(in crate::sim::controllers) const DEVICE_REPLICAS_LABEL: &str = "nvidia.com/gpu.replicas";

/// Gives a pod the first devices that are free on its node.
pub(super) fn allocate(cluster: &SimCluster, pod: &Value) {
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    let Some(offer) = cluster.get(&NODE, "", node) else { return };
    let has = |resource: &String| !offer["status"]["allocatable"][resource].is_null();
    let count: i64 =
        requested_resources(pod).iter().filter(|(resource, _)| has(resource)).map(|(_, count)| *count).sum();
    if count == 0 {
        return;
    }
    let others = cluster.list(&POD, None);
    let taken: BTreeSet<&str> = others
        .iter()
        .filter(|other| other["spec"]["nodeName"] == node)
        .flat_map(|other| annotated_devices(other))
        .collect();
    let free = device_slots(&offer).into_iter().filter(|place| !taken.contains(place.as_str()));
    let given: Vec<_> = free.take(usize::try_from(count).unwrap_or(0)).collect();
    // One that is gone needs none.
    let _ = cluster.update(
        FieldManager::update(KUBELET),
        &POD,
        &metadata_text(pod, "namespace"),
        &metadata_text(pod, "name"),
        |pod| {
            pod["metadata"]["annotations"][DEVICES_ANNOTATION] = json!(given.join(","));
        },
    );
}

/// The devices of a pod: node, id, number of the card.
pub(in crate::sim::controllers) fn pod_devices(pod: &Value) -> Vec<(String, String, usize)> {
    let Some(node) = pod["spec"]["nodeName"].as_str() else { return Vec::new() };
    annotated_devices(pod)
        .filter_map(|place| device_id(node, place))
        .map(|(id, card)| (node.to_owned(), id, card))
        .collect()
}

fn annotated_devices(pod: &Value) -> impl Iterator<Item = &str> {
    pod["metadata"]["annotations"][DEVICES_ANNOTATION].as_str().into_iter().flat_map(|note| note.split(','))
}

/// The devices of a node: id, number of the card.
pub(in crate::sim::controllers) fn node_devices(node: &Value) -> Vec<(String, usize)> {
    let name = metadata_text(node, "name");
    device_slots(node).iter().filter_map(|place| device_id(&name, place)).collect()
}

/// The devices of all extended resources of a node together, in the order in which they are given: the device plugin
/// spreads pods over the cards before it lets them share one.
fn device_slots(node: &Value) -> Vec<String> {
    let allocatable = node["status"]["allocatable"].as_object().into_iter().flatten();
    let extended = allocatable.filter(|(resource, _)| resource.contains('/'));
    let count: usize = extended.filter_map(|(_, count)| count.as_str()?.parse::<usize>().ok()).sum();
    let shared_by =
        node["metadata"]["labels"][DEVICE_REPLICAS_LABEL].as_str().and_then(|count| count.parse::<usize>().ok());
    match shared_by.filter(|parts| *parts > 1) {
        Some(parts) => {
            let cards = count / parts;
            (0..parts).flat_map(|part| (0..cards).map(move |card| format!("{card}::{part}"))).collect()
        }
        None => (0..count).map(|card| card.to_string()).collect(),
    }
}

/// The id of a device, and the number of its card.
fn device_id(node: &str, place: &str) -> Option<(String, usize)> {
    let (card, part) = place.split_once("::").map_or((place, None), |(card, part)| (card, Some(part)));
    let card = card.parse().ok()?;
    let uuid = device_uuid(node, card);
    Some((part.map_or(uuid.clone(), |part| format!("{uuid}::{part}")), card))
}

/// The number of a pod's node among the nodes.
pub(super) fn node_index(cluster: &SimCluster, pod: &Value) -> usize {
    let nodes = cluster.list(&NODE, None);
    nodes.iter().position(|node| node["metadata"]["name"] == pod["spec"]["nodeName"]).unwrap_or(0)
}

/// The UUID of a device, the same in every run: FNV-1a of its place.
fn device_uuid(node: &str, number: usize) -> String {
    let hash = |salt: &str| {
        let text = format!("{node}/{number}/{salt}");
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
