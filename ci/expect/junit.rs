//! The JUnit files of a run against its verdict, by a reader that is not the crate's own.

use gpuhpa::judge::{Check, SUITE};
use gpuhpa::model::verdict::{Case, CaseResult};
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
            let found = tests.iter().find(|test| test.name.as_str() == name).map(|test| describe_status(&test.status));
            let found = found.unwrap_or_else(|| "missing".to_owned());
            let expected = describe_result(case);
            findings.expect(found == expected, || {
                format!("{file}: {} is {found}, and by verdict.json {expected}", case.name)
            });
        }
    }
}

/// Element and type of a test case.
fn describe_status(status: &TestCaseStatus) -> String {
    let (element, label) = match status {
        TestCaseStatus::Success { .. } => return "success".to_owned(),
        TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, ty, .. } => ("failure", ty),
        TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, ty, .. } => ("error", ty),
        TestCaseStatus::Skipped { ty, .. } => ("skipped", ty),
    };
    format!("{element} {}", label.as_ref().map_or("without a type", |label| label.as_str()))
}

/// Element and type that the files have for a case (reports/README.md). What the run left behind is no failure of the platform:
/// NOT RESTORED is an error.
fn describe_result(case: &Case) -> String {
    let element = match case.result {
        CaseResult::Pass => return "success".to_owned(),
        CaseResult::Fail if case.name == Check::Restored.name() => "error",
        CaseResult::Fail => "failure",
        CaseResult::Inconclusive => "error",
        CaseResult::NotApplicable => "skipped",
    };
    format!("{element} {}", case.result_label())
}
