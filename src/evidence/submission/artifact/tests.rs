use super::*;

fn parsed(path: &str, text: &str) -> Vec<(String, ArtifactStatus)> {
    parse(path, text.as_bytes()).unwrap().unwrap().statuses.into_iter().collect()
}

fn parse_error(path: &str, text: &str) -> (&'static str, String) {
    let error = parse(path, text.as_bytes()).unwrap().unwrap_err();
    (error.rule, error.message)
}

fn statuses(all: &[(&str, ArtifactStatus)]) -> Vec<(String, ArtifactStatus)> {
    all.iter().map(|(name, status)| ((*name).to_owned(), *status)).collect()
}

use ArtifactStatus::{Failed, Passed, Skipped};

#[test]
fn junit_cases_of_nested_suites_count_by_name_and_by_their_own_children() {
    let text = r#"<?xml version="1.0"?><testsuites><testsuite name="a"><testsuite><testcase name="A&amp;1" classname="x"/>
        <testcase name="B"><failure>x</failure></testcase><testcase name="C"><error/></testcase></testsuite>
        <testcase name="D"><skipped/><system-out>&lt;failure/&gt;</system-out></testcase>
        <testcase name="E"><properties><failure/></properties></testcase></testsuite></testsuites>"#;
    let expected = statuses(&[("A&1", Passed), ("B", Failed), ("C", Failed), ("D", Skipped), ("E", Passed)]);
    assert_eq!(parsed("x/JUnit.XML", text), expected);
    assert_eq!(parsed("junit.xml", "<testsuite><testcase name='T'/></testsuite>"), statuses(&[("T", Passed)]));
    for (text, message) in [
        ("<testsuites/>", "no <testcase>"),
        ("<testsuites><testcase", "invalid XML"),
        ("<testsuites><testcase name='T'/>", "unexpected end"),
        ("", "unexpected end"),
    ] {
        let (_, error) = parse_error("junit.xml", text);
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn every_line_of_results_must_parse_and_only_ends_of_tests_count() {
    let text = "{\"Action\":\"run\",\"Test\":\"A\"}\n\n{\"Action\":\"pass\",\"Test\":\"A\"}\n{\"Action\":\"skip\",\"Test\":\"B\"}\n\
        {\"Action\":\"fail\",\"Test\":\"C\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}\n{\"Action\":\"pass\",\"Test\":\"C\"}";
    assert_eq!(parsed("results.json", text), statuses(&[("A", Passed), ("B", Skipped), ("C", Failed)]));
    let package = "{\"Action\":\"pass\",\"Test\":\"A\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}";
    assert_eq!(parsed("results.json", package), statuses(&[("A", Passed)]));
    let tests = parse("results.json", package.as_bytes()).unwrap().unwrap();
    assert_eq!(tests.failed(), ["package p"]);
    assert!(tests.first_difference(&ArtifactTests::default()).is_some());
    assert!(parse_error("results.json", "{\"Action\":\"pass\",\"Test\":\"A\"}\nok").1.starts_with("line 2 "));
    assert_eq!(parse_error("results.json", "{\"Action\":\"pass\",\"Package\":\"p\"}").0, "json-no-test");
}

/// 16777215 bytes without the line feed pass, 16777216 do not.
#[test]
fn a_line_has_at_most_16_mebibytes_with_its_line_feed() {
    let line = |length: usize| {
        let (start, end) = ("{\"Action\":\"pass\",\"Test\":\"", "\"}");
        format!("{start}{}{end}\n", "x".repeat(length - start.len() - end.len()))
    };
    assert!(parse("results.json", line(16_777_215).as_bytes()).unwrap().is_ok());
    assert!(parse_error("results.json", &line(16_777_216)).1.contains("16 MiB"));
}

#[test]
fn a_log_counts_by_its_result_lines() {
    let text = "=== RUN   A\n    --- PASS: A/b (0.00s)\n--- FAIL: A (0.1s)\nx --- PASS: C (0s)\n--- SKIP: D (0s)\n--- BENCH: E\n";
    assert_eq!(parsed("e2e.log", text), statuses(&[("A", Failed), ("A/b", Passed), ("D", Skipped)]));
    assert_eq!(parse_error("e2e.log", "PASS\nok\n").0, "log-no-test");
    assert!(parse_error("e2e.log", "SSSS\nRan 11 of 7144 Specs in 3 seconds\n").1.contains("Ginkgo"));
    assert!(parse("e2e-results.txt", b"x").is_none());
    assert_eq!(parsed("e2e.log", "--- PASS: A\u{b}(0s)\r\n"), statuses(&[("A\u{b}(0s)", Passed)]));
}

#[test]
fn a_test_is_found_by_its_name_or_by_its_sub_tests() {
    let tests = |all: &[(&str, ArtifactStatus)]| ArtifactTests {
        statuses: statuses(all).into_iter().collect(),
        ..ArtifactTests::default()
    };
    let mixed = tests(&[
        ("T/a", Passed),
        ("T/b", Skipped),
        ("U/a", Skipped),
        ("V/a", Failed),
        ("V/b", Passed),
        ("W", Passed),
        ("W/a", Failed),
    ]);
    let found = ["T", "U", "V", "W", "X", "T/"].map(|name| mixed.look_up(name));
    assert_eq!(found, [Some(Passed), Some(Skipped), Some(Failed), Some(Passed), None, None]);
}
