//! Faults of pods, nodes and accelerators.

use super::{ExpectedOutcome, FaultSpec, NEW_PODS_RUN, NEW_PODS_SERVE, PODS_REQUEST_ACCELERATORS, REPLICAS_FALL};
use crate::sim::SimConfig;
use crate::sim::controllers::{ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, NewPodFault};
use crate::sim::ollama::AffectedPods;
use crate::units::HumanDuration;

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "one-accelerator",
        description: "there is one accelerator, and two are needed",
        inject: |s| s.set_accelerators(1),
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "tenant-takes-all",
        description: "another tenant takes every free accelerator when the target is scaled up",
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
        name: "accelerators-stripped",
        description: "an admission plugin takes the requests for accelerators off the pods, which run on the CPU",
        inject: |s| {
            s.controllers.strips_accelerators = true;
            s.ollama.on_cpu = AffectedPods::All;
        },
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
    FaultSpec {
        name: "crash-loop",
        description: "new pods crash as soon as they run",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::CrashLoop,
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "image-missing",
        description: "the image of new pods cannot be pulled",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::ImagePullFailure,
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "never-ready",
        description: "new pods run, and never become Ready",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::NeverReady,
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "late",
        description: "new pods become Ready an hour later",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::ReadyLate(HumanDuration::from_secs(3600)),
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "wrong-node",
        description: "new pods land on a node without accelerators",
        inject: |s| s.controllers.new_pod_fault = NewPodFault::WrongNode,
        expected: &[ExpectedOutcome::Fail(NEW_PODS_RUN)],
    },
    FaultSpec {
        name: "on-cpu",
        description: "the model of new pods lies in the node's memory and runs on its CPU",
        inject: |s| s.ollama.on_cpu = AffectedPods::NewPods,
        expected: &[ExpectedOutcome::Fail(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "hangs",
        description: "new pods take chats and never answer",
        inject: |s| s.ollama.hanging = AffectedPods::NewPods,
        // A pod that does no work is soon taken away again, in the middle of its own chat.
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "unending",
        description: "pods that are taken away never end",
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
        expected: &[
            ExpectedOutcome::Inconclusive(NEW_PODS_RUN),
            ExpectedOutcome::Inconclusive(NEW_PODS_SERVE),
            ExpectedOutcome::Inconclusive(REPLICAS_FALL),
        ],
    },
    FaultSpec {
        name: "workloads-slow",
        description: "Deployments and StatefulSets are looked after an hour late",
        inject: |s| s.controllers.workload_delay = HumanDuration::from_secs(3600),
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
];

fn schedule_injection(setting: &mut SimConfig, moment: InjectionTrigger, after: HumanDuration, what: InjectionAction) {
    setting
        .controllers
        .injections
        .push(ClusterInjection { time: InjectionTime { trigger: moment, after }, action: what });
}
