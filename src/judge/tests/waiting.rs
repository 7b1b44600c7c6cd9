//! What a run says that it waits for: what is normal first, the diagnosis once the expected time has passed.

use super::run_fixture::{FALL, RISE, RunFixture, SCALED_TO_2, healthy};
use crate::judge::checks::CheckPart;
use crate::judge::{Check, Prerequisite, WaitingReason, waiting_for};
use crate::model::observation::Phase;
use crate::units::HumanDuration;

/// Times of the healthy run, milliseconds.
const METRIC: u64 = 5170;
const HPA_CREATED: u64 = 10_809;

fn waiting(run: &RunFixture, at_ms: u64, prerequisites: &[Prerequisite]) -> Option<WaitingReason> {
    run.clone().without(|o| o.at_ms > at_ms).with_evaluator(|evaluator| waiting_for(evaluator, prerequisites))
}

/// The healthy run with an adapter that never serves the metric.
fn without_metric() -> RunFixture {
    let run = healthy().api_fails(0, u64::MAX).without(|o| o.at_ms > METRIC + 500).longer(METRIC + 500, 140_000);
    run.scenario(|s| s.assumptions.pod_start = HumanDuration::from_secs(60))
}

#[test]
fn a_metric_that_is_not_served_yet_is_waited_for_until_the_expected_time_has_passed() {
    let run = without_metric();
    let served = [Prerequisite::Whole(Check::MetricServed)];
    // 1 s + 1 s + 5 s + 5 s + 60 s + 1 s.
    let expected_ms = METRIC + 73_000;
    let normal = waiting(&run, expected_ms - 1000, &served).unwrap();
    assert_eq!(normal.text, "waiting for the metrics API to serve gpu_utilization, up to 2m25s");
    assert!(!normal.overdue && normal.detail.starts_with("first broken hop: "), "{normal:?}");
    let overdue = waiting(&run, expected_ms + 1000, &served).unwrap();
    assert!(overdue.overdue && overdue.text == overdue.detail && overdue.name == normal.name, "{overdue:?}");
    assert!(overdue.text.starts_with("first broken hop: "), "{overdue:?}");
}

#[test]
fn what_a_pending_prerequisite_waits_for_is_told() {
    let run = without_metric();
    let active = waiting(&run, METRIC + 10_000, &[Prerequisite::Whole(Check::AutoscalerActive)]).unwrap();
    assert_eq!(active.name, Check::MetricServed.name());
    assert!(!active.text.contains("prerequisite"), "{active:?}");
}

#[test]
fn a_wait_with_a_measure_tells_how_far_it_is() {
    let hold = waiting(&healthy(), FALL - 10_000, &[Prerequisite::Whole(Check::HoldSteady)]).unwrap();
    assert_eq!(hold.text, "under load the target must keep at least 2 replicas for 37s");
    assert_eq!(hold.progress.as_deref(), Some("held 27s of 37s"));
    let rise = waiting(&healthy(), SCALED_TO_2, &[Prerequisite::Part(CheckPart::MetricRises)]).unwrap();
    assert!(rise.progress.as_deref().is_some_and(|text| text.starts_with("recommended ")), "{rise:?}");
    let idle = waiting(&healthy(), RISE - 6000, &[Prerequisite::Whole(Check::IdleHolds)]).unwrap();
    assert_eq!(idle.text, "without load replicas must stay at 1 for 15s");
    assert_eq!(idle.progress.as_deref(), Some("idle 10s of 15s"));
}

#[test]
fn a_healthy_run_is_never_overdue() {
    let run = healthy();
    let mut tried = 0;
    for at_ms in (METRIC..run.timeline.last().unwrap().at_ms).step_by(2000) {
        for phase in [Phase::Metric, Phase::Autoscaler, Phase::Baseline, Phase::ScaleUp, Phase::Hold, Phase::ScaleDown]
        {
            let is_on = |run: &RunFixture| {
                run.with_evaluator(|evaluator| {
                    evaluator.view().phase_span(phase).is_some_and(|(_, ended)| ended.is_none())
                })
            };
            let so_far = run.clone().without(|o| o.at_ms > at_ms);
            if is_on(&so_far) {
                let reason = waiting(&run, at_ms, &Prerequisite::awaited_in(phase));
                tried += usize::from(reason.is_some());
                assert!(reason.as_ref().is_none_or(|reason| !reason.overdue), "{at_ms}: {reason:?}");
            }
        }
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn the_warm_up_chat_is_no_fault_until_it_should_be_out_of_the_metric() {
    let busy = |at_ms: u64| {
        let run = healthy().metric(0, u64::MAX, Some(98_000)).without(|o| o.at_ms > at_ms);
        run.with_evaluator(|evaluator| evaluator.view().metric_busy_reason(METRIC, u64::MAX / 2)).unwrap()
    };
    assert!(
        !busy(HPA_CREATED).overdue
            && busy(HPA_CREATED).text.starts_with("waiting until the metric no longer shows the first chat")
    );
    // 1 s + 1 s + 5 s + 10 s + 1 s.
    assert!(busy(METRIC + 20_000).overdue && busy(METRIC + 20_000).text.contains("still visible"));
}
