//! The kubelets: take a bound pod through device allocation, image pull, start and readiness, and stop it when deleted.

mod devices;
mod failures;
mod pod_status;
mod report;
mod volume_attach;

use std::collections::BTreeMap;

use serde_json::Value;

use super::context::ControllerContext;
use super::pods;
use super::work_queue::WorkKind;
use crate::sim::cluster::metadata_text;
use crate::sim::config::NewPodFault;
use crate::sim::objects::kinds::POD;
use crate::sim::objects::{lost_nodes, state};
use crate::units::HumanDuration;

/// From ready to the next kill of a container that was killed before: the load that killed it is there.
const KILLED_AGAIN: HumanDuration = HumanDuration::from_secs(3);

/// The kubelets of all nodes.
#[derive(Debug, Default)]
pub(super) struct Kubelets {
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
    /// The containers, which have been ready, are killed, after this many restarts.
    Kill(u32),
    /// They start again, for the n-th time.
    Restart(u32),
    Stop,
    Remove,
    /// No step is left.
    Idle,
}

impl Kubelets {
    /// Drops the stage of a removed object, if it is a pod.
    pub(super) fn forget(&mut self, object: &Value) {
        self.pod_stages.remove(&metadata_text(object, "uid"));
    }

    /// Takes the next step of a bound pod, if it is due.
    pub(super) fn sync(&mut self, context: &mut ControllerContext, namespace: &str, name: &str) {
        let Some(pod) = context.cluster.get(&POD, namespace, name) else { return };
        if pod["spec"]["nodeName"].is_null() || lost_nodes::is_on_lost_node(&context.cluster, &pod) {
            return;
        }
        let now_ms = context.now_ms();
        let found = pod["status"]["phase"] == "Running";
        let first = PodStage { next: if found { PodStep::Idle } else { PodStep::Admit }, due_ms: now_ms };
        let mut stage = self.pod_stages.get(&metadata_text(&pod, "uid")).copied().unwrap_or(first);
        if state::is_deleting(&pod) && !matches!(stage.next, PodStep::Stop | PodStep::Remove) {
            stage = PodStage { next: PodStep::Stop, due_ms: now_ms + stop_delay(context, &pod).ms() };
        } else if stage.due_ms <= now_ms {
            let (next, after) = self.run_step(context, &pod, stage.next);
            stage = PodStage { next, due_ms: now_ms + after.ms() };
        }
        if stage.next != PodStep::Idle {
            context.enqueue_after(
                WorkKind::Kubelet,
                namespace,
                name,
                HumanDuration::from_ms(stage.due_ms.saturating_sub(now_ms)),
            );
        }
        self.pod_stages.insert(metadata_text(&pod, "uid"), stage);
    }

    /// Makes a pod not ready for a duration, as after a restart of its kubelet.
    pub(super) fn simulate_restart(&mut self, context: &mut ControllerContext, pod: &Value, duration: HumanDuration) {
        report::report_ready(&context.cluster, pod, false);
        let stage = PodStage { next: PodStep::Ready, due_ms: context.now_ms() + duration.ms() };
        self.pod_stages.insert(metadata_text(pod, "uid"), stage);
        context.enqueue_after(
            WorkKind::Kubelet,
            &metadata_text(pod, "namespace"),
            &metadata_text(pod, "name"),
            duration,
        );
    }

    /// Takes a step; returns the next one and the delay until it.
    fn run_step(&mut self, context: &ControllerContext, pod: &Value, step: PodStep) -> (PodStep, HumanDuration) {
        let config = &context.config;
        let fault =
            if pods::is_additional_pod(&context.cluster, pod) { config.new_pod_fault } else { NewPodFault::None };
        match step {
            PodStep::Admit => {
                devices::allocate(&context.cluster, pod);
                report::report_admitted(context, pod);
                (PodStep::Pull, context.jittered(config.image_pull))
            }
            // The attach-detach controller retries without end.
            PodStep::Pull if volume_attach::report_multi_attach(&context.cluster, pod) => {
                (PodStep::Pull, HumanDuration::from_secs(10))
            }
            PodStep::Pull if fault == NewPodFault::ImagePullFailure => {
                failures::report_image_pull_failure(&context.cluster, pod);
                (PodStep::Idle, HumanDuration::default())
            }
            PodStep::Pull => {
                report::report_pulled(&context.cluster, pod);
                (PodStep::Start, context.jittered(config.container_start))
            }
            PodStep::Start => {
                let node = devices::node_index(&context.cluster, pod);
                let address = self.allocate_address(node);
                report::report_running(context, pod, &address);
                step_after_start(fault, context, pod)
            }
            PodStep::Ready => {
                report::report_ready(&context.cluster, pod, true);
                step_after_ready(fault, pod)
            }
            PodStep::Kill(restarts) => {
                (PodStep::Restart(restarts + 1), failures::report_killed(&context.cluster, pod, restarts))
            }
            PodStep::Restart(restarts) => {
                failures::report_restarted(&context.cluster, pod, restarts);
                (PodStep::Ready, probe_delay(context, pod))
            }
            PodStep::Crash(restarts) => {
                (PodStep::Crash(restarts + 1), failures::report_crash(&context.cluster, pod, restarts))
            }
            PodStep::Stop if fault == NewPodFault::NeverTerminates => (PodStep::Idle, HumanDuration::default()),
            PodStep::Stop => {
                report::report_stopped(&context.cluster, pod);
                (PodStep::Remove, HumanDuration::from_ms(100))
            }
            PodStep::Remove => {
                context.cluster.remove(&POD, &metadata_text(pod, "namespace"), &metadata_text(pod, "name"));
                (PodStep::Idle, HumanDuration::default())
            }
            PodStep::Idle => (PodStep::Idle, HumanDuration::default()),
        }
    }

    /// Allocates a pod address of a node.
    fn allocate_address(&mut self, node: usize) -> String {
        self.allocated_addresses += 1;
        format!("10.244.{node}.{}", 1 + self.allocated_addresses % 250)
    }
}

/// The next step of a pod whose containers have started, and the delay until it.
fn step_after_start(fault: NewPodFault, context: &ControllerContext, pod: &Value) -> (PodStep, HumanDuration) {
    match fault {
        NewPodFault::CrashLoop => (PodStep::Crash(0), HumanDuration::from_secs(1)),
        NewPodFault::NeverReady => (PodStep::Idle, failures::report_probe_failure(&context.cluster, pod)),
        NewPodFault::ReadyLate(delay) => {
            (PodStep::Ready, HumanDuration::from_ms(delay.ms() + probe_delay(context, pod).ms()))
        }
        _ => (PodStep::Ready, probe_delay(context, pod)),
    }
}

/// The next step of a pod that is ready, and the delay until it.
fn step_after_ready(fault: NewPodFault, pod: &Value) -> (PodStep, HumanDuration) {
    let NewPodFault::KilledAfterReady { after, kills } = fault else {
        return (PodStep::Idle, HumanDuration::default());
    };
    match failures::restart_count(pod) {
        restarts if restarts >= kills => (PodStep::Idle, HumanDuration::default()),
        0 => (PodStep::Kill(0), after),
        restarts => (PodStep::Kill(restarts), KILLED_AGAIN),
    }
}

/// Time from the deletion of a pod to the end of its containers.
fn stop_delay(context: &ControllerContext, pod: &Value) -> HumanDuration {
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(30);
    context.jittered(context.config.container_stop).min(HumanDuration::from_secs(grace))
}

/// Time from running to ready: until the first probe of the container that is probed last.
fn probe_delay(context: &ControllerContext, pod: &Value) -> HumanDuration {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let longest = all.filter(|container| !container["readinessProbe"].is_null()).map(|container| {
        let seconds = |field: &str, default: u64| container["readinessProbe"][field].as_u64().unwrap_or(default);
        (seconds("initialDelaySeconds", 0) * 1000, seconds("periodSeconds", 10) * 1000)
    });
    longest.max().map_or(HumanDuration::default(), |(delay, period)| {
        HumanDuration::from_ms(delay + context.cluster.random_below(period))
    })
}
