//! Runs that adopt an HPA which exists before them.

use gpuhpa::model::verdict::CaseResult;
use gpuhpa::sim::config::SimConfig;

use super::built_in_with;
use crate::runner::{RehearsalDir, rehearse};

/// The HPA acts before the run judges it, for example on the first chat.
#[test]
fn an_adopted_hpa_passes_and_stays_as_it_is() {
    let scenario = built_in_with(&["adopt.yaml"]);
    for seed in 1..6 {
        let dir = RehearsalDir::new(&format!("adopted-{seed}"));
        let verdict = rehearse(SimConfig::from_scenario(&scenario, seed), &scenario, dir.path()).verdict;
        assert_eq!(verdict.result, CaseResult::Pass, "seed {seed}: {}", verdict.reason);
        assert!(verdict.restored, "seed {seed}");
        let journal = std::fs::read_to_string(dir.path().join("journal.jsonl")).expect("a journal");
        assert!(journal.contains(r#""adopt""#) && !journal.contains("gpuhpa-20260101-000000-000\",\"kind\":\"Horiz"));
    }
}
