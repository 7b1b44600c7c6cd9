//! Verdict → JUnit XML: FAIL is a `failure`, INCONCLUSIVE an `error`, NOT APPLICABLE `skipped`. The crate junit-report
//! writes the tests. It writes characters that XML forbids, so every string passes `xml_safe`; and it writes neither
//! properties nor totals, which Jenkins and GitLab show, so `add_totals` adds them to its output.

use junit_report::{Duration, OffsetDateTime, ReportBuilder, TestCase, TestCaseBuilder, TestSuiteBuilder};
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Reader, Writer};

use super::test_tree::{ArtifactInput, TestNode, TestOutcome, build_test_tree};

/// Renders junit.xml.
///
/// # Errors
/// The writer fails, with its message.
pub(super) fn render_junit(input: &ArtifactInput<'_>) -> Result<String, String> {
    let verdict = input.verdict;
    let tests = build_test_tree(input);
    let timestamp =
        OffsetDateTime::from_unix_timestamp(input.inventory.started.as_second()).map_err(|e| e.to_string())?;
    let mut suite = TestSuiteBuilder::new(&xml_safe(&verdict.suite));
    suite.set_timestamp(timestamp);
    suite.add_testcases(tests.iter().map(|test| test_case(&verdict.suite, test)));
    let marks: String = input.all_marks().iter().map(|mark| format!("{mark}\n")).collect();
    suite.set_system_out(&xml_safe(&format!("{marks}{}: {}", verdict.title(), verdict.reason)));
    let mut suite = suite.build();
    "gpuhpa".clone_into(&mut suite.package);
    suite.hostname = xml_safe(&server_host(&input.inventory.server));
    let report = ReportBuilder::new().add_testsuite(suite).build();
    let mut bytes = Vec::new();
    report.write_xml(&mut bytes).map_err(|e| e.to_string())?;
    let written = String::from_utf8(bytes).map_err(|e| e.to_string())?;
    add_totals(&written, input, &tests).map_err(|e| e.to_string())
}

fn test_case(suite: &str, test: &TestNode) -> TestCase {
    let name = xml_safe(&test.name);
    let time = Duration::milliseconds(i64::try_from(test.duration_ms()).unwrap_or(i64::MAX));
    let reason = xml_safe(&test.reason);
    let mut builder = match test.outcome {
        TestOutcome::Pass => TestCaseBuilder::success(&name, time),
        TestOutcome::Fail => TestCaseBuilder::failure(&name, time, test.result_label, &reason),
        TestOutcome::Error => TestCaseBuilder::error(&name, time, test.result_label, &reason),
        TestOutcome::Skip => TestCaseBuilder::skipped_with_cause(&name, test.result_label, &reason),
    };
    // Some readers show the text of a failure, and not its message.
    let mut text = format!("{}: {}", test.result_label, test.reason);
    builder.set_trace(&xml_safe(&text));
    builder.set_classname(&xml_safe(suite));
    test.notes.iter().for_each(|note| text += &format!("\n{note}"));
    builder.set_system_out(&xml_safe(&text));
    builder.build()
}

/// The host of a URL, or `localhost`, as JUnit has it where the host is unknown.
fn server_host(server: &str) -> String {
    let host = server.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(ToOwned::to_owned));
    host.unwrap_or_else(|| "localhost".to_owned())
}

/// Adds totals, the number of skipped tests, the suite's duration and its properties. junit-report's duration is the sum
/// over tests that overlap.
fn add_totals(written: &str, input: &ArtifactInput<'_>, tests: &[TestNode]) -> Result<String, quick_xml::Error> {
    let count = |outcome| tests.iter().filter(|test| test.outcome == outcome).count().to_string();
    let duration_ms = tests.first().map_or(0, TestNode::duration_ms);
    let seconds = format!("{}.{:03}", duration_ms / 1000, duration_ms % 1000);
    let totals = [
        ("tests", tests.len().to_string()),
        ("failures", count(TestOutcome::Fail)),
        ("errors", count(TestOutcome::Error)),
        ("time", seconds.clone()),
    ];
    let mut reader = Reader::from_str(written);
    let mut writer = Writer::new(Vec::new());
    loop {
        match reader.read_event()? {
            Event::Eof => break,
            Event::Start(tag) if tag.name().as_ref() == b"testsuites" => {
                let name = ("name", xml_safe(&input.verdict.suite));
                let all = totals.iter().cloned().chain([name]);
                writer.write_event(Event::Start(with_attributes(&tag, all)?))?;
            }
            Event::Start(tag) if tag.name().as_ref() == b"testsuite" => {
                let all = [("time", seconds.clone()), ("skipped", count(TestOutcome::Skip))];
                writer.write_event(Event::Start(with_attributes(&tag, all.into_iter())?))?;
                write_properties(&mut writer, input)?;
            }
            other => writer.write_event(other)?,
        }
    }
    Ok(String::from_utf8_lossy(&writer.into_inner()).into_owned() + "\n")
}

/// The tag, with attributes added or replaced.
fn with_attributes(
    tag: &BytesStart<'_>,
    set: impl Iterator<Item = (&'static str, String)>,
) -> Result<BytesStart<'static>, quick_xml::Error> {
    let set: Vec<(&str, String)> = set.collect();
    let mut new = BytesStart::new(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
    for attribute in tag.attributes() {
        let attribute = attribute?;
        if set.iter().all(|(name, _)| name.as_bytes() != attribute.key.as_ref()) {
            new.push_attribute(attribute);
        }
    }
    set.iter().for_each(|(name, value)| new.push_attribute((*name, value.as_str())));
    Ok(new)
}

fn write_properties(writer: &mut Writer<Vec<u8>>, input: &ArtifactInput<'_>) -> std::io::Result<()> {
    let marks = input.all_marks().into_iter().map(|mark| ("gpuhpa.mark".to_owned(), mark));
    writer.write_event(Event::Start(BytesStart::new("properties")))?;
    for (name, value) in input.properties().into_iter().chain(marks) {
        writer
            .create_element("property")
            .with_attributes([("name", name.as_str()), ("value", xml_safe(&value).as_str())])
            .write_empty()?;
    }
    writer.write_event(Event::End(BytesEnd::new("properties")))
}

/// Replaces the characters that XML 1.0 forbids, and breaks up the end of a CDATA section.
fn xml_safe(text: &str) -> String {
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect::<String>().replace("]]>", "]] >")
}

#[cfg(test)]
mod tests {
    use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

    use super::super::test_tree::tests::{HOSTILE, expected_outcomes, mixed_verdict, with_input};
    use super::*;

    fn outcome(status: &TestCaseStatus) -> TestOutcome {
        match status {
            TestCaseStatus::Success { .. } => TestOutcome::Pass,
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => TestOutcome::Fail,
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => TestOutcome::Error,
            TestCaseStatus::Skipped { .. } => TestOutcome::Skip,
        }
    }

    #[test]
    fn an_independent_reader_sees_each_result_whatever_the_cluster_wrote() {
        let xml = with_input(&mixed_verdict(), render_junit).unwrap();
        let report = Report::deserialize_from_str(&xml).unwrap();
        let suite = &report.test_suites[0];
        let found: Vec<(&str, TestOutcome)> =
            suite.test_cases.iter().map(|case| (case.name.as_str(), outcome(&case.status))).collect();
        assert_eq!(found, expected_outcomes());
        assert_eq!((suite.tests, suite.failures, suite.errors, suite.skipped), (13, 3, 5, 2));
        assert_eq!((report.tests, report.failures, report.errors), (13, 3, 5));
        // The duration of the run, not the sum over tests that overlap.
        assert_eq!(suite.time.unwrap().as_millis(), 1500);
        assert_eq!(suite.timestamp.unwrap().timestamp(), 0);
        assert_eq!(suite.test_cases[4].classname.as_ref().unwrap().as_str(), "TestPodAutoscaling");
    }

    #[test]
    fn the_properties_say_what_ran_where() {
        let mut verdict = mixed_verdict();
        verdict.figures.detection_ms = Some(4_998);
        let xml = with_input(&verdict, render_junit).unwrap();
        let report = Report::deserialize_from_str(&xml).unwrap();
        let value = |name: &str| {
            let all = &report.test_suites[0].properties;
            all.iter().find(|one| one.name.as_str() == name).map(|one| one.value.as_str().to_owned())
        };
        assert_eq!(value("kubernetes.version").unwrap(), "v1.37.2");
        assert_eq!(value("gpuhpa.run").unwrap(), "20261124-101500-042");
        assert_eq!(value("gpuhpa.scenario").unwrap(), "s");
        assert_eq!(value("gpuhpa.standIn").unwrap(), "true");
        assert_eq!(
            (value("gpuhpa.figures.detectionMs").unwrap(), value("gpuhpa.figures.decisionMs")),
            ("4998".to_owned(), None)
        );
        assert!(value("gpuhpa.mark").unwrap().starts_with("STAND-IN"));
        assert!(value("gpuhpa.reason").unwrap().contains("& \"quotes\" <b>"), "{HOSTILE}");
    }

    #[test]
    fn the_host_is_the_api_servers() {
        assert_eq!(server_host("https://198.18.0.2:6443"), "198.18.0.2");
        assert_eq!(server_host("https://api.example.org/k8s"), "api.example.org");
        assert_eq!((server_host(""), server_host("::")), ("localhost".to_owned(), "localhost".to_owned()));
    }
}
