//! Compares a bundle with the expected results.

use std::path::Path;

use gpuhpa::evidence;
use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::run;

use super::ParityCase;
use super::cases::{ExpectedOutcome, RigCase, deciding_case};
use super::durations;

/// The differences between a bundle and its expected results.
pub(super) fn find_differences(path: &Path, row: &ParityCase, expected: &RigCase) -> Vec<String> {
    let bundle = match evidence::open_bundle(path) {
        Ok(bundle) => bundle,
        Err(error) => return vec![format!("{}: {error}", row.case)],
    };
    let review = match run::review_bundle(&bundle) {
        Ok(review) => review,
        Err(error) => return vec![format!("{}: {error}", row.case)],
    };
    let mut differences: Vec<String> = review.checks.iter().flat_map(|check| check.differences.clone()).collect();
    let verdict = &review.verdict;
    if !has_results(&result_letters(verdict), row.results) {
        let not_passed = verdict.cases.iter().filter(|case| case.result != CaseResult::Pass);
        let not_passed: Vec<String> =
            not_passed.map(|case| format!("\n    {} {:?}: {}", case.name, case.result, case.reason)).collect();
        differences.push(format!(
            "the cases are {}, not {}{}",
            result_letters(verdict),
            row.results,
            not_passed.concat()
        ));
    }
    if !expected.is_met_by(verdict) && !is_refused(verdict, expected) {
        let case = deciding_case(verdict).expect("a deciding case");
        differences.push(format!("decided by {} {:?}: {}; not by {expected}", case.name, case.result, case.reason));
    }
    differences
        .extend(durations::measure_run(&bundle, verdict).iter().filter_map(durations::MeasuredDuration::violation));
    differences.iter().map(|difference| format!("{}: {difference}", row.case)).collect()
}

/// Whether the run ended before its first change, in the words of a row that expects that.
fn is_refused(verdict: &Verdict, expected: &RigCase) -> bool {
    let is_named = |outcome: &ExpectedOutcome| matches!(outcome, ExpectedOutcome::Refused { words } if verdict.reason.contains(words));
    let has_run = verdict.cases.iter().any(|case| case.result != CaseResult::Inconclusive);
    !has_run && verdict.reason.starts_with("this run cannot pass") && expected.outcomes.iter().any(is_named)
}

fn has_results(letters: &str, expected: &str) -> bool {
    letters.len() == expected.len() && letters.chars().zip(expected.chars()).all(|(one, due)| due == '?' || one == due)
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
