//! The devices of nodes and pods. An annotation of the pod records the allocation, which the simulated exporter reads. Ids have the
//! form of the NVIDIA device plugin's, whatever the vendor: the UUID of an accelerator; with time-slicing several devices of it, `UUID::0` and so on; of
//! an instance of MIG a UUID of its own, `MIG-UUID`. A DRA driver offers the same devices by names of its own.

use serde_json::Value;

use crate::model::accelerator::is_extended_resource;
use crate::sim::cluster::metadata_text;

/// The device slots of a pod, separated by commas: the accelerator index, with time-slicing followed by `::` and the
/// replica index, with MIG by `/` and the number of the instance.
pub(in crate::sim) const DEVICES_ANNOTATION: &str = "simulator.gpuhpa/devices";

/// The device slots that the DRA driver of a node offers, separated by commas; they are no extended resources.
pub(in crate::sim) const CLAIMABLE_ANNOTATION: &str = "simulator.gpuhpa/claimable-devices";

/// Node label with the number of devices per accelerator (NVIDIA gpu-feature-discovery).
pub(in crate::sim) const DEVICE_REPLICAS_LABEL: &str = "nvidia.com/gpu.replicas";

/// Node label with the model of the accelerator, in which the strategy `single` of MIG names the profile.
pub(in crate::sim) const PRODUCT_LABEL: &str = "nvidia.com/gpu.product";

/// The resource of AMD's device plugin.
pub(in crate::sim) const AMD_RESOURCE: &str = "amd.com/gpu";

/// Instances of the smallest profile on an accelerator, and the number of the first one.
pub(in crate::sim) const INSTANCES_PER_ACCELERATOR: usize = 7;
const FIRST_INSTANCE: usize = 7;

/// A device that a node offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) struct OfferedDevice {
    /// Id, as the device plugin names it.
    pub(in crate::sim) id: String,
    /// Index of the accelerator on its node, and its UUID.
    pub(in crate::sim) accelerator: usize,
    pub(in crate::sim) accelerator_uuid: String,
    pub(in crate::sim) part: DevicePart,
}

/// Which part of an accelerator a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum DevicePart {
    Whole,
    /// The replica of this index, with time-slicing.
    Replica(String),
    /// The MIG instance of this number.
    Instance(String),
}

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

/// The id by which a device plugin allocates a device of a resource: NVIDIA's by its own, AMD's by the address on the bus of the
/// node (ROCm/k8s-device-plugin, internal/pkg/amdgpu), which other nodes have too.
pub(in crate::sim) fn plugin_id(resource: &str, id: String, accelerator: usize) -> String {
    if resource == AMD_RESOURCE { pci_address(accelerator) } else { id }
}

/// Address of an accelerator on the bus of its node.
pub(in crate::sim) fn pci_address(accelerator: usize) -> String {
    format!("0000:{:02x}:00.0", accelerator + 1)
}

/// The UUID of an accelerator without the prefix of NVIDIA's.
pub(in crate::sim) fn plain_uuid(uuid: &str) -> &str {
    uuid.strip_prefix("GPU-").unwrap_or(uuid)
}

/// The name that the DRA driver gives the device of a slot: `gpu-0`, with time-slicing `gpu-0-1`.
pub(in crate::sim) fn claimable_name(slot: &str) -> String {
    format!("gpu-{}", slot.replace("::", "-"))
}

/// The slots of accelerators that are offered as so many devices each, in allocation order.
pub(in crate::sim) fn accelerator_slots(accelerators: usize, replicas: usize) -> Vec<String> {
    if replicas <= 1 {
        return (0..accelerators).map(|accelerator| accelerator.to_string()).collect();
    }
    (0..replicas)
        .flat_map(|replica| (0..accelerators).map(move |accelerator| format!("{accelerator}::{replica}")))
        .collect()
}

/// The devices of a node.
pub(in crate::sim) fn node_devices(node: &Value) -> Vec<OfferedDevice> {
    let name = metadata_text(node, "name");
    device_slots(node).iter().filter_map(|slot| parse_slot(&name, slot)).collect()
}

/// The device slots of a node, in allocation order: those of all its extended resources, which the device plugin spreads pods
/// over before they share an accelerator; or those of its DRA driver.
pub(in crate::sim) fn device_slots(node: &Value) -> Vec<String> {
    if let Some(slots) = node["metadata"]["annotations"][CLAIMABLE_ANNOTATION].as_str() {
        return slots.split(',').map(str::to_owned).collect();
    }
    let allocatable = node["status"]["allocatable"].as_object().into_iter().flatten();
    let extended = allocatable.filter(|(resource, _)| is_extended_resource(resource));
    let count: usize = extended.filter_map(|(_, count)| count.as_str()?.parse::<usize>().ok()).sum();
    if mig_profile(node).is_some() {
        let instance = |n: usize| FIRST_INSTANCE + n % INSTANCES_PER_ACCELERATOR;
        return (0..count).map(|n| format!("{}/{}", n / INSTANCES_PER_ACCELERATOR, instance(n))).collect();
    }
    let shared_by =
        node["metadata"]["labels"][DEVICE_REPLICAS_LABEL].as_str().and_then(|count| count.parse::<usize>().ok());
    let replicas = shared_by.filter(|replicas| *replicas > 1).unwrap_or(1);
    accelerator_slots(count / replicas, replicas)
}

/// The profile of a node's MIG instances: of the strategy `mixed` by the name of their resource (`nvidia.com/mig-1g.10gb`), of
/// `single` by the model of the accelerator; `None` for whole devices.
pub(in crate::sim) fn mig_profile(node: &Value) -> Option<String> {
    let resources = node["status"]["allocatable"].as_object().into_iter().flatten();
    let of_resource = resources.into_iter().find_map(|(resource, _)| resource.split_once("/mig-"));
    let of_product = || node["metadata"]["labels"][PRODUCT_LABEL].as_str()?.split_once("-MIG-");
    of_resource.or_else(of_product).map(|(_, profile)| profile.to_owned())
}

/// The device id and accelerator index of a slot.
fn device_id(node: &str, slot: &str) -> Option<(String, usize)> {
    parse_slot(node, slot).map(|device| (device.id, device.accelerator))
}

pub(in crate::sim) fn parse_slot(node: &str, slot: &str) -> Option<OfferedDevice> {
    let (accelerator, part) = if let Some((accelerator, replica)) = slot.split_once("::") {
        (accelerator, DevicePart::Replica(replica.to_owned()))
    } else if let Some((accelerator, instance)) = slot.split_once('/') {
        (accelerator, DevicePart::Instance(instance.to_owned()))
    } else {
        (slot, DevicePart::Whole)
    };
    let accelerator: usize = accelerator.parse().ok()?;
    let accelerator_uuid = format!("GPU-{}", uuid(&format!("{node}/{accelerator}")));
    let id = match &part {
        DevicePart::Whole => accelerator_uuid.clone(),
        DevicePart::Replica(replica) => format!("{accelerator_uuid}::{replica}"),
        DevicePart::Instance(instance) => format!("MIG-{}", uuid(&format!("{node}/{accelerator}/{instance}"))),
    };
    Some(OfferedDevice { id, accelerator, accelerator_uuid, part })
}

/// Whether a pod uses a device.
pub(in crate::sim) fn has_device(pod: &Value) -> bool {
    !pod_devices(pod).is_empty()
}

/// The UUID of a device, the same in every run: FNV-1a of its place.
fn uuid(place: &str) -> String {
    let hash = |salt: &str| {
        let text = format!("{place}/{salt}");
        text.bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (high, low) = (hash("high"), hash("low"));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
