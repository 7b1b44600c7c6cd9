//! The checks, each one row of one table. A new check is its own file, and here its `mod` line, its variant and its row.

mod check_spec;

mod autoscaler_active;
mod by_the_autoscaler;
mod decisions_explained;
mod hold_steady;
mod idle_holds;
mod metric_follows_load;
mod metric_served;
mod new_pods_run_on_accelerators;
mod new_pods_serve;
mod not_early;
mod pods_request_accelerators;
mod replicas_fall;
mod replicas_rise;
mod restored;

pub(crate) use check_spec::Prerequisite;
pub(super) use check_spec::{Attribution, EvaluatedSince};
use check_spec::{CheckPartSpec, CheckSpec};
pub(super) use metric_follows_load::rise_due_ms;
pub(super) use new_pods_serve::find_service_traffic;

use crate::model::observation::Phase;
use crate::model::verdict::RESTORED_CASE;
use CheckPart::{MetricFalls, MetricRises};
use EvaluatedSince::{HpaCreation, PhaseStart};
use Prerequisite::{Part, Whole};

/// A check; each is one JUnit case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is documented at the head of its check's file")]
pub enum Check {
    PodsRequestAccelerators,
    MetricServed,
    AutoscalerActive,
    IdleHolds,
    ByTheAutoscaler,
    MetricFollowsLoad,
    ReplicasRise,
    NewPodsRunOnAccelerators,
    NewPodsServe,
    HoldSteady,
    ReplicasFall,
    NotEarly,
    DecisionsExplained,
    Restored,
}

/// One direction of Control/MetricFollowsLoad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckPart {
    /// The metric under load.
    MetricRises,
    /// The metric after the load.
    MetricFalls,
}

/// One row for each check, in the order of a run.
static CHECKS: &[CheckSpec] = &[
    CheckSpec {
        check: Check::PodsRequestAccelerators,
        name: "Setup/PodsRequestAccelerators",
        sentence: "every pod of the target requests an accelerator: an extended resource or a DRA claim",
        prerequisites: &[],
        awaited_in: Some(Phase::Metric),
        counts_for_early_exit: true,
        attribution: Some(Attribution { sources: &["workload", "pods"], since: HpaCreation, lost_node_excuses: false }),
        evaluate: pods_request_accelerators::evaluate,
    },
    CheckSpec {
        check: Check::MetricServed,
        name: "Setup/MetricServed",
        sentence: "the metrics API serves the HPA's metric with a finite value, before the HPA exists",
        prerequisites: &[],
        awaited_in: Some(Phase::Metric),
        counts_for_early_exit: true,
        attribution: Some(Attribution { sources: &["workload", "pods"], since: HpaCreation, lost_node_excuses: false }),
        evaluate: metric_served::evaluate,
    },
    CheckSpec {
        check: Check::AutoscalerActive,
        name: "Setup/AutoscalerActive",
        sentence: "the API server stores the HPA as it was applied, the HPA has ScalingActive=True with ValidMetricFound, \
                    and its current metric, the only one, is a value that the metrics API served",
        prerequisites: &[Whole(Check::MetricServed)],
        awaited_in: Some(Phase::Autoscaler),
        counts_for_early_exit: true,
        attribution: Some(Attribution {
            sources: &["hpa", "pods", "workload"],
            since: HpaCreation,
            lost_node_excuses: false,
        }),
        evaluate: autoscaler_active::evaluate,
    },
    CheckSpec {
        check: Check::IdleHolds,
        name: "Control/IdleHolds",
        sentence: "without load the metric recommends at most minReplicas, and replicas stay there",
        prerequisites: &[Whole(Check::AutoscalerActive)],
        awaited_in: Some(Phase::Baseline),
        counts_for_early_exit: true,
        attribution: Some(Attribution { sources: &["workload", "pods"], since: HpaCreation, lost_node_excuses: false }),
        evaluate: idle_holds::evaluate,
    },
    CheckSpec {
        check: Check::ByTheAutoscaler,
        name: "Control/ByTheAutoscaler",
        sentence: "one controller writes every change of size, to the scale subresource, and each change matches the \
                    HPA's status and events",
        prerequisites: &[Whole(Check::AutoscalerActive)],
        awaited_in: Some(Phase::ScaleDown),
        counts_for_early_exit: true,
        attribution: Some(Attribution { sources: &["workload", "pods"], since: HpaCreation, lost_node_excuses: false }),
        evaluate: by_the_autoscaler::evaluate,
    },
    CheckSpec {
        check: Check::MetricFollowsLoad,
        name: "Control/MetricFollowsLoad",
        sentence: "the metric recommends at least the expected replicas under load, and minReplicas after it",
        prerequisites: &[Whole(Check::IdleHolds)],
        awaited_in: None,
        counts_for_early_exit: true,
        attribution: Some(Attribution { sources: &["workload", "pods"], since: HpaCreation, lost_node_excuses: false }),
        evaluate: metric_follows_load::evaluate,
    },
    CheckSpec {
        check: Check::ReplicasRise,
        name: "ScaleUp/ReplicasRise",
        sentence: "replicas reach the expected number within a derived bound",
        prerequisites: &[Part(MetricRises), Whole(Check::ByTheAutoscaler)],
        awaited_in: Some(Phase::ScaleUp),
        counts_for_early_exit: true,
        attribution: Some(Attribution {
            sources: &["workload", "pods"],
            since: PhaseStart(Phase::ScaleUp),
            lost_node_excuses: false,
        }),
        evaluate: replicas_rise::evaluate,
    },
    CheckSpec {
        check: Check::NewPodsRunOnAccelerators,
        name: "ScaleUp/NewPodsRunOnAccelerators",
        sentence: "every new pod becomes Ready on a node with accelerators, and its device is recorded",
        prerequisites: &[Whole(Check::ReplicasRise), Whole(Check::PodsRequestAccelerators)],
        awaited_in: Some(Phase::ScaleUp),
        counts_for_early_exit: true,
        attribution: Some(Attribution {
            sources: &["pods", "nodes"],
            since: PhaseStart(Phase::ScaleUp),
            lost_node_excuses: true,
        }),
        evaluate: new_pods_run_on_accelerators::evaluate,
    },
    CheckSpec {
        check: Check::NewPodsServe,
        name: "ScaleUp/NewPodsServe",
        sentence: "every new pod that stays long enough answers a chat of its own on the accelerator, and receives \
                    traffic from the Service",
        prerequisites: &[Whole(Check::NewPodsRunOnAccelerators)],
        awaited_in: Some(Phase::Hold),
        counts_for_early_exit: true,
        attribution: Some(Attribution {
            sources: &["pods", "endpoints"],
            since: PhaseStart(Phase::ScaleUp),
            lost_node_excuses: true,
        }),
        evaluate: new_pods_serve::evaluate,
    },
    CheckSpec {
        check: Check::HoldSteady,
        name: "Hold/Steady",
        sentence: "under constant load, while the metric is served, replicas do not fall below the recommendation, and the \
                    expected pods stay Ready",
        prerequisites: &[Whole(Check::ReplicasRise)],
        awaited_in: Some(Phase::Hold),
        counts_for_early_exit: true,
        attribution: Some(Attribution {
            sources: &["workload", "pods"],
            since: PhaseStart(Phase::ScaleUp),
            lost_node_excuses: false,
        }),
        evaluate: hold_steady::evaluate,
    },
    CheckSpec {
        check: Check::ReplicasFall,
        name: "ScaleDown/ReplicasFall",
        sentence: "replicas fall to minReplicas and the surplus pods are gone, within a derived bound, by the end of \
                    the load alone",
        prerequisites: &[Whole(Check::ReplicasRise), Part(MetricFalls), Whole(Check::ByTheAutoscaler)],
        awaited_in: Some(Phase::ScaleDown),
        counts_for_early_exit: true,
        attribution: Some(Attribution {
            sources: &["workload", "pods"],
            since: PhaseStart(Phase::ScaleDown),
            lost_node_excuses: true,
        }),
        evaluate: replicas_fall::evaluate,
    },
    CheckSpec {
        check: Check::NotEarly,
        name: "ScaleDown/NotEarly",
        sentence: "no replica is removed before the scale-down window has passed",
        prerequisites: &[Whole(Check::ReplicasFall)],
        awaited_in: None,
        counts_for_early_exit: true,
        attribution: Some(Attribution { sources: &["workload", "pods"], since: HpaCreation, lost_node_excuses: false }),
        evaluate: not_early::evaluate,
    },
    CheckSpec {
        check: Check::DecisionsExplained,
        name: "Oracle/DecisionsExplained",
        sentence: "every size lies in the set that the HPA's algorithm allows",
        prerequisites: &[Whole(Check::AutoscalerActive)],
        awaited_in: Some(Phase::ScaleDown),
        counts_for_early_exit: false,
        attribution: Some(Attribution {
            sources: &["workload", "pods", "hpa"],
            since: HpaCreation,
            lost_node_excuses: false,
        }),
        evaluate: decisions_explained::evaluate,
    },
    CheckSpec {
        check: Check::Restored,
        name: RESTORED_CASE,
        sentence: "everything that the run created is gone, and what it adopted is unchanged",
        prerequisites: &[],
        awaited_in: None,
        counts_for_early_exit: false,
        attribution: None,
        evaluate: restored::evaluate,
    },
];

static CHECK_PARTS: &[CheckPartSpec] = &[
    CheckPartSpec {
        part: MetricRises,
        check: Check::MetricFollowsLoad,
        name: "Control/MetricFollowsLoad (scale-up)",
        awaited_in: Some(Phase::ScaleUp),
        evaluate: metric_follows_load::evaluate_rise,
    },
    CheckPartSpec {
        part: MetricFalls,
        check: Check::MetricFollowsLoad,
        name: "Control/MetricFollowsLoad (scale-down)",
        awaited_in: Some(Phase::ScaleDown),
        evaluate: metric_follows_load::evaluate_fall,
    },
];

/// The row of a variant is found by its number.
const _: () = {
    let mut row = 0;
    while row < CHECKS.len() {
        assert!(CHECKS[row].check as usize == row, "the rows are not in the order of the variants");
        row += 1;
    }
    assert!(row == Check::Restored as usize + 1, "a variant has no row; Restored is the last one");
    assert!(CHECK_PARTS[0].part as usize == 0 && CHECK_PARTS[1].part as usize == 1, "the rows are not in order");
};
