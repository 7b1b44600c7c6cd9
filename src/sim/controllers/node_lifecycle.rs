//! The node lifecycle controller: handles nodes whose kubelet stopped reporting, and their pods.

use serde_json::json;

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::pods;
use super::work_queue::WorkKind;
use crate::sim::cluster::{FieldManager, metadata_text};
use crate::sim::objects::condition::{self, is_condition_true};
use crate::sim::objects::kinds::{NODE, POD};
use crate::sim::objects::lost_nodes::LOST_ANNOTATION;
use crate::units::HumanDuration;

/// `--node-monitor-grace-period`: time without a report until a node is Unknown.
const MONITOR_GRACE_PERIOD: HumanDuration = HumanDuration::from_secs(50);
/// How long pods tolerate an unreachable node (admission plugin `DefaultTolerationSeconds`).
const TOLERATION_PERIOD: HumanDuration = HumanDuration::from_secs(300);

/// Loses a node.
pub(super) fn mark_lost(context: &mut ControllerContext, node: &str) {
    // Cannot fail: a pod is bound to the node.
    let _ = context.cluster.update(FieldManager::update(""), &NODE, "", node, |node| {
        node["metadata"]["annotations"][LOST_ANNOTATION] = json!("true");
    });
    context.enqueue_after(WorkKind::Node, "", node, MONITOR_GRACE_PERIOD);
}

/// Handles a node without reports: first its pods become not ready, then they are deleted, but no kubelet confirms that
/// they have terminated.
pub(super) fn sync(context: &mut ControllerContext, name: &str) {
    let cluster = &context.cluster;
    let Some(node) = cluster.get(&NODE, "", name) else { return };
    let mut pods_on_node = cluster.list(&POD, None);
    pods_on_node.retain(|pod| pod["spec"]["nodeName"] == name);
    if !is_condition_true(&node, "Ready") {
        pods_on_node.iter().for_each(|pod| pods::delete(cluster, pod));
        return;
    }
    let (now, field_manager) = (cluster.now(), FieldManager::update_status(CONTROLLER_MANAGER));
    // Cannot fail: node and pods have just been listed.
    let _ = cluster.update(field_manager, &NODE, "", name, |node| {
        let message = "Kubelet stopped posting node status.";
        condition::set(&mut node["status"], &now, "Ready", "Unknown", "NodeStatusUnknown", message);
    });
    for pod in pods_on_node {
        let _ = cluster.update(
            field_manager,
            &POD,
            &metadata_text(&pod, "namespace"),
            &metadata_text(&pod, "name"),
            |pod| {
                condition::set(&mut pod["status"], &now, "Ready", "False", "", "");
            },
        );
    }
    context.enqueue_after(WorkKind::Node, "", name, TOLERATION_PERIOD);
}
