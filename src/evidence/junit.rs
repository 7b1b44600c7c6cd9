//! Verdict → JUnit XML: FAIL is a `failure`, INCONCLUSIVE an `error`, NOT APPLICABLE `skipped`. The writer does not
//! make text safe for XML, so every string is made safe here.

use jiff::Timestamp;
use junit_report::{Duration, OffsetDateTime, ReportBuilder, TestCase, TestCaseBuilder, TestSuiteBuilder};

use crate::record::verdict::{Case, CaseResult, Verdict};

/// The JUnit file of a verdict.
///
/// # Errors
/// The writer fails; the text says why.
pub fn junit(verdict: &Verdict, started: Timestamp) -> Result<String, String> {
    let stamp = OffsetDateTime::from_unix_timestamp(started.as_second()).map_err(|e| e.to_string())?;
    let mut suite = TestSuiteBuilder::new(&safe(&verdict.suite));
    suite.set_timestamp(stamp);
    for one in &verdict.cases {
        suite.add_testcase(case(verdict, one));
    }
    suite.set_system_out(&safe(&format!("{}: {}", verdict.title(), verdict.reason)));
    let report = ReportBuilder::new().add_testsuite(suite.build()).build();
    let mut bytes = Vec::new();
    report.write_xml(&mut bytes).map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}

fn case(verdict: &Verdict, case: &Case) -> TestCase {
    let name = safe(&format!("{}/{}", verdict.suite, case.name));
    let time = case.span_ms.map_or(0, |[from, to]| i64::try_from(to - from).unwrap_or(i64::MAX));
    let (time, reason) = (Duration::milliseconds(time), safe(&case.reason));
    // What could not be removed is the harness' trouble, not the platform's failure.
    let restored = case.name == "Cleanup/Restored";
    let mut builder = match case.result {
        CaseResult::Pass => TestCaseBuilder::success(&name, time),
        CaseResult::Fail if restored => TestCaseBuilder::error(&name, time, "NOT RESTORED", &reason),
        CaseResult::Fail => TestCaseBuilder::failure(&name, time, "FAIL", &reason),
        CaseResult::Inconclusive => TestCaseBuilder::error(&name, time, "INCONCLUSIVE", &reason),
        CaseResult::NotApplicable => TestCaseBuilder::skipped_with_cause(&name, "NOT APPLICABLE", &reason),
    };
    builder.set_classname(&safe(&verdict.suite));
    let stamp = if verdict.stand_in { "STAND-IN: the accelerators of this cluster are stand-ins\n" } else { "" };
    let findings: String = case.findings.iter().map(|finding| format!("\nfinding: {finding}")).collect();
    let cites: Vec<String> = case.cites.iter().take(20).map(ToString::to_string).collect();
    let cites = format!("\ntimeline.jsonl seq: {}{}", cites.join(" "), if case.cites.len() > 20 { " ..." } else { "" });
    builder.set_system_out(&safe(&format!("{stamp}{}{findings}{cites}", case.reason)));
    builder.build()
}

/// Text without the characters that XML 1.0 forbids, and without an end of CDATA.
fn safe(text: &str) -> String {
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect::<String>().replace("]]>", "]] >")
}

#[cfg(test)]
mod tests {
    use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

    use super::*;

    fn one(name: &str, result: CaseResult, reason: &str) -> Case {
        Case {
            name: name.to_owned(),
            result,
            reason: reason.to_owned(),
            cites: vec![1, 7],
            span_ms: Some([1000, 2500]),
            findings: vec!["a finding".to_owned()],
        }
    }

    #[test]
    fn an_independent_reader_sees_each_result_whatever_the_cluster_wrote() {
        let hostile = "</testcase> ]]> \u{1b}[31m \u{0} & \"quotes\" <b>";
        let verdict = Verdict {
            format: 1,
            suite: "TestPodAutoscaling".to_owned(),
            result: CaseResult::Fail,
            reason: hostile.to_owned(),
            stand_in: true,
            restored: false,
            cases: vec![
                one("A/Pass", CaseResult::Pass, "fine"),
                one("B/Fail", CaseResult::Fail, hostile),
                one("C/Unclear", CaseResult::Inconclusive, hostile),
                one("D/Skipped", CaseResult::NotApplicable, hostile),
                one("Cleanup/Restored", CaseResult::Fail, "left"),
            ],
            took_ms: 1,
            least_ms: 1,
        };
        let xml = junit(&verdict, Timestamp::UNIX_EPOCH).unwrap();
        let report = Report::deserialize_from_str(&xml).unwrap();
        let suite = &report.test_suites[0];
        assert_eq!((suite.tests, suite.failures, suite.errors), (5, 1, 2));
        let kinds: Vec<&str> = suite
            .test_cases
            .iter()
            .map(|case| match &case.status {
                TestCaseStatus::Success { .. } => "pass",
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
                TestCaseStatus::Skipped { .. } => "skipped",
            })
            .collect();
        assert_eq!(kinds, ["pass", "failure", "error", "skipped", "error"]);
        assert_eq!(suite.test_cases[0].name.as_str(), "TestPodAutoscaling/A/Pass");
    }
}
