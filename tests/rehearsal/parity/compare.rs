//! The assertions.

use std::path::Path;

use gpuhpa::evidence;
use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::run;

use super::ParityCase;
use super::cases::{ExpectedCase, deciding_case};
use super::durations;

/// What a bundle shows otherwise than it must.
pub(super) fn find_differences(bundle: &Path, row: &ParityCase, wanted: &ExpectedCase) -> Vec<String> {
    let held = match evidence::open_bundle(bundle) {
        Ok(held) => held,
        Err(error) => return vec![format!("{}: {error}", row.case)],
    };
    let review = match run::review_bundle(&held) {
        Ok(review) => review,
        Err(error) => return vec![format!("{}: {error}", row.case)],
    };
    let mut wrong: Vec<String> = review.checks.iter().flat_map(|check| check.differences.clone()).collect();
    let verdict = &review.verdict;
    if result_letters(verdict) != row.results {
        let told = verdict.cases.iter().filter(|case| case.result != CaseResult::Pass);
        let told: Vec<String> =
            told.map(|case| format!("\n    {} {:?}: {}", case.name, case.result, case.reason)).collect();
        wrong.push(format!("the cases are {}, not {}{}", result_letters(verdict), row.results, told.concat()));
    }
    if !wanted.is_met(verdict) {
        let case = deciding_case(verdict);
        wrong.push(format!("decided by {} {:?}: {}; not by {wanted}", case.name, case.result, case.reason));
    }
    wrong.extend(durations::measure_run(&held, verdict).iter().filter_map(durations::MeasuredDuration::violation));
    wrong.iter().map(|what| format!("{}: {what}", row.case)).collect()
}

fn result_letters(verdict: &Verdict) -> String {
    let letter = |result: CaseResult| match result {
        CaseResult::Pass => 'P',
        CaseResult::Fail => 'F',
        CaseResult::Inconclusive => 'I',
        CaseResult::NotApplicable => 'N',
    };
    verdict.cases.iter().map(|case| letter(case.result)).collect()
}
