//! ScaleDown/ReplicasFall and ScaleDown/NotEarly.

use super::run_fixture::{
    CLEANUP, FALL, RunFixture, SCALED_TO_1, SCALED_TO_2, SCALED_TO_3, THIRD, edit_samples, healthy, is_api_reading,
    slow_metric,
};
use crate::judge::checks::CheckPart;
use crate::judge::{Check, CheckStatus, Prerequisite};
use crate::model::observation::{NodeSnapshot, ObservationKind, Phase};
use crate::model::reading::MetricHop;
use crate::model::verdict::CaseResult;
use crate::units::{HumanDuration, Milli};

use Check::{NotEarly, ReplicasFall};

#[test]
fn replicas_fall_within_the_bound() {
    healthy().assert_passes(ReplicasFall, "1 replica and no surplus pod 34.0s after the load ended (bound 1m3s");
}

#[test]
fn a_controller_that_does_not_scale_down_fails() {
    stays_up().assert_fails(ReplicasFall, "after the load ended the target still had 3 replicas and 3 pods, not 1");
    stays_up().assert_fails(ReplicasFall, "although the metric recommends 1 replica for ");
    stays_up().assert_fails(ReplicasFall, "the HPA's status last changed ");
}

#[test]
fn surplus_pods_that_do_not_go_fail() {
    let run = slow_metric().without(|o| matches!(&o.kind, ObservationKind::PodDeleted(gone) if gone.name == THIRD));
    run.clone().longer(107_700, 90_000).assert_fails(ReplicasFall, "2 pods");
    assert_eq!(run.result(), CaseResult::Inconclusive, "there was still time");
}

#[test]
fn a_node_that_was_lost_under_a_pod_of_the_target_is_not_a_fail() {
    let run = slow_metric().without(|o| matches!(&o.kind, ObservationKind::PodDeleted(gone) if gone.name == THIRD));
    let run = run.longer(107_700, 90_000);
    let lost = |name: &str| {
        let node = NodeSnapshot { name: name.to_owned(), ready: false, allocatable: [].into() };
        run.clone().with_observation(FALL + 5_000, ObservationKind::Node(node)).renumber()
    };
    let node = run.pod_at(THIRD, FALL).node.unwrap();
    lost(&node).assert_inconclusive(ReplicasFall, "was not Ready during the run, so this is not counted as a FAIL");
    lost("another").assert_fails(ReplicasFall, "2 pods");
}

#[test]
fn a_fall_within_twice_the_assumed_times_is_inconclusive() {
    // 63 s, and 80 s with the assumed terms doubled.
    slow_metric().longer(106_000, 40_000).assert_inconclusive(ReplicasFall, "later than 1m3s");
    slow_metric().longer(106_000, 25_000).assert_passes(ReplicasFall, "after the load ended");
    slow_metric().longer(106_000, 70_000).assert_fails(ReplicasFall, "after the load ended");
}

#[test]
fn a_prerequisite_of_replicas_fall_turns_fail_into_inconclusive() {
    stays_up()
        .metric(FALL, CLEANUP + 200_000, Some(100_000))
        .assert_inconclusive(ReplicasFall, "prerequisite Control/MetricFollowsLoad (scale-down)");
    stays_up().written_by(20_000, "kubectl", "").assert_inconclusive(ReplicasFall, "prerequisite ScaleUp/ReplicasRise");
}

#[test]
fn a_metric_that_recommends_more_again_after_the_load_is_not_a_fail() {
    // Low for a short time, then as under load: the window restarts.
    stays_up().metric(90_000, 150_000, Some(100_000)).assert_inconclusive(ReplicasFall, "only since");
    stays_up().not_read(90_000, 150_000).assert_inconclusive(ReplicasFall, "only since");
    stays_up().api_fails(90_000, 150_000).assert_inconclusive(ReplicasFall, "only since");
}

#[test]
fn without_a_span_of_readings_the_statuses_of_the_hpa_decide() {
    let evaluate = |run: RunFixture| run.with_evaluator(|evaluator| NotEarly.evaluate_alone(evaluator.view()));
    // On a busy machine the metric recommends more now and then alone, and a read takes longer than a sync period.
    let mut count = 0;
    let flickers = healthy().readings(MetricHop::Api, 0, FALL, |result| {
        count += 1;
        if count % 3 == 0 {
            edit_samples(result, |sample| sample.value = Some(Milli(0)));
        }
    });
    let flickers = flickers.not_read(SCALED_TO_3 + 1_000, SCALED_TO_3 + 8_000);
    let result = evaluate(flickers.clone());
    assert_eq!(result.status, CheckStatus::Pass, "{}", result.reason);
    assert!(result.reason.contains("after the value in the HPA's status last recommended more"), "{}", result.reason);
    let without_values = evaluate(flickers.clone().hpas(|_, hpa| hpa.current_metrics.clear()));
    assert_eq!(without_values.status, CheckStatus::Inconclusive, "{}", without_values.reason);
    assert!(without_values.reason.contains("in no span of a sync period"), "{}", without_values.reason);
    // A value that the metrics API served to no other client shows nothing.
    let other_values = evaluate(flickers.clone().metric(0, FALL, Some(10_000)));
    assert_eq!(other_values.status, CheckStatus::Inconclusive, "{}", other_values.reason);
    // A status shows when a pass was at the latest, so a scale-down that is early by it alone is no FAIL here.
    let early = evaluate(flickers.shorter(84_000, 18_000));
    assert_eq!(early.status, CheckStatus::Inconclusive, "{}", early.reason);
}

#[test]
fn replicas_that_had_fallen_before_the_load_ended_show_no_fall() {
    let run = slow_metric().longer(73_000, 60_000);
    let (fall, from) = (FALL + 60_000, 73_000);
    // Under load the metric falls, and the size with it.
    let run = run.metric(from, CLEANUP + 90_000, Some(0)).with_early_fall(fall - 500);
    assert_ne!(run.evaluate(ReplicasFall).status, CheckStatus::Pass, "{}", run.evaluate(ReplicasFall).reason);
    assert_eq!(run.result(), CaseResult::Inconclusive, "{}", run.verdict().reason);
}

#[test]
fn an_edited_hpa_or_target_is_inconclusive() {
    healthy()
        .hpas(|at, h| {
            if at > FALL {
                h.spec_digest = "x".to_owned()
            }
        })
        .assert_inconclusive(ReplicasFall, "the HPA was edited");
    healthy()
        .hpas(|at, h| {
            if at > FALL {
                h.uid = "x".to_owned()
            }
        })
        .assert_inconclusive(ReplicasFall, "the HPA was replaced");
    healthy()
        .workloads(|at, w| {
            if at > FALL {
                w.template_digest = "x".to_owned()
            }
        })
        .assert_inconclusive(ReplicasFall, "the target was edited");
    healthy()
        .workloads(|at, w| {
            if at > FALL {
                w.uid = "x".to_owned()
            }
        })
        .assert_inconclusive(ReplicasFall, "the target was edited");
    // The first snapshot of the target after the baseline began is the edited one.
    healthy()
        .workloads(|at, w| {
            if at > 30_000 {
                w.template_digest = "x".to_owned()
            }
        })
        .assert_inconclusive(ReplicasFall, "the target was edited");
}

#[test]
fn a_fall_that_could_not_be_watched_is_not_a_fail() {
    stays_up().gap("workload", 100_000, 180_000).assert_inconclusive(ReplicasFall, "the watch of workload had a gap");
    stays_up().gap("pods", 100_000, 180_000).assert_inconclusive(ReplicasFall, "the watch of pods had a gap");
    // Two parts of one gap: the watch opened, and failed at once with 410 Gone.
    let pieces = stays_up().gap("pods", 100_000, 102_000).gap("pods", 102_000, 104_000);
    pieces.assert_inconclusive(ReplicasFall, "the watch of pods had a gap of 4.0s");
    let apart = stays_up().gap("pods", 100_000, 102_000).gap("pods", 110_000, 112_000);
    apart.assert_fails(ReplicasFall, "still had");
}

#[test]
fn a_fall_after_the_window_is_not_early() {
    healthy().assert_passes(NotEarly, "3 → 1 came 30.9s after the metric last recommended more");
}

#[test]
fn a_size_recommended_only_briefly_counts_from_the_rise_itself() {
    // The metric recommends 3 for 3 s, less than a sync period, and fewer for the rest of the load; replicas fall to 2
    // first.
    let evaluate_fall_at = |at_ms| {
        let short = healthy()
            .scenario(|s| s.assumptions.exporter_interval = HumanDuration::from_secs(2))
            .metric(SCALED_TO_2 + 1000, SCALED_TO_3 - 2500, Some(55_000))
            .metric(SCALED_TO_3 + 500, FALL, Some(20_000))
            .resized_by(at_ms, 2, "kube-controller-manager", "scale");
        short.with_evaluator(|evaluator| Check::NotEarly.evaluate_alone(evaluator.view()))
    };
    let late = evaluate_fall_at(SCALED_TO_3 + 31_000);
    let text = "3 → 2 came 31.0s after the last scale-up above this size (window 30.0s";
    assert!(late.has_status(CheckStatus::Pass) && late.reason.contains(text), "{late:?}");
    assert_eq!(late.cites.len(), 4, "two falls, each with the beginning of its window: {late:?}");
    // Too early by the scale-up alone, which is no proof.
    let early = evaluate_fall_at(SCALED_TO_3 + 10_000);
    assert!(
        early.has_status(CheckStatus::Inconclusive) && early.reason.contains("twice the assumed sync period"),
        "{early:?}"
    );
}

#[test]
fn a_fall_inside_the_window_fails() {
    let run = slow_metric().shorter(84_000, 21_000);
    run.assert_case(NotEarly, CheckStatus::Fail, "3 → 1 came 9.9s after", CaseResult::Fail);
    assert_eq!(run.evaluate(Check::DecisionsExplained).status, CheckStatus::Fail);
}

#[test]
fn the_edge_of_the_window_is_kept_to_the_period() {
    // At least 30 − 5 − 1 − skew s; a FAIL needs a doubled sync period.
    let skew = 24;
    let least = 30_000 - 5_000 - 1000 - skew;
    let actual = 30_911;
    slow_metric().shorter(84_000, actual - least - 500).assert_passes(NotEarly, "3 → 1 came");
    slow_metric().shorter(84_000, actual - least + 1500).assert_inconclusive(NotEarly, "twice");
    slow_metric().shorter(84_000, actual - least + 6000).assert_case(
        NotEarly,
        CheckStatus::Fail,
        "came",
        CaseResult::Fail,
    );
}

#[test]
fn an_early_fall_is_inconclusive_where_values_may_have_been_missed() {
    let run = healthy().shorter(84_000, 21_000);
    // The statuses of the passes leave no gap.
    run.assert_case(NotEarly, CheckStatus::Inconclusive, "between two polls", CaseResult::Fail);
    assert_eq!(run.evaluate(Check::DecisionsExplained).status, CheckStatus::Fail);
    let silent = run.hpas(|at, hpa| {
        if at > 12_000 {
            hpa.current_metrics.clear();
        }
    });
    silent.assert_inconclusive(NotEarly, "between two polls");
}

#[test]
fn an_early_fall_against_an_assumed_window_is_inconclusive() {
    let run = slow_metric().scenario(|s| {
        let behavior = s.hpa.spec.behavior.as_mut().unwrap();
        behavior.scale_down.as_mut().unwrap().stabilization_window_seconds = None;
        s.assumptions.downscale_stabilization = HumanDuration::from_secs(30);
    });
    run.assert_passes(NotEarly, "3 → 1 came 30.9s");
    run.shorter(84_000, 21_000).assert_inconclusive(NotEarly, "assumed");
}

#[test]
fn a_window_no_longer_than_sync_period_and_lag_does_not_apply_whatever_is_observed() {
    // Sync period and lag of this run are 12 s.
    let run = healthy().scenario(|s| {
        let behavior = s.hpa.spec.behavior.as_mut().unwrap();
        behavior.scale_down.as_mut().unwrap().stabilization_window_seconds = Some(12);
    });
    let text = "is not longer than sync period and metric lag together";
    run.assert_case(NotEarly, CheckStatus::NotApplicable, text, CaseResult::Pass);
    let reason = run.verdict().reason;
    assert_eq!(reason, "every case that applies passed; ScaleDown/NotEarly does not apply to this HPA");
    run.ended_at(95_000).assert_case(NotEarly, CheckStatus::NotApplicable, text, CaseResult::Inconclusive);
    // Missing observations lead to it under no other scenario.
    for length in 0..healthy().timeline.len() {
        assert_ne!(healthy().cut(length).evaluate(NotEarly).status, CheckStatus::NotApplicable, "{length}");
    }
}

#[test]
fn a_gap_in_the_readings_before_the_fall_could_hide_a_recommendation() {
    healthy().not_read(88_000, 99_000).assert_inconclusive(NotEarly, "was not read");
    healthy().not_read(88_000, 92_000).assert_passes(NotEarly, "3 → 1 came");
    healthy().api_fails(88_000, 99_000).assert_passes(NotEarly, "3 → 1 came");
}

#[test]
fn a_fall_that_was_seen_late_after_a_gap_is_inconclusive() {
    // Observed in time after a gap of ten seconds, within which it would have been early.
    let gap = |from| healthy().gap("workload", from, SCALED_TO_1 - 5);
    gap(90_000).assert_inconclusive(NotEarly, "the target was not read for");
    gap(SCALED_TO_1 - 2_000).assert_passes(NotEarly, "3 → 1 came");
}

#[test]
fn a_fall_without_a_recommendation_before_it_is_inconclusive() {
    let run = healthy().without(|o| is_api_reading(o) && (28_000..FALL).contains(&o.at_ms)).renumber();
    run.assert_not_early_inconclusive("in no span of");
}

#[test]
fn not_early_needs_a_fall() {
    stays_up()
        .metric(FALL, CLEANUP + 200_000, Some(100_000))
        .assert_inconclusive(NotEarly, "prerequisite ScaleDown/ReplicasFall");
    assert_eq!(healthy().ended_at(100_000).evaluate(NotEarly).status, CheckStatus::Pending);
}

#[test]
fn an_early_fall_that_is_not_over_is_left_to_the_oracle() {
    let run = slow_metric().shorter(84_000, 21_000).without(|o| matches!(o.kind, ObservationKind::PodDeleted(_)));
    let result = run.evaluate(NotEarly);
    assert_eq!(result.status, CheckStatus::Pending, "{}", result.reason);
    assert!(result.reason.contains("prerequisite ScaleDown/ReplicasFall"), "{}", result.reason);
    run.assert_fails(Check::DecisionsExplained, "inside the scale-down window");
}

#[test]
fn what_the_clean_up_removes_has_not_fallen() {
    // Interrupted while the surplus pods were terminating; the clean-up then removes them in time.
    let run = healthy().without(
        |o| matches!(&o.kind, ObservationKind::Phase(m) if m.phase == Phase::Cleanup && o.at_ms < CLEANUP + 1),
    );
    let run = run.with_observation(106_600, super::run_fixture::phase_began(Phase::Cleanup));
    assert_eq!((run.evaluate(ReplicasFall).status, run.result()), (CheckStatus::Pending, CaseResult::Inconclusive));
}

#[test]
fn a_run_that_ended_before_the_fall_is_inconclusive() {
    let run = healthy().ended_at(95_000);
    assert_eq!((run.evaluate(ReplicasFall).status, run.result()), (CheckStatus::Pending, CaseResult::Inconclusive));
    assert_eq!(run.evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricFalls)).status, CheckStatus::Pass);
}

/// The controller never scales down, although the metric recommends minReplicas for long enough.
pub(super) fn stays_up() -> RunFixture {
    let run = slow_metric().longer(105_700, 90_000);
    let is_of_fall = |o: &crate::model::observation::Observation| {
        let of_fall = matches!(
            o.kind,
            ObservationKind::Workload(_)
                | ObservationKind::Pod(_)
                | ObservationKind::PodDeleted(_)
                | ObservationKind::Event(_)
                | ObservationKind::Hpa(_)
        );
        of_fall && (FALL + 10_000..CLEANUP + 90_000).contains(&o.at_ms)
    };
    run.without(is_of_fall).renumber()
}

impl RunFixture {
    /// Moves the scale-down to this time, with every observation of it.
    fn with_early_fall(self, at_ms: u64) -> Self {
        let by = SCALED_TO_1 + 60_000 - at_ms;
        let mut run = self;
        for o in run.timeline.iter_mut().filter(|o| o.at_ms >= SCALED_TO_1 + 59_990 && o.at_ms < CLEANUP + 60_000) {
            if matches!(
                o.kind,
                ObservationKind::Workload(_)
                    | ObservationKind::Pod(_)
                    | ObservationKind::PodDeleted(_)
                    | ObservationKind::Event(_)
                    | ObservationKind::Hpa(_)
            ) {
                o.at_ms -= by;
            }
            let back = jiff::SignedDuration::from_millis(i64::try_from(by).unwrap());
            match &mut o.kind {
                ObservationKind::Hpa(hpa) => hpa.last_scale_time = hpa.last_scale_time.map(|at| at - back),
                ObservationKind::Event(event) => {
                    event.first_timestamp = event.first_timestamp.map(|at| at - back);
                    event.last_timestamp = event.last_timestamp.map(|at| at - back);
                }
                _ => {}
            }
        }
        run.timeline.sort_by_key(|o| o.at_ms);
        run.renumber()
    }

    #[track_caller]
    fn assert_not_early_inconclusive(&self, text: &str) {
        let evaluator = crate::judge::Evaluator::new(self.records());
        let result = Check::NotEarly.evaluate_alone(evaluator.view());
        assert_eq!(result.status, CheckStatus::Inconclusive, "{}", result.reason);
        assert!(result.reason.contains(text), "{}", result.reason);
        assert_eq!(self.result(), CaseResult::Inconclusive);
    }
}
