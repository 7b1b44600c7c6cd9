//! A bundle under review: its files against its manifest, the verdict derived again from its observations, and the
//! records against each other. No cluster is needed, and nothing is taken on trust: each check names what it found.

mod again;
mod clock;
mod diff;
mod files;
mod identity;
mod order;
mod planned;
mod requests;

pub use diff::{Row, diff};
use serde::Serialize;

use crate::evidence::{Held, OpenError};
use crate::judge;
use crate::record::verdict::Verdict;

/// Differences that one check names at most; the rest is counted.
const MOST: usize = 20;

/// What a review came to.
#[derive(Debug, Serialize)]
pub struct Review {
    /// Id of the run, as the manifest has it.
    pub run: String,
    /// Marks of the bundle: `STAND-IN`, `REHEARSAL`.
    pub stamps: Vec<String>,
    /// Nothing was altered, nothing is missing, and the verdict follows from the observations.
    pub sound: bool,
    /// Each check that was made.
    pub checks: Vec<Checked>,
    /// The verdict as it follows from the observations.
    pub verdict: Verdict,
}

/// One check of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its name.
    pub name: &'static str,
    /// What was compared, with numbers.
    pub what: String,
    /// What is not as it should be.
    pub differences: Vec<String>,
}

impl Checked {
    fn new(name: &'static str, what: impl Into<String>, differences: Vec<String>) -> Self {
        let (what, mut differences) = (what.into(), differences);
        let more = differences.len().saturating_sub(MOST);
        differences.truncate(MOST);
        if more > 0 {
            differences.push(format!("and {more} more"));
        }
        Self { name, what, differences }
    }
}

/// Reviews a bundle.
///
/// # Errors
/// The requests cannot be read.
pub fn review(held: &Held) -> Result<Review, OpenError> {
    let verdict = judge::judge(held.records());
    let checks = vec![
        files::complete(held),
        files::digests(held),
        again::verdict(held, &verdict),
        again::files(held, &verdict),
        identity::one_run(held),
        identity::marks(held),
        order::timeline(held),
        order::phases(held),
        order::journal(held),
        clock::creation(held),
        planned::plan(held),
        requests::requests(held)?,
    ];
    let sound = checks.iter().all(|check| check.differences.is_empty());
    Ok(Review { run: held.manifest.run.clone(), stamps: held.manifest.stamps.clone(), sound, checks, verdict })
}
