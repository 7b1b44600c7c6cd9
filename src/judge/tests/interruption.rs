//! A run that a signal interrupts: the cases that were pending say so, and the clean-up decides none of them.

use super::run_fixture::{CLEANUP, FALL, healthy, phase_began};
use crate::judge::Check::{self, HoldSteady, MetricServed, ReplicasFall, ReplicasRise, Restored};
use crate::model::observation::{ObservationKind, Phase, PhaseChange, PhaseEdge};
use crate::model::verdict::{CaseResult, Verdict};

fn interrupted(signal: &str) -> ObservationKind {
    ObservationKind::Interrupted { signal: signal.to_owned() }
}

fn reason(verdict: &Verdict, check: Check) -> (CaseResult, String) {
    let case = verdict.cases.iter().find(|case| case.name == check.name()).unwrap();
    (case.result, case.reason.clone())
}

#[test]
fn what_was_pending_is_undecided_because_of_the_signal_and_the_verdict_says_so() {
    // The load ends at the signal, and the clean-up takes longer than any bound of the scale-down.
    let end = PhaseChange { phase: Phase::Cleanup, edge: PhaseEdge::Ended };
    let run = healthy()
        .without(|o| o.at_ms > FALL + 2_000)
        .with_observation(FALL + 2_001, interrupted("SIGTERM"))
        .with_observation(FALL + 2_002, phase_began(Phase::Cleanup))
        .with_observation(CLEANUP + 3_600_000, ObservationKind::Phase(end));
    let verdict = run.verdict();
    let statement = "the run was interrupted by SIGTERM in the phase scale-down";
    assert_eq!(verdict.result, CaseResult::Inconclusive);
    assert!(verdict.reason.contains(statement), "{}", verdict.reason);
    let (result, text) = reason(&verdict, ReplicasFall);
    assert_eq!(result, CaseResult::Inconclusive);
    assert!(text.starts_with(&format!("{statement} while this was pending: ")), "{text}");
    for check in [MetricServed, ReplicasRise, HoldSteady] {
        assert_eq!(reason(&verdict, check).0, CaseResult::Pass, "{}", check.name());
    }
}

#[test]
fn a_signal_during_the_clean_up_is_told_by_its_case_alone() {
    let run = healthy().with_observation(CLEANUP + 1, interrupted("SIGINT"));
    let verdict = run.verdict();
    assert_eq!(verdict.result, healthy().verdict().result);
    assert!(!reason(&verdict, ReplicasFall).1.contains("interrupted"));
    assert_eq!(reason(&verdict, Restored).0, reason(&healthy().verdict(), Restored).0);
}
