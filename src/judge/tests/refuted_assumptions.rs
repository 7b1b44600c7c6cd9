//! FAILs that rest on assumed times: what the observations refute takes the blame off, and the run waits for a controller
//! that may be slower than assumed.

use super::run_fixture::{FALL, OLD, RunFixture, SECOND, healthy, is_phase, recorded, slow_metric};
use super::scale_down::stays_up;
use super::scale_up::{idle_second, never_ready, stays_at_one};
use crate::judge::{Check, CheckStatus};
use crate::model::observation::{EventSnapshot, ObservationKind, Phase};
use crate::units::{HumanDuration, Milli};

use Check::{AutoscalerActive, NewPodsRunOnAccelerators, NewPodsServe, NotEarly, ReplicasFall, ReplicasRise};

/// The run before its clean-up, while it still goes on.
fn live(run: RunFixture) -> RunFixture {
    let end = run.timeline.iter().find(|o| is_phase(o, Phase::Cleanup)).map_or(u64::MAX, |o| o.at_ms);
    run.without(|o| o.at_ms >= end)
}

/// A status of the healthy run with this value of the metric.
fn status_with_value(run: &RunFixture, at_ms: u64, percent: i64) -> ObservationKind {
    let mut status = run.hpa_at(at_ms);
    let healthy = healthy().hpa_at(11_000);
    (status.conditions, status.current_metrics) = (healthy.conditions, healthy.current_metrics);
    for entry in &mut status.current_metrics {
        entry.average_value = Some(Milli(percent * 1000));
    }
    ObservationKind::Hpa(status)
}

#[track_caller]
fn assert_status(run: &RunFixture, check: Check, status: CheckStatus, text: &str) {
    let result = run.evaluate(check);
    assert_eq!(result.status, status, "{}", result.reason);
    assert!(result.reason.contains(text), "no `{text}` in: {}", result.reason);
}

#[test]
fn a_controller_that_has_written_nothing_yet_may_have_a_longer_sync_period() {
    // 23 s after the HPA's creation, of which 5 s are assumed: six times that, and one skipped sync, are waited for.
    let run = live(recorded("hpa-controller-off")).metric(0, u64::MAX, Some(0));
    assert_status(&run, AutoscalerActive, CheckStatus::Pending, "waiting up to 1m3s");
    let after = |ms: u64| run.clone().longer(28_000, ms).metric(0, u64::MAX, Some(0));
    assert_status(&after(30_000), AutoscalerActive, CheckStatus::Pending, "no controller has written a condition");
    assert_status(&after(45_000), AutoscalerActive, CheckStatus::Fail, "no controller has written a condition");
    let status = status_with_value(&run, 28_000, 0);
    let late = after(30_000).with_observation(40_000, status);
    assert_status(&late, AutoscalerActive, CheckStatus::Inconclusive, "that refutes assumptions.syncPeriod");
    // The run has ended: nothing is waited for any more.
    recorded("hpa-controller-off").assert_fails(AutoscalerActive, "no controller has written a condition");
}

#[test]
fn a_controller_that_does_not_act_is_waited_for_while_none_of_its_passes_is_seen() {
    let run = live(stays_at_one()).metric(33_000, u64::MAX, Some(100_000));
    assert_status(&run, ReplicasRise, CheckStatus::Pending, "the metric recommends 2 replicas, but");
    let later = run.clone().longer(FALL - 1_000, 40_000).metric(33_000, u64::MAX, Some(100_000));
    assert_status(&later, ReplicasRise, CheckStatus::Fail, "the metric recommends 2 replicas, but");
    // A pass has read the value and does nothing.
    let status = status_with_value(&run, 33_000, 100);
    let seen = run.with_observation(36_000, status);
    assert_status(&seen, ReplicasRise, CheckStatus::Fail, "the metric recommends 2 replicas, but");
}

/// The window is the controller's flag, of which 30 s are assumed.
fn with_window_by_flag(run: RunFixture) -> RunFixture {
    run.scenario(|s| {
        let behavior = s.hpa.spec.behavior.as_mut().unwrap();
        behavior.scale_down.as_mut().unwrap().stabilization_window_seconds = None;
        s.assumptions.downscale_stabilization = HumanDuration::from_secs(30);
    })
}

#[test]
fn a_window_of_the_controllers_flag_may_be_longer_while_the_controller_says_that_it_holds() {
    let run = live(with_window_by_flag(stays_up())).longer(150_000, 60_000);
    assert_status(&run, ReplicasFall, CheckStatus::Pending, "keeps the size for its window");
    assert_status(&run.clone().longer(200_000, 500_000), ReplicasFall, CheckStatus::Fail, "still had 3 replicas");
    // Without the condition the controller holds nothing, and with a stated window it is known.
    let ready = run.clone().hpas(|_, hpa| {
        for condition in hpa.conditions.iter_mut().filter(|condition| condition.kind == "AbleToScale") {
            condition.reason = "ReadyForNewScale".to_owned();
        }
    });
    assert_status(&ready, ReplicasFall, CheckStatus::Fail, "still had 3 replicas");
    assert_status(&live(stays_up()).longer(150_000, 60_000), ReplicasFall, CheckStatus::Fail, "still had 3 replicas");
}

#[test]
fn a_scale_down_after_a_longer_window_than_assumed_refutes_the_assumption() {
    let late = |run: RunFixture| run.longer(106_000, 200_000);
    let text = "assumptions.downscaleStabilization 30s: the HPA's status said ScaleDownStabilized for 3m45s";
    late(with_window_by_flag(slow_metric())).assert_inconclusive(ReplicasFall, text);
    late(slow_metric()).assert_fails(ReplicasFall, "after the load ended");
}

#[test]
fn a_status_long_after_a_rescale_refutes_the_sync_period() {
    let early = || slow_metric().shorter(84_000, 12_500);
    assert_status(&early(), NotEarly, CheckStatus::Fail, "3 → 1 came");
    let slow = early().without(|o| matches!(o.kind, ObservationKind::Hpa(_)) && (40_000..42_000).contains(&o.at_ms));
    let text = "assumptions.syncPeriod 5s: two statuses of the HPA came 15.1s apart, and no pass between them replaced \
                the condition SucceededRescale";
    assert_status(&slow, NotEarly, CheckStatus::Inconclusive, text);
}

#[test]
fn a_metric_that_shows_the_load_late_refutes_its_intervals() {
    idle_second().assert_fails(NewPodsServe, "shows no traffic after");
    let text = "assumptions.exporterInterval 1s, scrapeInterval 1s and storeOffset 5s, which allow 18.0s until the \
                metrics API shows the load: it showed it 2";
    idle_second().longer(28_600, 20_000).assert_inconclusive(NewPodsServe, text);
    // A little late does not explain that nothing is shown for so long.
    idle_second().longer(28_600, 15_000).assert_fails(NewPodsServe, "shows no traffic after");
}

#[test]
fn a_pod_that_the_kubelet_still_starts_is_no_fail() {
    let uid = healthy().pod_at(SECOND, 40_000).uid;
    let event = |reason: &str, uid: &str| {
        let (object, kind, component) = (format!("Pod/{SECOND}"), "Normal".to_owned(), "kubelet".to_owned());
        let (reason, message, uid) = (reason.to_owned(), format!("{reason} image"), uid.to_owned());
        ObservationKind::Event(EventSnapshot { object, kind, component, reason, message, uid, ..Default::default() })
    };
    let pulling = never_ready(None).with_observation(40_000, event("Pulling", &uid));
    let text = "the kubelet's last event is Pulling: Pulling image: a pod of the target takes longer to start than \
                assumptions.podStart 10s";
    pulling.assert_inconclusive(NewPodsRunOnAccelerators, text);
    let pulled = pulling.with_observation(41_000, event("Pulled", &uid));
    pulled.assert_fails(NewPodsRunOnAccelerators, "neither its status nor an event says why");
    let of_other = never_ready(None).with_observation(40_000, event("Pulling", "another"));
    of_other.assert_fails(NewPodsRunOnAccelerators, "neither its status nor an event says why");
}

#[test]
fn a_pod_that_started_more_slowly_than_assumed_refutes_the_assumption() {
    let text = format!("assumptions.podStart 10s: pod {OLD} was Ready 2");
    never_ready(None).longer(1_500, 20_000).assert_inconclusive(NewPodsRunOnAccelerators, &text);
}
