//! The node lifecycle controller: what becomes of a node from which nothing is heard any more, and of its pods.

use serde_json::{Value, json};

use super::condition::{self, holds};
use super::kinds::{NODE, POD};
use super::manager::{MANAGER, Manager};
use super::pods;
use super::queue::Duty;
use crate::sim::cluster::{Cluster, Hand, text};
use crate::units::Span;

/// Stands on a node that is lost: nothing runs there any more, and the cluster does not know it yet.
const LOST: &str = "simulated.gpuhpa/lost";

/// `--node-monitor-grace-period`: the node is silent for so long before it is Unknown.
const GRACE: Span = Span::from_secs(50);
/// How long pods tolerate that their node is unreachable (admission, `DefaultTolerationSeconds`).
const TOLERATED: Span = Span::from_secs(300);

/// A node is lost.
pub(super) fn lose(manager: &mut Manager, node: &str) {
    // It was there a moment ago.
    let _ = manager.cluster.change(Hand::of(""), &NODE, "", node, |node| {
        node["metadata"]["annotations"][LOST] = json!("true");
    });
    manager.plan(Duty::Node, "", node, GRACE);
}

/// Whether a pod stands on a node that is lost.
pub(super) fn has_lost(cluster: &Cluster, pod: &Value) -> bool {
    let node = pod["spec"]["nodeName"].as_str().and_then(|node| cluster.get(&NODE, "", node));
    node.is_some_and(|node| is_lost(&node))
}

pub(super) fn is_lost(node: &Value) -> bool {
    !node["metadata"]["annotations"][LOST].is_null()
}

/// A node has been silent: first its pods are not ready any more, at last they are deleted, and nobody can say that they
/// have ended.
pub(super) fn sync(manager: &mut Manager, name: &str) {
    let cluster = &manager.cluster;
    let Some(node) = cluster.get(&NODE, "", name) else { return };
    let mut on_it = cluster.list(&POD, None);
    on_it.retain(|pod| pod["spec"]["nodeName"] == name);
    if !holds(&node, "Ready") {
        on_it.iter().for_each(|pod| pods::delete(cluster, pod));
        return;
    }
    let (now, hand) = (cluster.now(), Hand::status(MANAGER));
    // They were there a moment ago.
    let _ = cluster.change(hand, &NODE, "", name, |node| {
        let message = "Kubelet stopped posting node status.";
        condition::set(&mut node["status"], &now, "Ready", "Unknown", "NodeStatusUnknown", message);
    });
    for pod in on_it {
        let _ = cluster.change(hand, &POD, &text(&pod, "namespace"), &text(&pod, "name"), |pod| {
            condition::set(&mut pod["status"], &now, "Ready", "False", "", "");
        });
    }
    manager.plan(Duty::Node, "", name, TOLERATED);
}
