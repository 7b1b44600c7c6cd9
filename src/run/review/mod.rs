//! A bundle under review: its files against its manifest, the verdict derived again from its observations, and the
//! records against each other. No cluster is needed, and nothing is taken on trust: each check names what it found.

mod creation_times;
mod diff;
mod files;
mod identity;
mod order;
mod rederived;
mod requests;
mod stored_plan;

pub use diff::{DiffRow, diff_bundles};
use serde::Serialize;

use crate::evidence::{LoadedBundle, OpenError};
use crate::judge;
use crate::model::verdict::Verdict;

/// Differences that one check names at most; the rest is counted.
const MAX_DIFFERENCES: usize = 20;

/// What a review came to.
#[derive(Debug, Serialize)]
pub struct BundleReview {
    /// Id of the run, as the manifest has it.
    pub run: String,
    /// Marks of the bundle: `STAND-IN`, `REHEARSAL`.
    pub stamps: Vec<String>,
    /// Nothing was altered, nothing is missing, and the verdict follows from the observations.
    pub sound: bool,
    /// Each check that was made.
    pub checks: Vec<BundleCheck>,
    /// The verdict as it follows from the observations.
    pub verdict: Verdict,
}

/// One check of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleCheck {
    /// Its name.
    pub name: &'static str,
    /// What was compared, with numbers.
    pub summary: String,
    /// What is not as it should be.
    pub differences: Vec<String>,
}

impl BundleCheck {
    fn new(name: &'static str, what: impl Into<String>, differences: Vec<String>) -> Self {
        let (what, mut differences) = (what.into(), differences);
        let more = differences.len().saturating_sub(MAX_DIFFERENCES);
        differences.truncate(MAX_DIFFERENCES);
        if more > 0 {
            differences.push(format!("and {more} more"));
        }
        Self { name, summary: what, differences }
    }
}

/// Reviews a bundle.
///
/// # Errors
/// The requests cannot be read.
pub fn review_bundle(held: &LoadedBundle) -> Result<BundleReview, OpenError> {
    let (verdict, prediction) = (judge::judge(held.records()), judge::predict(held.records()));
    let checks = vec![
        files::check_complete(held),
        files::check_digests(held),
        rederived::check_verdict(held, &verdict),
        rederived::check_files(held, &verdict, &prediction),
        identity::check_run_identity(held),
        identity::check_stamps(held),
        order::check_timeline(held),
        order::check_phases(held),
        order::check_journal(held),
        creation_times::check_creation_times(held),
        stored_plan::check_plan(held),
        requests::check_requests(held)?,
    ];
    let sound = checks.iter().all(|check| check.differences.is_empty());
    Ok(BundleReview { run: held.manifest.run.clone(), stamps: held.manifest.stamps.clone(), sound, checks, verdict })
}
