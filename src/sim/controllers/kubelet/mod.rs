//! The kubelets: a pod on a node gets its devices and its image, runs, is ready, and ends when it is told to.

mod attach;
pub(super) mod device;
mod report;
mod trouble;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kinds::POD;
use super::manager::Manager;
use super::queue::Duty;
use super::scheduler::requested;
use super::setting::NewPods;
use super::{node_monitor, pods};
use crate::sim::cluster::{Cluster, Hand, text};
use crate::units::Span;

/// Name under which a kubelet writes, and tells events.
pub(super) const KUBELET: &str = "kubelet";

/// What the kubelets remember.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// How far each pod is, by its uid.
    stages: BTreeMap<String, Stage>,
    /// Addresses given.
    addresses: u64,
}

/// What comes next for a pod, and when.
#[derive(Clone, Copy, Debug)]
struct Stage {
    next: Step,
    due_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Admit,
    Pull,
    Start,
    Ready,
    /// The containers end by themselves, so many times before.
    Crash(u32),
    Stop,
    Remove,
    /// Nothing.
    Rest,
}

impl Memory {
    /// A pod that is gone.
    pub(super) fn forget(&mut self, pod: &Value) {
        self.stages.remove(&text(pod, "uid"));
    }

    /// An address for a pod on a node.
    fn address(&mut self, node: usize) -> String {
        self.addresses += 1;
        format!("10.244.{node}.{}", 1 + self.addresses % 250)
    }
}

/// Whether something is to be wrong with a pod: it takes an accelerator, and its owner has another pod already.
pub(super) fn is_new(cluster: &Cluster, pod: &Value) -> bool {
    let Some(owner) = pods::controller_of(pod).filter(|_| !requested(pod).is_empty()) else { return false };
    let siblings = cluster.list(&POD, Some(&text(pod, "namespace")));
    siblings.iter().any(|other| {
        let same = pods::controller_of(other).is_some_and(|of| of["uid"] == owner["uid"]);
        same && other["metadata"]["uid"] != pod["metadata"]["uid"] && age(other) < age(pod)
    })
}

/// A number that grows with a pod's age: versions, since several pods are made in one second.
fn age(pod: &Value) -> (&str, &str) {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    (text("creationTimestamp"), text("name"))
}

/// Does the next step for a pod that has a node.
pub(super) fn sync(manager: &mut Manager, namespace: &str, name: &str) {
    let Some(pod) = manager.cluster.get(&POD, namespace, name) else { return };
    if pod["spec"]["nodeName"].is_null() || node_monitor::has_lost(&manager.cluster, &pod) {
        return;
    }
    let now_ms = manager.now_ms();
    let found = pod["status"]["phase"] == "Running";
    let first = Stage { next: if found { Step::Rest } else { Step::Admit }, due_ms: now_ms };
    let mut stage = manager.kubelet.stages.get(&text(&pod, "uid")).copied().unwrap_or(first);
    if pods::is_deleting(&pod) && !matches!(stage.next, Step::Stop | Step::Remove) {
        stage = Stage { next: Step::Stop, due_ms: now_ms + stop(manager, &pod).ms() };
    } else if stage.due_ms <= now_ms {
        let (next, after) = step(manager, &pod, stage.next);
        stage = Stage { next, due_ms: now_ms + after.ms() };
    }
    if stage.next != Step::Rest {
        manager.plan(Duty::Kubelet, namespace, name, Span::from_ms(stage.due_ms.saturating_sub(now_ms)));
    }
    manager.kubelet.stages.insert(text(&pod, "uid"), stage);
}

/// Pods that serve are not ready for a while, as after a restart of their kubelet.
pub(super) fn restart(manager: &mut Manager, pod: &Value, lasts: Span) {
    report::ready(&manager.cluster, pod, false);
    let stage = Stage { next: Step::Ready, due_ms: manager.now_ms() + lasts.ms() };
    manager.kubelet.stages.insert(text(pod, "uid"), stage);
    manager.plan(Duty::Kubelet, &text(pod, "namespace"), &text(pod, "name"), lasts);
}

/// How long a pod takes to end.
fn stop(manager: &Manager, pod: &Value) -> Span {
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(30);
    manager.around(manager.setting.stop).min(Span::from_secs(grace))
}

/// Does a step; what comes after it, and after how long.
fn step(manager: &mut Manager, pod: &Value, step: Step) -> (Step, Span) {
    let setting = &manager.setting;
    let fault = if is_new(&manager.cluster, pod) { setting.new_pods } else { NewPods::Healthy };
    match step {
        Step::Admit => {
            device::allocate(&manager.cluster, pod);
            report::admitted(manager, pod);
            (Step::Pull, manager.around(setting.pull))
        }
        // The attach controller tries again, for ever.
        Step::Pull if attach::is_elsewhere(&manager.cluster, pod) => (Step::Pull, Span::from_secs(10)),
        Step::Pull if fault == NewPods::NoImage => {
            trouble::no_image(&manager.cluster, pod);
            (Step::Rest, Span::default())
        }
        Step::Pull => {
            report::pulled(&manager.cluster, pod);
            (Step::Start, manager.around(setting.start))
        }
        Step::Start => {
            let node = device::place(&manager.cluster, pod);
            let address = manager.kubelet.address(node);
            report::running(manager, pod, &address);
            match fault {
                NewPods::CrashLoop => (Step::Crash(0), Span::from_secs(1)),
                NewPods::NeverReady => (Step::Rest, trouble::unready(&manager.cluster, pod)),
                NewPods::Late(by) => (Step::Ready, Span::from_ms(by.ms() + probe(manager, pod).ms())),
                _ => (Step::Ready, probe(manager, pod)),
            }
        }
        Step::Ready => {
            report::ready(&manager.cluster, pod, true);
            (Step::Rest, Span::default())
        }
        Step::Crash(before) => (Step::Crash(before + 1), trouble::crash(&manager.cluster, pod, before)),
        Step::Stop if fault == NewPods::Unending => (Step::Rest, Span::default()),
        Step::Stop => {
            report::stopped(&manager.cluster, pod);
            (Step::Remove, Span::from_ms(100))
        }
        Step::Remove => {
            manager.cluster.remove(&POD, &text(pod, "namespace"), &text(pod, "name"));
            (Step::Rest, Span::default())
        }
        Step::Rest => (Step::Rest, Span::default()),
    }
}

/// From running to ready: the first probe that can pass, of the container that is probed last.
fn probe(manager: &Manager, pod: &Value) -> Span {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let longest = all.filter(|container| !container["readinessProbe"].is_null()).map(|container| {
        let seconds = |field: &str, default: u64| container["readinessProbe"][field].as_u64().unwrap_or(default);
        (seconds("initialDelaySeconds", 0) * 1000, seconds("periodSeconds", 10) * 1000)
    });
    longest.max().map_or(Span::default(), |(delay, period)| Span::from_ms(delay + manager.cluster.chance(period)))
}

/// Changes a pod's status; one that is gone has none.
fn write(cluster: &Cluster, pod: &Value, edit: impl FnOnce(&mut Value)) {
    let _ = cluster.change(Hand::status(KUBELET), &POD, &text(pod, "namespace"), &text(pod, "name"), |pod| {
        edit(&mut pod["status"]);
    });
}

/// The statuses of a pod's containers, each in a state.
fn containers(pod: &Value, state: &Value, ready: bool) -> Value {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let old = |n: usize| &pod["status"]["containerStatuses"][n];
    let statuses = all.enumerate().map(|(n, container)| {
        let mut status = json!({"name": container["name"], "image": container["image"],
            "imageID": "", "ready": ready, "started": !state["running"].is_null(),
            "restartCount": old(n)["restartCount"].as_i64().unwrap_or(0), "state": state});
        for field in ["allocatedResourcesStatus", "lastState"] {
            if !old(n)[field].is_null() {
                status[field] = old(n)[field].clone();
            }
        }
        status
    });
    Value::Array(statuses.collect())
}
