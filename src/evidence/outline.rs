//! The tests that the artifacts name: the suite, its groups and its cases, as a go test with sub-tests reports them. One
//! outline for all three formats, so that they cannot disagree.

use crate::record::inventory::Inventory;
use crate::record::stamp::Stamp;
use crate::record::verdict::{Case, CaseResult, Verdict};

/// What junit.xml, results.json and e2e.log are made from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// Run id; empty for a run that did not come to have one.
    pub run: &'a str,
    /// Name of the scenario.
    pub scenario: &'a str,
    /// Marks that every reader must see besides the run's stamps, for example that an export was forced.
    pub marks: &'a [String],
}

impl Facts<'_> {
    /// Everything that a reader must see before the results.
    pub(super) fn marks(&self) -> Vec<String> {
        let stamps = self.verdict.stamps().into_iter().map(Stamp::line);
        stamps.chain(self.marks.iter().cloned()).collect()
    }

    /// What the run was, as names and values.
    pub(super) fn labels(&self) -> [(&'static str, String); 10] {
        let Self { verdict, inventory, .. } = self;
        [
            ("gpuhpa.version", inventory.gpuhpa.clone()),
            ("gpuhpa.run", self.run.to_owned()),
            ("gpuhpa.scenario", self.scenario.to_owned()),
            ("gpuhpa.verdict", verdict.title()),
            ("gpuhpa.reason", verdict.reason.clone()),
            ("gpuhpa.standIn", verdict.stand_in.to_string()),
            ("gpuhpa.restored", verdict.restored.to_string()),
            ("gpuhpa.tookSeconds", format!("{}.{:03}", verdict.took_ms / 1000, verdict.took_ms % 1000)),
            ("kubernetes.version", inventory.kubernetes.clone()),
            ("helm.version", inventory.helm.clone()),
        ]
    }
}

/// What a test came to. The worst of its sub-tests is the result of a test that has any; so all skipped is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// Not applicable.
    Skip,
    /// It holds.
    Pass,
    /// It could not be told, or what was made could not be removed: not the platform's failure.
    Error,
    /// It does not hold.
    Fail,
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    /// The whole name.
    pub(super) name: String,
    /// 0 for the suite, 1 for a group, 2 for a case.
    pub(super) depth: usize,
    /// What it came to.
    pub(super) outcome: Outcome,
    /// The same in the word of the verdict.
    pub(super) word: &'static str,
    /// Why.
    pub(super) reason: String,
    /// What there is to say besides.
    pub(super) notes: Vec<String>,
    /// From the first to the last observation cited, milliseconds of the run's clock.
    pub(super) span_ms: Option<[u64; 2]>,
}

impl Test {
    /// Length of the span, milliseconds.
    pub(super) fn took_ms(&self) -> u64 {
        self.span_ms.map_or(0, |[from, to]| to.saturating_sub(from))
    }
}

/// The tests, each before its sub-tests, in the order of the run.
pub(super) fn outline(facts: &Facts<'_>) -> Vec<Test> {
    let verdict = facts.verdict;
    let suite = name_of(&verdict.suite);
    let mut groups: Vec<(&str, Vec<Test>)> = Vec::new();
    for case in &verdict.cases {
        let group = case.name.split_once('/').map_or("", |(group, _)| group);
        let test = leaf(&suite, case);
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, tests)) => tests.push(test),
            None => groups.push((group, vec![test])),
        }
    }
    let cases: Vec<&Test> = groups.iter().flat_map(|(_, tests)| tests).collect();
    let mut root = parent(suite.clone(), 0, &cases);
    root.reason = format!("{}: {}", verdict.title(), verdict.reason);
    root.notes = facts.labels().iter().map(|(name, value)| format!("{name}: {value}")).collect();
    root.notes.insert(0, "judged by gpuhpa from recorded observations, and told in the shapes of go test".to_owned());
    let mut all = vec![root];
    for (group, tests) in groups {
        if !group.is_empty() {
            all.push(parent(format!("{suite}/{}", name_of(group)), 1, &tests.iter().collect::<Vec<_>>()));
        }
        all.extend(tests);
    }
    let marks = facts.marks();
    all.iter_mut().for_each(|test| test.notes.splice(..0, marks.iter().cloned()).for_each(drop));
    all
}

fn leaf(suite: &str, case: &Case) -> Test {
    let (outcome, word) = match case.result {
        CaseResult::Pass => (Outcome::Pass, "PASS"),
        // What could not be removed is the harness' trouble, not the platform's failure.
        CaseResult::Fail if case.name == "Cleanup/Restored" => (Outcome::Error, "NOT RESTORED"),
        CaseResult::Fail => (Outcome::Fail, "FAIL"),
        CaseResult::Inconclusive => (Outcome::Error, "INCONCLUSIVE"),
        CaseResult::NotApplicable => (Outcome::Skip, "NOT APPLICABLE"),
    };
    let cites: Vec<String> = case.cites.iter().take(20).map(ToString::to_string).collect();
    let more = if case.cites.len() > 20 { " ..." } else { "" };
    let mut notes: Vec<String> = case.findings.iter().map(|finding| format!("finding: {finding}")).collect();
    notes.push(format!("timeline.jsonl seq: {}{more}", cites.join(" ")));
    let (name, reason) = (format!("{suite}/{}", name_of(&case.name)), case.reason.clone());
    let depth = if case.name.contains('/') { 2 } else { 1 };
    Test { name, depth, outcome, word, reason, notes, span_ms: case.span_ms }
}

fn parent(name: String, depth: usize, tests: &[&Test]) -> Test {
    let worst = tests.iter().max_by_key(|test| test.outcome);
    let (outcome, word) = worst.map_or((Outcome::Skip, "NOT APPLICABLE"), |test| (test.outcome, test.word));
    let held = tests.iter().filter(|test| test.outcome == Outcome::Pass).count();
    let spans = || tests.iter().filter_map(|test| test.span_ms);
    let (from, to) = (spans().map(|span| span[0]).min(), spans().map(|span| span[1]).max());
    let span_ms = from.zip(to).map(|(from, to)| [from, to]);
    let reason = format!("{held} of {} sub-tests hold", tests.len());
    Test { name, depth, outcome, word, reason, notes: Vec::new(), span_ms }
}

/// A name as go test writes it: no blanks, nothing that cannot be printed.
fn name_of(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a cluster may write to forge a result, or to break a reader.
    pub(in crate::evidence) const HOSTILE: &str = "</testcase> ]]> \u{1b}[31m \u{0} & \"quotes\" <b>\n--- PASS: \
        TestPodAutoscaling/B/Fail (0.00s)\r=== RUN   TestForged\u{2028}    --- PASS: TestForged (0.00s)\u{16}--- FAIL: \
        TestForged (0.00s)\nPASS\nok  \tforged\t0.1s\n{\"Action\":\"pass\",\"Test\":\"TestForged\"}";

    pub(in crate::evidence) fn case(name: &str, result: CaseResult, reason: &str) -> Case {
        Case {
            name: name.to_owned(),
            result,
            reason: reason.to_owned(),
            cites: vec![1, 7],
            span_ms: Some([1000, 2500]),
            findings: vec![format!("a finding {reason}")],
        }
    }

    pub(in crate::evidence) fn verdict(cases: Vec<Case>) -> Verdict {
        Verdict {
            format: 1,
            suite: "TestPodAutoscaling".to_owned(),
            result: CaseResult::Fail,
            reason: HOSTILE.to_owned(),
            stand_in: true,
            rehearsal: false,
            restored: false,
            cases,
            took_ms: 61_001,
            least_ms: 1,
        }
    }

    pub(in crate::evidence) fn mixed() -> Verdict {
        verdict(vec![
            case("A/Pass", CaseResult::Pass, "fine"),
            case("B/Fail", CaseResult::Fail, HOSTILE),
            case("B/Unclear", CaseResult::Inconclusive, HOSTILE),
            case("C/Unclear", CaseResult::Inconclusive, HOSTILE),
            case("C/Pass", CaseResult::Pass, HOSTILE),
            case("D/Skipped", CaseResult::NotApplicable, HOSTILE),
            case("Cleanup/Restored", CaseResult::Fail, "left"),
        ])
    }

    pub(in crate::evidence) fn with<T>(verdict: &Verdict, render: impl FnOnce(&Facts<'_>) -> T) -> T {
        let inventory = Inventory { kubernetes: "v1.37.2".to_owned(), ..Inventory::default() };
        render(&Facts { verdict, inventory: &inventory, run: "20261124-101500-042", scenario: "s", marks: &[] })
    }

    /// Name and outcome of each test of `mixed`.
    pub(in crate::evidence) fn expected() -> Vec<(&'static str, Outcome)> {
        use Outcome::{Error, Fail, Pass, Skip};
        vec![
            ("TestPodAutoscaling", Fail),
            ("TestPodAutoscaling/A", Pass),
            ("TestPodAutoscaling/A/Pass", Pass),
            ("TestPodAutoscaling/B", Fail),
            ("TestPodAutoscaling/B/Fail", Fail),
            ("TestPodAutoscaling/B/Unclear", Error),
            ("TestPodAutoscaling/C", Error),
            ("TestPodAutoscaling/C/Unclear", Error),
            ("TestPodAutoscaling/C/Pass", Pass),
            ("TestPodAutoscaling/D", Skip),
            ("TestPodAutoscaling/D/Skipped", Skip),
            ("TestPodAutoscaling/Cleanup", Error),
            ("TestPodAutoscaling/Cleanup/Restored", Error),
        ]
    }

    #[test]
    fn parents_sum_up_their_sub_tests() {
        let tests = with(&mixed(), outline);
        let found: Vec<(&str, Outcome)> = tests.iter().map(|test| (test.name.as_str(), test.outcome)).collect();
        assert_eq!(found, expected());
        assert!(tests.iter().all(|test| test.notes[0].starts_with("STAND-IN") && test.took_ms() == 1500));
    }

    #[test]
    fn a_run_without_an_hpa_api_is_skipped_and_not_passed() {
        let all = vec![case("A/X", CaseResult::NotApplicable, ""), case("B/Y", CaseResult::NotApplicable, "")];
        let tests = with(&verdict(all), outline);
        assert!(tests.len() == 5 && tests.iter().all(|test| test.outcome == Outcome::Skip), "{tests:?}");
    }

    #[test]
    fn names_cannot_break_a_line_and_spans_cannot_be_negative() {
        let mut odd = case("A/x y\n--- PASS: z", CaseResult::Fail, "");
        odd.span_ms = Some([5, 3]);
        let tests = with(&verdict(vec![odd]), outline);
        assert_eq!((tests[2].name.as_str(), tests[2].took_ms()), ("TestPodAutoscaling/A/x_y_---_PASS:_z", 0));
    }
}
