//! Lost nodes, which an annotation marks.

use serde_json::Value;

use super::kinds::NODE;
use crate::sim::cluster::SimCluster;

/// Marks a lost node: nothing on it runs or responds, before the node's status shows it.
pub(in crate::sim) const LOST_ANNOTATION: &str = "simulator.gpuhpa/node-lost";

/// Whether a pod is bound to a lost node.
pub(in crate::sim) fn is_on_lost_node(cluster: &SimCluster, pod: &Value) -> bool {
    let node = pod["spec"]["nodeName"].as_str().and_then(|node| cluster.get(&NODE, "", node));
    node.is_some_and(|node| is_node_lost(&node))
}

/// Whether a node is lost: nothing on it runs or responds.
pub(in crate::sim) fn is_node_lost(node: &Value) -> bool {
    !node["metadata"]["annotations"][LOST_ANNOTATION].is_null()
}
