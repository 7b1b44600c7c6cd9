//! Nodes, and the accelerators in use.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod, PodSpec};
use kube::api::{Api, ListParams};

use crate::model::inventory::Inventory;
use crate::snapshot::{node_info, requested_resources, snapshot_node};

/// Reads nodes and pods. Without permission for either, its part stays empty, and the plan reports it.
pub(super) async fn read(client: &kube::Client, inventory: &mut Inventory) {
    if let Ok(nodes) = Api::<Node>::all(client.clone()).list(&ListParams::default()).await {
        for node in nodes {
            inventory.nodes.push(snapshot_node(&node));
            inventory.node_info.push(node_info(&node));
            inventory.node_addresses.push(address(node));
        }
    }
    if let Ok(pods) = Api::<Pod>::all(client.clone()).list(&ListParams::default()).await {
        inventory.accelerators_used = Some(used_resources(pods));
    }
}

/// The node's internal address, else its host name, else nothing.
fn address(node: Node) -> String {
    let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default();
    let find = |kind: &str| addresses.iter().find(|address| address.type_ == kind).map(|found| found.address.clone());
    find("InternalIP").or_else(|| find("Hostname")).unwrap_or_default()
}

/// The extended resources of the pods on nodes. A pod that has ended has released its own.
fn used_resources(pods: impl IntoIterator<Item = Pod>) -> BTreeMap<String, i64> {
    let has_ended = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    };
    let specs = pods.into_iter().filter(|pod| !has_ended(pod)).filter_map(|pod| pod.spec);
    let mut used = BTreeMap::new();
    for (name, count) in
        specs.filter(|spec: &PodSpec| spec.node_name.is_some()).flat_map(|spec| requested_resources(&spec))
    {
        let total: &mut i64 = used.entry(name).or_insert(0);
        *total = total.saturating_add(count);
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(spec: Value, phase: &str) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec, "status": {"phase": phase}})).unwrap()
    }

    #[test]
    fn pods_on_nodes_use_what_the_scheduler_counts_for_them() {
        let container = json!({"name": "c", "resources": {"requests": {"nvidia.com/gpu": "1"}}});
        let init = json!({"name": "i", "resources": {"requests": {"nvidia.com/gpu": "2"}}});
        let native = json!({"name": "c", "resources": {"requests": {"example.kubernetes.io/x": "1", "cpu": "1"}}});
        let used = used_resources([
            pod(json!({"nodeName": "n", "containers": [container, native]}), "Running"),
            pod(json!({"nodeName": "n", "initContainers": [init], "containers": [container]}), "Pending"),
            pod(json!({"nodeName": "n", "containers": [container]}), "Succeeded"),
            pod(json!({"containers": [container]}), "Pending"),
        ]);
        assert_eq!(used, BTreeMap::from([("nvidia.com/gpu".to_owned(), 3)]));
    }
}
