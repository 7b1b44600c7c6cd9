//! The verdict: the result of each case, and the overall result.

use serde::{Deserialize, Serialize};

use super::figures::RunFigures;
use super::stamp::RunStamp;

/// Name of the case that says nothing about the platform: whether the run removed what it created.
pub(crate) const RESTORED_CASE: &str = "Cleanup/Restored";

/// Its result in messages and reports where the run left something behind.
pub(crate) const NOT_RESTORED: &str = "NOT RESTORED";

/// The result of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseResult {
    /// The observations confirm the case.
    Pass,
    /// The observations refute the case, and all its prerequisites passed.
    Fail,
    /// The observations neither confirm nor refute the case, or a prerequisite did not pass.
    Inconclusive,
    /// The platform has no HPA API, or the scenario alone shows that no run can decide the case.
    NotApplicable,
}

impl CaseResult {
    /// The word in messages and reports.
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

/// One case of the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// Name under `TestPodAutoscaling/`, for example `ScaleUp/ReplicasRise`.
    pub name: String,
    /// The result.
    pub result: CaseResult,
    /// The reason for the result, from recorded observations only.
    pub reason: String,
    /// Numbers of the observations that the result is based on.
    pub cited_seqs: Vec<u64>,
    /// Times of the first and the last cited observation, milliseconds of the run's clock.
    pub span_ms: Option<[u64; 2]>,
    /// Findings that do not change the result.
    pub findings: Vec<String>,
}

impl Case {
    /// The result in messages and reports.
    #[must_use]
    pub fn result_label(&self) -> &'static str {
        Self::label_of(&self.name, self.result)
    }

    /// The result of the case of this name in messages and reports. FAIL blames the platform, so what the run left behind has
    /// another word.
    #[must_use]
    pub(crate) fn label_of(name: &str, result: CaseResult) -> &'static str {
        if name == RESTORED_CASE && result == CaseResult::Fail { NOT_RESTORED } else { result.as_str() }
    }
}

/// verdict.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    /// Rules under which it was derived.
    pub rules: u32,
    /// Root name of the cases.
    pub suite: String,
    /// The overall result.
    pub result: CaseResult,
    /// The reason for the overall result, in one sentence.
    pub reason: String,
    /// The accelerators were stand-ins.
    pub stand_in: bool,
    /// The cluster was simulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// The run removed everything that it created, and adopted objects are unchanged.
    pub restored: bool,
    /// The cases, in the order of the run.
    pub cases: Vec<Case>,
    /// Duration of the run from its first phase to its last, milliseconds.
    pub duration_ms: u64,
    /// Shortest possible duration of such a run by its bounds, milliseconds.
    pub min_duration_ms: u64,
    /// Figures by which platforms are compared; they decide nothing. Absent in verdicts of rules before 5.
    #[serde(default, skip_serializing_if = "RunFigures::is_empty")]
    pub figures: RunFigures,
}

/// The beginning of a finding about pods that share a device.
pub(crate) const SHARING_PREFIX: &str = "sharing: ";

impl Verdict {
    /// The findings about pods that share a device: without them, a number of accelerators reads as so many devices.
    pub(crate) fn sharing_findings(&self) -> impl Iterator<Item = &str> {
        let findings = self.cases.iter().flat_map(|case| &case.findings);
        findings.map(String::as_str).filter(|finding| finding.starts_with(SHARING_PREFIX))
    }

    /// The overall result with stamps, as every output prints it.
    #[must_use]
    pub fn title(&self) -> String {
        let stamps: Vec<&str> = self.stamps().into_iter().map(RunStamp::as_str).collect();
        let stamps = if stamps.is_empty() { String::new() } else { format!(" ({})", stamps.join(", ")) };
        let left =
            if self.result == CaseResult::Pass && !self.restored { format!(", {NOT_RESTORED}") } else { String::new() };
        format!("{}{stamps}{left}", self.result.as_str())
    }

    /// The stamps of the run.
    #[must_use]
    pub(crate) fn stamps(&self) -> Vec<RunStamp> {
        let is = |stamp: &RunStamp| match stamp {
            RunStamp::Rehearsal => self.rehearsal,
            RunStamp::StandIn => self.stand_in,
        };
        RunStamp::ALL.into_iter().filter(is).collect()
    }
}
