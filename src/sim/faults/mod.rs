//! The fault catalogue: faults of real clusters, each with what verify has to say of it. None of them may end in a PASS.
//! Beside them stand the disturbances, which are no faults: none of them may end in a FAIL.
//! `tests/rehearsal` runs every one with many seeds; `gpuhpa rehearse --fault NAME` shows one.

mod client;
mod cluster;
mod hpa_controller;
mod metric;
mod network;
mod pods;
mod tolerated;

use super::SimConfig;
use crate::model::verdict::{CaseResult, Verdict};

/// A fault, or a disturbance.
pub struct FaultSpec {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, as somebody would find it on a real cluster.
    pub description: &'static str,
    /// Makes a healthy platform such a one.
    pub inject: fn(&mut SimConfig),
    /// How a run on it must end; where several are named, it depends on the moment.
    pub expected: &'static [ExpectedOutcome],
}

/// How a run must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// PASS, and everything is as it was before.
    Pass,
    /// INCONCLUSIVE, decided by whichever case, and everything is as it was before.
    AnyInconclusive,
    /// FAIL, decided by this case.
    Fail(&'static str),
    /// INCONCLUSIVE, decided by this case.
    Inconclusive(&'static str),
    /// NOT APPLICABLE.
    NotApplicable,
    /// PASS, not restored: the platform is not to blame, and something could not be removed.
    NotRestored,
    /// It does not begin: the reason holds these words.
    NotStarted(&'static str),
}

impl ExpectedOutcome {
    /// The case that decides, where one is named.
    #[must_use]
    pub fn deciding_case(self) -> Option<&'static str> {
        match self {
            Self::Fail(case) | Self::Inconclusive(case) => Some(case),
            Self::NotRestored => Some("Cleanup/Restored"),
            Self::Pass | Self::AnyInconclusive | Self::NotApplicable | Self::NotStarted(_) => None,
        }
    }

    /// Whether a run ended so.
    #[must_use]
    pub fn is_met(self, verdict: &Verdict) -> bool {
        let decided = |case: &str| verdict.reason.starts_with(&format!("{case}: "));
        match self {
            Self::Pass => verdict.result == CaseResult::Pass && verdict.restored,
            Self::AnyInconclusive => verdict.result == CaseResult::Inconclusive && verdict.restored,
            Self::Fail(case) => verdict.result == CaseResult::Fail && decided(case),
            Self::Inconclusive(case) => verdict.result == CaseResult::Inconclusive && decided(case),
            Self::NotApplicable => verdict.result == CaseResult::NotApplicable,
            Self::NotRestored => verdict.result == CaseResult::Pass && !verdict.restored,
            Self::NotStarted(words) => {
                let began = verdict.cases.iter().any(|case| case.result == CaseResult::Pass);
                verdict.result != CaseResult::Pass && !began && verdict.reason.contains(words)
            }
        }
    }
}

/// All faults, by the door at which they show.
pub fn all() -> impl Iterator<Item = &'static FaultSpec> {
    [metric::FAULTS, hpa_controller::FAULTS, pods::FAULTS, network::FAULTS, cluster::FAULTS, client::FAULTS]
        .into_iter()
        .flatten()
}

/// All disturbances: what a run has to bear.
pub fn tolerated() -> impl Iterator<Item = &'static FaultSpec> {
    tolerated::all()
}

/// The fault or the disturbance of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static FaultSpec> {
    all().chain(tolerated()).find(|fault| fault.name == name)
}

const PODS_REQUEST_ACCELERATORS: &str = "Setup/PodsRequestAccelerators";
const METRIC_SERVED: ExpectedOutcome = ExpectedOutcome::Inconclusive("Setup/MetricServed");
const AUTOSCALER_ACTIVE: &str = "Setup/AutoscalerActive";
const IDLE_HOLDS: &str = "Control/IdleHolds";
const BY_THE_AUTOSCALER: ExpectedOutcome = ExpectedOutcome::Inconclusive("Control/ByTheAutoscaler");
const METRIC_FOLLOWS_LOAD: ExpectedOutcome = ExpectedOutcome::Inconclusive("Control/MetricFollowsLoad");
const REPLICAS_RISE: &str = "ScaleUp/ReplicasRise";
const NEW_PODS_RUN: &str = "ScaleUp/NewPodsRunOnAccelerators";
const NEW_PODS_SERVE: &str = "ScaleUp/NewPodsServe";
const HOLD_STEADY: &str = "Hold/Steady";
const REPLICAS_FALL: &str = "ScaleDown/ReplicasFall";
const NOT_EARLY: &str = "ScaleDown/NotEarly";
const DECISIONS_EXPLAINED: &str = "Oracle/DecisionsExplained";
