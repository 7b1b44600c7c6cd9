//! The fault catalogue: faults of real clusters, each with the expected outcome of a run. No fault may end in PASS. The
//! catalogue also has tolerated disturbances, which are not faults: none of them may end in FAIL.
//! `tests/rehearsal` runs each with many seeds; `gpuhpa rehearse --fault NAME` runs one.

mod client;
mod cluster;
mod dra;
mod hpa_controller;
mod keda;
mod metric;
mod network;
mod pods;
mod tolerated;

use crate::model::verdict::{CaseResult, Verdict};
use crate::sim::config::{SharedValues, SimConfig};

/// A fault or a tolerated disturbance.
pub struct FaultSpec {
    /// Value of `--fault`.
    pub name: &'static str,
    /// The symptom on a real cluster.
    pub description: &'static str,
    /// Applies it to the configuration of a healthy platform.
    pub inject: fn(&mut SimConfig),
    /// The outcomes that a run may have; which of several depends on timing.
    pub expected: &'static [ExpectedOutcome],
}

/// Expected outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// PASS, and the cluster is restored.
    Pass,
    /// INCONCLUSIVE, decided by any case, and the cluster is restored.
    AnyInconclusive,
    /// FAIL, decided by this case.
    Fail(&'static str),
    /// INCONCLUSIVE, decided by this case.
    Inconclusive(&'static str),
    /// NOT APPLICABLE.
    NotApplicable,
    /// PASS, NOT RESTORED: the checks pass, and the clean-up could not remove an object.
    NotRestored,
    /// The run does not start: the reason contains this text.
    NotStarted(&'static str),
}

impl ExpectedOutcome {
    /// The name of the case that decides the verdict.
    #[must_use]
    pub fn deciding_case(self) -> Option<&'static str> {
        match self {
            Self::Fail(case) | Self::Inconclusive(case) => Some(case),
            Self::NotRestored => Some("Cleanup/Restored"),
            Self::Pass | Self::AnyInconclusive | Self::NotApplicable | Self::NotStarted(_) => None,
        }
    }

    /// Whether a verdict has this outcome.
    #[must_use]
    pub fn is_met(self, verdict: &Verdict) -> bool {
        let is_decided_by = |case: &str| verdict.reason.starts_with(&format!("{case}: "));
        match self {
            Self::Pass => verdict.result == CaseResult::Pass && verdict.restored,
            Self::AnyInconclusive => verdict.result == CaseResult::Inconclusive && verdict.restored,
            Self::Fail(case) => verdict.result == CaseResult::Fail && is_decided_by(case),
            Self::Inconclusive(case) => verdict.result == CaseResult::Inconclusive && is_decided_by(case),
            Self::NotApplicable => verdict.result == CaseResult::NotApplicable,
            Self::NotRestored => verdict.result == CaseResult::Pass && !verdict.restored,
            Self::NotStarted(text) => {
                let has_passed_case = verdict.cases.iter().any(|case| case.result == CaseResult::Pass);
                verdict.result != CaseResult::Pass && !has_passed_case && verdict.reason.contains(text)
            }
        }
    }
}

/// All faults, by area.
pub fn all() -> impl Iterator<Item = &'static FaultSpec> {
    [metric::FAULTS, hpa_controller::FAULTS, pods::FAULTS, network::FAULTS, cluster::FAULTS, client::FAULTS]
        .into_iter()
        .flatten()
}

/// The faults that need a scenario with a ScaledObject of KEDA.
pub fn of_keda() -> impl Iterator<Item = &'static FaultSpec> {
    keda::FAULTS.iter()
}

/// The faults that need a scenario whose charts make resource claims.
pub fn of_dra() -> impl Iterator<Item = &'static FaultSpec> {
    dra::FAULTS.iter()
}

/// All tolerated disturbances.
pub fn tolerated() -> impl Iterator<Item = &'static FaultSpec> {
    tolerated::all()
}

/// All pods of the target are on one accelerator, of which the exporter reports these values.
fn share_one_accelerator(config: &mut SimConfig, values: SharedValues) {
    config.share_one_accelerator(8);
    config.pipeline.shared_values = values;
}

/// The fault or disturbance of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static FaultSpec> {
    all().chain(of_keda()).chain(of_dra()).chain(tolerated()).find(|fault| fault.name == name)
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
