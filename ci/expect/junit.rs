//! The JUnit files of a run against its verdict, by a reader that is not the crate's own.

use gpuhpa::judge::{Check, SUITE};
use gpuhpa::model::verdict::CaseResult;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

use crate::findings::Findings;
use crate::rig_run::RigRun;

/// Compares names and results of all cases in both files.
pub(crate) fn check_junit(run: &RigRun, findings: &mut Findings) {
    let expected_files = if run.verdict().is_some() { 2 } else { 1 };
    findings.expect(run.junit_files.len() >= expected_files, || "the bundle has no junit.xml".to_owned());
    for (file, text) in &run.junit_files {
        let report = match Report::deserialize_from_str(text) {
            Ok(report) => report,
            Err(error) => {
                findings.differences.push(format!("{file}: {error}"));
                continue;
            }
        };
        let tests: Vec<_> = report.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
        // Besides the cases there are the suite and its groups, as go test reports them.
        let names: Vec<&str> =
            tests.iter().map(|test| test.name.as_str()).filter(|name| name.matches('/').count() == 2).collect();
        let expected: Vec<String> = Check::all().map(|check| format!("{SUITE}/{}", check.name())).collect();
        findings.expect(names == expected, || format!("{file} has the cases {}", names.join(", ")));
        for case in run.verdict().into_iter().flat_map(|verdict| &verdict.cases) {
            let name = format!("{SUITE}/{}", case.name);
            let found = tests.iter().find(|test| test.name.as_str() == name).map(|test| result_of(&test.status));
            findings.expect(found == Some(case.result), || {
                format!("{file}: {} is {found:?}, and in verdict.json {:?}", case.name, case.result)
            });
        }
    }
}

fn result_of(status: &TestCaseStatus) -> CaseResult {
    match status {
        TestCaseStatus::Success { .. } => CaseResult::Pass,
        TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => CaseResult::Fail,
        TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => CaseResult::Inconclusive,
        TestCaseStatus::Skipped { .. } => CaseResult::NotApplicable,
    }
}
