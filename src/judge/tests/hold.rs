//! Hold/Steady.

use super::run_fixture::{FALL, RunFixture, SCALED_TO_2, TWO_PODS, healthy, slow_metric};
use crate::judge::{Check, CheckStatus};
use crate::model::observation::ObservationKind;
use crate::model::verdict::CaseResult;
use crate::units::HumanDuration;

use Check::HoldSteady;

#[test]
fn the_size_is_held_for_window_and_lag() {
    healthy().assert_passes(HoldSteady, "at least 2 replicas under load for 37.5s (needed 37s");
}

#[test]
fn a_hold_that_is_shorter_is_inconclusive() {
    healthy().shorter(66_000, 1000).shorter(66_500, 0).assert_inconclusive(HoldSteady, "for 36.5s");
    healthy()
        .scenario(|s| s.assumptions.scrape_interval = HumanDuration::from_secs(2))
        .assert_inconclusive(HoldSteady, "needed 38s");
}

/// The metrics adapter is unavailable for a minute, from five seconds after the second replica on.
fn adapter_away(hold_longer_by: u64) -> RunFixture {
    healthy().longer(66_000, hold_longer_by).api_fails(AWAY, BACK)
}

const AWAY: u64 = TWO_PODS + 5000;
const BACK: u64 = AWAY + 65_000;

#[test]
fn an_autoscaler_without_its_metric_holds_by_itself_and_that_shows_nothing() {
    let run = adapter_away(65_000);
    run.assert_inconclusive(HoldSteady, "for 31.5s (needed 37s");
    // Under load the check waits for a restarted adapter and for the start of new pods (5 minutes), but not for ever.
    let live = |run: RunFixture, ms: u64| run.without(|o| o.at_ms > ms).evaluate(HoldSteady).status;
    assert_eq!(live(adapter_away(65_000), BACK), CheckStatus::Pending);
    assert_eq!(
        live(healthy().longer(66_000, 600_000).api_fails(AWAY, u64::MAX), TWO_PODS + 500_000),
        CheckStatus::Inconclusive
    );
}

#[test]
fn a_hold_is_shown_on_either_side_of_a_gap() {
    let run = adapter_away(110_000);
    run.assert_passes(HoldSteady, "for 1m16s");
    run.assert_passes(
        Check::ReplicasRise,
        "before the metric recommends 2 replicas for 12.0s without interruption; an earlier reading recommended the scale-up",
    );
    healthy()
        .longer(66_000, 70_000)
        .api_fails(80_000, 145_000)
        .assert_passes(HoldSteady, "the metric was unavailable for 1m4s");
}

#[test]
fn readings_that_fail_for_less_than_a_sync_period_interrupt_no_hold() {
    healthy().api_fails(50_000, 53_500).assert_passes(HoldSteady, "for 37.5s");
}

#[test]
fn a_hold_goes_on_while_the_load_does() {
    let run = healthy().without(|o| o.at_ms > 60_000);
    assert_eq!(run.evaluate(HoldSteady).status, CheckStatus::Pending);
}

#[test]
fn a_fall_that_the_metric_did_not_recommend_fails() {
    falls_under_load().assert_fails(HoldSteady, "replicas fell 3 → 2 under load");
}

#[test]
fn a_fall_before_which_nothing_was_read_is_inconclusive() {
    falls_under_load().not_read(20_000, 65_000).assert_status(CheckStatus::Inconclusive);
    falls_under_load().not_read(57_000, 65_000).assert_inconclusive(HoldSteady, "was not read");
    falls_under_load().api_fails(25_000, 65_000).assert_status(CheckStatus::Inconclusive);
}

#[test]
fn a_fall_that_the_metric_recommended_is_a_finding() {
    let run = falls_under_load().metric(60_000, 63_000, Some(10_000));
    let result = run.evaluate(HoldSteady);
    assert_ne!(result.status, CheckStatus::Fail, "{}", result.reason);
    assert!(result.findings.iter().any(|f| f.contains("the metric recommended it")), "{result:?}");
}

#[test]
fn a_fall_to_less_than_expected_shows_that_the_load_did_not_hold() {
    // Under load the metric is low for longer than the window.
    let run = falls_to(1, 105_000, slow_metric().longer(66_000, 45_000).metric(64_000, 120_000, Some(10_000)));
    run.assert_inconclusive(HoldSteady, "the metric recommended it: the load was too low to hold the size");
}

#[test]
fn a_fall_by_another_writer_is_inconclusive() {
    let run = healthy().resized_by(60_000, 2, "kubectl-edit", "");
    assert_eq!(run.evaluate(HoldSteady).status, CheckStatus::Inconclusive);
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

#[test]
fn a_prerequisite_of_hold_steady_turns_fail_into_inconclusive() {
    falls_under_load()
        .written_by(SCALED_TO_2, "kubectl", "")
        .assert_inconclusive(HoldSteady, "prerequisite ScaleUp/ReplicasRise");
}

#[test]
fn a_client_bound_load_and_a_load_without_answers_are_inconclusive() {
    healthy()
        .with_client_bound("the client was the bottleneck")
        .assert_inconclusive(HoldSteady, "the load was not constant: the client was the bottleneck");
    healthy()
        .loads(|_, load| (load.succeeded, load.failed) = (0, 43))
        .assert_inconclusive(HoldSteady, "no request succeeded, and 43 failed");
    healthy()
        .loads(|_, load| load.answered_connections = 0)
        .assert_inconclusive(HoldSteady, "no request got a response");
    healthy()
        .without(|o| matches!(o.kind, ObservationKind::Load(_)))
        .assert_inconclusive(HoldSteady, "no request got a response");
}

#[test]
fn a_load_that_broke_off_is_not_constant() {
    let run = healthy().loads(|at, load| {
        if at > 50_000 {
            (load.in_flight, load.succeeded) = (0, 9)
        }
    });
    run.assert_inconclusive(HoldSteady, "the load was not constant");
}

impl RunFixture {
    #[track_caller]
    fn assert_status(&self, status: CheckStatus) {
        let result = self.evaluate(HoldSteady);
        assert_eq!(result.status, status, "{}", result.reason);
        assert_eq!(self.result(), CaseResult::Inconclusive);
    }
}

/// The controller scales down by one at 65 s, and its status confirms it. The run ends there.
fn falls_under_load() -> RunFixture {
    falls_to(2, 65_000, slow_metric())
}

fn falls_to(size: i32, at_ms: u64, run: RunFixture) -> RunFixture {
    let at = run.inventory.started + jiff::SignedDuration::from_millis(i64::try_from(at_ms + 10).unwrap());
    let mut hpa = run.hpa_at(at_ms);
    hpa.desired_replicas = size;
    hpa.last_scale_time = Some(jiff::Timestamp::from_second(at.as_second()).unwrap());
    let run = run
        .resized_by(at_ms, size, "kube-controller-manager", "scale")
        .with_observation(at_ms + 10, ObservationKind::Hpa(hpa));
    let end = at_ms + FALL - 65_000;
    run.without(|o| o.at_ms > at_ms + 10 && matches!(o.kind, ObservationKind::Workload(_) | ObservationKind::Hpa(_)))
        .ended_at(end)
}
