//! Reads the three artifacts as the programme's validator does: test → status.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde::Deserialize;

/// Longest line, bytes: the validator's limit.
const MAX_LINE: usize = 16 << 20;

/// Status of a test in an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArtifactStatus {
    Passed,
    Failed,
    Skipped,
}

impl ArtifactStatus {
    fn label(status: Option<Self>) -> &'static str {
        match status {
            None => "missing",
            Some(Self::Passed) => "passed",
            Some(Self::Failed) => "failed",
            Some(Self::Skipped) => "skipped",
        }
    }
}

/// The tests of an artifact.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ArtifactTests(pub(super) BTreeMap<String, ArtifactStatus>);

impl ArtifactTests {
    /// Adds a test. For a duplicate name a fail is never overridden; otherwise the later record wins.
    fn add(&mut self, name: String, status: ArtifactStatus) {
        let entry = self.0.entry(name).or_insert(status);
        if *entry != ArtifactStatus::Failed {
            *entry = status;
        }
    }

    /// Names of the tests that failed.
    pub(super) fn failed(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, status)| **status == ArtifactStatus::Failed).map(|(name, _)| name.as_str()).collect()
    }

    /// Status of a test: its own, or else that of its sub-tests: failed if any failed, skipped if all are skipped.
    pub(super) fn look_up(&self, name: &str) -> Option<ArtifactStatus> {
        if let Some(status) = self.0.get(name) {
            return Some(*status);
        }
        let prefix = format!("{name}/");
        let subs: Vec<ArtifactStatus> =
            self.0.iter().filter(|(sub, _)| sub.starts_with(&prefix)).map(|(_, status)| *status).collect();
        let is = |wanted: ArtifactStatus| move |status: &ArtifactStatus| *status == wanted;
        match subs.as_slice() {
            [] => None,
            _ if subs.iter().any(is(ArtifactStatus::Failed)) => Some(ArtifactStatus::Failed),
            _ if subs.iter().all(is(ArtifactStatus::Skipped)) => Some(ArtifactStatus::Skipped),
            _ => Some(ArtifactStatus::Passed),
        }
    }
}

impl ArtifactTests {
    /// The first test with another status in another artifact of the same run. Absent parent tests are no difference: some
    /// tools leave them out.
    pub(super) fn first_difference(&self, other: &Self) -> Option<String> {
        let differs = |a: &Self, b: &Self| {
            a.0.iter().find(|(name, status)| b.look_up(name) != Some(**status)).map(|(name, _)| name.clone())
        };
        let name = differs(self, other).or_else(|| differs(other, self))?;
        let [this_label, other_label] = [self, other].map(|tests| ArtifactStatus::label(tests.look_up(&name)));
        Some(format!("`{name}` is {this_label} here, and {other_label}"))
    }
}

/// How the tests of an artifact differ from those of another one of the same name, if they do.
pub(in crate::evidence) fn compare_test_results(name: &str, stored: &[u8], expected: &[u8]) -> Option<String> {
    let (stored, expected) = (parse(name, stored)?, parse(name, expected)?);
    match (stored, expected) {
        (Ok(stored), Ok(expected)) => {
            let difference = stored.first_difference(&expected)?;
            Some(format!("{name} has other results than verdict.json: {difference} in verdict.json"))
        }
        (Err(reason), _) | (_, Err(reason)) => Some(format!("{name}: {reason}")),
    }
}

/// Reads a file with a canonical base name; `None` for any other file, which the validator only checks for existence.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Option<Result<ArtifactTests, String>> {
    let base = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let read = match base.as_str() {
        "junit.xml" => parse_junit,
        "results.json" => parse_results,
        "e2e.log" => parse_log,
        _ => return None,
    };
    let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"));
    let tests = text.and_then(read);
    Some(tests.and_then(|tests| if tests.0.is_empty() { Err("it contains no test".to_owned()) } else { Ok(tests) }))
}

fn parse_junit(text: &str) -> Result<ArtifactTests, String> {
    let mut reader = Reader::from_str(text);
    let (mut tests, mut open): (ArtifactTests, Vec<Vec<u8>>) = (ArtifactTests::default(), Vec::new());
    let mut case: Option<(String, ArtifactStatus)> = None;
    loop {
        match reader.read_event().map_err(|e| format!("invalid XML: {e}"))? {
            Event::Start(tag) => {
                read_element(&tag, &open, &mut case)?;
                open.push(tag.name().as_ref().to_vec());
            }
            Event::Empty(tag) => {
                read_element(&tag, &open, &mut case)?;
                if tag.name().as_ref() == b"testcase" {
                    case.take().into_iter().for_each(|(name, status)| tests.add(name, status));
                }
            }
            Event::End(tag) => {
                open.pop();
                if tag.name().as_ref() == b"testcase" {
                    case.take().into_iter().for_each(|(name, status)| tests.add(name, status));
                }
            }
            Event::Eof if open.is_empty() => return Ok(tests),
            Event::Eof => return Err("invalid XML: unexpected end of file".to_owned()),
            _ => {}
        }
    }
}

/// Reads one element of a JUnit file; `open` has the names of its ancestors.
fn read_element(
    tag: &BytesStart<'_>,
    open: &[Vec<u8>],
    case: &mut Option<(String, ArtifactStatus)>,
) -> Result<(), String> {
    let name = tag.name();
    if open.is_empty() && !matches!(name.as_ref(), b"testsuites" | b"testsuite") {
        return Err("the root element is neither <testsuites> nor <testsuite>".to_owned());
    }
    let in_suites = open.iter().all(|tag| matches!(tag.as_slice(), b"testsuites" | b"testsuite"));
    let in_case = open.last().is_some_and(|last| last == b"testcase");
    match name.as_ref() {
        b"testcase" if in_suites => {
            let attribute = tag.try_get_attribute("name").map_err(|e| format!("invalid XML: {e}"))?;
            let name = attribute
                .map(|a| a.normalized_value(XmlVersion::Implicit1_0).map(std::borrow::Cow::into_owned))
                .transpose();
            *case = Some((name.map_err(|e| format!("invalid XML: {e}"))?.unwrap_or_default(), ArtifactStatus::Passed));
        }
        b"failure" | b"error" if in_case => case.iter_mut().for_each(|(_, status)| *status = ArtifactStatus::Failed),
        b"skipped" if in_case => {
            case.iter_mut()
                .filter(|(_, status)| *status == ArtifactStatus::Passed)
                .for_each(|(_, status)| *status = ArtifactStatus::Skipped);
        }
        _ => {}
    }
    Ok(())
}

/// The fields of a results.json line that the validator reads.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GoTestLine {
    action: String,
    package: String,
    test: String,
}

fn parse_results(text: &str) -> Result<ArtifactTests, String> {
    let (mut tests, mut packages) = (ArtifactTests::default(), Vec::new());
    for (n, line) in numbered_lines(text)? {
        if line.trim().is_empty() {
            continue;
        }
        let event: GoTestLine =
            serde_json::from_str(line).map_err(|e| format!("line {n} is not a go test -json event: {e}"))?;
        let status = match event.action.as_str() {
            "pass" => ArtifactStatus::Passed,
            "fail" => ArtifactStatus::Failed,
            "skip" => ArtifactStatus::Skipped,
            _ => continue,
        };
        match event.test.is_empty() {
            false => tests.add(event.test, status),
            true if status == ArtifactStatus::Failed => packages.push(event.package),
            true => {}
        }
    }
    if tests.failed().is_empty() && !tests.0.is_empty() {
        packages.into_iter().for_each(|package| tests.add(format!("package {package}"), ArtifactStatus::Failed));
    }
    Ok(tests)
}

fn parse_log(text: &str) -> Result<ArtifactTests, String> {
    let mut tests = ArtifactTests::default();
    for (_, line) in numbered_lines(text)? {
        let Some(rest) = line.trim_start().strip_prefix("--- ") else { continue };
        let Some((word, rest)) = rest.split_once(": ") else { continue };
        let status = match word {
            "PASS" => ArtifactStatus::Passed,
            "FAIL" => ArtifactStatus::Failed,
            "SKIP" => ArtifactStatus::Skipped,
            _ => continue,
        };
        if let Some(name) = rest.split_whitespace().next() {
            tests.add(name.to_owned(), status);
        }
    }
    Ok(tests)
}

/// Lines with their numbers, from 1.
fn numbered_lines(text: &str) -> Result<Vec<(usize, &str)>, String> {
    let lines: Vec<(usize, &str)> = text.lines().enumerate().map(|(n, line)| (n + 1, line)).collect();
    match lines.iter().find(|(_, line)| line.len() > MAX_LINE) {
        Some((n, _)) => Err(format!("line {n} is longer than 16 MiB")),
        None => Ok(lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str, text: &str) -> Vec<(String, ArtifactStatus)> {
        parse(path, text.as_bytes()).unwrap().unwrap().0.into_iter().collect()
    }

    fn parse_error(path: &str, text: &str) -> String {
        parse(path, text.as_bytes()).unwrap().unwrap_err()
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
            ("<testsuites/>", "no test"),
            ("<html><testcase name='T'/></html>", "root element"),
            ("<testsuites><testcase", "invalid XML"),
            ("<testsuites><testcase name='T'/>", "unexpected end"),
            ("", "no test"),
        ] {
            assert!(parse_error("junit.xml", text).contains(message), "{text}: {}", parse_error("junit.xml", text));
        }
    }

    #[test]
    fn every_line_of_results_must_parse_and_only_ends_of_tests_count() {
        let text = "{\"Action\":\"run\",\"Test\":\"A\"}\n\n{\"Action\":\"pass\",\"Test\":\"A\"}\n{\"Action\":\"skip\",\"Test\":\"B\"}\n\
            {\"Action\":\"fail\",\"Test\":\"C\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}\n{\"Action\":\"pass\",\"Test\":\"C\"}";
        assert_eq!(parsed("results.json", text), statuses(&[("A", Passed), ("B", Skipped), ("C", Failed)]));
        let package = "{\"Action\":\"pass\",\"Test\":\"A\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}";
        assert_eq!(parsed("results.json", package), statuses(&[("A", Passed), ("package p", Failed)]));
        assert!(parse_error("results.json", "{\"Action\":\"pass\",\"Test\":\"A\"}\nok").starts_with("line 2 "));
        assert!(parse_error("results.json", "{\"Action\":\"pass\",\"Package\":\"p\"}").contains("no test"));
        let long = format!("{{\"Action\":\"pass\",\"Test\":\"{}\"}}", "x".repeat(MAX_LINE));
        assert!(parse_error("results.json", &long).contains("16 MiB"));
    }

    #[test]
    fn a_log_counts_by_its_result_lines() {
        let text = "=== RUN   A\n    --- PASS: A/b (0.00s)\n--- FAIL: A (0.1s)\nx --- PASS: C (0s)\n--- SKIP: D (0s)\n--- BENCH: E\n";
        assert_eq!(parsed("e2e.log", text), statuses(&[("A", Failed), ("A/b", Passed), ("D", Skipped)]));
        assert!(parse_error("e2e.log", "PASS\nok\n").contains("no test"));
        assert!(parse("e2e-results.txt", b"x").is_none());
        assert!(parse("e2e.log", b"\xff").unwrap().unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn a_test_is_found_by_its_name_or_by_its_sub_tests() {
        let tests = |all: &[(&str, ArtifactStatus)]| ArtifactTests(statuses(all).into_iter().collect());
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
}
