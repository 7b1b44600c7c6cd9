//! Faults of the HPA controller, and hands that take its place.

use super::{
    AUTOSCALER_ACTIVE, BY_THE_AUTOSCALER, DECISIONS_EXPLAINED, ExpectedOutcome, FaultSpec, HOLD_STEADY, IDLE_HOLDS,
    NOT_EARLY, REPLICAS_FALL, REPLICAS_RISE,
};
use crate::sim::SimConfig;
use crate::sim::controllers::{ClusterInjection, HpaFault, InjectionAction, InjectionTime, InjectionTrigger};
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
        description: "the HPA controller makes no pass any more after its fourth",
        inject: |s| set_hpa_fault(s, HpaFault::StuckAfter(4)),
        expected: &[ExpectedOutcome::Fail(REPLICAS_RISE)],
    },
    FaultSpec {
        name: "hpa-stops-after-rise",
        description: "the HPA controller makes no pass any more after the scale-up",
        inject: |s| set_hpa_fault(s, HpaFault::StopsAfterScaleUp),
        expected: &[ExpectedOutcome::Fail(REPLICAS_FALL)],
    },
    FaultSpec {
        name: "hpa-never-down",
        description: "the HPA controller never lowers a size",
        inject: |s| set_hpa_fault(s, HpaFault::NeverScalesDown),
        expected: &[ExpectedOutcome::Fail(REPLICAS_FALL)],
    },
    FaultSpec {
        name: "hpa-never-up",
        description: "the HPA controller never raises a size",
        inject: |s| set_hpa_fault(s, HpaFault::NeverScalesUp),
        expected: &[ExpectedOutcome::Fail(REPLICAS_RISE)],
    },
    FaultSpec {
        name: "hpa-scales-alone",
        description: "the HPA controller scales up without load, by something else than the metric",
        inject: |s| set_hpa_fault(s, HpaFault::SpuriousScaleUp(HumanDuration::from_secs(20))),
        expected: &[ExpectedOutcome::Fail(IDLE_HOLDS)],
    },
    FaultSpec {
        name: "hpa-flaps",
        description: "the HPA controller takes replicas away and adds them again under constant load",
        inject: |s| set_hpa_fault(s, HpaFault::FlapsAfter(HumanDuration::default())),
        expected: &[ExpectedOutcome::Fail(DECISIONS_EXPLAINED)],
    },
    FaultSpec {
        name: "hpa-flaps-later",
        description: "the HPA controller begins to take replicas away and to add them again when the load has held for a while",
        inject: |s| set_hpa_fault(s, HpaFault::FlapsAfter(HumanDuration::from_secs(120))),
        // It may begin before the size is held, when a pod is not Ready yet.
        expected: &[ExpectedOutcome::Fail(HOLD_STEADY), ExpectedOutcome::Fail(DECISIONS_EXPLAINED)],
    },
    FaultSpec {
        name: "hpa-ignores-window",
        description: "the HPA controller lowers a size at once, without the stabilization window",
        inject: |s| set_hpa_fault(s, HpaFault::StabilizationPercent(0)),
        // Under load a short fall of the metric is enough, of which a reading may show nothing.
        expected: &[
            ExpectedOutcome::Fail(NOT_EARLY),
            ExpectedOutcome::Fail(DECISIONS_EXPLAINED),
            ExpectedOutcome::Fail(HOLD_STEADY),
        ],
    },
    FaultSpec {
        name: "hpa-halves-window",
        description: "the HPA controller keeps half of the stabilization window that the HPA states",
        inject: |s| set_hpa_fault(s, HpaFault::StabilizationPercent(50)),
        expected: &[ExpectedOutcome::Fail(NOT_EARLY)],
    },
    FaultSpec {
        name: "hpa-beyond-max",
        description: "the HPA controller raises beyond maxReplicas",
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
        name: "hand-up",
        description: "somebody scales up with kubectl during the rise",
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
        name: "hand-down",
        description: "somebody scales down with kubectl under load",
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
        name: "hand-edits",
        description: "somebody edits the target's replicas",
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

fn set_hpa_fault(setting: &mut SimConfig, how: HpaFault) {
    setting.controllers.hpa_controller.fault = how;
}

fn schedule_injection(setting: &mut SimConfig, moment: InjectionTrigger, after: HumanDuration, what: InjectionAction) {
    setting
        .controllers
        .injections
        .push(ClusterInjection { time: InjectionTime { trigger: moment, after }, action: what });
}
