//! The verdict: one result a case, and what they come to.

use serde::{Deserialize, Serialize};

use super::stamp::RunStamp;

/// The result of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseResult {
    /// The observations show that it holds.
    Pass,
    /// The observations show that it does not hold, and everything that it needs does.
    Fail,
    /// It could not be told.
    Inconclusive,
    /// The platform has no HPA API.
    NotApplicable,
}

impl CaseResult {
    /// The word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::NotApplicable => "NOT APPLICABLE",
        }
    }
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// Name under `TestPodAutoscaling/`, for example `ScaleUp/ReplicasRise`.
    pub name: String,
    /// The result.
    pub result: CaseResult,
    /// Why, from recorded observations only.
    pub reason: String,
    /// Numbers of the observations that it rests on.
    pub cited_seqs: Vec<u64>,
    /// Milliseconds of the run's clock from the first to the last observation cited.
    pub span_ms: Option<[u64; 2]>,
    /// What was noticed and does not decide the case.
    pub findings: Vec<String>,
}

/// verdict.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Version of this format.
    pub format: u32,
    /// Root name of the cases.
    pub suite: String,
    /// What the cases come to.
    pub result: CaseResult,
    /// In one sentence.
    pub reason: String,
    /// Accelerators were stand-ins.
    pub stand_in: bool,
    /// The cluster was simulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// All that was made was removed, and all that was adopted is as it was.
    pub restored: bool,
    /// The cases in the order of the run.
    pub cases: Vec<Case>,
    /// Length of the run from its first phase to its last, milliseconds.
    pub duration_ms: u64,
    /// What the bounds say is the least that such a run can take, milliseconds.
    pub min_duration_ms: u64,
}

impl Verdict {
    /// The verdict as every output prints it.
    #[must_use]
    pub fn title(&self) -> String {
        let stamps: Vec<&str> = self.stamps().into_iter().map(RunStamp::as_str).collect();
        let stamps = if stamps.is_empty() { String::new() } else { format!(" ({})", stamps.join(", ")) };
        let restored = if self.result == CaseResult::Pass && !self.restored { ", not restored" } else { "" };
        format!("{}{stamps}{restored}", self.result.as_str())
    }

    /// What every reader must see before the results.
    #[must_use]
    pub fn stamps(&self) -> Vec<RunStamp> {
        let is = |stamp: &RunStamp| match stamp {
            RunStamp::Rehearsal => self.rehearsal,
            RunStamp::StandIn => self.stand_in,
        };
        RunStamp::ALL.into_iter().filter(is).collect()
    }
}
