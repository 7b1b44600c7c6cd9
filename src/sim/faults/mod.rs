//! The fault catalogue: faults of real clusters, each with what verify has to say of it. None of them may end in a PASS.
//! Beside them stand the disturbances, which are no faults: none of them may end in a FAIL.
//! `tests/rehearsal` runs every one with many seeds; `gpuhpa rehearse --fault NAME` shows one.

mod autoscaler;
mod client;
mod cluster;
mod metric;
mod mild;
mod network;
mod pods;

use super::Setting;
use crate::record::verdict::{CaseResult, Verdict};

/// A fault, or a disturbance.
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, as somebody would find it on a real cluster.
    pub what: &'static str,
    /// Makes a healthy platform such a one.
    pub spoil: fn(&mut Setting),
    /// How a run on it must end; where several are named, it depends on the moment.
    pub must: &'static [Must],
}

/// How a run must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// PASS, and everything is as it was before.
    Pass,
    /// INCONCLUSIVE, decided by whichever case, and everything is as it was before.
    Unclear,
    /// FAIL, decided by this case.
    Fail(&'static str),
    /// INCONCLUSIVE, decided by this case.
    Inconclusive(&'static str),
    /// NOT APPLICABLE.
    NotApplicable,
    /// PASS, not restored: the platform is not to blame, and something could not be removed.
    NotRestored,
    /// It does not begin: the reason holds these words.
    NotBegin(&'static str),
}

impl Must {
    /// The case that decides, where one is named.
    #[must_use]
    pub fn case(self) -> Option<&'static str> {
        match self {
            Self::Fail(case) | Self::Inconclusive(case) => Some(case),
            Self::NotRestored => Some("Cleanup/Restored"),
            Self::Pass | Self::Unclear | Self::NotApplicable | Self::NotBegin(_) => None,
        }
    }

    /// Whether a run ended so.
    #[must_use]
    pub fn is_met(self, verdict: &Verdict) -> bool {
        let decided = |case: &str| verdict.reason.starts_with(&format!("{case}: "));
        match self {
            Self::Pass => verdict.result == CaseResult::Pass && verdict.restored,
            Self::Unclear => verdict.result == CaseResult::Inconclusive && verdict.restored,
            Self::Fail(case) => verdict.result == CaseResult::Fail && decided(case),
            Self::Inconclusive(case) => verdict.result == CaseResult::Inconclusive && decided(case),
            Self::NotApplicable => verdict.result == CaseResult::NotApplicable,
            Self::NotRestored => verdict.result == CaseResult::Pass && !verdict.restored,
            Self::NotBegin(words) => {
                let began = verdict.cases.iter().any(|case| case.result == CaseResult::Pass);
                verdict.result != CaseResult::Pass && !began && verdict.reason.contains(words)
            }
        }
    }
}

/// All faults, by the door at which they show.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    [metric::FAULTS, autoscaler::FAULTS, pods::FAULTS, network::FAULTS, cluster::FAULTS, client::FAULTS]
        .into_iter()
        .flatten()
}

/// All disturbances: what a run has to bear.
pub fn mild() -> impl Iterator<Item = &'static Fault> {
    mild::all()
}

/// The fault or the disturbance of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Fault> {
    all().chain(mild()).find(|fault| fault.name == name)
}

const PODS: &str = "Setup/PodsRequestAccelerators";
const SERVED: Must = Must::Inconclusive("Setup/MetricServed");
const ACTIVE: &str = "Setup/AutoscalerActive";
const IDLE: &str = "Control/IdleHolds";
const BY: Must = Must::Inconclusive("Control/ByTheAutoscaler");
const FOLLOWS: Must = Must::Inconclusive("Control/MetricFollowsLoad");
const RISE: &str = "ScaleUp/ReplicasRise";
const RUN: &str = "ScaleUp/NewPodsRunOnAccelerators";
const SERVE: &str = "ScaleUp/NewPodsServe";
const HOLD: &str = "Hold/Steady";
const FALL: &str = "ScaleDown/ReplicasFall";
const EARLY: &str = "ScaleDown/NotEarly";
const ORACLE: &str = "Oracle/DecisionsExplained";
