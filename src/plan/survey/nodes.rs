//! Nodes, and the accelerators in use.

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, ListParams};

use super::images::NodeImages;
use crate::model::inventory::Inventory;
use crate::snapshot::{node_info, snapshot_node, used_resources};

/// Reads nodes and pods. Without permission for either, its part stays empty, and the plan reports it.
pub(super) async fn read(client: &kube::Client, inventory: &mut Inventory) {
    if let Ok(nodes) = Api::<Node>::all(client.clone()).list(&ListParams::default()).await {
        let mut images = NodeImages::default();
        for node in nodes {
            images.add(&node);
            inventory.nodes.push(snapshot_node(&node));
            inventory.node_info.push(node_info(&node));
            inventory.node_addresses.push(address(node));
        }
        images.fill_in(inventory);
    }
    if let Ok(pods) = Api::<Pod>::all(client.clone()).list(&ListParams::default()).await {
        inventory.accelerators_used = Some(used_resources(&pods.items));
    }
}

/// The node's internal address, else its host name, else nothing.
fn address(node: Node) -> String {
    let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default();
    let find = |kind: &str| addresses.iter().find(|address| address.type_ == kind).map(|found| found.address.clone());
    find("InternalIP").or_else(|| find("Hostname")).unwrap_or_default()
}
