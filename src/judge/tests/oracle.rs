//! Oracle/DecisionsExplained and Cleanup/Restored.

use k8s_openapi::api::autoscaling::v2::{HPAScalingPolicy, HPAScalingRules};

use super::run_fixture::{
    CLEANUP, FALL, IDLE, RISE, RunFixture, SCALED_TO_2, SCALED_TO_3, healthy, is_phase, recorded, slow_metric,
};
use crate::judge::{Check, CheckStatus, EarlyExit, Evaluator};
use crate::model::journal::ChangeState;
use crate::model::observation::{ObjectCondition, ObservationKind, Phase};
use crate::model::scenario::Scenario;
use crate::model::verdict::CaseResult;

use Check::{DecisionsExplained, Restored};

#[test]
fn the_decisions_of_the_healthy_run_are_explained() {
    healthy().assert_passes(
        DecisionsExplained,
        "3 size changes respect minReplicas and maxReplicas, scaling policies, stabilization window, ScalingActive and the metric",
    );
    slow_metric().assert_passes(DecisionsExplained, "3 size changes");
}

#[test]
fn a_size_outside_min_and_max_fails() {
    let run = rises_to(9);
    run.assert_case(
        DecisionsExplained,
        CheckStatus::Fail,
        "1 → 9: outside minReplicas 1 and maxReplicas 3",
        CaseResult::Fail,
    );
}

#[test]
fn a_change_faster_than_the_rate_fails() {
    let run = slow_metric().with_leader("a").scenario(|s| rules(s).policies = policy("Pods", 1, 60));
    run.assert_case(
        DecisionsExplained,
        CheckStatus::Fail,
        "2 → 3: faster than the spec's scaling policies, which allow 2",
        CaseResult::Fail,
    );
}

#[test]
fn a_controller_that_may_have_restarted_may_have_forgotten_its_changes() {
    let every_minute = |run: RunFixture| run.scenario(|s| rules(s).policies = policy("Pods", 1, 60));
    // Without a Lease; with another holder; with an unused Lease; with a gap in the observation of the Lease.
    let unused = slow_metric().with_leader("a").each(|o| {
        if let ObservationKind::Leader(leader) = &mut o.kind {
            leader.renewed = leader.renewed.map(|at| at - jiff::SignedDuration::from_hours(9));
        }
    });
    for run in [
        slow_metric(),
        slow_metric().with_leader("a").with_leader_from(40_000, "b"),
        unused,
        slow_metric().with_leader("a").gap("leader", 38_000, 49_000),
        slow_metric().with_leader("a").gap("leader", 0, CLEANUP),
    ] {
        every_minute(run).assert_passes(DecisionsExplained, "3 size changes");
    }
    // Before both changes, or after them: it forgot neither.
    for at in [30_000, 60_000] {
        let run = every_minute(slow_metric().with_leader("a").with_leader_from(at, "b"));
        assert_eq!(run.evaluate(DecisionsExplained).status, CheckStatus::Fail, "at {at}");
    }
    // A single step beyond the policies is a violation, whatever the controller has forgotten.
    let jump = rises_to(3).scenario(|s| rules(s).policies = policy("Pods", 1, 60));
    jump.assert_case(
        DecisionsExplained,
        CheckStatus::Fail,
        "1 → 3: faster than the spec's scaling policies, which allow 2",
        CaseResult::Fail,
    );
}

#[test]
fn whole_seconds_do_not_make_a_change_too_fast() {
    // 15.1 s apart; the slack is 3 s.
    let every =
        |seconds| slow_metric().with_leader("a").scenario(move |s| rules(s).policies = policy("Pods", 1, seconds));
    every(18).assert_passes(DecisionsExplained, "3 size changes");
    assert_eq!(every(20).evaluate(DecisionsExplained).status, CheckStatus::Fail);
}

#[test]
fn a_rise_that_twice_the_sync_period_explains_is_a_finding() {
    let run = slow_metric().scenario(|s| rules(s).stabilization_window_seconds = Some(12));
    let result = run.clone().without_status_values(IDLE).evaluate(DecisionsExplained);
    assert_eq!((result.status, result.findings.len()), (CheckStatus::Pass, 2), "{result:?}");
    // With the value in the status of the pass no sync period is needed.
    run.assert_case(
        DecisionsExplained,
        CheckStatus::Fail,
        "the value in the HPA's own status recommended less",
        CaseResult::Fail,
    );
}

#[test]
fn a_change_before_which_scaling_was_active_is_no_violation() {
    let run = slow_metric().hpas(|at, hpa| {
        if (SCALED_TO_2..SCALED_TO_2 + 100).contains(&at) {
            hpa.conditions.retain(|condition| condition.kind != "ScalingActive");
            hpa.conditions.push(inactive());
        }
    });
    run.assert_passes(DecisionsExplained, "3 size changes");
}

#[test]
fn a_fall_inside_the_window_fails() {
    let run = slow_metric().shorter(84_000, 21_000);
    run.assert_case(DecisionsExplained, CheckStatus::Fail, "inside the scale-down window", CaseResult::Fail);
}

#[test]
fn a_rise_inside_the_scale_up_window_fails() {
    let run = slow_metric().scenario(|s| rules(s).stabilization_window_seconds = Some(60));
    run.assert_case(DecisionsExplained, CheckStatus::Fail, "inside the scale-up window of 1m", CaseResult::Fail);
    let missed = healthy().scenario(|s| rules(s).stabilization_window_seconds = Some(20));
    missed.assert_case(DecisionsExplained, CheckStatus::Fail, "in the HPA's own status", CaseResult::Fail);
    missed.without_status_values(IDLE).assert_oracle_passes();
}

#[test]
fn a_change_while_scaling_is_inactive_fails() {
    let run = slow_metric().hpas(|at, hpa| {
        if at > RISE {
            hpa.conditions = vec![inactive()]
        }
    });
    run.assert_case(DecisionsExplained, CheckStatus::Fail, "while ScalingActive was False", CaseResult::Fail);
    // The status of the same pass was not observed: scaling may be active again in it.
    let unseen = slow_metric().hpas(|at, hpa| {
        if (RISE..SCALED_TO_2 - 100).contains(&at) {
            hpa.conditions = vec![inactive()]
        }
    });
    let unseen = unseen.without(|o| matches!(o.kind, ObservationKind::Hpa(_)) && (35_000..50_000).contains(&o.at_ms));
    assert_ne!(unseen.evaluate(DecisionsExplained).status, CheckStatus::Fail);
}

#[test]
fn a_rise_above_what_the_readings_recommend_fails() {
    let run = rises_to(3).metric(IDLE, FALL, Some(100_000));
    let run = run.metric(IDLE, RISE, Some(0));
    run.assert_case(
        DecisionsExplained,
        CheckStatus::Fail,
        "above 2, the largest recommendation that the readings around it allow",
        CaseResult::Fail,
    );
}

#[test]
fn a_rise_around_which_the_metric_was_not_read_is_explained_unless_no_value_can() {
    let whole = || rises_to(3).metric(RISE, FALL, Some(100_000));
    let missed = |s: &mut Scenario| s.assumptions.exporter_interval = healthy().scenario.assumptions.exporter_interval;
    for run in [whole().not_read(29_000, 45_000), whole().not_read(32_000, 35_800), whole().scenario(missed)] {
        // For one pod at 100 %, the maximum, the metric recommends 2 replicas.
        run.assert_case(
            DecisionsExplained,
            CheckStatus::Fail,
            "1 → 3: above 2, the largest recommendation",
            CaseResult::Fail,
        );
        let boundless = run.clone().scenario(|s| s.metric.range = None).without_status_values(IDLE);
        boundless.assert_oracle_passes();
        // A range that a reading violates is ignored.
        run.without_status_values(IDLE).metric(IDLE, IDLE + 1500, Some(200_000)).assert_oracle_passes();
    }
}

#[test]
fn a_rise_above_what_its_own_status_reports_fails() {
    let run = rises_to(3).scenario(|s| s.metric.range = None).api_fails(RISE, FALL);
    run.assert_case(
        DecisionsExplained,
        CheckStatus::Fail,
        "1 → 3: above 2, the largest recommendation for the value in the HPA's own status",
        CaseResult::Fail,
    );
}

#[test]
fn a_size_that_the_metric_does_not_recommend_is_a_finding() {
    // Every value in the window recommends more than the new size.
    let low = |run: RunFixture| {
        run.metric(RISE, CLEANUP, Some(100_000)).hpas(|at, h| {
            if at > FALL {
                h.current_metrics.iter_mut().for_each(|m| m.average_value = Some(crate::units::Milli(100_000)))
            }
        })
    };
    let result = low(slow_metric()).evaluate(DecisionsExplained);
    assert_eq!(result.status, CheckStatus::Fail, "every value recommends more: {}", result.reason);
    // A scale-up to 2 where the metric recommends 3, and neither maxReplicas nor the policies limit it.
    let run = slow_metric().scenario(|s| {
        s.hpa.spec.max_replicas = 9;
        s.metric.range = None;
    });
    let run = run.hpas(|_, h| h.max_replicas = 9).metric(RISE, FALL, Some(300_000)).hpas(|at, h| {
        if (RISE..FALL).contains(&at) {
            h.current_metrics.iter_mut().for_each(|m| m.average_value = Some(crate::units::Milli(300_000)));
        }
    });
    let result = run.evaluate(DecisionsExplained);
    assert_eq!(result.status, CheckStatus::Pass, "{}", result.reason);
    let finding = "1 → 2: the metric does not recommend this size";
    assert!(result.findings.iter().any(|f| f == finding), "{result:?}");
}

#[test]
fn another_tolerance_than_the_assumed_one_explains_a_change() {
    // 63 against 60 lies within the default tolerance of 0.1, but the flag may be smaller.
    let near = |run: RunFixture| {
        run.metric(RISE, FALL, Some(63_000)).hpas(|at, h| {
            if (RISE..FALL).contains(&at) {
                h.current_metrics.iter_mut().for_each(|m| m.average_value = Some(crate::units::Milli(63_000)));
            }
        })
    };
    assert_ne!(near(slow_metric()).evaluate(DecisionsExplained).status, CheckStatus::Fail);
    // Not where the spec states it.
    let stated = near(slow_metric()).scenario(|s| {
        rules(s).tolerance = Some(k8s_openapi::apimachinery::pkg::api::resource::Quantity("100m".to_owned()));
    });
    let result = stated.evaluate(DecisionsExplained);
    assert_eq!(result.status, CheckStatus::Fail, "{}", result.reason);
    assert!(result.reason.contains("1 → 2: above 1"), "{}", result.reason);
}

#[test]
fn another_metric_that_is_not_read_explains_a_rise() {
    let run = rises_to(3).metric(IDLE, FALL, Some(0)).without_status_values(IDLE).scenario(|s| {
        let metrics = s.hpa.spec.metrics.as_mut().unwrap();
        metrics.push(metrics[0].clone());
    });
    run.assert_oracle_passes();
}

#[test]
fn without_a_measured_clock_no_change_is_confirmed() {
    let run = slow_metric().without(|o| matches!(o.kind, ObservationKind::ClockSkew(_)));
    let result = run.evaluate(Check::ByTheAutoscaler);
    assert_eq!(result.status, CheckStatus::Inconclusive);
    assert!(result.reason.contains("clock was not measured"), "{}", result.reason);
    assert_eq!(
        rises_to(9).without(|o| matches!(o.kind, ObservationKind::ClockSkew(_))).result(),
        CaseResult::Inconclusive
    );
}

#[test]
fn a_write_to_the_scale_subresource_by_kubectl_is_not_the_autoscalers() {
    let run = slow_metric().resized_by(60_000, 9, "kubectl", "scale").ended_at(FALL);
    let result = run.evaluate(DecisionsExplained);
    assert_ne!(result.status, CheckStatus::Fail, "{}", result.reason);
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

#[test]
fn what_the_autoscaler_does_after_another_writer_is_a_finding() {
    // kubectl sets 9, and the controller correctly sets maxReplicas at once.
    let run = slow_metric();
    let at = jiff::Timestamp::from_second((run.inventory.started + jiff::SignedDuration::from_secs(64)).as_second())
        .unwrap();
    let mut hpa = run.hpa_at(64_000);
    (hpa.desired_replicas, hpa.last_scale_time) = (3, Some(at));
    let run = run.resized_by(60_000, 9, "kubectl", "scale").resized_by(64_000, 3, "kube-controller-manager", "scale");
    let run = run.with_observation(64_010, ObservationKind::Hpa(hpa)).ended_at(FALL);
    assert_ne!(
        run.evaluate(DecisionsExplained).status,
        CheckStatus::Fail,
        "{}",
        run.evaluate(DecisionsExplained).reason
    );
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

#[test]
fn min_replicas_are_enforced_without_any_metric() {
    let run = rises_to(2).scenario(|s| s.hpa.spec.min_replicas = Some(2)).hpas(|_, hpa| hpa.min_replicas = 2);
    let run = run.metric(RISE, FALL, Some(0)).hpas(|_, hpa| {
        hpa.conditions.iter_mut().for_each(|c| {
            if c.kind == "ScalingActive" && hpa.desired_replicas == 2 {
                c.status = "False".to_owned()
            }
        })
    });
    assert_ne!(
        run.evaluate(DecisionsExplained).status,
        CheckStatus::Fail,
        "{}",
        run.evaluate(DecisionsExplained).reason
    );
}

#[test]
fn changes_that_were_seen_as_one_are_not_too_fast() {
    // 1 → 2 → 3, of which the watch delivered only the end.
    let run = slow_metric().scenario(|s| rules(s).policies = policy("Pods", 1, 5));
    let run =
        run.without(|o| matches!(o.kind, ObservationKind::Workload(_)) && (RISE..SCALED_TO_3 - 10).contains(&o.at_ms));
    assert_ne!(
        run.evaluate(DecisionsExplained).status,
        CheckStatus::Fail,
        "{}",
        run.evaluate(DecisionsExplained).reason
    );
    assert_ne!(run.result(), CaseResult::Fail);
}

#[test]
fn no_check_passes_across_a_gap_that_could_hide_a_violation() {
    // 2 → 1 → 2 in a gap of the target's watch: only the generation reveals it.
    let of_target = |o: &crate::model::observation::Observation, from, to| {
        matches!(o.kind, ObservationKind::Workload(_)) && (from..to).contains(&o.at_ms)
    };
    let dipped = |from: u64, to: u64| {
        let workload = healthy().workload_at(to);
        let run = healthy()
            .without(|o| of_target(o, from, to))
            .with_observation(to, ObservationKind::Workload(workload))
            .gap("workload", from, to);
        run.workloads(|at, w| {
            if at >= to {
                w.generation = w.generation.map(|generation| generation + 2);
            }
        })
    };
    dipped(55_000, 65_000).assert_inconclusive(Check::HoldSteady, "prerequisite ScaleUp/ReplicasRise");
    dipped(55_000, 65_000).assert_inconclusive(DecisionsExplained, "changed unseen");
    dipped(15_000, 25_000).assert_inconclusive(Check::IdleHolds, "changed unseen");
    dipped(15_000, 30_000).assert_inconclusive(Check::IdleHolds, "changed unseen");
    // The same gap, and the target unchanged after it.
    healthy().gap("workload", 55_000, 65_000).assert_passes(Check::HoldSteady, "at least 2 replicas under load");
    // The watch never recovered: the gap is recorded when the observation ends, after the clean-up.
    let end = healthy().timeline.last().unwrap().at_ms + 5_000;
    let blind = healthy().without(|o| of_target(o, 60_000, CLEANUP)).gap("workload", 60_000, end);
    for check in [Check::ByTheAutoscaler, DecisionsExplained] {
        blind.assert_inconclusive(check, "could not be read any more");
    }
    assert_ne!(blind.evaluate(Check::HoldSteady).status, CheckStatus::Pass);
}

#[test]
fn a_change_around_which_the_hpa_was_not_read_is_inconclusive() {
    let run =
        slow_metric().without(|o| matches!(o.kind, ObservationKind::Hpa(_)) && (30_000..42_000).contains(&o.at_ms));
    let result = run.gap("hpa", 31_000, 42_000).evaluate(DecisionsExplained);
    assert_eq!(result.status, CheckStatus::Inconclusive, "{}", result.reason);
    assert!(result.reason.contains("the HPA could not be read when replicas went 1 → 2"), "{}", result.reason);
    // Observed again before the next pass: the status of the same pass is enough.
    slow_metric().gap("hpa", 31_000, SCALED_TO_2 - 10).assert_passes(DecisionsExplained, "3 size changes");
}

#[test]
fn a_run_that_cannot_pass_goes_on_while_a_scale_down_is_due() {
    let settled = |run: &RunFixture| crate::judge::Evaluator::new(run.records()).is_settled();
    // The scale-up was late, so the run cannot pass; the scale-down can still be too early or too fast.
    let late = slow_metric().longer(35_900, 12_000);
    let result = late.evaluate(Check::ReplicasRise);
    assert_eq!(result.status, CheckStatus::Inconclusive, "{}", result.reason);
    assert!(!settled(&late.clone().without(|o| o.at_ms > 100_000)), "3 replicas after the load");
    assert!(settled(&late.without(|o| o.at_ms > 119_700)), "back at minReplicas");
}

/// ScaleDown/NotEarly reports an early scale-down once the surplus pods are gone; the run waits for that, and then
/// stops.
#[test]
fn an_early_fall_fails_in_its_own_case() {
    let early = slow_metric().shorter(84_000, 21_000);
    let gone = early.timeline.iter().position(|o| matches!(o.kind, ObservationKind::PodDeleted(_))).unwrap();
    let falls = early.clone().cut(gone);
    assert_eq!(falls.evaluate(DecisionsExplained).status, CheckStatus::Fail);
    assert_eq!(Evaluator::new(falls.records()).early_exit(), EarlyExit::No);
    let over = early.ended_at(CLEANUP);
    over.assert_case(Check::NotEarly, CheckStatus::Fail, "came", CaseResult::Fail);
    assert_eq!(Evaluator::new(over.records()).early_exit(), EarlyExit::Now);
}

#[test]
fn decisions_explained_needs_an_active_autoscaler() {
    recorded("hpa-controller-off").assert_case(
        DecisionsExplained,
        CheckStatus::Inconclusive,
        "prerequisite Setup/AutoscalerActive",
        CaseResult::Fail,
    );
    let broken = rises_to(9).api_fails(0, 10_809);
    broken.assert_inconclusive(DecisionsExplained, "prerequisite Setup/AutoscalerActive");
    let edited = rises_to(9).hpas(|at, hpa| {
        if at > RISE {
            hpa.max_replicas = 9
        }
    });
    edited.assert_inconclusive(DecisionsExplained, "the HPA was edited");
}

#[test]
fn decisions_are_open_while_more_may_come() {
    let run = healthy().cut(200);
    assert_eq!(
        (run.evaluate(DecisionsExplained).status, run.result()),
        (CheckStatus::Pending, CaseResult::Inconclusive)
    );
}

#[test]
fn a_clean_up_that_left_nothing_is_restored() {
    healthy().assert_passes(Restored, "all 6 changes of the journal are undone");
    let mut nothing = healthy();
    nothing.journal.clear();
    assert_eq!(nothing.evaluate(Restored).status, CheckStatus::Pass);
}

#[test]
fn leftovers_do_not_affect_the_verdict_on_the_platform() {
    let mut run = healthy();
    run.journal.retain(|entry| !matches!(entry.state, ChangeState::Undone) || entry.change != 3);
    run.assert_case(
        Restored,
        CheckStatus::Fail,
        "1 of 6 changes are not undone: helm release gpuhpa-metrics/prometheus-adapter: was not removed",
        CaseResult::Pass,
    );
    assert_eq!((run.verdict().restored, run.verdict().title().as_str()), (false, "PASS (STAND-IN), NOT RESTORED"));
    let mut refused = healthy();
    for entry in
        refused.journal.iter_mut().filter(|entry| entry.change == 4 && matches!(entry.state, ChangeState::Undone))
    {
        entry.state = ChangeState::UndoFailed { error: "forbidden".to_owned() };
    }
    refused.assert_case(Restored, CheckStatus::Fail, "forbidden", CaseResult::Pass);
}

#[test]
fn before_the_clean_up_restored_is_pending() {
    let run = healthy().without(|o| o.at_ms >= CLEANUP);
    assert_eq!(run.evaluate(Restored).status, CheckStatus::Pending);
    assert!(run.timeline.iter().all(|o| !super::run_fixture::is_phase(o, Phase::Cleanup)));
}

/// The first scale-up goes to another size, and the HPA's status confirms it. The run ends with the load.
fn rises_to(size: i32) -> RunFixture {
    let run = slow_metric().workloads(|at, w| {
        if at >= SCALED_TO_2 {
            (w.spec_replicas, w.generation) = (size, Some(2));
        }
    });
    let run = run.hpas(|at, hpa| {
        if (SCALED_TO_2..SCALED_TO_3).contains(&at) {
            hpa.desired_replicas = size;
            hpa.conditions
                .iter_mut()
                .for_each(|c| c.message = c.message.replace("scale to 2", &format!("scale to {size}")));
        }
    });
    let run = run.without(|o| matches!(o.kind, ObservationKind::Hpa(_)) && o.at_ms >= SCALED_TO_3);
    run.events(|event| event.message = event.message.replace("New size: 2", &format!("New size: {size}")))
        .ended_at(FALL)
}

impl RunFixture {
    /// The oracle passes without findings.
    #[track_caller]
    fn assert_oracle_passes(&self) {
        let result = self.evaluate(DecisionsExplained);
        assert_eq!((result.status, result.findings.len()), (CheckStatus::Pass, 0), "{result:?}");
    }

    /// From this time on the HPA's status reports no value.
    fn without_status_values(self, from_ms: u64) -> Self {
        self.hpas(|at, hpa| {
            if at > from_ms {
                hpa.current_metrics.clear();
            }
        })
    }
}

fn rules(s: &mut Scenario) -> &mut HPAScalingRules {
    s.hpa.spec.behavior.as_mut().unwrap().scale_up.as_mut().unwrap()
}

fn policy(kind: &str, value: i32, period_seconds: i32) -> Option<Vec<HPAScalingPolicy>> {
    Some(vec![HPAScalingPolicy { type_: kind.to_owned(), value, period_seconds }])
}

fn inactive() -> ObjectCondition {
    ObjectCondition {
        kind: "ScalingActive".to_owned(),
        status: "False".to_owned(),
        reason: "FailedGetPodsMetric".to_owned(),
        ..ObjectCondition::default()
    }
}

/// A contaminated metric has scaled the target up before the baseline: the run cannot pass, and only the scale-down can
/// still fail, for which no load is needed.
#[test]
fn where_only_the_scale_down_can_still_fail_the_run_exits_after_it() {
    let early_exit = |run: RunFixture| Evaluator::new(run.records()).early_exit();
    let contaminated = recorded("contaminated");
    let cleanup = contaminated.timeline.iter().position(|o| is_phase(o, Phase::Cleanup)).unwrap();
    assert_eq!(early_exit(contaminated.cut(cleanup)), EarlyExit::AfterScaleDown);
    assert_eq!(early_exit(healthy().ended_at(RISE)), EarlyExit::No);
    let bare = healthy().each(|o| {
        if let ObservationKind::Pod(pod) = &mut o.kind {
            pod.extended_resources.clear();
        }
    });
    assert_eq!(early_exit(bare), EarlyExit::Now);
}

#[test]
fn a_pass_that_scales_without_succeeded_rescale_is_inconclusive() {
    let silent = healthy().hpas(|at, hpa| {
        if (SCALED_TO_2..SCALED_TO_2 + 2000).contains(&at) {
            hpa.conditions.retain(|condition| condition.reason != "SucceededRescale");
        }
    });
    silent
        .assert_inconclusive(DecisionsExplained, "the HPA had no SucceededRescale condition when replicas went 1 → 2");
    // The status after a gap may be that of the next pass, which does not have the condition.
    silent.clone().gap("hpa", SCALED_TO_2 - 1000, SCALED_TO_2 + 5).assert_passes(DecisionsExplained, "3 size changes");
    let long = silent.gap("hpa", SCALED_TO_2 - 4000, SCALED_TO_2 + 5);
    long.assert_inconclusive(DecisionsExplained, "the HPA could not be read when replicas went 1 → 2");
}
