//! The kubelets: take a bound pod through device allocation, image pull, start and readiness, and stop it when deleted.

mod devices;
mod failures;
mod report;
mod volume_attach;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::manager::ControllerManager;
use super::pods;
use super::work_queue::WorkKind;
use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::config::NewPodFault;
use crate::sim::objects::kinds::POD;
use crate::sim::objects::{lost_nodes, state};
use crate::units::HumanDuration;

/// Field manager and event component of the kubelets.
pub(super) const KUBELET: &str = "kubelet";

/// State of the kubelets.
#[derive(Debug, Default)]
pub(super) struct KubeletState {
    /// Stage of each pod, by its uid.
    pod_stages: BTreeMap<String, PodStage>,
    /// Number of pod addresses allocated.
    allocated_addresses: u64,
}

/// The next step of a pod, and its due time.
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
    /// The containers crash, after this many restarts.
    Crash(u32),
    Stop,
    Remove,
    /// No step is left.
    Idle,
}

impl KubeletState {
    /// Drops the stage of a removed pod.
    pub(super) fn forget_pod(&mut self, pod: &Value) {
        self.pod_stages.remove(&metadata_text(pod, "uid"));
    }

    /// Allocates a pod address of a node.
    fn allocate_address(&mut self, node: usize) -> String {
        self.allocated_addresses += 1;
        format!("10.244.{node}.{}", 1 + self.allocated_addresses % 250)
    }
}

/// Takes the next step of a bound pod, if it is due.
pub(super) fn sync(manager: &mut ControllerManager, namespace: &str, name: &str) {
    let Some(pod) = manager.cluster.get(&POD, namespace, name) else { return };
    if pod["spec"]["nodeName"].is_null() || lost_nodes::is_on_lost_node(&manager.cluster, &pod) {
        return;
    }
    let now_ms = manager.now_ms();
    let found = pod["status"]["phase"] == "Running";
    let first = PodStage { next: if found { PodStep::Idle } else { PodStep::Admit }, due_ms: now_ms };
    let mut stage = manager.kubelet_state.pod_stages.get(&metadata_text(&pod, "uid")).copied().unwrap_or(first);
    if state::is_deleting(&pod) && !matches!(stage.next, PodStep::Stop | PodStep::Remove) {
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

/// Makes a pod not ready for a duration, as after a restart of its kubelet.
pub(super) fn simulate_restart(manager: &mut ControllerManager, pod: &Value, duration: HumanDuration) {
    report::report_ready(&manager.cluster, pod, false);
    let stage = PodStage { next: PodStep::Ready, due_ms: manager.now_ms() + duration.ms() };
    manager.kubelet_state.pod_stages.insert(metadata_text(pod, "uid"), stage);
    manager.enqueue_after(WorkKind::Kubelet, &metadata_text(pod, "namespace"), &metadata_text(pod, "name"), duration);
}

/// Time from the deletion of a pod to the end of its containers.
fn stop_delay(manager: &ControllerManager, pod: &Value) -> HumanDuration {
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(30);
    manager.jittered(manager.config.container_stop).min(HumanDuration::from_secs(grace))
}

/// Takes a step; returns the next one and the delay until it.
fn run_step(manager: &mut ControllerManager, pod: &Value, step: PodStep) -> (PodStep, HumanDuration) {
    let config = &manager.config;
    let fault = if pods::is_additional_pod(&manager.cluster, pod) { config.new_pod_fault } else { NewPodFault::None };
    match step {
        PodStep::Admit => {
            devices::allocate(&manager.cluster, pod);
            report::report_admitted(manager, pod);
            (PodStep::Pull, manager.jittered(config.image_pull))
        }
        // The attach-detach controller retries without end.
        PodStep::Pull if volume_attach::report_multi_attach(&manager.cluster, pod) => {
            (PodStep::Pull, HumanDuration::from_secs(10))
        }
        PodStep::Pull if fault == NewPodFault::ImagePullFailure => {
            failures::report_image_pull_failure(&manager.cluster, pod);
            (PodStep::Idle, HumanDuration::default())
        }
        PodStep::Pull => {
            report::report_pulled(&manager.cluster, pod);
            (PodStep::Start, manager.jittered(config.container_start))
        }
        PodStep::Start => {
            let node = devices::node_index(&manager.cluster, pod);
            let address = manager.kubelet_state.allocate_address(node);
            report::report_running(manager, pod, &address);
            match fault {
                NewPodFault::CrashLoop => (PodStep::Crash(0), HumanDuration::from_secs(1)),
                NewPodFault::NeverReady => (PodStep::Idle, failures::report_probe_failure(&manager.cluster, pod)),
                NewPodFault::ReadyLate(delay) => {
                    (PodStep::Ready, HumanDuration::from_ms(delay.ms() + probe_delay(manager, pod).ms()))
                }
                _ => (PodStep::Ready, probe_delay(manager, pod)),
            }
        }
        PodStep::Ready => {
            report::report_ready(&manager.cluster, pod, true);
            (PodStep::Idle, HumanDuration::default())
        }
        PodStep::Crash(restarts) => {
            (PodStep::Crash(restarts + 1), failures::report_crash(&manager.cluster, pod, restarts))
        }
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

/// Time from running to ready: until the first probe of the container that is probed last.
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

/// Updates a pod's status. The only error is NotFound: the pod is deleted.
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

/// Builds the containerStatuses of a pod with one state for all.
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
