//! Nodes, and the accelerators in use.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{Api, ListParams};

use crate::model::inventory::Inventory;
use crate::model::observation::NodeSnapshot;

/// Reads nodes and pods. Without permission for either, its part stays empty, and the plan reports it.
pub(super) async fn read(client: &kube::Client, inventory: &mut Inventory) {
    if let Ok(nodes) = Api::<Node>::all(client.clone()).list(&ListParams::default()).await {
        for node in nodes {
            let status = node.status.unwrap_or_default();
            let address =
                |kind: &str| status.addresses.iter().flatten().find(|a| a.type_ == kind).map(|a| a.address.clone());
            inventory.node_addresses.push(address("InternalIP").or_else(|| address("Hostname")).unwrap_or_default());
            let count = |(name, quantity): (&String, &Quantity)| {
                Some((name.clone(), quantity.0.parse::<i64>().ok().filter(|_| name.contains('/'))?))
            };
            inventory.nodes.push(NodeSnapshot {
                name: node.metadata.name.unwrap_or_default(),
                ready: status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True"),
                allocatable: status.allocatable.iter().flatten().filter_map(count).collect(),
            });
        }
    }
    if let Ok(pods) = Api::<Pod>::all(client.clone()).list(&ListParams::default()).await {
        let mut used: BTreeMap<String, i64> = BTreeMap::new();
        let bound =
            |pod: &Pod| !matches!(pod.status.as_ref().and_then(|s| s.phase.as_deref()), Some("Succeeded" | "Failed"));
        for spec in pods.into_iter().filter(bound).filter_map(|pod| pod.spec).filter(|spec| spec.node_name.is_some()) {
            let requests = spec.containers.iter().filter_map(|c| c.resources.as_ref()?.requests.as_ref());
            for (name, quantity) in requests.flatten().filter(|(name, _)| name.contains('/')) {
                *used.entry(name.clone()).or_insert(0) += quantity.0.parse::<i64>().unwrap_or(0);
            }
        }
        inventory.accelerators_used = Some(used);
    }
}
