//! Faults of pods, nodes and accelerators.

use super::{
    ExpectedOutcome, FaultSpec, HOLD_STEADY, NEW_PODS_RUN, NEW_PODS_SERVE, PODS_REQUEST_ACCELERATORS, REPLICAS_FALL,
};
use crate::sim::config::{
    AffectedPods, ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, NewPodFault, SimConfig,
};
use crate::units::HumanDuration;

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "one-accelerator",
        description: "one accelerator exists, two are needed",
        inject: |s| s.set_accelerators(1),
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "tenant-takes-all",
        description: "another tenant takes every free accelerator before scale-up",
        inject: |s| {
            schedule_injection(
                s,
                InjectionTrigger::HpaCreated,
                HumanDuration::from_secs(1),
                InjectionAction::TenantPods(64),
            )
        },
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "accelerator-requests-removed",
        description: "an admission plugin removes the accelerator requests of pods, which then run on the CPU",
        inject: |s| {
            s.controllers.strips_accelerators = true;
            s.ollama.on_cpu = AffectedPods::All;
        },
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
    FaultSpec {
        name: "crash-loop",
        description: "new pods crash as soon as they start",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::CrashLoop,
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "crash-after-ready",
        description: "new pods become Ready, and are killed for their use of memory some seconds later, again and again",
        inject: |s| {
            // During the first chat of the pod, or when it serves.
            let after = HumanDuration::from_secs(1 + s.seed % 20);
            s.controllers.new_pod_fault = NewPodFault::KilledAfterReady { after, kills: u32::MAX };
        },
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN), ExpectedOutcome::Inconclusive(HOLD_STEADY)],
    },
    FaultSpec {
        name: "image-missing",
        description: "the image of new pods cannot be pulled",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::ImagePullFailure,
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "never-ready",
        description: "new pods run but never become Ready",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::NeverReady,
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "pods-ready-late",
        description: "new pods become Ready one hour late",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::ReadyLate(HumanDuration::from_secs(3600)),
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "wrong-node",
        description: "new pods run on a node without accelerators",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::WrongNode,
        expected: &[ExpectedOutcome::Fail(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "model-on-cpu",
        description: "new pods keep the model in host memory and run it on the CPU",
        inject: |s| s.ollama.on_cpu = AffectedPods::NewPods,
        expected: &[ExpectedOutcome::Fail(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "every-model-on-cpu",
        description: "all pods request an accelerator, but keep the model in host memory and run it on the CPU",
        inject: |s| s.ollama.on_cpu = AffectedPods::All,
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
    FaultSpec {
        name: "new-pods-hang",
        description: "new pods accept chats and never answer",
        inject: |s| s.ollama.hanging = AffectedPods::NewPods,
        // The HPA soon removes an idle pod, in the middle of the chat that probes it.
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "pods-never-terminate",
        description: "deleted pods never terminate",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::NeverTerminates,
        expected: &[ExpectedOutcome::Fail(REPLICAS_FALL)],
    },
    FaultSpec {
        name: "node-lost",
        description: "the node of the newest pod is lost under load",
        inject: |s| {
            schedule_injection(
                s,
                InjectionTrigger::FirstScaleUp,
                HumanDuration::from_secs(60),
                InjectionAction::NodeLost,
            )
        },
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN), ExpectedOutcome::Inconclusive(REPLICAS_FALL)],
    },
    FaultSpec {
        name: "workload-controllers-slow",
        description: "the Deployment and StatefulSet controllers act one hour late",
        inject: |s| s.controllers.workload_delay = HumanDuration::from_secs(3600),
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
];

fn schedule_injection(
    config: &mut SimConfig,
    trigger: InjectionTrigger,
    after: HumanDuration,
    action: InjectionAction,
) {
    config.controllers.injections.push(ClusterInjection { time: InjectionTime { trigger, after }, action });
}
