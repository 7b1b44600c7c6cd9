//! The result of a check, during the run or at its end.

use crate::model::plan::TimeBound;
use crate::units::HumanDuration;

/// The status of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckStatus {
    /// The observations show what the check demands.
    Pass,
    /// The observations show a violation.
    Fail,
    /// The observations decide nothing, and no later observation can change that.
    Inconclusive,
    /// The scenario alone shows that no run can decide the check on this HPA. No observation leads here.
    NotApplicable,
    /// Later observations may still decide. At the end of the run this becomes Inconclusive.
    Pending,
}

/// The status of a check with its reason and evidence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckResult {
    /// The status.
    pub(crate) status: CheckStatus,
    /// Why, from observations only. Of a PASS: what was seen, in one line.
    pub(crate) reason: String,
    /// Sequence numbers of the observations that decide the check.
    pub(crate) cites: Vec<u64>,
    /// Remarks that do not decide the check.
    pub(crate) findings: Vec<String>,
}

impl CheckResult {
    fn new(status: CheckStatus, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), cites: Vec::new(), findings: Vec::new() }
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

    pub(super) fn not_applicable(reason: impl Into<String>) -> Self {
        Self::new(CheckStatus::NotApplicable, reason)
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

    pub(super) fn has_status(&self, status: CheckStatus) -> bool {
        self.status == status
    }
}

/// Whether an event came within a time bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BoundResult {
    /// Within the bound.
    Within,
    /// After the bound, but before the bound with its assumed terms doubled: the assumptions may be wrong, so this is
    /// no FAIL.
    Late,
    /// Not yet, and the doubled bound has not passed.
    Pending,
    /// Not within the bound with its assumed terms doubled.
    Exceeded,
}

/// Compares a wait that began at `from_ms` with its bound. The event came at `event_ms`, or has not come by `now_ms`.
pub(super) fn compare_with_bound(from_ms: u64, bound: &TimeBound, event_ms: Option<u64>, now_ms: u64) -> BoundResult {
    match event_ms {
        Some(at) if at <= from_ms + bound.total_ms() => BoundResult::Within,
        Some(at) if at <= from_ms + bound.lenient_ms() => BoundResult::Late,
        Some(_) => BoundResult::Exceeded,
        None if now_ms < from_ms + bound.lenient_ms() => BoundResult::Pending,
        None => BoundResult::Exceeded,
    }
}

/// Formats a number of replicas: `1 replica`, `2 replicas`.
pub(super) fn format_replicas(replicas: i32) -> String {
    format!("{replicas} {}", if replicas == 1 { "replica" } else { "replicas" })
}

/// Formats milliseconds for people: `12.3s`, or `1m3s` from a minute on.
pub(super) fn format_ms(ms: u64) -> String {
    if ms >= 60_000 {
        HumanDuration::from_ms(ms / 1000 * 1000).to_string()
    } else {
        format!("{}.{}s", ms / 1000, ms % 1000 / 100)
    }
}
