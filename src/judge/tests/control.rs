//! Control/IdleHolds, Control/ByTheAutoscaler, Control/MetricFollowsLoad.

use super::run_fixture::{
    CLEANUP, FALL, IDLE, OLD, RISE, RunFixture, SCALED_TO_1, SCALED_TO_2, SCALED_TO_3, SECOND, THIRD, healthy,
    object_metric, phase_began, recorded, slow_metric,
};
use crate::judge::checks::CheckPart;
use crate::judge::{Check, CheckStatus, Prerequisite};
use crate::model::observation::{CLOCK_STEP, FailureCount, ObservationKind, Phase, RecordedGap, WorkloadSnapshot};
use crate::model::reading::{MetricHop, ReadingResult};
use crate::model::verdict::CaseResult;
use crate::units::{HumanDuration, Milli};

use Check::{ByTheAutoscaler, IdleHolds, MetricFollowsLoad};

#[test]
fn replicas_stay_at_min_for_three_sync_periods() {
    healthy().assert_passes(
        IdleHolds,
        "replicas stayed at 1 for 15.9s without load; the metric recommends at most 1 replica (17 readings",
    );
}

#[test]
fn a_rise_that_the_idle_metric_does_not_recommend_fails() {
    let run = scaled_at_idle();
    run.assert_fails(IdleHolds, "replicas went 1 → 2 without load, written by kube-controller-manager");
}

#[test]
fn a_rise_at_idle_is_inconclusive_where_a_value_may_have_been_missed() {
    scaled_at_idle()
        .scenario(|s| s.assumptions.exporter_interval = HumanDuration::from_secs(1))
        .assert_inconclusive(IdleHolds, "a value between two polls, or another tolerance, may explain it");
    scaled_at_idle().not_read(15_000, 19_000).assert_inconclusive(IdleHolds, "the metric was not read");
    scaled_at_idle().api_fails(15_000, 19_000).assert_inconclusive(IdleHolds, "the metric was not read");
}

#[test]
fn a_rise_at_idle_by_another_writer_is_inconclusive_and_the_writer_is_named() {
    let run = slow_metric().resized_by(20_000, 2, "kubectl", "scale").ended_at(RISE);
    run.assert_inconclusive(IdleHolds, "kubectl");
    let edited = slow_metric().resized_by(20_000, 2, "kubectl-edit", "").ended_at(RISE);
    edited.assert_inconclusive(IdleHolds, "kubectl-edit (Update)");
}

#[test]
fn min_replicas_that_are_enforced_at_idle_are_not_a_fail() {
    let run = slow_metric().scenario(|s| s.hpa.spec.min_replicas = Some(2)).hpas(|_, hpa| hpa.min_replicas = 2);
    resized_at_idle(run, 2).assert_inconclusive(IdleHolds, "replicas went 1 → 2 without load");
}

#[test]
fn a_fall_at_idle_is_not_a_fail() {
    let run = slow_metric().workloads(|_, w| w.spec_replicas = 3);
    resized_at_idle(run, 2).assert_inconclusive(IdleHolds, "replicas went 3 → 2 without load");
}

#[test]
fn an_idle_metric_that_recommends_more_is_inconclusive_and_its_cause_named() {
    let unit = healthy().metric(IDLE, RISE, Some(900_000));
    unit.assert_inconclusive(
        IdleHolds,
        "without load the metric recommends 15 replicas (value 900, target 60): the target is below",
    );
}

/// Another workload's pod in the namespace, busy for a while at each hop.
fn neighbour(run: RunFixture, when: std::ops::Range<u64>) -> RunFixture {
    let run = run.metric(when.start.max(IDLE), when.end, Some(900_000));
    let busy = |run: RunFixture, hop: MetricHop| {
        run.readings(hop, when.start, when.end, |result| {
            super::run_fixture::edit_samples(result, |sample| {
                (sample.object, sample.value) = (Some("trainer-0".to_owned()), Some(Milli(95_000)));
            });
        })
    };
    let run = busy(busy(run, MetricHop::Store), MetricHop::Exporter);
    let mut pod = run.pod_at(OLD, RISE);
    (pod.name, pod.uid) = ("trainer-0".to_owned(), "foreign".to_owned());
    pod.labels.clear();
    run.with_observation(1, ObservationKind::Pod(pod))
}

#[test]
fn contamination_is_named_with_its_values() {
    let run = neighbour(object_metric(), 0..RISE);
    run.assert_inconclusive(
        IdleHolds,
        "(value 900, target 60): contamination: the metric also includes trainer-0=95, not of the target",
    );
    let store =
        run.clone().readings(MetricHop::Store, 0, RISE, |a| *a = ReadingResult::NotReadable("forbidden".to_owned()));
    store.assert_inconclusive(IdleHolds, "contamination: the metric also includes trainer-0=95");
}

/// A neighbour that is busy after the load has ended.
#[test]
fn contamination_that_comes_later_is_named_as_well() {
    let run = neighbour(object_metric(), FALL..u64::MAX);
    let fall = run.evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricFalls));
    assert!(
        fall.has_status(CheckStatus::Inconclusive)
            && fall.reason.contains("contamination: the metric also includes trainer-0=95"),
        "{}",
        fall.reason
    );
}

#[test]
fn without_the_series_the_pods_beside_the_target_are_named() {
    let unread = |run: RunFixture, hop| {
        run.readings(hop, 0, u64::MAX, |a| *a = ReadingResult::NotReadable("forbidden".to_owned()))
    };
    let run = unread(unread(neighbour(object_metric(), 0..RISE), MetricHop::Store), MetricHop::Exporter);
    run.assert_inconclusive(
        IdleHolds,
        "contamination: the metric also includes trainer-0, which requests nvidia.com/gpu=1",
    );
}

/// A Pods metric has one item for each pod of the target, and the metric of a namespace is not computed from another one.
#[test]
fn pods_that_the_metric_cannot_include_are_no_contamination() {
    neighbour(healthy(), 0..RISE).assert_inconclusive(IdleHolds, "the target is below the idle value");
    let elsewhere =
        [MetricHop::Store, MetricHop::Exporter].into_iter().fold(neighbour(object_metric(), 0..RISE), |run, hop| {
            run.readings(hop, 0, RISE, |result| {
                super::run_fixture::edit_samples(result, |sample| {
                    drop(
                        std::sync::Arc::make_mut(&mut sample.labels).insert("namespace".to_owned(), "other".to_owned()),
                    )
                });
            })
        });
    elsewhere.assert_inconclusive(IdleHolds, "the target is below the idle value");
}

/// A busy pod of another namespace beside the idle target, at exporter and store.
fn stranger(run: RunFixture, device: Option<&str>) -> RunFixture {
    [MetricHop::Store, MetricHop::Exporter].into_iter().fold(run.metric(IDLE, RISE, Some(900_000)), |run, hop| {
        run.readings(hop, 0, RISE, |result| {
            let ReadingResult::Samples(samples) = result else { return };
            let Some(mut sample) = samples.iter().find(|sample| sample.object.as_deref() == Some(OLD)).cloned() else {
                return;
            };
            let labels = std::sync::Arc::make_mut(&mut sample.labels);
            labels.insert("namespace".to_owned(), "other".to_owned());
            labels.extend(device.map(|device| ("UUID".to_owned(), device.to_owned())));
            (sample.object, sample.value) = (Some("trainer-0".to_owned()), Some(Milli(95_000)));
            samples.push(sample);
        })
    })
}

/// The item of a pod is not computed from other pods, but it may be the value of its whole device.
#[test]
fn a_busy_pod_of_another_workload_on_a_device_of_the_target_is_named() {
    let text = "contamination: other/trainer-0=95 of other workloads use a device of the target";
    stranger(healthy(), None).assert_inconclusive(IdleHolds, text);
    stranger(object_metric(), None).assert_inconclusive(IdleHolds, text);
}

/// A rule must not compute the metric of a namespace from another namespace, but it may do so.
#[test]
fn a_busy_pod_of_another_namespace_is_named_as_a_possible_cause() {
    let text =
        "contamination: other/trainer-0=95 of other workloads are busier than every pod of the target: does the rule";
    stranger(object_metric(), Some("GPU-other")).assert_inconclusive(IdleHolds, text);
    stranger(healthy(), Some("GPU-other")).assert_inconclusive(IdleHolds, text);
}

#[test]
fn a_blank_value_is_no_idle_value_whatever_the_profile() {
    for blank in [2_147_483_632, 2_147_483_634, 2_147_483_635] {
        let run = healthy().scenario(|s| (s.metric.profile, s.metric.range) = (None, None));
        let at_api = run.clone().metric(IDLE, RISE, Some(blank * 1000));
        at_api.assert_inconclusive(IdleHolds, "is no measurement, but a blank value");
        // The metrics API serves an average over it.
        let averaged = run.metric(IDLE, RISE, Some(blank * 500)).readings(MetricHop::Exporter, 0, RISE, |result| {
            super::run_fixture::edit_samples(result, |sample| sample.value = Some(Milli(blank * 1000)));
        });
        averaged.assert_inconclusive(IdleHolds, &format!("={blank} at the exporter is no measurement"));
    }
    // With these the controller's arithmetic overflows, and recommends nothing more.
    for blank in [140_737_488_355_328, 140_737_488_355_331] {
        let run = healthy().scenario(|s| (s.metric.profile, s.metric.range) = (None, None));
        let run = run.metric(IDLE, RISE, Some(blank * 1000));
        run.assert_inconclusive(IdleHolds, "is no measurement, but a blank value");
    }
}

#[test]
fn a_target_that_does_not_begin_at_min_is_inconclusive() {
    let run = healthy().workloads(|at, w| w.spec_replicas = if at < RISE { 2 } else { w.spec_replicas });
    run.assert_inconclusive(IdleHolds, "the target had 2 replicas when the baseline began");
}

#[test]
fn an_idle_baseline_that_was_too_short_or_not_read_is_inconclusive() {
    let short = healthy().scenario(|s| s.phases.baseline_sync_periods = 5);
    short.assert_inconclusive(IdleHolds, "replicas stayed at 1 for 15.9s of 25.0s without load");
    healthy().not_read(15_000, 22_000).assert_inconclusive(IdleHolds, "without load");
    let blind = healthy()
        .api_fails(IDLE, CLEANUP)
        .without(|o| super::run_fixture::is_phase(o, Phase::Baseline) && o.at_ms > RISE - 10);
    let fresh = blind.clone().ended_at(20_000);
    assert_eq!(fresh.result(), CaseResult::Inconclusive);
    // During the run the check is pending, but not for ever.
    let live = |ms: u64| {
        blind
            .clone()
            .without(|o| o.at_ms >= ms || matches!(o.kind, ObservationKind::Phase(m) if m.phase > Phase::Baseline))
    };
    assert_eq!(live(20_000).evaluate(IdleHolds).status, CheckStatus::Pending);
    assert_eq!(live(90_000).evaluate(IdleHolds).status, CheckStatus::Inconclusive);
}

#[test]
fn a_baseline_whose_end_was_not_recorded_ends_with_the_load() {
    let run = slow_metric().without(|o| super::run_fixture::is_phase(o, Phase::Baseline) && o.at_ms > RISE - 10);
    run.assert_passes(IdleHolds, "the metric recommends at most 1 replica");
}

#[test]
fn a_size_that_changed_unseen_is_inconclusive() {
    // The generation reveals an unseen change of the spec: 1 → 2 → 1 during a gap of the watch.
    let run = healthy().workloads(|at, w| w.generation = w.generation.map(|g| if at > IDLE { g + 2 } else { g }));
    run.assert_inconclusive(ByTheAutoscaler, "the target's spec changed unseen");
    let unknown = healthy().workloads(|_, w| w.generation = None);
    unknown.assert_passes(ByTheAutoscaler, "kube-controller-manager");
    unknown.gap("workload", 13_000, 20_000).assert_inconclusive(ByTheAutoscaler, "the watch of workload had a gap");
}

#[test]
fn changes_that_the_status_confirms_are_the_autoscalers() {
    healthy().assert_passes(
        ByTheAutoscaler,
        "1 → 2, 2 → 3, 3 → 1: all written to the scale subresource by kube-controller-manager",
    );
    let silent = healthy().without_events();
    silent.assert_passes(ByTheAutoscaler, "1 → 2, 2 → 3, 3 → 1");
    assert_eq!(silent.evaluate(ByTheAutoscaler).findings.len(), 3);
}

#[test]
fn another_writer_is_inconclusive_and_named() {
    healthy()
        .written_by(SCALED_TO_2, "kubectl-edit", "")
        .assert_inconclusive(ByTheAutoscaler, "written by kubectl-edit (Update), not");
    healthy().written_by(SCALED_TO_3, "keda", "scale").assert_inconclusive(
        ByTheAutoscaler,
        "written by keda (Update of subresource scale), and the change before it by kube-controller-manager",
    );
    healthy().written_by(SCALED_TO_1, "kubectl", "").assert_inconclusive(ByTheAutoscaler, "replicas went 3 → 1");
    let scaled_by_kubectl = healthy().resized_by(60_000, 1, "kubectl", "scale");
    scaled_by_kubectl.assert_inconclusive(ByTheAutoscaler, "the HPA's status does not confirm it");
    let unmanaged = healthy().workloads(|_, w| w.replicas_managers.clear());
    unmanaged.assert_inconclusive(ByTheAutoscaler, "an unknown writer");
}

#[test]
fn a_status_that_does_not_confirm_the_size_is_inconclusive() {
    let run = healthy().hpas(|_, hpa| hpa.desired_replicas = hpa.desired_replicas.min(2));
    run.assert_inconclusive(ByTheAutoscaler, "replicas went 2 → 3 in phase hold: written by kube-controller-manager (Update of subresource scale), and the HPA's status does not confirm it");
}

/// What could not be read is named, instead of another writer.
#[test]
fn a_status_that_could_not_be_matched_says_why() {
    let unconfirmed = || healthy().hpas(|_, hpa| hpa.desired_replicas = hpa.desired_replicas.min(2));
    let unread = unconfirmed().gap("hpa", SCALED_TO_3 - 3000, SCALED_TO_3 + 8000);
    unread.assert_inconclusive(
        ByTheAutoscaler,
        "and the HPA's status of that time was not read: the watch of hpa had a gap of 11.0s",
    );
    let step = RecordedGap { source: "clock".to_owned(), from_ms: 30_000, reason: CLOCK_STEP.to_owned() };
    let stepped = unconfirmed().with_observation(31_000, ObservationKind::Gap(step));
    stepped.assert_inconclusive(ByTheAutoscaler, "but the API server's clock stepped");
}

/// The target's watch was down when the controller wrote; its list shows the change later.
#[test]
fn a_change_within_a_gap_of_the_target_is_confirmed_by_the_status_of_that_time() {
    let late = SCALED_TO_3 + 8000;
    let workload = healthy().workload_at(SCALED_TO_3 + 10);
    let run = healthy()
        .without(|o| matches!(o.kind, ObservationKind::Workload(_)) && (SCALED_TO_3 - 10..late).contains(&o.at_ms));
    let unseen = || run.clone().with_observation(late, ObservationKind::Workload(workload.clone()));
    unseen().assert_inconclusive(ByTheAutoscaler, "does not confirm it");
    unseen().gap("workload", SCALED_TO_3 - 3000, late).assert_passes(ByTheAutoscaler, "2 → 3");
}

#[test]
fn a_change_is_pending_until_the_status_confirms_it() {
    let run = healthy().without(|o| {
        o.at_ms > SCALED_TO_2 + 2000 || matches!(o.kind, ObservationKind::Hpa(_)) && o.at_ms > SCALED_TO_2 - 1
    });
    assert_eq!(run.evaluate(ByTheAutoscaler).status, CheckStatus::Pending);
}

#[test]
fn after_a_lost_event_the_next_one_is_not_awaited() {
    let at_once = |run: RunFixture| run.ended_at(SCALED_TO_3 + 1000).without_events().evaluate(ByTheAutoscaler).status;
    assert_eq!(at_once(healthy()), CheckStatus::Pass);
    let first = healthy().ended_at(SCALED_TO_2 + 1000).without_events();
    assert_eq!(first.evaluate(ByTheAutoscaler).status, CheckStatus::Pending);
}

#[test]
fn an_event_that_names_another_reason_is_inconclusive() {
    let other = healthy().events(|event| {
        event.message = event.message.replace("pods metric gpu_utilization", "cpu resource utilization")
    });
    other.assert_inconclusive(
        ByTheAutoscaler,
        "the HPA's event gives another reason than the metric of this run: cpu resource utilization above target",
    );
    let enforced = healthy().events(|e| {
        e.message = e.message.replace("All metrics below target", "Current number of replicas above Spec.MaxReplicas")
    });
    enforced.assert_inconclusive(ByTheAutoscaler, "above Spec.MaxReplicas");
    let empty = healthy().events(|e| e.message = e.message.replace("All metrics below target", ""));
    empty.assert_passes(ByTheAutoscaler, "3 → 1");
}

/// Without a behavior the controller may raise the target to an earlier recommendation of its window.
#[test]
fn a_rise_by_the_window_names_no_metric() {
    for reason in ["", "All metrics below target"] {
        let run = || {
            healthy().events(|e| {
                if e.message.starts_with("New size: 3") {
                    e.message = format!("New size: 3; reason: {reason}");
                }
            })
        };
        run().assert_inconclusive(ByTheAutoscaler, "the HPA's event gives another reason");
        let result = run().scenario(|s| s.hpa.spec.behavior = None).evaluate(ByTheAutoscaler);
        assert!(result.has_status(CheckStatus::Pass) && result.reason.contains("2 → 3"), "{result:?}");
    }
}

#[test]
fn the_metric_follows_the_load_both_ways() {
    healthy().assert_passes(MetricFollowsLoad, "after the load it recommends 1 replica, down from 3 (reading 0)");
}

#[test]
fn a_pod_that_does_not_run_yet_does_not_keep_the_recommendation_up() {
    // It was created just before the end of the load. The exporter reports its accelerator already; the controller
    // ignores it.
    let scaled_late = |at: u64, workload: &mut WorkloadSnapshot| {
        workload.spec_replicas = if at < FALL { workload.spec_replicas.min(2) } else { workload.spec_replicas };
    };
    for name in [OLD, SECOND, THIRD] {
        let mut pod = healthy().pod_at(name, FALL);
        (pod.phase, pod.ready) = ("Pending".to_owned(), false);
        let pending =
            healthy().metric(FALL, CLEANUP, Some(0)).with_observation(FALL, ObservationKind::Pod(pod)).renumber();
        let falls = pending.workloads(scaled_late).evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricFalls));
        let at_once = "0.9s after the load it recommends 1 replica, down from 2 (reading 0)";
        assert_eq!((falls.status, falls.reason.as_str()), (CheckStatus::Pass, at_once), "{name}");
    }
}

#[test]
fn a_frozen_metric_is_inconclusive() {
    healthy()
        .metric(RISE, CLEANUP, Some(51_000))
        .assert_inconclusive(MetricFollowsLoad, "no reading before the scale-up recommends more than 1 replica");
    healthy()
        .metric(RISE, CLEANUP, Some(0))
        .assert_inconclusive(MetricFollowsLoad, "highest reading 0, target 60, at which it recommends");
    let high = healthy().metric(FALL, CLEANUP, Some(100_000));
    high.assert_inconclusive(MetricFollowsLoad, "after the load the metric never recommends 1 replica, down from 3 (lowest reading 100; the target's series at the exporter meanwhile: 0 to 100");
    high.assert_inconclusive(Check::ReplicasFall, "prerequisite Control/MetricFollowsLoad (scale-down)");
}

#[test]
fn a_metric_that_is_not_a_number_under_load_is_inconclusive() {
    healthy().metric(RISE, CLEANUP, None).assert_inconclusive(MetricFollowsLoad, "no reading under load");
}

#[test]
fn a_metric_that_recommends_more_only_briefly_is_inconclusive() {
    let run = healthy().metric(42_000, CLEANUP, Some(20_000));
    assert_eq!(
        run.evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricRises)).status,
        CheckStatus::Inconclusive,
        "{:?}",
        run.evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricRises))
    );
    run.assert_inconclusive(Check::ReplicasRise, "prerequisite Control/MetricFollowsLoad (scale-up)");
}

#[test]
fn a_gap_in_the_readings_shows_no_recommendation() {
    // Between readings that recommend more, an unread value may recommend less.
    let run =
        healthy().not_read(36_000, 41_000).not_read(44_000, 47_000).not_read(52_000, 57_000).not_read(60_000, 66_000);
    assert_eq!(
        run.not_read(68_000, FALL).evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricRises)).status,
        CheckStatus::Inconclusive
    );
}

#[test]
fn metric_follows_load_needs_idle_holds() {
    healthy()
        .metric(IDLE, RISE, Some(900_000))
        .assert_inconclusive(MetricFollowsLoad, "prerequisite Control/IdleHolds");
    recorded("wrong-sign").assert_inconclusive(MetricFollowsLoad, "highest reading");
}

#[test]
fn idle_holds_needs_an_active_autoscaler() {
    let run = scaled_at_idle().hpas(|_, hpa| hpa.conditions.iter_mut().for_each(|c| c.status = "Unknown".to_owned()));
    let result = run.evaluate(IdleHolds);
    assert!(matches!(result.status, CheckStatus::Pending | CheckStatus::Inconclusive), "{result:?}");
    assert!(result.reason.contains("prerequisite Setup/AutoscalerActive"), "{}", result.reason);
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

/// The controller scales up without load, and its status confirms it; the run ends there.
fn scaled_at_idle() -> RunFixture {
    resized_at_idle(slow_metric(), 2)
}

fn resized_at_idle(run: RunFixture, size: i32) -> RunFixture {
    let at = run.inventory.started + jiff::SignedDuration::from_millis(20_010);
    let mut hpa = run.hpa_at(IDLE);
    hpa.desired_replicas = size;
    hpa.last_scale_time = Some(jiff::Timestamp::from_second(at.as_second()).unwrap());
    let run = run
        .resized_by(20_000, size, "kube-controller-manager", "scale")
        .with_observation(20_010, ObservationKind::Hpa(hpa));
    let run = run.without(|o| o.at_ms > 26_500);
    let end = run.timeline.last().unwrap().at_ms;
    run.with_observation(end, phase_began(Phase::Cleanup))
}

/// The value of another object than a pod stays when pods are deleted.
#[test]
fn an_object_metric_recommends_min_after_the_load_as_well() {
    let fall = object_metric().evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricFalls));
    assert!(fall.has_status(CheckStatus::Pass), "{}", fall.reason);
    let high = object_metric()
        .metric(FALL, u64::MAX, Some(150_000))
        .evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricFalls));
    assert!(!high.has_status(CheckStatus::Pass) && high.reason.contains("lowest reading 150"), "{}", high.reason);
}

/// An HPA acts at once on a metric that recommends more: the target has scaled up before the baseline begins.
#[test]
fn what_scaled_the_target_before_the_baseline_is_named_by_its_reading() {
    let run = healthy().metric(10_000, 10_809, Some(100_000)).workloads(|at, workload| {
        if (10_850..RISE).contains(&at) {
            workload.spec_replicas = 2;
        }
    });
    run.assert_inconclusive(
        IdleHolds,
        "without load the metric recommends 2 replicas (value 100, target 60): the target is below",
    );
}

/// A load that the server rejects is named first, with its failures by kind, count and error.
#[test]
fn a_metric_that_did_not_rise_under_failing_chats_shows_the_failures() {
    let run = healthy().metric(RISE, u64::MAX, Some(0)).loads(|_, load| {
        (load.succeeded, load.failed) = (2, 41);
        let failures = |count, example: &str| FailureCount { count, example: example.to_owned() };
        load.failures.insert("http-5xx".to_owned(), failures(40, "llama runner process has terminated"));
        load.failures.insert("truncated".to_owned(), failures(1, ""));
    });
    let kinds = "40 http-5xx, the first: llama runner process has terminated; 1 truncated";
    run.assert_inconclusive(MetricFollowsLoad, &format!("(workload) 41 of 43 chats failed: {kinds}; the server's log"));
    let few = run.loads(|_, load| load.succeeded = 50);
    few.assert_inconclusive(MetricFollowsLoad, &format!("50 requests succeeded, 41 failed ({kinds})"));
    let risen = healthy().loads(|_, load| {
        load.failed = 1;
        load.failures.insert("truncated".to_owned(), FailureCount { count: 1, ..FailureCount::default() });
    });
    let findings = risen.evaluate(MetricFollowsLoad).findings;
    assert!(findings.iter().any(|finding| finding.starts_with("1 of the load's chats failed")), "{findings:?}");
}

/// The target starts outside minReplicas and maxReplicas, and the controller enforces the bound before the baseline.
#[test]
fn a_bound_that_is_enforced_before_the_baseline_is_the_autoscalers_change() {
    let enforced = |min: i32, max: i32, size: i32, reason: &'static str| {
        let run = healthy().scenario(|s| {
            (s.hpa.spec.min_replicas, s.hpa.spec.max_replicas) = (Some(min), max);
        });
        let run = run.hpas(|_, hpa| (hpa.min_replicas, hpa.max_replicas) = (min, max));
        run.events(move |event| {
            if event.message.starts_with(&format!("New size: {size};")) {
                event.message = format!("New size: {size}; reason: {reason}");
            }
        })
    };
    let below = enforced(2, 3, 2, "Current number of replicas below Spec.MinReplicas");
    let above = enforced(1, 1, 1, "Current number of replicas above Spec.MaxReplicas");
    for run in [below, above] {
        let during = run.evaluate(ByTheAutoscaler);
        assert!(during.has_status(CheckStatus::Inconclusive) && during.reason.contains("another reason"), "{during:?}");
        let before = run.without(|o| super::run_fixture::is_phase(o, Phase::Baseline)).evaluate(ByTheAutoscaler);
        assert!(before.has_status(CheckStatus::Pass), "{before:?}");
    }
    // The reason of the other bound, or a size that is not the bound.
    let other = enforced(2, 3, 3, "Current number of replicas below Spec.MinReplicas");
    let other = other.without(|o| super::run_fixture::is_phase(o, Phase::Baseline)).evaluate(ByTheAutoscaler);
    assert!(other.has_status(CheckStatus::Inconclusive), "{other:?}");
}
