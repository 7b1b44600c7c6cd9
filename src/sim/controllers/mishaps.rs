//! What others do to the cluster in the middle of a run.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{DEPLOYMENT, HPA, NODE, POD, STATEFUL_SET};
use super::manager::Manager;
use super::queue::Duty;
use super::setting::{Moment, What};
use super::{condition, kubelet, lease, node_monitor, pods, scheduler};
use crate::record::kind::Kind;
use crate::sim::cluster::{Hand, text};

const KUBECTL: &str = "kubectl";

/// Which moments have been.
#[derive(Debug, Default)]
pub(super) struct Moments {
    reached: Vec<Moment>,
    /// How often the controller manager has started anew.
    pub(super) restarts: u32,
}

/// A moment is reached, for the first time or again: what waits for its first time is planned.
pub(super) fn reached(manager: &mut Manager, moment: Moment) {
    if manager.moments.reached.contains(&moment) {
        return;
    }
    manager.moments.reached.push(moment);
    for (number, mishap) in manager.setting.mishaps.clone().iter().enumerate() {
        if mishap.when.moment == moment {
            manager.plan(Duty::Mishap, "", &number.to_string(), mishap.when.after);
        }
    }
}

/// Whether a change of the target's size is such a moment.
pub(super) fn watch(manager: &mut Manager, resource: &str, object: &Value, before: Option<&Value>) {
    let Some(before) = before.filter(|_| matches!(resource, "deployments.apps" | "statefulsets.apps")) else { return };
    let size = |object: &Value| object["spec"]["replicas"].as_i64().unwrap_or(1);
    if size(object) == size(before)
        || target(manager).is_none_or(|(_, t)| t["metadata"]["uid"] != object["metadata"]["uid"])
    {
        return;
    }
    reached(manager, if size(object) > size(before) { Moment::FirstRise } else { Moment::FirstFall });
}

/// The target of the first HPA.
fn target(manager: &Manager) -> Option<(Kind, Arc<Value>)> {
    let hpa = manager.cluster.list(&HPA, None).into_iter().next()?;
    let of = &hpa["spec"]["scaleTargetRef"];
    let kind = [DEPLOYMENT, STATEFUL_SET].into_iter().find(|kind| of["kind"] == kind.kind)?;
    let found = manager.cluster.get(&kind, &text(&hpa, "namespace"), of["name"].as_str()?)?;
    Some((kind, found))
}

/// Lets a mishap happen.
pub(super) fn befall(manager: &mut Manager, number: &str) {
    let Some(mishap) = number.parse::<usize>().ok().and_then(|n| manager.setting.mishaps.get(n)).copied() else {
        return;
    };
    match mishap.what {
        What::Scales(by) => resize(manager, by, Hand::scale(KUBECTL)),
        What::Edits(by) => resize(manager, by, Hand::of(KUBECTL)),
        What::SecondAutoscaler => rival(manager),
        What::ManagerRestart => restart(manager),
        What::KubeletRestart(lasts) => {
            for pod in holders(manager).into_iter().filter(|pod| condition::holds(pod, "Ready")) {
                kubelet::restart(manager, &pod, lasts);
            }
        }
        What::NodeLost => lose(manager),
        What::Tenant(count) => tenant(manager, count),
    }
}

fn resize(manager: &Manager, by: i32, hand: Hand<'_>) {
    let Some((kind, target)) = target(manager) else { return };
    // It was there a moment ago.
    let _ = manager.cluster.change(hand, &kind, &text(&target, "namespace"), &text(&target, "name"), |target| {
        let size = target["spec"]["replicas"].as_i64().unwrap_or(1) + i64::from(by);
        // At none the autoscaler is off, which is another fault.
        target["spec"]["replicas"] = json!(size.max(1));
    });
}

fn rival(manager: &Manager) {
    let Some(first) = manager.cluster.list(&HPA, None).into_iter().next() else { return };
    let rival = json!({"metadata": {"name": "somebody-elses", "namespace": first["metadata"]["namespace"]},
        "spec": first["spec"]});
    // Its name is nobody else's.
    let _ = manager.cluster.create(Hand::of(KUBECTL), &HPA, rival);
}

fn restart(manager: &mut Manager) {
    manager.moments.restarts += 1;
    manager.autoscalers.values_mut().for_each(super::autoscaler::Memory::forget);
    lease::renew(manager);
    for hpa in manager.cluster.list(&HPA, None) {
        manager.soon(Duty::Autoscaler, &text(&hpa, "namespace"), &text(&hpa, "name"));
    }
}

/// Pods of the target that hold accelerators, the youngest first.
fn holders(manager: &Manager) -> Vec<Arc<Value>> {
    let Some((_, target)) = target(manager) else { return Vec::new() };
    let mut all = manager.cluster.list(&POD, Some(&text(&target, "namespace")));
    let selector = &target["spec"]["selector"];
    all.retain(|pod| super::labels::matches(selector, pod) && !scheduler::requested(pod).is_empty());
    all.retain(|pod| pods::is_active(pod) && !pod["spec"]["nodeName"].is_null());
    all.sort_by_key(|pod| std::cmp::Reverse(text(pod, "creationTimestamp")));
    all
}

fn lose(manager: &mut Manager) {
    let node = holders(manager).first().map(|pod| pod["spec"]["nodeName"].clone());
    if let Some(node) = node.as_ref().and_then(Value::as_str) {
        node_monitor::lose(manager, node);
    }
}

/// Another tenant's pods, one for each accelerator that they take.
fn tenant(manager: &Manager, count: usize) {
    let all = manager.cluster.list(&POD, None);
    let nodes = manager.cluster.list(&NODE, None);
    let free = nodes.iter().flat_map(|node| {
        let resources = scheduler::free(node, &all).into_iter();
        resources
            .flat_map(move |(resource, left)| (0..left.max(0)).map(move |_| (text(node, "name"), resource.clone())))
    });
    for (number, (node, resource)) in free.take(count).enumerate() {
        let mut requests = json!({});
        requests[resource] = json!("1");
        let pod = json!({"metadata": {"name": format!("training-{number}"), "namespace": "default"},
            "spec": {"nodeName": node, "containers": [
                {"name": "main", "image": "training", "resources": {"requests": requests, "limits": requests}}]},
            "status": {"phase": "Pending"}});
        // Its name is new.
        let _ = manager.cluster.create(Hand::of(KUBECTL), &POD, pod);
    }
}
