//! The assertions.

use std::path::Path;

use gpuhpa::evidence;
use gpuhpa::record::verdict::{CaseResult, Verdict};
use gpuhpa::run;

use super::Row;
use super::cases::{Wanted, deciding};
use super::spans;

/// What a bundle shows otherwise than it must.
pub(super) fn differences(bundle: &Path, row: &Row, wanted: &Wanted) -> Vec<String> {
    let held = match evidence::open(bundle) {
        Ok(held) => held,
        Err(error) => return vec![format!("{}: {error}", row.case)],
    };
    let review = match run::review(&held) {
        Ok(review) => review,
        Err(error) => return vec![format!("{}: {error}", row.case)],
    };
    let mut wrong: Vec<String> = review.checks.iter().flat_map(|check| check.differences.clone()).collect();
    let verdict = &review.verdict;
    if letters(verdict) != row.results {
        let told = verdict.cases.iter().filter(|case| case.result != CaseResult::Pass);
        let told: Vec<String> =
            told.map(|case| format!("\n    {} {:?}: {}", case.name, case.result, case.reason)).collect();
        wrong.push(format!("the cases are {}, not {}{}", letters(verdict), row.results, told.concat()));
    }
    if !wanted.is_met(verdict) {
        let case = deciding(verdict);
        wrong.push(format!("decided by {} {:?}: {}; not by {wanted}", case.name, case.result, case.reason));
    }
    wrong.extend(spans::of(&held, verdict).iter().filter_map(spans::Measured::outside));
    wrong.iter().map(|what| format!("{}: {what}", row.case)).collect()
}

fn letters(verdict: &Verdict) -> String {
    let letter = |result: CaseResult| match result {
        CaseResult::Pass => 'P',
        CaseResult::Fail => 'F',
        CaseResult::Inconclusive => 'I',
        CaseResult::NotApplicable => 'N',
    };
    verdict.cases.iter().map(|case| letter(case.result)).collect()
}
