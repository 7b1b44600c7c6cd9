//! The devices of the nodes, and which pod holds which.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::cluster::{Cluster, text};
use super::super::controllers;
use super::super::servers::{POD, Servers};
use crate::record::kind::Kind;

const NODE: Kind = Kind::of("", "v1", "Node", "nodes");

/// A device of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) node: String,
    pub(super) index: String,
    pub(super) holder: Option<Holder>,
}

/// The pod that holds a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
    /// Not the first pod of the target.
    pub(super) new: bool,
}

/// All devices by UUID, but for those of nodes that are lost.
pub(super) fn devices(cluster: &Cluster, servers: &Servers) -> BTreeMap<String, Device> {
    let mut all = BTreeMap::new();
    for node in cluster.list(&NODE, None).into_iter().filter(|node| !controllers::is_lost(node)) {
        for (uuid, index) in controllers::offered(&node) {
            all.insert(uuid, Device { node: text(&node, "name"), index: index.to_string(), holder: None });
        }
    }
    for pod in cluster.list(&POD, None) {
        let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        for (_, uuid, _) in controllers::devices(&pod).into_iter().filter(|_| !ended) {
            let holder = Holder {
                namespace: text(&pod, "namespace"),
                pod: text(&pod, "name"),
                container: pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default().to_owned(),
                new: servers.is_new(&pod),
            };
            if let Some(device) = all.get_mut(&uuid) {
                device.holder = Some(holder);
            }
        }
    }
    all
}

/// Whether a pod holds a device.
pub(in crate::sim) fn holds(pod: &Value) -> bool {
    !controllers::devices(pod).is_empty()
}
