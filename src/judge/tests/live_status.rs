//! The live status of a run.

use super::run_fixture::{FALL, RISE, RunFixture, SCALED_TO_1, healthy};

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
