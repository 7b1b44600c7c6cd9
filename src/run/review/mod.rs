//! The review of a bundle: its files against its manifest, the verdict derived again from its observations, and the records
//! against each other. The review needs no cluster and trusts no file; each check names what it found.
//!
//! A bundle that was written under older rules is checked byte for byte in all that does not depend on rules. Each of its cases is
//! derived under today's rules and its result compared; a result that differs is the rules' doing, not an alteration.

mod claims;
mod creation_times;
mod diff;
mod files;
mod identity;
mod objects;
mod order;
mod rederived;
mod requests;
mod soundness;
mod stored_plan;

pub(crate) use diff::{DiffRow, diff_bundles};
pub(crate) use soundness::CaseChange;
pub use soundness::Soundness;

use serde::Serialize;

use crate::evidence::{LoadedBundle, OpenError};
use crate::judge;
use crate::load::client_bound_reason;
use crate::model::revision::{RULES_HISTORY, RulesRevision};
use crate::model::run_records::RunRecords;
use crate::model::verdict::Verdict;

/// Differences that one check names at most; the rest is counted.
const MAX_DIFFERENCES: usize = 20;

/// The result of a review.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleReview {
    /// Id of the run, as the manifest has it.
    pub(crate) run: String,
    /// Stamps of the bundle: `STAND-IN`, `REHEARSAL`.
    pub(crate) stamps: Vec<String>,
    /// Format of the records.
    pub format: u32,
    /// Rules under which the bundle was written.
    pub(crate) rules: u32,
    /// Rules of this program.
    pub(crate) current_rules: u32,
    /// Whether the bundle is what gpuhpa wrote.
    pub soundness: Soundness,
    /// The same as a sentence.
    pub statement: String,
    /// Cases whose result differs under today's rules. Empty where the rules are the same.
    pub changed_cases: Vec<CaseChange>,
    /// Each check that was made.
    pub checks: Vec<BundleCheck>,
    /// The verdict as today's rules derive it from the observations.
    pub verdict: Verdict,
}

/// One check of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleCheck {
    /// Its name.
    pub name: &'static str,
    /// What was compared, with numbers.
    pub(crate) summary: String,
    /// What is not as gpuhpa writes it.
    pub differences: Vec<String>,
    /// What today's rules derive otherwise than the rules of the bundle did.
    pub changed_by_rules: Vec<String>,
}

impl BundleCheck {
    fn new(name: &'static str, summary: impl Into<String>, differences: Vec<String>) -> Self {
        Self {
            name,
            summary: summary.into(),
            differences: limit_differences(differences),
            changed_by_rules: Vec::new(),
        }
    }

    fn with_changed_by_rules(self, changed: Vec<String>) -> Self {
        Self { changed_by_rules: limit_differences(changed), ..self }
    }
}

fn limit_differences(mut differences: Vec<String>) -> Vec<String> {
    let more = differences.len().saturating_sub(MAX_DIFFERENCES);
    differences.truncate(MAX_DIFFERENCES);
    if more > 0 {
        differences.push(format!("and {more} more"));
    }
    differences
}

/// A bundle under review, with what today's rules derive from its records.
struct ReviewInput<'a> {
    bundle: &'a LoadedBundle,
    derived: &'a Verdict,
    /// The history of the rules; the last revision is today's.
    history: &'a [RulesRevision],
}

impl ReviewInput<'_> {
    fn current_rules(&self) -> u32 {
        self.history.last().map_or(0, |revision| revision.number)
    }

    /// True where the verdict and its files were derived under today's rules.
    fn has_current_rules(&self) -> bool {
        self.bundle.manifest.rules == self.current_rules()
    }
}

/// Reviews a bundle under the rules of this build.
///
/// # Errors
/// The requests cannot be read.
pub fn review_bundle(bundle: &LoadedBundle) -> Result<BundleReview, OpenError> {
    review_under(bundle, RULES_HISTORY)
}

/// Reviews a bundle where the rules have this history.
///
/// # Errors
/// The requests cannot be read.
pub fn review_under(bundle: &LoadedBundle, history: &[RulesRevision]) -> Result<BundleReview, OpenError> {
    // Whether the client limited the load is a rule as well, so the stored answer counts under the stored rules alone.
    let client_bound = bundle.load.as_ref().and_then(client_bound_reason);
    let records = RunRecords { client_bound: client_bound.as_deref(), ..bundle.records() };
    let (derived, prediction) = (judge::judge(records), judge::predict(records));
    let input = ReviewInput { bundle, derived: &derived, history };
    let changed_cases = soundness::changed_cases(&input);
    let checks = vec![
        files::check_complete(bundle),
        files::check_digests(bundle),
        rederived::check_verdict(&input, &changed_cases),
        rederived::check_files(&input, &prediction),
        identity::check_run_identity(bundle),
        identity::check_stamps(bundle),
        order::check_timeline(bundle),
        order::check_phases(bundle),
        order::check_journal(bundle),
        creation_times::check_creation_times(bundle),
        objects::check_objects(bundle),
        stored_plan::check_plan(&input),
        requests::check_requests(&input)?,
    ];
    let soundness = soundness::classify(&input, &checks, &changed_cases);
    Ok(BundleReview {
        run: bundle.manifest.run.clone(),
        stamps: bundle.manifest.stamps.clone(),
        format: bundle.manifest.format,
        rules: bundle.manifest.rules,
        current_rules: input.current_rules(),
        statement: soundness::statement(&input, soundness, &changed_cases, &checks),
        soundness,
        changed_cases,
        checks,
        verdict: derived,
    })
}
