//! What a check says, now or at the end.

use crate::model::plan::TimeBound;
use crate::units::HumanDuration;

/// The states of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// The observations show that it holds.
    Pass,
    /// The observations show that it does not hold.
    Fail,
    /// It cannot be told, and nothing that is still to come would change that.
    Inconclusive,
    /// Not yet. At the end of the records this is "could not be told".
    Pending,
}

/// A check's word with its grounds.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    /// The state.
    pub status: CheckStatus,
    /// Why, from observations only.
    pub reason: String,
    /// Numbers of the observations that it rests on.
    pub cites: Vec<u64>,
    /// What was noticed besides.
    pub findings: Vec<String>,
}

impl CheckResult {
    fn new(state: CheckStatus, reason: impl Into<String>) -> Self {
        Self { status: state, reason: reason.into(), cites: Vec::new(), findings: Vec::new() }
    }

    pub(super) fn pass(reason: impl Into<String>) -> Self {
        Self::new(CheckStatus::Pass, reason)
    }

    pub(super) fn fail(reason: impl Into<String>) -> Self {
        Self::new(CheckStatus::Fail, reason)
    }

    pub(super) fn inconclusive(reason: impl Into<String>) -> Self {
        Self::new(CheckStatus::Inconclusive, reason)
    }

    pub(super) fn pending(reason: impl Into<String>) -> Self {
        Self::new(CheckStatus::Pending, reason)
    }

    pub(super) fn with_cites(mut self, seqs: impl IntoIterator<Item = u64>) -> Self {
        self.cites.extend(seqs);
        self.cites.sort_unstable();
        self.cites.dedup();
        self
    }

    pub(super) fn with_finding(mut self, finding: impl Into<String>) -> Self {
        self.findings.push(finding.into());
        self
    }

    pub(super) fn has_status(&self, state: CheckStatus) -> bool {
        self.status == state
    }
}

/// Whether something came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BoundResult {
    /// Within the bound.
    Within,
    /// After it, but within twice its assumed terms: no reason to blame anybody.
    Late,
    /// Not yet, and there is still time.
    Pending,
    /// Not within twice the assumed terms.
    Exceeded,
}

/// Judges a wait: from `from_ms`, against the bound, for something that came at `came_ms` or has not come by `now_ms`.
pub(super) fn compare_with_bound(from_ms: u64, bound: &TimeBound, came_ms: Option<u64>, now_ms: u64) -> BoundResult {
    match came_ms {
        Some(came) if came <= from_ms + bound.total_ms() => BoundResult::Within,
        Some(came) if came <= from_ms + bound.lenient_ms() => BoundResult::Late,
        Some(_) => BoundResult::Exceeded,
        None if now_ms < from_ms + bound.lenient_ms() => BoundResult::Pending,
        None => BoundResult::Exceeded,
    }
}

/// Milliseconds for people: `12.3s`.
pub(super) fn format_ms(ms: u64) -> String {
    if ms >= 60_000 {
        HumanDuration::from_ms(ms / 1000 * 1000).to_string()
    } else {
        format!("{}.{}s", ms / 1000, ms % 1000 / 100)
    }
}
