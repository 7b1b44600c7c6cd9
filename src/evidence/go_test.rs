//! Verdict → output of `go test`: the events of `go test -json` (results.json), and their text, as `go test -v` prints it
//! (e2e.log). FAIL and INCONCLUSIVE are fails, NOT APPLICABLE is a skip.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::test_tree::{ArtifactInput, TestNode, TestOutcome, build_test_tree};

/// Name in place of a Go package.
const PACKAGE: &str = "gpuhpa/pod_autoscaling";

/// Longest line, characters: readers have limits.
const MAX_LINE_CHARS: usize = 1000;

/// One line of `go test -json`, fields in the order of `go doc test2json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GoTestEvent {
    time: Timestamp,
    action: &'static str,
    package: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
}

/// Renders results.json.
///
/// # Errors
/// The writer fails, with its message.
pub(super) fn render_results_json(input: &ArtifactInput<'_>) -> Result<String, String> {
    let lines: Result<Vec<String>, _> = build_events(input).iter().map(serde_json::to_string).collect();
    lines.map(|lines| lines.join("\n") + "\n").map_err(|e| e.to_string())
}

/// Renders e2e.log: the concatenated outputs of results.json.
pub(super) fn render_e2e_log(input: &ArtifactInput<'_>) -> String {
    build_events(input).into_iter().filter_map(|event| event.output).collect()
}

fn build_events(input: &ArtifactInput<'_>) -> Vec<GoTestEvent> {
    let started = input.inventory.started;
    let tests = build_test_tree(input);
    let mut writer = GoTestWriter { started, events: Vec::new() };
    writer.push(0, "start", None, None, None);
    let mut open: Vec<&TestNode> = Vec::new();
    for test in &tests {
        while open.last().is_some_and(|last| last.depth >= test.depth) {
            open.pop().into_iter().for_each(|test| writer.end_test(test));
        }
        writer.start_test(test);
        open.push(test);
    }
    open.into_iter().rev().for_each(|test| writer.end_test(test));
    writer.end_package(tests.first());
    writer.events
}

struct GoTestWriter {
    started: Timestamp,
    events: Vec<GoTestEvent>,
}

impl GoTestWriter {
    fn push(
        &mut self,
        at_ms: u64,
        action: &'static str,
        test: Option<&TestNode>,
        elapsed: Option<f64>,
        output: Option<String>,
    ) {
        let offset = SignedDuration::from_millis(i64::try_from(at_ms).unwrap_or(i64::MAX));
        let time = self.started.checked_add(offset).unwrap_or(self.started);
        let test = test.map(|test| test.name.clone());
        self.events.push(GoTestEvent { time, action, package: PACKAGE, test, elapsed, output });
    }

    fn start_test(&mut self, test: &TestNode) {
        let at = test.span_ms.map_or(0, |span| span[0]);
        self.push(at, "run", Some(test), None, None);
        self.push(at, "output", Some(test), None, Some(format!("=== RUN   {}\n", test.name)));
        for text in std::iter::once(format!("{}: {}", test.result_label, test.reason)).chain(test.notes.iter().cloned())
        {
            for line in escaped_lines(&text) {
                self.push(at, "output", Some(test), None, Some(format!("    | {line}\n")));
            }
        }
    }

    fn end_test(&mut self, test: &TestNode) {
        let (action, status) = match test.outcome {
            TestOutcome::Pass => ("pass", "PASS"),
            TestOutcome::Skip => ("skip", "SKIP"),
            TestOutcome::Error | TestOutcome::Fail => ("fail", "FAIL"),
        };
        let (at, elapsed) = (test.span_ms.map_or(0, |span| span[1]), elapsed_seconds(test.duration_ms()));
        self.push(at, "output", Some(test), None, Some(format!("--- {status}: {} ({elapsed:.2}s)\n", test.name)));
        self.push(at, action, Some(test), Some(elapsed), None);
    }

    /// Ends the package. Go never reports a package as skipped because its tests are.
    fn end_package(&mut self, root: Option<&TestNode>) {
        let failed = root.is_some_and(|root| root.outcome >= TestOutcome::Error);
        let (at, duration_ms) =
            root.map_or((0, 0), |root| (root.span_ms.map_or(0, |span| span[1]), root.duration_ms()));
        let (action, status, summary) = if failed { ("fail", "FAIL", "FAIL") } else { ("pass", "PASS", "ok  ") };
        let seconds = SignedDuration::from_millis(i64::try_from(duration_ms).unwrap_or(i64::MAX)).as_secs_f64();
        self.push(at, "output", None, None, Some(format!("{status}\n")));
        self.push(at, "output", None, None, Some(format!("{summary}\t{PACKAGE}\t{seconds:.3}s\n")));
        self.push(at, action, None, Some(seconds), None);
    }
}

/// Seconds with two decimals, as go prints them for a test.
fn elapsed_seconds(ms: u64) -> f64 {
    let duration = SignedDuration::from_millis(i64::try_from(ms / 10 * 10).unwrap_or(i64::MAX));
    duration.as_secs_f64()
}

/// Text as lines that no reader of go's output takes for a result: the caller prefixes each with a bar, and go's `---` and
/// `===` are broken up, since some readers look for them anywhere in a line. verdict.json has the original text.
fn escaped_lines(text: &str) -> Vec<String> {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    let escape = |line: &str| {
        let line: String = line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
        line.replace("---", "- - -").replace("===", "= = =")
    };
    let parts = text.split(ends).filter(|line| !line.is_empty()).map(escape);
    let cut = |line: String| {
        line.chars()
            .collect::<Vec<_>>()
            .chunks(MAX_LINE_CHARS)
            .map(|part| part.iter().collect::<String>())
            .collect::<Vec<_>>()
    };
    parts.flat_map(cut).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::super::test_tree::tests::{expected_outcomes, mixed_verdict, with_input};
    use super::*;

    fn go_action(outcome: TestOutcome) -> &'static str {
        match outcome {
            TestOutcome::Pass => "pass",
            TestOutcome::Skip => "skip",
            TestOutcome::Error | TestOutcome::Fail => "fail",
        }
    }

    #[test]
    fn each_line_is_an_event_and_hostile_text_forges_no_result() {
        let text = with_input(&mixed_verdict(), render_results_json).unwrap();
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut ended = BTreeMap::new();
        for event in &events {
            let action = event["Action"].as_str().unwrap();
            if let Some(test) = event["Test"].as_str()
                && matches!(action, "pass" | "fail" | "skip")
            {
                assert_eq!(ended.insert(test.to_owned(), action.to_owned()), None, "{test} ends twice");
                assert_eq!(event["Elapsed"].as_f64(), Some(1.5));
            }
        }
        let wanted = expected_outcomes()
            .into_iter()
            .map(|(name, outcome)| (name.to_owned(), go_action(outcome).to_owned()))
            .collect();
        assert_eq!(ended, wanted);
        assert_eq!((events[0]["Action"].as_str(), events[0].get("Test")), (Some("start"), None));
        let last = events.last().unwrap();
        assert_eq!((last["Action"].as_str(), last["Elapsed"].as_f64()), (Some("fail"), Some(1.5)));
        assert_eq!(last["Time"], "1970-01-01T00:00:02.5Z");
    }

    #[test]
    fn the_log_is_what_go_prints_and_hostile_text_forges_no_line() {
        let log = with_input(&mixed_verdict(), render_e2e_log);
        // As loosely as the loosest reader does: anywhere in a line, whatever a line is.
        let marks: Vec<&str> = log.match_indices("--- ").map(|(at, _)| &log[at..]).collect();
        let found: BTreeMap<&str, &str> =
            marks.iter().map(|rest| (rest[10..].split(' ').next().unwrap(), &rest[4..8])).collect();
        let wanted: BTreeMap<&str, String> =
            expected_outcomes().into_iter().map(|(name, outcome)| (name, go_action(outcome).to_uppercase())).collect();
        assert_eq!(marks.len(), wanted.len());
        assert!(wanted.iter().all(|(name, word)| found[name] == word), "{found:?}");
        assert_eq!(log.matches("=== RUN   ").count(), wanted.len());
        let own = |line: &&str| line.starts_with("=== RUN   Test") || line.starts_with("--- ");
        let rest: Vec<&str> = log
            .split(['\n', '\r', '\u{85}', '\u{2028}'])
            .filter(|line| !own(line) && !line.starts_with("    | "))
            .collect();
        assert_eq!(rest, ["FAIL", "FAIL\tgpuhpa/pod_autoscaling\t1.500s", ""]);
        assert!(!log.contains(['\u{0}', '\u{16}', '\u{1b}']), "{log}");
        assert!(log.contains("    | INCONCLUSIVE: </testcase>") && log.contains("    | STAND-IN: "), "{log}");
    }

    #[test]
    fn a_long_line_is_cut_and_nothing_of_it_is_lost() {
        let cut = escaped_lines(&"\u{e9}".repeat(MAX_LINE_CHARS * 2 + 1));
        assert_eq!(
            cut.iter().map(|line| line.chars().count()).collect::<Vec<_>>(),
            [MAX_LINE_CHARS, MAX_LINE_CHARS, 1]
        );
        assert_eq!(escaped_lines("----"), ["- - --"]);
    }

    #[test]
    fn a_time_beyond_the_calendar_is_no_reason_to_stop() {
        let mut verdict = mixed_verdict();
        verdict.cases[0].span_ms = Some([0, u64::MAX]);
        assert!(with_input(&verdict, render_results_json).unwrap().lines().count() > 50);
    }
}
