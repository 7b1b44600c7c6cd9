//! The devices of nodes and pods. An annotation of the pod records the allocation, which the simulated exporter reads. With
//! time-slicing an accelerator has several devices, `UUID::0` and so on, as the NVIDIA device plugin names them.

use serde_json::Value;

use crate::model::accelerator::is_extended_resource;
use crate::sim::cluster::metadata_text;

/// The device slots of a pod, separated by commas: the accelerator index, with time-slicing followed by `::` and the
/// replica index.
pub(in crate::sim) const DEVICES_ANNOTATION: &str = "simulator.gpuhpa/devices";

/// Node label with the number of devices per accelerator (NVIDIA gpu-feature-discovery).
pub(in crate::sim) const DEVICE_REPLICAS_LABEL: &str = "nvidia.com/gpu.replicas";

/// The devices of a pod: node, device id, accelerator index.
pub(in crate::sim) fn pod_devices(pod: &Value) -> Vec<(String, String, usize)> {
    let Some(node) = pod["spec"]["nodeName"].as_str() else { return Vec::new() };
    annotated_devices(pod)
        .filter_map(|slot| device_id(node, slot))
        .map(|(id, accelerator)| (node.to_owned(), id, accelerator))
        .collect()
}

pub(in crate::sim) fn annotated_devices(pod: &Value) -> impl Iterator<Item = &str> {
    pod["metadata"]["annotations"][DEVICES_ANNOTATION].as_str().into_iter().flat_map(|slots| slots.split(','))
}

/// The devices of a node: device id, accelerator index.
pub(in crate::sim) fn node_devices(node: &Value) -> Vec<(String, usize)> {
    let name = metadata_text(node, "name");
    device_slots(node).iter().filter_map(|slot| device_id(&name, slot)).collect()
}

/// The device slots of all extended resources of a node, in allocation order: the device plugin spreads pods over the
/// accelerators before they share one.
pub(in crate::sim) fn device_slots(node: &Value) -> Vec<String> {
    let allocatable = node["status"]["allocatable"].as_object().into_iter().flatten();
    let extended = allocatable.filter(|(resource, _)| is_extended_resource(resource));
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

/// The profile of a node's MIG instances, as the device plugin names their resource (`nvidia.com/mig-1g.10gb`); `None` for whole
/// devices.
pub(in crate::sim) fn mig_profile(node: &Value) -> Option<String> {
    let resources = node["status"]["allocatable"].as_object().into_iter().flatten();
    resources.into_iter().find_map(|(resource, _)| Some(resource.split_once("/mig-")?.1.to_owned()))
}

/// The device id and accelerator index of a slot.
fn device_id(node: &str, slot: &str) -> Option<(String, usize)> {
    let (accelerator, replica) =
        slot.split_once("::").map_or((slot, None), |(accelerator, replica)| (accelerator, Some(replica)));
    let accelerator = accelerator.parse().ok()?;
    let uuid = device_uuid(node, accelerator);
    Some((replica.map_or(uuid.clone(), |replica| format!("{uuid}::{replica}")), accelerator))
}

/// Whether a pod uses a device.
pub(in crate::sim) fn has_device(pod: &Value) -> bool {
    !pod_devices(pod).is_empty()
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
