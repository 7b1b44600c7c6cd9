//! The load in the hold, and what exporter and server say of a device that does not follow it.

use super::run_fixture::{CLEANUP, IDLE, RISE, RunFixture, edit_samples, healthy, real_accelerators};
use crate::judge::Check;
use crate::model::observation::{FailureCount, ObservationKind, ProbeRecord};
use crate::model::reading::MetricHop;
use crate::units::Milli;

use Check::{HoldSteady, IdleHolds, MetricFollowsLoad};

#[test]
fn a_load_of_which_most_chats_fail_is_not_constant() {
    let failing = |good: u64| {
        healthy().loads(move |_, load| {
            let ended = load.succeeded;
            load.succeeded = ended * good / 100;
            load.failed = ended - load.succeeded;
            let failures = FailureCount { count: load.failed, example: "HTTP 500: out of memory".to_owned() };
            load.failures = [("http-5xx".to_owned(), failures)].into();
        })
    };
    failing(10).assert_inconclusive(HoldSteady, "the load was not constant: (workload) only ");
    failing(10).assert_inconclusive(HoldSteady, "chats succeeded: http-5xx: HTTP 500: out of memory");
    failing(80).assert_passes(HoldSteady, "");
}

#[test]
fn a_load_with_few_workers_left_is_not_constant() {
    let left = |from_ms: u64, to_ms: u64, workers: u64| {
        healthy().loads(move |at, load| {
            if (from_ms..to_ms).contains(&at) {
                load.in_flight = workers;
            }
        })
    };
    let text = "fewer than half of the 6 workers had a request in flight for";
    left(RISE, u64::MAX, 1).assert_inconclusive(HoldSteady, text);
    left(50_000, u64::MAX, 2).assert_inconclusive(HoldSteady, text);
    left(50_000, 54_000, 1).assert_passes(HoldSteady, "");
    left(RISE, u64::MAX, 3).assert_passes(HoldSteady, "");
}

#[test]
fn chats_without_a_token_generate_nothing() {
    healthy().loads(|_, load| load.tokens = 0).assert_inconclusive(HoldSteady, "with 0 tokens in sum");
}

/// The run in which every hop shows this value of every device in a span of time.
fn shows(run: RunFixture, from_ms: u64, to_ms: u64, milli: i64) -> RunFixture {
    run.each(move |o| {
        let at = o.at_ms;
        if let ObservationKind::Metric(reading) = &mut o.kind {
            edit_samples(&mut reading.result, |sample| {
                if (from_ms..to_ms).contains(&at) {
                    sample.value = Some(Milli(milli));
                }
            });
        }
    })
}

fn first_chat(accelerator_bytes: u64) -> ObservationKind {
    ObservationKind::Probe(ProbeRecord {
        began_ms: 3_500,
        tokens: 16,
        model_bytes: Some(1_000),
        model_accelerator_bytes: Some(accelerator_bytes),
        ..ProbeRecord::default()
    })
}

#[test]
fn a_device_that_generates_tokens_and_shows_0_is_the_exporters_fault() {
    let run = |bytes: u64| {
        let run = real_accelerators().without(|o| matches!(o.kind, ObservationKind::Probe(_)));
        shows(run, RISE, CLEANUP, 0).with_observation(4_000, first_chat(bytes))
    };
    run(1_000).assert_inconclusive(MetricFollowsLoad, "the exporter shows 0 for a device that generates tokens");
    let on_cpu = "0 bytes of the model of 1000 bytes are in accelerator memory: the pods compute on the CPU";
    run(0).assert_inconclusive(MetricFollowsLoad, on_cpu);
    let unknown = shows(real_accelerators().probes(|p| p.model_accelerator_bytes = None), RISE, CLEANUP, 0);
    unknown.assert_inconclusive(MetricFollowsLoad, "highest reading 0");
    assert!(!unknown.evaluate(MetricFollowsLoad).reason.contains("generates tokens"));
}

#[test]
fn a_device_that_counts_a_resident_model_as_activity_is_named() {
    let with_model = |bytes| shows(real_accelerators(), IDLE, RISE, 100_000).with_observation(4_000, first_chat(bytes));
    let pegged = || with_model(1_000);
    pegged().assert_inconclusive(IdleHolds, "the pods show 0 before the first chat and 100 after it, without load");
    pegged().assert_inconclusive(IdleHolds, "keep_alive");
    // No smaller value shows that it is the model.
    let always = |bytes| {
        with_model(bytes).readings(MetricHop::Exporter, 0, 4_000, |result| {
            edit_samples(result, |sample| sample.value = Some(Milli(100_000)));
        })
    };
    always(1_000).assert_inconclusive(IdleHolds, "the target is below the idle value");
    let with_maximum =
        "the pods show 100, the largest possible value, and after the first chat 1000 bytes of the model were";
    always(1_000).assert_inconclusive(IdleHolds, with_maximum);
    always(0).assert_inconclusive(IdleHolds, "the target is below the idle value");
    assert!(!always(0).evaluate(IdleHolds).reason.contains("largest possible"));
}
