//! The devices of the nodes, and the pods that use them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::objects::claims::{self, DeviceName};
use crate::sim::objects::devices::{
    DevicePart, OfferedDevice, annotated_devices, claimable_name, mig_profile, node_devices, pod_devices,
};
use crate::sim::objects::kinds::{NODE, POD};
use crate::sim::objects::lost_nodes::is_node_lost;
use crate::sim::ollama::ServerRegistry;

/// A device of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SimDevice {
    pub(super) node: String,
    pub(super) index: String,
    pub(super) accelerator_uuid: String,
    pub(super) part: DevicePart,
    pub(super) holder: Option<DeviceHolder>,
    /// Profile of a MIG instance, for example 1g.10gb; `None` for a whole device.
    pub(super) mig_profile: Option<String>,
}

/// The pod that uses a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeviceHolder {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
    /// Whether it is not the first pod of its owner.
    pub(super) is_new: bool,
    /// The resource claim by which the pod has the device, and the device's name there.
    pub(super) claim: Option<(String, DeviceName)>,
}

/// All devices keyed by id, without those of lost nodes.
pub(super) fn list_devices(cluster: &SimCluster, servers: &ServerRegistry) -> BTreeMap<String, SimDevice> {
    let mut all = BTreeMap::new();
    for node in cluster.list(&NODE, None).into_iter().filter(|node| !is_node_lost(node)) {
        let mig_profile = mig_profile(&node);
        for OfferedDevice { id, accelerator, accelerator_uuid, part } in node_devices(&node) {
            let (node, index, mig_profile) =
                (metadata_text(&node, "name"), accelerator.to_string(), mig_profile.clone());
            all.insert(id, SimDevice { node, index, accelerator_uuid, part, holder: None, mig_profile });
        }
    }
    let mut holders: BTreeMap<String, Vec<DeviceHolder>> = BTreeMap::new();
    for pod in cluster.list(&POD, None) {
        let has_ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        let slots = annotated_devices(&pod).filter(|_| !has_ended);
        for ((_, id, _), slot) in pod_devices(&pod).into_iter().zip(slots) {
            let holder = DeviceHolder {
                namespace: metadata_text(&pod, "namespace"),
                pod: metadata_text(&pod, "name"),
                container: pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default().to_owned(),
                is_new: servers.is_new(&pod),
                claim: find_claim(cluster, &pod, slot),
            };
            holders.entry(id).or_default().push(holder);
        }
    }
    for (id, mut holders) in holders {
        if holders.len() == 1
            && let Some(device) = all.get_mut(&id)
        {
            device.holder = holders.pop();
        } else if let Some(device) = all.remove(&id) {
            all.extend(split_shared(&id, &device, holders));
        }
    }
    all
}

/// A device that the pods of one claim share: a replica for each of them.
fn split_shared(id: &str, device: &SimDevice, holders: Vec<DeviceHolder>) -> Vec<(String, SimDevice)> {
    let replica = |holder: DeviceHolder| {
        let part = DevicePart::Replica(holder.pod.clone());
        (format!("{id}::{}", holder.pod), SimDevice { part, holder: Some(holder), ..device.clone() })
    };
    holders.into_iter().map(replica).collect()
}

/// The claim by which a pod has the device of a slot; `None` for a device of a device plugin.
fn find_claim(cluster: &SimCluster, pod: &Value, slot: &str) -> Option<(String, DeviceName)> {
    let name = claimable_name(slot);
    claims::existing_claims(cluster, pod).into_iter().find_map(|(_, claim)| {
        let device = claims::allocated_devices(&claim).into_iter().find(|(.., device)| *device == name)?;
        Some((metadata_text(&claim, "name"), device))
    })
}
