//! The tests of the artifacts: suite, groups and cases, as go test reports a test with sub-tests. All three formats are
//! rendered from this one tree, so that they cannot disagree.

use crate::model::inventory::Inventory;
use crate::model::stamp::RunStamp;
use crate::model::verdict::{Case, CaseResult, RESTORED_CASE, Verdict};

/// Input of junit.xml, results.json and e2e.log.
#[derive(Clone, Copy, Debug)]
pub struct ArtifactInput<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// Run id; empty for a run that failed before it had one.
    pub run: &'a str,
    /// Name of the scenario.
    pub scenario: &'a str,
    /// Texts shown with the run's stamps before every result, for example that an export was forced.
    pub extra_marks: &'a [String],
}

impl ArtifactInput<'_> {
    /// The run's stamps and the extra marks.
    pub(super) fn all_marks(&self) -> Vec<String> {
        let stamps = self.verdict.stamps().into_iter().map(RunStamp::full_text);
        stamps.chain(self.extra_marks.iter().cloned()).collect()
    }

    /// Properties of the run: name and value.
    pub(super) fn properties(&self) -> Vec<(String, String)> {
        let Self { verdict, inventory, .. } = self;
        let of_run = [
            ("gpuhpa.version", inventory.gpuhpa_version.clone()),
            ("gpuhpa.commit", inventory.gpuhpa_commit.clone()),
            ("gpuhpa.rules", self.verdict.rules.to_string()),
            ("gpuhpa.run", self.run.to_owned()),
            ("gpuhpa.scenario", self.scenario.to_owned()),
            ("gpuhpa.verdict", verdict.title()),
            ("gpuhpa.reason", verdict.reason.clone()),
            ("gpuhpa.standIn", verdict.stand_in.to_string()),
            ("gpuhpa.restored", verdict.restored.to_string()),
            ("gpuhpa.durationSeconds", format!("{}.{:03}", verdict.duration_ms / 1000, verdict.duration_ms % 1000)),
            ("kubernetes.version", inventory.kubernetes_version.clone()),
            ("helm.version", inventory.helm_version.clone()),
        ];
        let figures = verdict.figures.named();
        let figures = figures.iter().map(|figure| (format!("gpuhpa.figures.{}", figure.key), figure.value.to_string()));
        of_run.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(figures).collect()
    }
}

/// Outcome of a test. A test with sub-tests has the worst outcome of them, so it is skipped only if all of them are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TestOutcome {
    /// NOT APPLICABLE.
    Skip,
    /// PASS.
    Pass,
    /// INCONCLUSIVE, or the run could not remove its own objects: not a failure of the platform.
    Error,
    /// FAIL.
    Fail,
}

/// A test of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TestNode {
    /// Full name, with the names of suite and group.
    pub(super) name: String,
    /// 0 for the suite, 1 for a group, 2 for a case.
    pub(super) depth: usize,
    pub(super) outcome: TestOutcome,
    /// The result as the verdict spells it.
    pub(super) result_label: &'static str,
    pub(super) reason: String,
    /// Marks, findings and citations.
    pub(super) notes: Vec<String>,
    /// Times of the first and the last cited observation, milliseconds of the run's clock.
    pub(super) span_ms: Option<[u64; 2]>,
}

impl TestNode {
    pub(super) fn duration_ms(&self) -> u64 {
        self.span_ms.map_or(0, |[from, to]| to.saturating_sub(from))
    }
}

/// The tests, each before its sub-tests, in the order of the run.
pub(super) fn build_test_tree(input: &ArtifactInput<'_>) -> Vec<TestNode> {
    let verdict = input.verdict;
    let suite = go_test_name(&verdict.suite);
    let mut groups: Vec<(&str, Vec<TestNode>)> = Vec::new();
    for case in &verdict.cases {
        let group = case.name.split_once('/').map_or("", |(group, _)| group);
        let test = case_node(&suite, case);
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, tests)) => tests.push(test),
            None => groups.push((group, vec![test])),
        }
    }
    let cases: Vec<&TestNode> = groups.iter().flat_map(|(_, tests)| tests).collect();
    let mut root = group_node(suite.clone(), 0, &cases);
    root.reason.clone_from(&verdict.reason);
    root.notes = input.properties().iter().map(|(name, value)| format!("{name}: {value}")).collect();
    root.notes.insert(0, "evaluated by gpuhpa from recorded observations, in go test format".to_owned());
    let mut all = vec![root];
    for (group, tests) in groups {
        if !group.is_empty() {
            all.push(group_node(format!("{suite}/{}", go_test_name(group)), 1, &tests.iter().collect::<Vec<_>>()));
        }
        all.extend(tests);
    }
    let marks = input.all_marks();
    all.iter_mut().for_each(|test| test.notes.splice(..0, marks.iter().cloned()).for_each(drop));
    all
}

fn case_node(suite: &str, case: &Case) -> TestNode {
    let outcome = match case.result {
        CaseResult::Pass => TestOutcome::Pass,
        // A leftover of the run is a problem of the harness, not a failure of the platform.
        CaseResult::Fail if case.name == RESTORED_CASE => TestOutcome::Error,
        CaseResult::Fail => TestOutcome::Fail,
        CaseResult::Inconclusive => TestOutcome::Error,
        CaseResult::NotApplicable => TestOutcome::Skip,
    };
    let result_label = case.result_label();
    let cites: Vec<String> = case.cited_seqs.iter().take(20).map(ToString::to_string).collect();
    let more = if case.cited_seqs.len() > 20 { " ..." } else { "" };
    let mut notes: Vec<String> = case.findings.iter().map(|finding| format!("finding: {finding}")).collect();
    notes.push(format!("timeline.jsonl seq: {}{more}", cites.join(" ")));
    let (name, reason) = (format!("{suite}/{}", go_test_name(&case.name)), case.reason.clone());
    let depth = if case.name.contains('/') { 2 } else { 1 };
    TestNode { name, depth, outcome, result_label, reason, notes, span_ms: case.span_ms }
}

fn group_node(name: String, depth: usize, tests: &[&TestNode]) -> TestNode {
    let worst = tests.iter().max_by_key(|test| test.outcome);
    let (outcome, result_label) =
        worst.map_or((TestOutcome::Skip, "NOT APPLICABLE"), |test| (test.outcome, test.result_label));
    let passed = tests.iter().filter(|test| test.outcome == TestOutcome::Pass).count();
    let spans = || tests.iter().filter_map(|test| test.span_ms);
    let (from, to) = (spans().map(|span| span[0]).min(), spans().map(|span| span[1]).max());
    let span_ms = from.zip(to).map(|(from, to)| [from, to]);
    let reason = format!("{passed} of {} sub-tests passed", tests.len());
    TestNode { name, depth, outcome, result_label, reason, notes: Vec::new(), span_ms }
}

/// A name as go test writes it: no blanks and no control characters.
fn go_test_name(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Text with which a cluster could try to forge a result or to break a reader.
    pub(in crate::evidence) const HOSTILE: &str = "</testcase> ]]> \u{1b}[31m \u{0} & \"quotes\" <b>\n--- PASS: \
        TestPodAutoscaling/B/Fail (0.00s)\r=== RUN   TestForged\u{2028}    --- PASS: TestForged (0.00s)\u{16}--- FAIL: \
        TestForged (0.00s)\nPASS\nok  \tforged\t0.1s\n{\"Action\":\"pass\",\"Test\":\"TestForged\"}";

    pub(in crate::evidence) fn case(name: &str, result: CaseResult, reason: &str) -> Case {
        Case {
            name: name.to_owned(),
            result,
            reason: reason.to_owned(),
            cited_seqs: vec![1, 7],
            span_ms: Some([1000, 2500]),
            findings: vec![format!("a finding {reason}")],
        }
    }

    pub(in crate::evidence) fn verdict(cases: Vec<Case>) -> Verdict {
        Verdict {
            rules: 1,
            suite: "TestPodAutoscaling".to_owned(),
            result: CaseResult::Fail,
            reason: HOSTILE.to_owned(),
            stand_in: true,
            rehearsal: false,
            restored: false,
            cases,
            duration_ms: 61_001,
            min_duration_ms: 1,
            figures: crate::model::figures::RunFigures::default(),
        }
    }

    pub(in crate::evidence) fn mixed_verdict() -> Verdict {
        verdict(vec![
            case("A/Pass", CaseResult::Pass, "fine"),
            case("B/Fail", CaseResult::Fail, HOSTILE),
            case("B/Inconclusive", CaseResult::Inconclusive, HOSTILE),
            case("C/Inconclusive", CaseResult::Inconclusive, HOSTILE),
            case("C/Pass", CaseResult::Pass, HOSTILE),
            case("D/Skipped", CaseResult::NotApplicable, HOSTILE),
            case("Cleanup/Restored", CaseResult::Fail, "left"),
        ])
    }

    pub(in crate::evidence) fn with_input<T>(verdict: &Verdict, render: impl FnOnce(&ArtifactInput<'_>) -> T) -> T {
        let inventory = Inventory { kubernetes_version: "v1.37.2".to_owned(), ..Inventory::default() };
        render(&ArtifactInput {
            verdict,
            inventory: &inventory,
            run: "20261124-101500-042",
            scenario: "s",
            extra_marks: &[],
        })
    }

    /// Name and outcome of each test of `mixed_verdict`.
    pub(in crate::evidence) fn expected_outcomes() -> Vec<(&'static str, TestOutcome)> {
        use TestOutcome::{Error, Fail, Pass, Skip};
        vec![
            ("TestPodAutoscaling", Fail),
            ("TestPodAutoscaling/A", Pass),
            ("TestPodAutoscaling/A/Pass", Pass),
            ("TestPodAutoscaling/B", Fail),
            ("TestPodAutoscaling/B/Fail", Fail),
            ("TestPodAutoscaling/B/Inconclusive", Error),
            ("TestPodAutoscaling/C", Error),
            ("TestPodAutoscaling/C/Inconclusive", Error),
            ("TestPodAutoscaling/C/Pass", Pass),
            ("TestPodAutoscaling/D", Skip),
            ("TestPodAutoscaling/D/Skipped", Skip),
            ("TestPodAutoscaling/Cleanup", Error),
            ("TestPodAutoscaling/Cleanup/Restored", Error),
        ]
    }

    #[test]
    fn parents_sum_up_their_sub_tests() {
        let tests = with_input(&mixed_verdict(), build_test_tree);
        let found: Vec<(&str, TestOutcome)> = tests.iter().map(|test| (test.name.as_str(), test.outcome)).collect();
        assert_eq!(found, expected_outcomes());
        assert!(tests.iter().all(|test| test.notes[0].starts_with("STAND-IN") && test.duration_ms() == 1500));
    }

    #[test]
    fn a_run_without_an_hpa_api_is_skipped_and_not_passed() {
        let all = vec![case("A/X", CaseResult::NotApplicable, ""), case("B/Y", CaseResult::NotApplicable, "")];
        let tests = with_input(&verdict(all), build_test_tree);
        assert!(tests.len() == 5 && tests.iter().all(|test| test.outcome == TestOutcome::Skip), "{tests:?}");
    }

    #[test]
    fn names_cannot_break_a_line_and_spans_cannot_be_negative() {
        let mut odd = case("A/x y\n--- PASS: z", CaseResult::Fail, "");
        odd.span_ms = Some([5, 3]);
        let tests = with_input(&verdict(vec![odd]), build_test_tree);
        assert_eq!((tests[2].name.as_str(), tests[2].duration_ms()), ("TestPodAutoscaling/A/x_y_---_PASS:_z", 0));
    }
}
