//! The devices of the nodes, and the pods that use them.

use std::collections::BTreeMap;

use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::objects::devices::{DevicePart, OfferedDevice, mig_profile, node_devices, pod_devices};
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
    for pod in cluster.list(&POD, None) {
        let has_ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        for (_, id, _) in pod_devices(&pod).into_iter().filter(|_| !has_ended) {
            let holder = DeviceHolder {
                namespace: metadata_text(&pod, "namespace"),
                pod: metadata_text(&pod, "name"),
                container: pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default().to_owned(),
                is_new: servers.is_new(&pod),
            };
            if let Some(device) = all.get_mut(&id) {
                device.holder = Some(holder);
            }
        }
    }
    all
}
