//! What is told of a run on its way.

use super::run::{FALL, RISE, Run, SCALED_TO_1, healthy};

/// Rate and TTFT as they are told at this moment.
fn load(run: Run, at_ms: u64) -> (Option<f64>, Option<u64>) {
    run.without(|o| o.at_ms > at_ms).bench(|bench| {
        let picture = bench.view().picture();
        (picture.rate, picture.ttft_ms)
    })
}

#[test]
fn the_load_is_told_while_it_is_on_and_not_before_or_after() {
    assert_eq!(load(healthy(), RISE - 1), (None, None));
    let (rate, ttft_ms) = load(healthy(), FALL - 1);
    assert!(rate.is_some_and(|rate| rate > 0.0) && ttft_ms.is_some_and(|ms| ms > 0), "{rate:?} {ttft_ms:?}");
    assert_eq!(load(healthy(), SCALED_TO_1), (None, None));
}

#[test]
fn a_load_that_nobody_answers_is_told_as_a_rate_of_nought() {
    let run = healthy().loads(|_, load| (load.good, load.tokens, load.ttft_p50_us) = (0, 0, 0));
    assert_eq!(load(run, FALL - 1), (Some(0.0), None));
}
