//! Faults of the HPA controller, and other clients that change replicas.

use super::{
    AUTOSCALER_ACTIVE, BY_THE_AUTOSCALER, DECISIONS_EXPLAINED, ExpectedOutcome, FaultSpec, HOLD_STEADY, IDLE_HOLDS,
    NOT_EARLY, REPLICAS_FALL, REPLICAS_RISE,
};
use crate::sim::config::{ClusterInjection, HpaFault, InjectionAction, InjectionTime, InjectionTrigger, SimConfig};
use crate::units::HumanDuration;

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "hpa-controller-off",
        description: "no HPA controller runs",
        inject: |s| set_hpa_fault(s, HpaFault::Off),
        expected: &[ExpectedOutcome::Fail(AUTOSCALER_ACTIVE)],
    },
    FaultSpec {
        name: "hpa-stuck",
        description: "the HPA controller stops reconciling after its fourth sync",
        inject: |s| set_hpa_fault(s, HpaFault::StuckAfter(4)),
        expected: &[ExpectedOutcome::Fail(REPLICAS_RISE)],
    },
    FaultSpec {
        name: "hpa-stops-after-scale-up",
        description: "the HPA controller stops reconciling after scale-up",
        inject: |s| set_hpa_fault(s, HpaFault::StopsAfterScaleUp),
        expected: &[ExpectedOutcome::Fail(REPLICAS_FALL)],
    },
    FaultSpec {
        name: "hpa-never-down",
        description: "the HPA controller never scales down",
        inject: |s| set_hpa_fault(s, HpaFault::NeverScalesDown),
        expected: &[ExpectedOutcome::Fail(REPLICAS_FALL)],
    },
    FaultSpec {
        name: "hpa-never-up",
        description: "the HPA controller never scales up",
        inject: |s| set_hpa_fault(s, HpaFault::NeverScalesUp),
        expected: &[ExpectedOutcome::Fail(REPLICAS_RISE)],
    },
    FaultSpec {
        name: "hpa-scales-without-load",
        description: "the HPA controller scales up without load, independently of the metric",
        inject: |s| set_hpa_fault(s, HpaFault::SpuriousScaleUp(HumanDuration::from_secs(20))),
        expected: &[ExpectedOutcome::Fail(IDLE_HOLDS)],
    },
    FaultSpec {
        name: "hpa-flaps",
        description: "the HPA controller removes replicas and adds them again under constant load",
        inject: |s| set_hpa_fault(s, HpaFault::FlapsAfter(HumanDuration::default())),
        expected: &[ExpectedOutcome::Fail(DECISIONS_EXPLAINED)],
    },
    FaultSpec {
        name: "hpa-flaps-later",
        description: "the HPA controller removes replicas and adds them again from 120 s after scale-up",
        inject: |s| set_hpa_fault(s, HpaFault::FlapsAfter(HumanDuration::from_secs(120))),
        // It may start before the hold phase, while a pod is not Ready yet.
        expected: &[ExpectedOutcome::Fail(HOLD_STEADY), ExpectedOutcome::Fail(DECISIONS_EXPLAINED)],
    },
    FaultSpec {
        name: "hpa-ignores-stabilization",
        description: "the HPA controller scales down at once, without the stabilization window",
        inject: |s| set_hpa_fault(s, HpaFault::StabilizationPercent(0)),
        // Under load a short drop of the metric is enough, and readings may miss it.
        expected: &[
            ExpectedOutcome::Fail(NOT_EARLY),
            ExpectedOutcome::Fail(DECISIONS_EXPLAINED),
            ExpectedOutcome::Fail(HOLD_STEADY),
        ],
    },
    FaultSpec {
        name: "hpa-halves-stabilization",
        description: "the HPA controller uses half of the HPA's stabilization window",
        inject: |s| set_hpa_fault(s, HpaFault::StabilizationPercent(50)),
        expected: &[ExpectedOutcome::Fail(NOT_EARLY)],
    },
    FaultSpec {
        name: "hpa-beyond-max",
        description: "the HPA controller scales above maxReplicas",
        inject: |s| set_hpa_fault(s, HpaFault::ExceedsMax(1)),
        expected: &[ExpectedOutcome::Fail(DECISIONS_EXPLAINED)],
    },
    FaultSpec {
        name: "second-hpa",
        description: "another HPA selects the same pods",
        inject: |s| {
            schedule_injection(s, InjectionTrigger::HpaCreated, HumanDuration::from_ms(0), InjectionAction::SecondHpa)
        },
        expected: &[ExpectedOutcome::Inconclusive(AUTOSCALER_ACTIVE)],
    },
    FaultSpec {
        name: "manual-scale-up",
        description: "kubectl scale adds a replica during scale-up",
        inject: |s| {
            schedule_injection(
                s,
                InjectionTrigger::FirstScaleUp,
                HumanDuration::from_secs(5),
                InjectionAction::PatchScale(1),
            )
        },
        expected: &[BY_THE_AUTOSCALER],
    },
    FaultSpec {
        name: "manual-scale-down",
        description: "kubectl scale removes a replica under load",
        inject: |s| {
            schedule_injection(
                s,
                InjectionTrigger::FirstScaleUp,
                HumanDuration::from_secs(40),
                InjectionAction::PatchScale(-1),
            )
        },
        expected: &[BY_THE_AUTOSCALER],
    },
    FaultSpec {
        name: "manual-edit",
        description: "kubectl edit changes the target's spec.replicas",
        inject: |s| {
            schedule_injection(
                s,
                InjectionTrigger::FirstScaleUp,
                HumanDuration::from_secs(5),
                InjectionAction::PatchWorkload(1),
            )
        },
        expected: &[BY_THE_AUTOSCALER],
    },
];

fn set_hpa_fault(config: &mut SimConfig, fault: HpaFault) {
    config.controllers.hpa_controller.fault = fault;
}

fn schedule_injection(
    config: &mut SimConfig,
    trigger: InjectionTrigger,
    after: HumanDuration,
    action: InjectionAction,
) {
    config.controllers.injections.push(ClusterInjection { time: InjectionTime { trigger, after }, action });
}
