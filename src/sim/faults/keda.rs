//! Faults of KEDA. They need a scenario with a ScaledObject; elsewhere they change nothing.

use super::{AUTOSCALER_ACTIVE, ExpectedOutcome, FaultSpec, HOLD_STEADY, METRIC_FOLLOWS_LOAD};
use crate::sim::config::{
    ActiveWindow, ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, WindowStart,
};
use crate::units::HumanDuration;

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "keda-operator-hangs",
        description: "KEDA's operator hangs for three minutes from shortly after the second pod is ready: its metrics server answers 500",
        inject: |s| {
            let window = ActiveWindow::starting_at(WindowStart::ReadyPods(2));
            let (delay, duration) = (HumanDuration::from_secs(15), Some(HumanDuration::from_secs(180)));
            s.pipeline.keda_away = Some(ActiveWindow { delay, duration, ..window });
        },
        expected: &[ExpectedOutcome::Inconclusive(HOLD_STEADY), METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "second-scaled-object",
        description: "kubectl creates a second ScaledObject for the target",
        inject: |s| {
            let time = InjectionTime { trigger: InjectionTrigger::HpaCreated, after: HumanDuration::from_secs(5) };
            s.controllers.injections.push(ClusterInjection { time, action: InjectionAction::SecondScaledObject });
        },
        expected: &[ExpectedOutcome::Inconclusive(AUTOSCALER_ACTIVE)],
    },
];
