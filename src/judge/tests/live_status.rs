//! The live status of a run.

use super::run_fixture::{FALL, RISE, RunFixture, SCALED_TO_1, SCALED_TO_2, healthy, object_metric};
use crate::judge::Check;
use crate::units::Milli;

/// Rate and TTFT of the live status at this time.
fn load(run: RunFixture, at_ms: u64) -> (Option<f64>, Option<u64>) {
    run.without(|o| o.at_ms > at_ms).with_evaluator(|evaluator| {
        let status = evaluator.view().live_status();
        (status.good_per_second, status.ttft_ms)
    })
}

#[test]
fn the_live_status_shows_the_load_only_while_it_is_on() {
    assert_eq!(load(healthy(), RISE - 1), (None, None));
    let (rate, ttft_ms) = load(healthy(), FALL - 1);
    assert!(rate.is_some_and(|rate| rate > 0.0) && ttft_ms.is_some_and(|ms| ms > 0), "{rate:?} {ttft_ms:?}");
    assert_eq!(load(healthy(), SCALED_TO_1), (None, None));
}

#[test]
fn a_load_without_answers_shows_a_rate_of_zero() {
    let run = healthy().loads(|_, load| (load.succeeded, load.tokens, load.ttft_p50_us) = (0, 0, 0));
    assert_eq!(load(run, FALL - 1), (Some(0.0), None));
}

/// The API server accepts both values in an Object metric, and the controller compares the one that `type` names.
#[test]
fn an_object_metric_that_states_both_values_has_the_target_of_its_type_in_every_text() {
    let run = object_metric().scenario(|s| {
        let metric = s.hpa.spec.metrics.as_mut().unwrap()[0].object.as_mut().unwrap();
        metric.target = serde_json::from_str(r#"{"type":"Value","value":"60","averageValue":"30"}"#).unwrap();
    });
    let name = "Object metric gpu_utilization";
    run.with_evaluator(|evaluator| {
        let view = evaluator.view();
        assert_eq!(view.live_status().target_value, Some(Milli(60_000)));
        let lines: Vec<String> = view.progress_from(0).iter().map(ToString::to_string).collect();
        let told: Vec<&String> = lines.iter().filter(|line| line.contains(name)).collect();
        assert!(!told.is_empty() && told.iter().all(|line| line.ends_with(" of 60")), "{lines:#?}");
    });
    let reason = run.clone().without(|o| o.at_ms > SCALED_TO_2).evaluate(Check::MetricFollowsLoad).reason;
    assert!(reason.contains(", target 60"), "{reason}");
    assert_eq!(run.verdict(), object_metric().verdict());
}
