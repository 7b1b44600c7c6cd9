//! Reads the three artifacts as the programme's validator does: test → status.

mod go_event;
mod junit_reader;
mod xml_reader;
mod xml_text;

use std::collections::BTreeMap;

use go_event::GoEvent;

/// Longest line without its line feed, bytes: the validator's buffer has 16 MiB, line feed included.
const MAX_LINE: usize = (16 << 20) - 1;

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

/// Why an artifact is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArtifactError {
    /// Name of the violated rule.
    pub(super) rule: &'static str,
    /// `line N` of results.json.
    pub(super) line: Option<usize>,
    pub(super) message: String,
}

impl ArtifactError {
    pub(super) fn new(rule: &'static str, message: impl Into<String>) -> Self {
        Self { rule, line: None, message: message.into() }
    }
}

/// The tests of an artifact.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ArtifactTests {
    pub(super) statuses: BTreeMap<String, ArtifactStatus>,
    /// Packages of results.json that failed.
    failed_packages: Vec<String>,
}

impl ArtifactTests {
    /// Adds a test. For a duplicate name a fail is never overridden; otherwise the later record wins.
    fn add(&mut self, name: String, status: ArtifactStatus) {
        let entry = self.statuses.entry(name).or_insert(status);
        if *entry != ArtifactStatus::Failed {
            *entry = status;
        }
    }

    /// Names of the tests that failed; of the packages only if no test did, since a failed test fails its package.
    pub(super) fn failed(&self) -> Vec<String> {
        let is_failed = |(_, status): &(&String, &ArtifactStatus)| **status == ArtifactStatus::Failed;
        let tests: Vec<String> = self.statuses.iter().filter(is_failed).map(|(name, _)| name.clone()).collect();
        if !tests.is_empty() {
            return tests;
        }
        let mut packages: Vec<String> = self.failed_packages.iter().map(|name| format!("package {name}")).collect();
        packages.sort();
        packages
    }

    /// Status of a test: its own, or else that of its sub-tests: failed if any failed, skipped if all are skipped.
    pub(super) fn look_up(&self, name: &str) -> Option<ArtifactStatus> {
        if let Some(status) = self.statuses.get(name) {
            return Some(*status);
        }
        let prefix = format!("{name}/");
        let subs: Vec<ArtifactStatus> =
            self.statuses.iter().filter(|(sub, _)| sub.starts_with(&prefix)).map(|(_, status)| *status).collect();
        let is = |wanted: ArtifactStatus| move |status: &ArtifactStatus| *status == wanted;
        match subs.as_slice() {
            [] => None,
            _ if subs.iter().any(is(ArtifactStatus::Failed)) => Some(ArtifactStatus::Failed),
            _ if subs.iter().all(is(ArtifactStatus::Skipped)) => Some(ArtifactStatus::Skipped),
            _ => Some(ArtifactStatus::Passed),
        }
    }

    /// The first test with another status in another artifact of the same run. Absent parent tests are no difference: some
    /// tools leave them out.
    pub(super) fn first_difference(&self, other: &Self) -> Option<String> {
        let (this, other) = (self.with_packages(), other.with_packages());
        let differs = |a: &Self, b: &Self| {
            a.statuses.iter().find(|(name, status)| b.look_up(name) != Some(**status)).map(|(name, _)| name.clone())
        };
        let name = differs(&this, &other).or_else(|| differs(&other, &this))?;
        let [this_label, other_label] = [this, other].map(|tests| ArtifactStatus::label(tests.look_up(&name)));
        Some(format!("`{name}` is {this_label} here, and {other_label}"))
    }

    /// The same tests, with each package that counts as failed as a test of its own.
    fn with_packages(&self) -> Self {
        let mut all = self.clone();
        all.failed_packages.clear();
        self.failed().into_iter().for_each(|name| all.add(name, ArtifactStatus::Failed));
        all
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
        (Err(error), _) | (_, Err(error)) => Some(format!("{name}: {}", error.message)),
    }
}

/// Whether the validator reads a file of this name; of any other file it checks the existence only.
pub(super) fn is_artifact(path: &str) -> bool {
    matches!(base_name(path).as_str(), "junit.xml" | "results.json" | "e2e.log")
}

fn base_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_lowercase()
}

/// Reads a file with a canonical base name; `None` for any other file.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Option<Result<ArtifactTests, ArtifactError>> {
    match base_name(path).as_str() {
        "junit.xml" => Some(junit_reader::parse_junit(bytes)),
        "results.json" => Some(parse_results(bytes)),
        "e2e.log" => Some(parse_log(bytes)),
        _ => None,
    }
}

fn parse_results(bytes: &[u8]) -> Result<ArtifactTests, ArtifactError> {
    let mut tests = ArtifactTests::default();
    for (index, line) in lines(bytes).enumerate() {
        let line = String::from_utf8_lossy(line?);
        if line.trim().is_empty() {
            continue;
        }
        let Some(event) = GoEvent::parse(line.trim()) else {
            let message = format!("line {} is not a go test -json event", index + 1);
            return Err(ArtifactError { line: Some(index + 1), ..ArtifactError::new("json-invalid", message) });
        };
        let status = match event.action.as_str() {
            "pass" => ArtifactStatus::Passed,
            "fail" => ArtifactStatus::Failed,
            "skip" => ArtifactStatus::Skipped,
            _ => continue,
        };
        match event.test.is_empty() {
            false => tests.add(event.test, status),
            true if status == ArtifactStatus::Failed => tests.failed_packages.push(event.package),
            true => {}
        }
    }
    if tests.statuses.is_empty() && tests.failed_packages.is_empty() {
        return Err(ArtifactError::new("json-no-test", "it contains no end of a test"));
    }
    Ok(tests)
}

fn parse_log(bytes: &[u8]) -> Result<ArtifactTests, ArtifactError> {
    let mut tests = ArtifactTests::default();
    for line in lines(bytes) {
        if let Some((name, status)) = parse_result_line(&String::from_utf8_lossy(line?)) {
            tests.add(name, status);
        }
    }
    if tests.statuses.is_empty() {
        let text = String::from_utf8_lossy(bytes);
        let is_ginkgo = text.contains("Ran ") && text.contains(" Specs");
        let origin = if is_ginkgo { "; it looks like Ginkgo's output" } else { "" };
        let message = format!("it contains no test as `go test -v` writes it: no line `--- PASS: TestName`{origin}");
        return Err(ArtifactError::new("log-no-test", message));
    }
    Ok(tests)
}

/// Parses a result line of `go test -v`, by the validator's regular expression: Go's `\s` is ASCII, and has no vertical tab.
fn parse_result_line(line: &str) -> Option<(String, ArtifactStatus)> {
    let is_space = |c: char| matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ');
    let (word, rest) = line.trim_start_matches(is_space).strip_prefix("--- ")?.split_once(": ")?;
    let status = match word {
        "PASS" => ArtifactStatus::Passed,
        "FAIL" => ArtifactStatus::Failed,
        "SKIP" => ArtifactStatus::Skipped,
        _ => return None,
    };
    let name = rest.split(is_space).next().filter(|name| !name.is_empty())?;
    Some((name.to_owned(), status))
}

/// Lines as Go's scanner splits them: at line feeds, each without one carriage return before it.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], ArtifactError>> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    whole.split(|byte| *byte == b'\n').enumerate().map(|(index, line)| match line.len() > MAX_LINE {
        true => Err(ArtifactError::new("artifact-unreadable", format!("line {} is longer than 16 MiB", index + 1))),
        false => Ok(line.strip_suffix(b"\r").unwrap_or(line)),
    })
}

#[cfg(test)]
mod tests;
