//! Which device a pod holds. The kubelet keeps it in its checkpoint; here it stands in an annotation, from which the
//! exporter reads it. Whether it also stands in the status is a setting. A card shared by time offers several devices,
//! `UUID::0` and so on, as the NVIDIA device plugin names them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Hand, KUBELET, POD};
use crate::sim::cluster::{Cluster, text};
use crate::sim::controllers::kinds::NODE;
use crate::sim::controllers::scheduler::requested;

/// A pod's devices, separated by commas: the number of the card, and where it is shared `::` and which part of it.
const NOTE: &str = "simulated.gpuhpa/devices";

/// Label of a node that tells how many devices each of its cards is (gpu-feature-discovery).
pub(in crate::sim::controllers) const SHARED_BY: &str = "nvidia.com/gpu.replicas";

/// Gives a pod the first devices that are free on its node.
pub(super) fn allocate(cluster: &Cluster, pod: &Value) {
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    let Some(offer) = cluster.get(&NODE, "", node) else { return };
    let has = |resource: &String| !offer["status"]["allocatable"][resource].is_null();
    let count: i64 = requested(pod).iter().filter(|(resource, _)| has(resource)).map(|(_, count)| *count).sum();
    if count == 0 {
        return;
    }
    let others = cluster.list(&POD, None);
    let taken: BTreeSet<&str> =
        others.iter().filter(|other| other["spec"]["nodeName"] == node).flat_map(|other| noted(other)).collect();
    let free = places(&offer).into_iter().filter(|place| !taken.contains(place.as_str()));
    let given: Vec<_> = free.take(usize::try_from(count).unwrap_or(0)).collect();
    // One that is gone needs none.
    let _ = cluster.change(Hand::of(KUBELET), &POD, &text(pod, "namespace"), &text(pod, "name"), |pod| {
        pod["metadata"]["annotations"][NOTE] = json!(given.join(","));
    });
}

/// The devices of a pod: node, id, number of the card.
pub(in crate::sim::controllers) fn of(pod: &Value) -> Vec<(String, String, usize)> {
    let Some(node) = pod["spec"]["nodeName"].as_str() else { return Vec::new() };
    noted(pod).filter_map(|place| id(node, place)).map(|(id, card)| (node.to_owned(), id, card)).collect()
}

fn noted(pod: &Value) -> impl Iterator<Item = &str> {
    pod["metadata"]["annotations"][NOTE].as_str().into_iter().flat_map(|note| note.split(','))
}

/// The devices of a node: id, number of the card.
pub(in crate::sim::controllers) fn offered(node: &Value) -> Vec<(String, usize)> {
    let name = text(node, "name");
    places(node).iter().filter_map(|place| id(&name, place)).collect()
}

/// The devices of all extended resources of a node together, in the order in which they are given: the device plugin
/// spreads pods over the cards before it lets them share one.
fn places(node: &Value) -> Vec<String> {
    let allocatable = node["status"]["allocatable"].as_object().into_iter().flatten();
    let extended = allocatable.filter(|(resource, _)| resource.contains('/'));
    let count: usize = extended.filter_map(|(_, count)| count.as_str()?.parse::<usize>().ok()).sum();
    let shared_by = node["metadata"]["labels"][SHARED_BY].as_str().and_then(|count| count.parse::<usize>().ok());
    match shared_by.filter(|parts| *parts > 1) {
        Some(parts) => {
            let cards = count / parts;
            (0..parts).flat_map(|part| (0..cards).map(move |card| format!("{card}::{part}"))).collect()
        }
        None => (0..count).map(|card| card.to_string()).collect(),
    }
}

/// The id of a device, and the number of its card.
fn id(node: &str, place: &str) -> Option<(String, usize)> {
    let (card, part) = place.split_once("::").map_or((place, None), |(card, part)| (card, Some(part)));
    let card = card.parse().ok()?;
    let uuid = uuid(node, card);
    Some((part.map_or(uuid.clone(), |part| format!("{uuid}::{part}")), card))
}

/// The number of a pod's node among the nodes.
pub(super) fn place(cluster: &Cluster, pod: &Value) -> usize {
    let nodes = cluster.list(&NODE, None);
    nodes.iter().position(|node| node["metadata"]["name"] == pod["spec"]["nodeName"]).unwrap_or(0)
}

/// The UUID of a device, the same in every run: FNV-1a of its place.
fn uuid(node: &str, number: usize) -> String {
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
