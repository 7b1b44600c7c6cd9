//! The recorded runs, unaltered.

use super::run_fixture::{healthy, recorded};
use crate::judge::{Check, CheckStatus};
use crate::model::verdict::CaseResult;

#[test]
fn the_healthy_run_passes_in_all_fourteen_cases() {
    let verdict = healthy().verdict();
    let not_passed: Vec<_> = verdict.cases.iter().filter(|case| case.result != CaseResult::Pass).collect();
    assert!(not_passed.is_empty(), "{not_passed:#?}");
    assert_eq!(
        (verdict.result, verdict.cases.len(), verdict.title().as_str()),
        (CaseResult::Pass, 14, "PASS (STAND-IN)")
    );
}

#[test]
fn every_case_of_the_healthy_run_cites_what_it_rests_on() {
    let run = healthy();
    for case in run.verdict().cases.iter().filter(|case| case.name != Check::Restored.name()) {
        assert!(!case.cited_seqs.is_empty(), "{} cites nothing", case.name);
        assert!(case.cited_seqs.iter().all(|seq| run.timeline.iter().any(|o| o.seq == *seq)), "{}", case.name);
    }
}

#[test]
fn a_wrong_sign_is_inconclusive_and_named_first() {
    let run = recorded("wrong-sign");
    run.assert_inconclusive(Check::MetricFollowsLoad, "under load the metric recommends at least 2 replicas for 0.0s");
    assert!(run.verdict().reason.starts_with("Control/MetricFollowsLoad: "), "{}", run.verdict().reason);
    run.assert_inconclusive(Check::ReplicasRise, "prerequisite Control/MetricFollowsLoad (scale-up)");
}

#[test]
fn a_controller_that_is_off_fails() {
    let run = recorded("hpa-controller-off");
    run.assert_fails(Check::AutoscalerActive, "no controller has written a condition to HPA");
    for check in [Check::IdleHolds, Check::ByTheAutoscaler, Check::DecisionsExplained] {
        let result = run.evaluate(check);
        assert_eq!(
            (result.status, result.reason.contains("prerequisite Setup/AutoscalerActive")),
            (CheckStatus::Inconclusive, true)
        );
    }
}

#[test]
fn one_card_for_two_replicas_is_a_matter_of_capacity() {
    let run = recorded("one-gpu");
    run.assert_inconclusive(Check::NewPodsRunOnAccelerators, "(capacity)");
    assert!(run.verdict().reason.starts_with("ScaleUp/NewPodsRunOnAccelerators: (capacity)"));
    assert_eq!(run.evaluate(Check::ReplicasRise).status, CheckStatus::Pass);
    run.assert_inconclusive(Check::NewPodsServe, "prerequisite ScaleUp/NewPodsRunOnAccelerators");
}

#[test]
fn a_double_average_is_named() {
    let run = recorded("divided-twice");
    run.assert_inconclusive(
        Check::MetricFollowsLoad,
        "under load it falls as pods are added, from 100 at 1 replica (recommends 2) to a median of 25.75 at 2 replicas (recommends 1)",
    );
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

/// The pass that scaled up lies between two readings: its value is read only after the size has changed.
#[test]
fn a_double_average_is_named_where_its_peak_was_read_late() {
    let run = recorded("divided-twice").metric(39_000, 43_890, Some(0));
    run.assert_inconclusive(Check::MetricFollowsLoad, "under load it falls as pods are added, from 100 at 1 replica");
}

#[test]
fn a_neighbour_in_the_metric_is_named() {
    let run = recorded("contaminated");
    run.assert_inconclusive(
        Check::IdleHolds,
        "(value 99, target 60): contamination: the metric also includes neighbour-6ccc8ff85c-8sh9s=99",
    );
}

/// Each check passes by the readings before or after the minute without the metric.
#[test]
fn a_metrics_adapter_that_comes_back_in_time_prevents_no_pass() {
    let run = recorded("adapter-away");
    run.assert_passes(Check::HoldSteady, "the metric was unavailable for 1m2s");
    run.assert_passes(Check::ReplicasRise, "an earlier reading recommended the scale-up");
    // While the metric is unavailable the checks stay pending.
    for at in (50_000..110_000).step_by(5000) {
        let verdict = run.clone().without(|o| o.at_ms > at).verdict();
        assert!(verdict.reason.contains("the run ended while this was pending"), "at {at}: {}", verdict.reason);
    }
}
