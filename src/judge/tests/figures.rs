//! The figures of a run, against a hand count from the timeline of the healthy run (fixtures/timelines/rig-healthy).

use super::run_fixture::{FALL, RISE, SCALED_TO_1, SCALED_TO_2, SCALED_TO_3, SECOND, THIRD, healthy};
use crate::model::figures::{FigureValue, PodFigures};
use crate::model::observation::EventSnapshot;
use crate::units::Milli;

/// When the metrics API first served 100, of which the HPA wants 2 replicas, and the first observations of pods and
/// endpoints after it.
const ASKS_FOR_2: u64 = 32_555;
const SECOND_READY: u64 = 37_224;
const SECOND_ENDPOINT: u64 = 37_217;
const THIRD_READY: u64 = 52_501;
const THIRD_ENDPOINT: u64 = 52_469;

#[test]
fn each_step_has_the_time_between_its_observations() {
    let figures = healthy().verdict().figures;
    assert_eq!(figures.detection_ms, Some(ASKS_FOR_2 - RISE));
    assert_eq!(figures.decision_ms, Some(SCALED_TO_2 - ASKS_FOR_2));
    assert_eq!(figures.scale_down_ms, Some(SCALED_TO_1 - FALL));
    assert_eq!(figures.back_at_min_ms, Some(SCALED_TO_1 - FALL));
    let times = |pod: &PodFigures| (pod.ready_ms, pod.endpoint_ms);
    let pods: Vec<_> = figures.new_pods.iter().map(|pod| (pod.pod.as_str(), times(pod))).collect();
    let second = (Some(SECOND_READY - SCALED_TO_2), Some(SECOND_ENDPOINT - SCALED_TO_2));
    let third = (Some(THIRD_READY - SCALED_TO_3), Some(THIRD_ENDPOINT - SCALED_TO_3));
    assert_eq!(pods, [(SECOND, second), (THIRD, third)]);
    // One accelerator each: 107.1, 71.7 and 56.5 s on a node until the clean-up or the deletion.
    assert_eq!(figures.accelerator_seconds, Some(235));
}

#[test]
fn each_size_has_what_the_load_did_meanwhile() {
    let sizes = healthy().loads(|at, load| load.ttft_sum_us = Some(at * load.succeeded)).verdict().figures.sizes;
    let counted: Vec<_> =
        sizes.iter().map(|size| (size.ready_pods, size.observed_ms, size.requests, size.tokens)).collect();
    assert_eq!(counted, [(1, 9_005, 5, 320), (2, 14_000, 10, 640), (3, 21_011, 26, 1_664)]);
    // 320 tokens in 9.005 s.
    assert_eq!(sizes[0].tokens_per_second(), Some(Milli(35_535)));
    assert!(sizes.iter().all(|size| size.ttft_mean_us.is_some_and(|mean| mean > RISE)), "{sizes:?}");
    assert!(sizes[0].metric_mean.is_some_and(|mean| mean > Milli(51_000) && mean < Milli(100_000)), "{sizes:?}");
    // Records that were made before the sum was recorded have none.
    let old = healthy().verdict().figures.sizes;
    assert!(!old.is_empty() && old.iter().all(|size| size.ttft_mean_us.is_none()));
}

#[test]
fn the_events_of_the_kubelet_tell_the_pull_apart() {
    let run = healthy();
    let pulled = run.verdict().figures.new_pods;
    assert!(pulled.iter().all(|pod| pod.image_pull_ms.is_none() && pod.start_ms.is_some()), "{pulled:?}");
    let pod = run.pod_at(SECOND, SCALED_TO_3);
    let pulling = EventSnapshot {
        object: format!("Pod/{SECOND}"),
        uid: pod.uid,
        reason: "Pulling".to_owned(),
        first_timestamp: pod.created,
        ..EventSnapshot::default()
    };
    let pulled = EventSnapshot {
        reason: "Pulled".to_owned(),
        first_timestamp: pod.created.map(|at| at + jiff::SignedDuration::from_secs(7)),
        ..pulling.clone()
    };
    let run = run
        .with_observation(SCALED_TO_2 + 100, crate::model::observation::ObservationKind::Event(pulling))
        .with_observation(SCALED_TO_2 + 200, crate::model::observation::ObservationKind::Event(pulled));
    assert_eq!(run.verdict().figures.new_pods[0].image_pull_ms, Some(7_000));
}

#[test]
fn what_was_not_observed_has_no_figure() {
    let no_load = healthy().ended_at(RISE - 1_000).verdict().figures;
    assert!(no_load.is_empty(), "{no_load:?}");
    let no_fall = healthy().ended_at(FALL + 1_000).verdict().figures;
    assert_eq!((no_fall.scale_down_ms, no_fall.back_at_min_ms), (None, None));
    assert!(no_fall.decision_ms.is_some());
    let idle = healthy().ended_at(RISE + 2_000).verdict().figures;
    assert_eq!((idle.detection_ms, idle.decision_ms, idle.new_pods.len()), (None, None, 0));
}

#[test]
fn of_the_new_pods_the_slowest_is_named() {
    let figures = healthy().verdict().figures;
    let value = |key: &str| figures.named().into_iter().find(|one| one.key == key).map(|one| one.value);
    assert_eq!(value("podReadyMs"), Some(FigureValue::Ms(THIRD_READY - SCALED_TO_3)));
    assert_eq!(value("tokensPerSecond.1"), Some(FigureValue::Milli(Milli(35_535))));
    assert_eq!(value("ttftMeanUs.1"), None);
}
