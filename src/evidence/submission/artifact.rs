//! The three artifacts as the programme's validator reads them: test → result.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde::Deserialize;

/// Bytes of a line at most, as for the validator.
const MAX_LINE: usize = 16 << 20;

/// The result of a test in an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArtifactStatus {
    Passed,
    Failed,
    Skipped,
}

impl ArtifactStatus {
    fn label(mark: Option<Self>) -> &'static str {
        match mark {
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
    /// The same name twice: a fail is never overridden, otherwise the later record wins.
    fn add(&mut self, name: String, mark: ArtifactStatus) {
        let entry = self.0.entry(name).or_insert(mark);
        if *entry != ArtifactStatus::Failed {
            *entry = mark;
        }
    }

    /// Names of the tests that failed.
    pub(super) fn failed(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, mark)| **mark == ArtifactStatus::Failed).map(|(name, _)| name.as_str()).collect()
    }

    /// The result of a test: by its own name, else by its sub-tests: any fail fails, all skipped is skipped.
    pub(super) fn look_up(&self, name: &str) -> Option<ArtifactStatus> {
        if let Some(mark) = self.0.get(name) {
            return Some(*mark);
        }
        let below = format!("{name}/");
        let subs: Vec<ArtifactStatus> =
            self.0.iter().filter(|(sub, _)| sub.starts_with(&below)).map(|(_, mark)| *mark).collect();
        let is = |wanted: ArtifactStatus| move |mark: &ArtifactStatus| *mark == wanted;
        match subs.as_slice() {
            [] => None,
            _ if subs.iter().any(is(ArtifactStatus::Failed)) => Some(ArtifactStatus::Failed),
            _ if subs.iter().all(is(ArtifactStatus::Skipped)) => Some(ArtifactStatus::Skipped),
            _ => Some(ArtifactStatus::Passed),
        }
    }
}

impl ArtifactTests {
    /// The first test on which another artifact of the same run says otherwise. Tools that leave parents out agree.
    pub(super) fn first_difference(&self, other: &Self) -> Option<String> {
        let differs = |a: &Self, b: &Self| {
            a.0.iter().find(|(name, mark)| b.look_up(name) != Some(**mark)).map(|(name, _)| name.clone())
        };
        let name = differs(self, other).or_else(|| differs(other, self))?;
        let [here, there] = [self, other].map(|tests| ArtifactStatus::label(tests.look_up(&name)));
        Some(format!("`{name}` is {here} in it, and {there}"))
    }
}

/// Reads a file whose base name is canonical; `None` for any other file, which the validator only looks for.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Option<Result<ArtifactTests, String>> {
    let base = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let read = match base.as_str() {
        "junit.xml" => parse_junit,
        "results.json" => parse_results,
        "e2e.log" => parse_log,
        _ => return None,
    };
    let text = std::str::from_utf8(bytes).map_err(|e| format!("it is not UTF-8: {e}"));
    let tests = text.and_then(read);
    Some(tests.and_then(|tests| if tests.0.is_empty() { Err("it holds no test".to_owned()) } else { Ok(tests) }))
}

fn parse_junit(text: &str) -> Result<ArtifactTests, String> {
    let mut reader = Reader::from_str(text);
    let (mut tests, mut open): (ArtifactTests, Vec<Vec<u8>>) = (ArtifactTests::default(), Vec::new());
    let mut case: Option<(String, ArtifactStatus)> = None;
    loop {
        match reader.read_event().map_err(|e| format!("it is no XML: {e}"))? {
            Event::Start(tag) => {
                read_element(&tag, &open, &mut case)?;
                open.push(tag.name().as_ref().to_vec());
            }
            Event::Empty(tag) => {
                read_element(&tag, &open, &mut case)?;
                if tag.name().as_ref() == b"testcase" {
                    case.take().into_iter().for_each(|(name, mark)| tests.add(name, mark));
                }
            }
            Event::End(tag) => {
                open.pop();
                if tag.name().as_ref() == b"testcase" {
                    case.take().into_iter().for_each(|(name, mark)| tests.add(name, mark));
                }
            }
            Event::Eof if open.is_empty() => return Ok(tests),
            Event::Eof => return Err("it is no XML: it ends too early".to_owned()),
            _ => {}
        }
    }
}

/// One element of a JUnit file, within those that are open.
fn read_element(
    tag: &BytesStart<'_>,
    open: &[Vec<u8>],
    case: &mut Option<(String, ArtifactStatus)>,
) -> Result<(), String> {
    let name = tag.name();
    if open.is_empty() && !matches!(name.as_ref(), b"testsuites" | b"testsuite") {
        return Err("its root is neither <testsuites> nor <testsuite>".to_owned());
    }
    let in_suites = open.iter().all(|tag| matches!(tag.as_slice(), b"testsuites" | b"testsuite"));
    let in_case = open.last().is_some_and(|last| last == b"testcase");
    match name.as_ref() {
        b"testcase" if in_suites => {
            let attribute = tag.try_get_attribute("name").map_err(|e| format!("it is no XML: {e}"))?;
            let name = attribute
                .map(|a| a.normalized_value(XmlVersion::Implicit1_0).map(std::borrow::Cow::into_owned))
                .transpose();
            *case = Some((name.map_err(|e| format!("it is no XML: {e}"))?.unwrap_or_default(), ArtifactStatus::Passed));
        }
        b"failure" | b"error" if in_case => case.iter_mut().for_each(|(_, mark)| *mark = ArtifactStatus::Failed),
        b"skipped" if in_case => {
            case.iter_mut()
                .filter(|(_, mark)| *mark == ArtifactStatus::Passed)
                .for_each(|(_, mark)| *mark = ArtifactStatus::Skipped);
        }
        _ => {}
    }
    Ok(())
}

/// What counts of a line of results.json.
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
            serde_json::from_str(line).map_err(|e| format!("line {n} is no event of go test -json: {e}"))?;
        let mark = match event.action.as_str() {
            "pass" => ArtifactStatus::Passed,
            "fail" => ArtifactStatus::Failed,
            "skip" => ArtifactStatus::Skipped,
            _ => continue,
        };
        match event.test.is_empty() {
            false => tests.add(event.test, mark),
            true if mark == ArtifactStatus::Failed => packages.push(event.package),
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
        let mark = match word {
            "PASS" => ArtifactStatus::Passed,
            "FAIL" => ArtifactStatus::Failed,
            "SKIP" => ArtifactStatus::Skipped,
            _ => continue,
        };
        if let Some(name) = rest.split_whitespace().next() {
            tests.add(name.to_owned(), mark);
        }
    }
    Ok(tests)
}

/// Lines with their numbers from 1.
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

    fn told(path: &str, text: &str) -> Vec<(String, ArtifactStatus)> {
        parse(path, text.as_bytes()).unwrap().unwrap().0.into_iter().collect()
    }

    fn wrong(path: &str, text: &str) -> String {
        parse(path, text.as_bytes()).unwrap().unwrap_err()
    }

    fn marks(all: &[(&str, ArtifactStatus)]) -> Vec<(String, ArtifactStatus)> {
        all.iter().map(|(name, mark)| ((*name).to_owned(), *mark)).collect()
    }

    use ArtifactStatus::{Failed, Passed, Skipped};

    #[test]
    fn junit_cases_of_nested_suites_count_by_name_and_by_their_own_children() {
        let text = r#"<?xml version="1.0"?><testsuites><testsuite name="a"><testsuite><testcase name="A&amp;1" classname="x"/>
            <testcase name="B"><failure>x</failure></testcase><testcase name="C"><error/></testcase></testsuite>
            <testcase name="D"><skipped/><system-out>&lt;failure/&gt;</system-out></testcase>
            <testcase name="E"><properties><failure/></properties></testcase></testsuite></testsuites>"#;
        let expected = marks(&[("A&1", Passed), ("B", Failed), ("C", Failed), ("D", Skipped), ("E", Passed)]);
        assert_eq!(told("x/JUnit.XML", text), expected);
        assert_eq!(told("junit.xml", "<testsuite><testcase name='T'/></testsuite>"), marks(&[("T", Passed)]));
        for (text, what) in [
            ("<testsuites/>", "no test"),
            ("<html><testcase name='T'/></html>", "its root"),
            ("<testsuites><testcase", "no XML"),
            ("<testsuites><testcase name='T'/>", "too early"),
            ("", "no test"),
        ] {
            assert!(wrong("junit.xml", text).contains(what), "{text}: {}", wrong("junit.xml", text));
        }
    }

    #[test]
    fn every_line_of_results_must_parse_and_only_ends_of_tests_count() {
        let text = "{\"Action\":\"run\",\"Test\":\"A\"}\n\n{\"Action\":\"pass\",\"Test\":\"A\"}\n{\"Action\":\"skip\",\"Test\":\"B\"}\n\
            {\"Action\":\"fail\",\"Test\":\"C\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}\n{\"Action\":\"pass\",\"Test\":\"C\"}";
        assert_eq!(told("results.json", text), marks(&[("A", Passed), ("B", Skipped), ("C", Failed)]));
        let package = "{\"Action\":\"pass\",\"Test\":\"A\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}";
        assert_eq!(told("results.json", package), marks(&[("A", Passed), ("package p", Failed)]));
        assert!(wrong("results.json", "{\"Action\":\"pass\",\"Test\":\"A\"}\nok").starts_with("line 2 "));
        assert!(wrong("results.json", "{\"Action\":\"pass\",\"Package\":\"p\"}").contains("no test"));
        let long = format!("{{\"Action\":\"pass\",\"Test\":\"{}\"}}", "x".repeat(MAX_LINE));
        assert!(wrong("results.json", &long).contains("16 MiB"));
    }

    #[test]
    fn a_log_counts_by_its_result_lines() {
        let text = "=== RUN   A\n    --- PASS: A/b (0.00s)\n--- FAIL: A (0.1s)\nx --- PASS: C (0s)\n--- SKIP: D (0s)\n--- BENCH: E\n";
        assert_eq!(told("e2e.log", text), marks(&[("A", Failed), ("A/b", Passed), ("D", Skipped)]));
        assert!(wrong("e2e.log", "PASS\nok\n").contains("no test"));
        assert!(parse("e2e-results.txt", b"x").is_none());
        assert!(parse("e2e.log", b"\xff").unwrap().unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn a_test_is_found_by_its_name_or_by_its_sub_tests() {
        let tests = |all: &[(&str, ArtifactStatus)]| ArtifactTests(marks(all).into_iter().collect());
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
