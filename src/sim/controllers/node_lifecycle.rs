//! The node lifecycle controller: what becomes of a node from which nothing is heard any more, and of its pods.

use serde_json::{Value, json};

use super::condition::{self, is_condition_true};
use super::kinds::{NODE, POD};
use super::manager::{CONTROLLER_MANAGER, ControllerManager};
use super::pods;
use super::work_queue::WorkKind;
use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::units::HumanDuration;

/// Stands on a node that is lost: nothing runs there any more, and the cluster does not know it yet.
const LOST_ANNOTATION: &str = "simulated.gpuhpa/lost";

/// `--node-monitor-grace-period`: the node is silent for so long before it is Unknown.
const MONITOR_GRACE_PERIOD: HumanDuration = HumanDuration::from_secs(50);
/// How long pods tolerate that their node is unreachable (admission, `DefaultTolerationSeconds`).
const TOLERATION_PERIOD: HumanDuration = HumanDuration::from_secs(300);

/// A node is lost.
pub(super) fn mark_lost(manager: &mut ControllerManager, node: &str) {
    // It was there a moment ago.
    let _ = manager.cluster.update(FieldManager::update(""), &NODE, "", node, |node| {
        node["metadata"]["annotations"][LOST_ANNOTATION] = json!("true");
    });
    manager.enqueue_after(WorkKind::Node, "", node, MONITOR_GRACE_PERIOD);
}

/// Whether a pod stands on a node that is lost.
pub(super) fn is_on_lost_node(cluster: &SimCluster, pod: &Value) -> bool {
    let node = pod["spec"]["nodeName"].as_str().and_then(|node| cluster.get(&NODE, "", node));
    node.is_some_and(|node| is_lost(&node))
}

pub(super) fn is_lost(node: &Value) -> bool {
    !node["metadata"]["annotations"][LOST_ANNOTATION].is_null()
}

/// A node has been silent: first its pods are not ready any more, at last they are deleted, and nobody can say that they
/// have ended.
pub(super) fn sync(manager: &mut ControllerManager, name: &str) {
    let cluster = &manager.cluster;
    let Some(node) = cluster.get(&NODE, "", name) else { return };
    let mut on_it = cluster.list(&POD, None);
    on_it.retain(|pod| pod["spec"]["nodeName"] == name);
    if !is_condition_true(&node, "Ready") {
        on_it.iter().for_each(|pod| pods::delete(cluster, pod));
        return;
    }
    let (now, hand) = (cluster.now(), FieldManager::update_status(CONTROLLER_MANAGER));
    // They were there a moment ago.
    let _ = cluster.update(hand, &NODE, "", name, |node| {
        let message = "Kubelet stopped posting node status.";
        condition::set(&mut node["status"], &now, "Ready", "Unknown", "NodeStatusUnknown", message);
    });
    for pod in on_it {
        let _ = cluster.update(hand, &POD, &metadata_text(&pod, "namespace"), &metadata_text(&pod, "name"), |pod| {
            condition::set(&mut pod["status"], &now, "Ready", "False", "", "");
        });
    }
    manager.enqueue_after(WorkKind::Node, "", name, TOLERATION_PERIOD);
}
