//! KEDA's fallback in runs with an HPA that KEDA has made.

use super::run_fixture::{CLEANUP, FALL, IDLE, RISE, RunFixture, edit_samples, object_metric};
use crate::judge::Check::{IdleHolds, MetricFollowsLoad};
use crate::judge::CheckStatus;
use crate::judge::diagnosis::keda_fallback;
use crate::model::observation::{EventSnapshot, ObjectCondition, ObservationKind, ScaledObjectSnapshot};
use crate::model::reading::MetricHop;

/// The healthy run with the External metric of ScaledObject `ours`.
fn keda() -> RunFixture {
    let run = object_metric().scenario(|s| {
        s.hpa.spec.metrics = serde_json::from_value(serde_json::json!([{"type": "External", "external": {
            "metric": {"name": "gpu_utilization", "selector": {"matchLabels": {"scaledobject.keda.sh/name": "ours"}}},
            "target": {"type": "Value", "value": "60"}}}]))
        .unwrap();
    });
    let run = run.hpas(|_, hpa| hpa.current_metrics.iter_mut().for_each(|entry| entry.kind = "External".to_owned()));
    run.readings(MetricHop::Api, 0, u64::MAX, |result| edit_samples(result, |sample| sample.object = None))
}

/// An event of KEDA's operator about a ScaledObject.
fn event(run: RunFixture, at_ms: u64, name: &str, reason: &str, message: &str) -> RunFixture {
    let at = run.inventory.started + jiff::SignedDuration::from_millis(i64::try_from(at_ms).unwrap());
    run.with_observation(
        at_ms,
        ObservationKind::Event(EventSnapshot {
            object: format!("ScaledObject/{name}"),
            reason: reason.to_owned(),
            message: message.to_owned(),
            component: "keda-operator".to_owned(),
            count: 1,
            first_timestamp: Some(at),
            last_timestamp: Some(at),
            ..EventSnapshot::default()
        }),
    )
}

fn activated(run: RunFixture, at_ms: u64) -> RunFixture {
    event(run, at_ms, "ours", "ScaledObjectFallbackActivated", "ScaledObject fallback is active")
}

fn deactivated(run: RunFixture, at_ms: u64) -> RunFixture {
    event(run, at_ms, "ours", "ScaledObjectFallbackDeactivated", "ScaledObject fallback is no longer active")
}

/// The metric follows the load. The events of the recorded HPA are of another metric, which leaves the verdict open.
#[track_caller]
fn assert_follows(run: &RunFixture) {
    let result = run.evaluate(MetricFollowsLoad);
    assert_eq!(result.status, CheckStatus::Pass, "{}", result.reason);
}

const NAMED: &str = "KEDA's fallback was active (event ScaledObjectFallbackActivated of ScaledObject ours)";

#[test]
fn a_fallback_under_load_or_after_it_is_no_metric() {
    assert_follows(&keda());
    for at_ms in [IDLE, RISE + 5000, FALL + 5000] {
        activated(keda(), at_ms).assert_inconclusive(MetricFollowsLoad, NAMED);
    }
    let failed = event(keda(), RISE + 4000, "ours", "KEDAScalerFailed", "dial tcp: lookup store: no such host");
    activated(failed, RISE + 5000)
        .assert_inconclusive(MetricFollowsLoad, "its trigger failed: dial tcp: lookup store: no such host; correct");
}

#[test]
fn a_fallback_that_ended_before_the_load_and_that_of_another_are_no_matter() {
    let ended = deactivated(activated(keda(), IDLE), RISE - 5000);
    assert_follows(&ended);
    let again = activated(ended, RISE + 5000);
    again.assert_inconclusive(MetricFollowsLoad, NAMED);
    deactivated(again, RISE + 6000).assert_inconclusive(MetricFollowsLoad, NAMED);
    let other = event(keda(), RISE + 5000, "theirs", "ScaledObjectFallbackActivated", "");
    assert_follows(&other);
    let late = activated(keda(), CLEANUP + 1);
    assert_follows(&late);
}

/// What the run has read of a ScaledObject: its condition Fallback.
fn condition(run: RunFixture, at_ms: u64, name: &str, status: &str) -> RunFixture {
    let fallback =
        ObjectCondition { kind: "Fallback".to_owned(), status: status.to_owned(), ..ObjectCondition::default() };
    let object =
        ScaledObjectSnapshot { name: name.to_owned(), conditions: vec![fallback], ..ScaledObjectSnapshot::default() };
    run.with_observation(at_ms, ObservationKind::ScaledObject(object))
}

/// Of any behavior, and of the ScaledObject of an adopted HPA, whose spec the scenario does not have.
#[test]
fn a_fallback_is_known_by_its_condition_without_an_event() {
    let named = "KEDA's fallback was active (condition Fallback of ScaledObject ours)";
    let began = |at_ms| condition(condition(keda(), IDLE, "ours", "False"), at_ms, "ours", "True");
    began(RISE + 5000).assert_inconclusive(MetricFollowsLoad, named);
    condition(began(RISE - 9000), RISE + 1000, "ours", "False").assert_inconclusive(MetricFollowsLoad, named);
    assert_follows(&condition(began(RISE - 9000), RISE - 1000, "ours", "False"));
    assert_follows(&condition(keda(), RISE + 5000, "theirs", "True"));
    let failed = event(began(RISE + 5000), RISE + 4000, "ours", "KEDAScalerFailed", "no such host");
    failed.assert_inconclusive(MetricFollowsLoad, "its trigger failed: no such host; correct");
}

#[test]
fn an_idle_metric_that_is_a_fallback_is_named() {
    let high = keda().metric(IDLE, RISE, Some(150_000));
    high.assert_inconclusive(IdleHolds, "without load the metric recommends");
    activated(high, IDLE - 1).assert_inconclusive(IdleHolds, NAMED);
}

/// KEDA records no event of a fallback that a request for the metric finds first.
#[test]
fn a_fallback_without_an_event_is_known_by_its_number_after_a_failure() {
    let with = |fallback: serde_json::Value, value_milli: i64| {
        let run = keda().scenario(|s| {
            s.hpa.spec.metrics = serde_json::from_value(serde_json::json!([{"type": "External", "external": {
                "metric": {"name": "gpu_utilization", "selector": {"matchLabels": {"scaledobject.keda.sh/name": "ours"}}},
                "target": {"type": "AverageValue", "averageValue": "60"}}}]))
            .unwrap();
            s.scaled_object =
                Some(serde_json::from_value(serde_json::json!({"spec": {"fallback": fallback}})).unwrap());
        });
        run.metric(0, u64::MAX, Some(value_milli))
    };
    let failed = |run| event(run, IDLE, "ours", "KEDAScalerFailed", "no such host");
    let named = |run: &RunFixture| {
        run.with_evaluator(|evaluator| keda_fallback::describe(evaluator.view(), RISE, FALL).map(|(text, _)| text))
    };
    let one = serde_json::json!({"failureThreshold": 3, "replicas": 1});
    let text = named(&failed(with(one.clone(), 60_000))).unwrap_or_default();
    assert!(
        text.starts_with("KEDA's fallback was active (event KEDAScalerFailed, and each reading is its number, 1 × 60)")
            && text.contains("its trigger failed: no such host; correct"),
        "{text}"
    );
    // A trigger that fails only under load: the first readings are the metric's.
    let two = serde_json::json!({"failureThreshold": 3, "replicas": 2});
    let begins = |run: RunFixture| failed(run.metric(0, RISE + 3000, Some(10_000)));
    let text = named(&begins(with(two.clone(), 120_000))).unwrap_or_default();
    assert!(text.contains("each reading that recommends more than minReplicas is its number, 2 × 60"), "{text}");
    let other = begins(with(two, 120_000)).metric(RISE + 9000, RISE + 10_000, Some(130_000));
    assert_eq!(named(&other), None);
    // Another number, no failure, or a number that depends on the replicas.
    assert_eq!(named(&failed(with(one.clone(), 61_000))), None);
    assert_eq!(named(&with(one, 60_000)), None);
    assert_eq!(named(&failed(with(serde_json::json!({"replicas": 1, "behavior": "currentReplicas"}), 60_000))), None);
    // A run that has read the condition needs no such sign, unless it could not read it all the time.
    let read = condition(failed(with(serde_json::json!({"replicas": 1}), 60_000)), IDLE, "ours", "False");
    assert_eq!(named(&read), None);
    assert_eq!(named(&read.clone().gap("scaledObject", IDLE, RISE - 1000)), None);
    let unread = read.gap("scaledObject", RISE + 1000, RISE + 20_000);
    assert!(named(&unread).is_some_and(|text| text.contains("each reading is its number, 1 × 60")));
}
