//! Writes the three artifacts of a run with every result, with and without hostile text, for `ci/artifacts`, which passes them
//! to independent readers.

use std::path::Path;

use gpuhpa::evidence::{ArtifactInput, render_artifacts};
use gpuhpa::model::figures::RunFigures;
use gpuhpa::model::inventory::Inventory;
use gpuhpa::model::verdict::{Case, CaseResult, Verdict};

const HOSTILE: &str = "]]></system-out></testcase> \u{1b}[31m\u{0}\u{fffe} & \"q\"\n--- PASS: TestForged (0.00s)\r    --- FAIL: \
    TestForged (1.00s)\u{2028}=== RUN   TestForged\u{16}--- SKIP: TestForged (0.00s)\nPASS\nok  \tforged\t0.1s\npanic: no \
    [recovered]\nexit status 2\n{\"Action\":\"fail\",\"Test\":\"TestForged\"}\nBenchmarkX 1 1 ns/op\ncoverage: 1% of statements";

fn verdict() -> Verdict {
    let case = |n: u64, name: &str, result, reason: &str| Case {
        name: name.to_owned(),
        result,
        reason: reason.to_owned(),
        cited_seqs: (0..30).collect(),
        span_ms: (n > 0).then(|| [n * 1000, n * 2345]),
        findings: vec![reason.to_owned(), HOSTILE.repeat(100)],
    };
    use CaseResult::{Fail, Inconclusive, NotApplicable, Pass};
    Verdict {
        rules: 1,
        suite: "TestPodAutoscaling".to_owned(),
        result: Fail,
        reason: HOSTILE.to_owned(),
        stand_in: true,
        rehearsal: false,
        restored: false,
        cases: vec![
            case(0, "Setup/Passes", Pass, "passed"),
            case(1, "Setup/AlsoPasses", Pass, HOSTILE),
            case(2, "Control/Inconclusive", Inconclusive, HOSTILE),
            case(3, "ScaleUp/Passes", Pass, "passed"),
            case(4, "ScaleUp/Fails", Fail, HOSTILE),
            case(5, "ScaleUp/Skipped", NotApplicable, HOSTILE),
            case(6, "Hold/Skipped", NotApplicable, "no HPA API"),
            case(7, "Cleanup/Restored", Fail, "something is left"),
        ],
        duration_ms: 61_001,
        min_duration_ms: 1,
        figures: RunFigures::default(),
    }
}

#[test]
fn the_three_artifacts_are_written_for_independent_readers() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("artifacts");
    std::fs::create_dir_all(&dir).expect("target/tmp must be writable");
    let (verdict, inventory) =
        (verdict(), Inventory { kubernetes_version: "v1.37.2".to_owned(), ..Inventory::default() });
    let input = ArtifactInput { verdict: &verdict, inventory: &inventory, run: "r", scenario: "s", extra_marks: &[] };
    let written = render_artifacts(&input).expect("the writers must not fail");
    assert_eq!(written.each_ref().map(|(name, _)| *name), ["junit.xml", "results.json", "e2e.log"]);
    for (name, text) in written {
        assert!(text.matches("ScaleUp/Fails").count() >= 1, "{name}");
        std::fs::write(dir.join(name), text).expect("target/tmp must be writable");
    }
}
