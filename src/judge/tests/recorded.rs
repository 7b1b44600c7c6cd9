//! The runs as they were recorded on the rig.

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
    run.assert_inconclusive(Check::MetricFollowsLoad, "under load the metric asked for at least 2 replicas for 0.0s");
    assert!(run.verdict().reason.starts_with("Control/MetricFollowsLoad: "), "{}", run.verdict().reason);
    run.assert_inconclusive(Check::ReplicasRise, "needs Control/MetricFollowsLoad (rise)");
}

#[test]
fn a_controller_that_is_off_fails() {
    let run = recorded("hpa-controller-off");
    run.assert_fails(Check::AutoscalerActive, "no controller has written a condition to HPA");
    for check in [Check::IdleHolds, Check::ByTheAutoscaler, Check::DecisionsExplained] {
        let ruling = run.evaluate(check);
        assert_eq!(
            (ruling.status, ruling.reason.contains("needs Setup/AutoscalerActive")),
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
    run.assert_inconclusive(Check::NewPodsServe, "needs ScaleUp/NewPodsRunOnAccelerators");
}

#[test]
fn an_average_that_the_target_divides_again_is_named() {
    let run = recorded("divided-twice");
    run.assert_inconclusive(
        Check::MetricFollowsLoad,
        "it falls as pods are added while the load goes on: 100 with 1 of them, which asks for 2, and a median of 25.75 with 2, which asks for 1",
    );
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

/// The pass that rose lay between two readings: what it read is seen only when the size has changed already.
#[test]
fn an_average_that_the_target_divides_again_is_named_where_its_peak_was_read_late() {
    let run = recorded("divided-twice").metric(39_000, 43_890, Some(0));
    run.assert_inconclusive(
        Check::MetricFollowsLoad,
        "it falls as pods are added while the load goes on: 100 with 1 of them",
    );
}

#[test]
fn a_neighbour_in_the_metric_is_named() {
    let run = recorded("contaminated");
    run.assert_inconclusive(
        Check::IdleHolds,
        "(value 99, target 60): contamination: the metric also holds neighbour-6ccc8ff85c-8sh9s=99",
    );
}

/// Every claim is shown on one side of the minute without the metric.
#[test]
fn a_metrics_adapter_that_comes_back_in_time_prevents_no_pass() {
    let run = recorded("adapter-away");
    run.assert_passes(Check::HoldSteady, "the metric was away for 1m2s, in which the autoscaler could not act");
    run.assert_passes(Check::ReplicasRise, "it had asked for the rise before");
    // While it is away the run goes on.
    for at in (50_000..110_000).step_by(5000) {
        let verdict = run.clone().without(|o| o.at_ms > at).verdict();
        assert!(verdict.reason.contains("the run ended before it could be told"), "at {at}: {}", verdict.reason);
    }
}
