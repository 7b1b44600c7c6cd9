//! What a check says, now or at the end.

use crate::record::plan::Bound;
use crate::units::Span;

/// The states of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The observations show that it holds.
    Holds,
    /// The observations show that it does not hold.
    Broken,
    /// It cannot be told, and nothing that is still to come would change that.
    Unclear,
    /// Not yet. At the end of the records this is "could not be told".
    Open,
}

/// A check's word with its grounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// The state.
    pub state: State,
    /// Why, from observations only.
    pub reason: String,
    /// Numbers of the observations that it rests on.
    pub cites: Vec<u64>,
    /// What was noticed besides.
    pub findings: Vec<String>,
}

impl Ruling {
    fn new(state: State, reason: impl Into<String>) -> Self {
        Self { state, reason: reason.into(), cites: Vec::new(), findings: Vec::new() }
    }

    pub(super) fn holds(reason: impl Into<String>) -> Self {
        Self::new(State::Holds, reason)
    }

    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self::new(State::Broken, reason)
    }

    pub(super) fn unclear(reason: impl Into<String>) -> Self {
        Self::new(State::Unclear, reason)
    }

    pub(super) fn open(reason: impl Into<String>) -> Self {
        Self::new(State::Open, reason)
    }

    pub(super) fn cite(mut self, seqs: impl IntoIterator<Item = u64>) -> Self {
        self.cites.extend(seqs);
        self.cites.sort_unstable();
        self.cites.dedup();
        self
    }

    pub(super) fn finding(mut self, finding: impl Into<String>) -> Self {
        self.findings.push(finding.into());
        self
    }

    pub(super) fn is(&self, state: State) -> bool {
        self.state == state
    }
}

/// Whether something came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timely {
    /// Within the bound.
    Yes,
    /// After it, but within twice its assumed terms: no reason to blame anybody.
    Late,
    /// Not yet, and there is still time.
    NotYet,
    /// Not within twice the assumed terms.
    No,
}

/// Judges a wait: from `from_ms`, against the bound, for something that came at `came_ms` or has not come by `now_ms`.
pub(super) fn timely(from_ms: u64, bound: &Bound, came_ms: Option<u64>, now_ms: u64) -> Timely {
    match came_ms {
        Some(came) if came <= from_ms + bound.ms() => Timely::Yes,
        Some(came) if came <= from_ms + bound.generous_ms() => Timely::Late,
        Some(_) => Timely::No,
        None if now_ms < from_ms + bound.generous_ms() => Timely::NotYet,
        None => Timely::No,
    }
}

/// Milliseconds for people: `12.3s`.
pub(super) fn seconds(ms: u64) -> String {
    if ms >= 60_000 {
        Span::from_ms(ms / 1000 * 1000).to_string()
    } else {
        format!("{}.{}s", ms / 1000, ms % 1000 / 100)
    }
}
