//! Makes the terms of a bound.

use crate::model::plan::{BoundName, Term, TermSource, TimeBound};
use crate::units::HumanDuration;

/// Resolution of Kubernetes' timestamps, milliseconds.
pub(super) const TIMESTAMP_MS: u64 = 1000;

pub(super) fn term(name: &str, ms: u64, source: TermSource) -> Term {
    Term { name: name.to_owned(), ms, source }
}

pub(super) fn assumed_term(name: &str, duration: HumanDuration) -> Term {
    term(name, duration.ms(), TermSource::Assumed)
}

pub(super) fn harness_term(name: &str, duration: HumanDuration) -> Term {
    term(name, duration.ms(), TermSource::Harness)
}

pub(super) fn bound(name: BoundName, terms: Vec<Term>) -> TimeBound {
    TimeBound { name, terms: terms.into_iter().filter(|term| term.ms > 0).collect() }
}
