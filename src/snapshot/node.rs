//! Reduces a node to what the checks read.

use k8s_openapi::api::core::v1::Node;

use super::resources::extended_resources;
use crate::model::observation::NodeSnapshot;

/// Reduces a node.
#[must_use]
pub(crate) fn snapshot_node(node: &Node) -> NodeSnapshot {
    let status = node.status.clone().unwrap_or_default();
    let ready = status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready");
    NodeSnapshot {
        name: node.metadata.name.clone().unwrap_or_default(),
        ready: ready.is_some_and(|ready| ready.status == "True"),
        allocatable: extended_resources(&status.allocatable.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_shows_its_extended_resources_alone() {
        let node = serde_json::from_value(json!({
            "metadata": {"name": "n1", "uid": "u"},
            "status": {"allocatable": {"cpu": "2", "memory": "24Gi", "pods": "110", "nvidia.com/gpu": "4",
                    "attachable-volumes.kubernetes.io/x": "1"},
                "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]}
        }))
        .unwrap();
        assert_eq!(
            snapshot_node(&node),
            NodeSnapshot { name: "n1".into(), ready: true, allocatable: [("nvidia.com/gpu".to_owned(), 4)].into() }
        );
    }
}
