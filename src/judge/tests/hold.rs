//! Hold/Steady.

use super::run::{FALL, Run, SCALED_TO_2, TWO_PODS, healthy, slow_metric};
use crate::judge::{Check, State};
use crate::record::observation::Seen;
use crate::record::verdict::CaseResult;
use crate::units::Span;

use Check::HoldSteady;

#[test]
fn the_size_is_held_for_window_and_lag() {
    healthy().passes(HoldSteady, "under load the size was at least 2 for 37.5s (needed 37s");
}

#[test]
fn a_hold_that_is_shorter_is_inconclusive() {
    healthy().shorter(66_000, 1000).shorter(66_500, 0).unclear(HoldSteady, "for 36.5s");
    healthy().scenario(|s| s.assumptions.scrape_interval = Span::from_secs(2)).unclear(HoldSteady, "needed 38s");
}

/// The metrics adapter is away for a minute, five seconds after the second replica.
fn adapter_away(hold_longer_by: u64) -> Run {
    healthy().longer(66_000, hold_longer_by).api_fails(AWAY, BACK)
}

const AWAY: u64 = TWO_PODS + 5000;
const BACK: u64 = AWAY + 65_000;

#[test]
fn an_autoscaler_without_its_metric_holds_by_itself_and_that_shows_nothing() {
    let run = adapter_away(65_000);
    run.unclear(HoldSteady, "for 31.5s (needed 37s");
    // While the load is on, an adapter that was started again is waited for, but not for ever.
    let live = |run: Run, ms: u64| run.without(|o| o.at_ms > ms).rule(HoldSteady).state;
    assert_eq!(live(adapter_away(65_000), BACK), State::Open);
    assert_eq!(live(healthy().longer(66_000, 300_000).api_fails(AWAY, u64::MAX), TWO_PODS + 200_000), State::Unclear);
}

#[test]
fn a_hold_is_shown_on_either_side_of_a_gap() {
    let run = adapter_away(110_000);
    run.passes(HoldSteady, "for 1m16s");
    run.passes(
        Check::ReplicasRise,
        "before the metric asked for 2 over 12.0s on end; it had asked for the rise before",
    );
    healthy().longer(66_000, 70_000).api_fails(80_000, 145_000).passes(HoldSteady, "the metric was away for 1m4s");
}

#[test]
fn readings_that_fail_for_less_than_a_sync_period_interrupt_no_hold() {
    healthy().api_fails(50_000, 53_500).passes(HoldSteady, "for 37.5s");
}

#[test]
fn a_hold_goes_on_while_the_load_does() {
    let run = healthy().without(|o| o.at_ms > 60_000);
    assert_eq!(run.rule(HoldSteady).state, State::Open);
}

#[test]
fn a_fall_that_the_metric_did_not_ask_for_fails() {
    falls_under_load().fails(HoldSteady, "replicas fell 3 → 2 under load");
}

#[test]
fn a_fall_before_which_nothing_was_read_is_inconclusive() {
    falls_under_load().not_read(20_000, 65_000).gives_state(State::Unclear);
    falls_under_load().not_read(57_000, 65_000).unclear(HoldSteady, "was not read");
    falls_under_load().api_fails(25_000, 65_000).gives_state(State::Unclear);
}

#[test]
fn a_fall_that_the_metric_asked_for_is_a_finding() {
    let run = falls_under_load().metric(60_000, 63_000, Some(10_000));
    let ruling = run.rule(HoldSteady);
    assert_ne!(ruling.state, State::Broken, "{}", ruling.reason);
    assert!(ruling.findings.iter().any(|f| f.contains("the metric had asked for it")), "{ruling:?}");
}

#[test]
fn a_fall_to_less_than_expected_shows_that_the_load_did_not_hold() {
    // The metric goes down for longer than the window while the load is on.
    let run = falls_to(1, 105_000, slow_metric().longer(66_000, 45_000).metric(64_000, 120_000, Some(10_000)));
    run.unclear(HoldSteady, "the metric had asked for it, so the load did not hold");
}

#[test]
fn a_fall_by_another_hand_is_inconclusive() {
    let run = healthy().sized_by(60_000, 2, "kubectl-edit", "");
    assert_eq!(run.rule(HoldSteady).state, State::Unclear);
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

#[test]
fn what_hold_steady_needs_turns_fail_into_inconclusive() {
    falls_under_load().written_by(SCALED_TO_2, "kubectl", "").unclear(HoldSteady, "needs ScaleUp/ReplicasRise");
}

#[test]
fn a_void_load_and_a_load_that_nobody_answered_are_inconclusive() {
    healthy()
        .void("the client was the bottleneck")
        .unclear(HoldSteady, "the load was not constant: the client was the bottleneck");
    healthy().loads(|_, load| (load.good, load.failed) = (0, 43)).unclear(HoldSteady, "all 43 requests failed");
    healthy().loads(|_, load| load.connections = 0).unclear(HoldSteady, "no request was answered");
    healthy().without(|o| matches!(o.seen, Seen::Load(_))).unclear(HoldSteady, "no request was answered");
}

#[test]
fn a_load_that_broke_off_is_not_constant() {
    let run = healthy().loads(|at, load| {
        if at > 50_000 {
            (load.in_flight, load.good) = (0, 9)
        }
    });
    run.unclear(HoldSteady, "the load was not constant");
}

impl Run {
    #[track_caller]
    fn gives_state(&self, state: State) {
        let ruling = self.rule(HoldSteady);
        assert_eq!(ruling.state, state, "{}", ruling.reason);
        assert_eq!(self.result(), CaseResult::Inconclusive);
    }
}

/// The controller takes a replica away at 65 s, and its status says so. The run ends there.
fn falls_under_load() -> Run {
    falls_to(2, 65_000, slow_metric())
}

fn falls_to(size: i32, at_ms: u64, run: Run) -> Run {
    let at = run.inventory.started + jiff::SignedDuration::from_millis(i64::try_from(at_ms + 10).unwrap());
    let mut hpa = run.hpa_at(at_ms);
    hpa.desired = size;
    hpa.last_scale = Some(jiff::Timestamp::from_second(at.as_second()).unwrap());
    let run = run.sized_by(at_ms, size, "kube-controller-manager", "scale").note(at_ms + 10, Seen::Hpa(hpa));
    let end = at_ms + FALL - 65_000;
    run.without(|o| o.at_ms > at_ms + 10 && matches!(o.seen, Seen::Workload(_) | Seen::Hpa(_))).ended_at(end)
}
