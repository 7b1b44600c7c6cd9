//! The kubelets: a pod on a node gets its devices and its image, runs, is ready, and ends when it is told to.

pub(super) mod devices;
mod failures;
mod report;
mod volume_attach;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::config::NewPodFault;
use super::kinds::POD;
use super::manager::ControllerManager;
use super::scheduler::requested_resources;
use super::work_queue::WorkKind;
use super::{node_lifecycle, pods};
use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::units::HumanDuration;

/// Name under which a kubelet writes, and tells events.
pub(super) const KUBELET: &str = "kubelet";

/// What the kubelets remember.
#[derive(Debug, Default)]
pub(super) struct KubeletState {
    /// How far each pod is, by its uid.
    pod_stages: BTreeMap<String, PodStage>,
    /// Addresses given.
    allocated_addresses: u64,
}

/// What comes next for a pod, and when.
#[derive(Clone, Copy, Debug)]
struct PodStage {
    next: PodStep,
    due_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PodStep {
    Admit,
    Pull,
    Start,
    Ready,
    /// The containers end by themselves, so many times before.
    Crash(u32),
    Stop,
    Remove,
    /// Nothing.
    Idle,
}

impl KubeletState {
    /// A pod that is gone.
    pub(super) fn forget_pod(&mut self, pod: &Value) {
        self.pod_stages.remove(&metadata_text(pod, "uid"));
    }

    /// An address for a pod on a node.
    fn allocate_address(&mut self, node: usize) -> String {
        self.allocated_addresses += 1;
        format!("10.244.{node}.{}", 1 + self.allocated_addresses % 250)
    }
}

/// Whether something is to be wrong with a pod: it takes an accelerator, and its owner has another pod already.
pub(super) fn is_additional_pod(cluster: &SimCluster, pod: &Value) -> bool {
    let Some(owner) = pods::controller_of(pod).filter(|_| !requested_resources(pod).is_empty()) else { return false };
    let siblings = cluster.list(&POD, Some(&metadata_text(pod, "namespace")));
    siblings.iter().any(|other| {
        let same = pods::controller_of(other).is_some_and(|of| of["uid"] == owner["uid"]);
        same && other["metadata"]["uid"] != pod["metadata"]["uid"] && creation_order(other) < creation_order(pod)
    })
}

/// A number that grows with a pod's age: versions, since several pods are made in one second.
fn creation_order(pod: &Value) -> (&str, &str) {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    (text("creationTimestamp"), text("name"))
}

/// Does the next step for a pod that has a node.
pub(super) fn sync(manager: &mut ControllerManager, namespace: &str, name: &str) {
    let Some(pod) = manager.cluster.get(&POD, namespace, name) else { return };
    if pod["spec"]["nodeName"].is_null() || node_lifecycle::is_on_lost_node(&manager.cluster, &pod) {
        return;
    }
    let now_ms = manager.now_ms();
    let found = pod["status"]["phase"] == "Running";
    let first = PodStage { next: if found { PodStep::Idle } else { PodStep::Admit }, due_ms: now_ms };
    let mut stage = manager.kubelet_state.pod_stages.get(&metadata_text(&pod, "uid")).copied().unwrap_or(first);
    if pods::is_deleting(&pod) && !matches!(stage.next, PodStep::Stop | PodStep::Remove) {
        stage = PodStage { next: PodStep::Stop, due_ms: now_ms + stop_delay(manager, &pod).ms() };
    } else if stage.due_ms <= now_ms {
        let (next, after) = run_step(manager, &pod, stage.next);
        stage = PodStage { next, due_ms: now_ms + after.ms() };
    }
    if stage.next != PodStep::Idle {
        manager.enqueue_after(
            WorkKind::Kubelet,
            namespace,
            name,
            HumanDuration::from_ms(stage.due_ms.saturating_sub(now_ms)),
        );
    }
    manager.kubelet_state.pod_stages.insert(metadata_text(&pod, "uid"), stage);
}

/// Pods that serve are not ready for a while, as after a restart of their kubelet.
pub(super) fn simulate_restart(manager: &mut ControllerManager, pod: &Value, lasts: HumanDuration) {
    report::report_ready(&manager.cluster, pod, false);
    let stage = PodStage { next: PodStep::Ready, due_ms: manager.now_ms() + lasts.ms() };
    manager.kubelet_state.pod_stages.insert(metadata_text(pod, "uid"), stage);
    manager.enqueue_after(WorkKind::Kubelet, &metadata_text(pod, "namespace"), &metadata_text(pod, "name"), lasts);
}

/// How long a pod takes to end.
fn stop_delay(manager: &ControllerManager, pod: &Value) -> HumanDuration {
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(30);
    manager.jittered(manager.config.container_stop).min(HumanDuration::from_secs(grace))
}

/// Does a step; what comes after it, and after how long.
fn run_step(manager: &mut ControllerManager, pod: &Value, step: PodStep) -> (PodStep, HumanDuration) {
    let setting = &manager.config;
    let fault = if is_additional_pod(&manager.cluster, pod) { setting.new_pod_fault } else { NewPodFault::None };
    match step {
        PodStep::Admit => {
            devices::allocate(&manager.cluster, pod);
            report::report_admitted(manager, pod);
            (PodStep::Pull, manager.jittered(setting.image_pull))
        }
        // The attach controller tries again, for ever.
        PodStep::Pull if volume_attach::report_multi_attach(&manager.cluster, pod) => {
            (PodStep::Pull, HumanDuration::from_secs(10))
        }
        PodStep::Pull if fault == NewPodFault::ImagePullFailure => {
            failures::report_image_pull_failure(&manager.cluster, pod);
            (PodStep::Idle, HumanDuration::default())
        }
        PodStep::Pull => {
            report::report_pulled(&manager.cluster, pod);
            (PodStep::Start, manager.jittered(setting.container_start))
        }
        PodStep::Start => {
            let node = devices::node_index(&manager.cluster, pod);
            let address = manager.kubelet_state.allocate_address(node);
            report::report_running(manager, pod, &address);
            match fault {
                NewPodFault::CrashLoop => (PodStep::Crash(0), HumanDuration::from_secs(1)),
                NewPodFault::NeverReady => (PodStep::Idle, failures::report_probe_failure(&manager.cluster, pod)),
                NewPodFault::ReadyLate(by) => {
                    (PodStep::Ready, HumanDuration::from_ms(by.ms() + probe_delay(manager, pod).ms()))
                }
                _ => (PodStep::Ready, probe_delay(manager, pod)),
            }
        }
        PodStep::Ready => {
            report::report_ready(&manager.cluster, pod, true);
            (PodStep::Idle, HumanDuration::default())
        }
        PodStep::Crash(before) => (PodStep::Crash(before + 1), failures::report_crash(&manager.cluster, pod, before)),
        PodStep::Stop if fault == NewPodFault::NeverTerminates => (PodStep::Idle, HumanDuration::default()),
        PodStep::Stop => {
            report::report_stopped(&manager.cluster, pod);
            (PodStep::Remove, HumanDuration::from_ms(100))
        }
        PodStep::Remove => {
            manager.cluster.remove(&POD, &metadata_text(pod, "namespace"), &metadata_text(pod, "name"));
            (PodStep::Idle, HumanDuration::default())
        }
        PodStep::Idle => (PodStep::Idle, HumanDuration::default()),
    }
}

/// From running to ready: the first probe that can pass, of the container that is probed last.
fn probe_delay(manager: &ControllerManager, pod: &Value) -> HumanDuration {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let longest = all.filter(|container| !container["readinessProbe"].is_null()).map(|container| {
        let seconds = |field: &str, default: u64| container["readinessProbe"][field].as_u64().unwrap_or(default);
        (seconds("initialDelaySeconds", 0) * 1000, seconds("periodSeconds", 10) * 1000)
    });
    longest.max().map_or(HumanDuration::default(), |(delay, period)| {
        HumanDuration::from_ms(delay + manager.cluster.random_below(period))
    })
}

/// Changes a pod's status; one that is gone has none.
fn update_status(cluster: &SimCluster, pod: &Value, edit: impl FnOnce(&mut Value)) {
    let _ = cluster.update(
        FieldManager::update_status(KUBELET),
        &POD,
        &metadata_text(pod, "namespace"),
        &metadata_text(pod, "name"),
        |pod| {
            edit(&mut pod["status"]);
        },
    );
}

/// The statuses of a pod's containers, each in a state.
fn container_statuses(pod: &Value, state: &Value, ready: bool) -> Value {
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
