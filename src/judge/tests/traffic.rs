//! Traffic of the Service: which pods show it, and what sends all connections of one client to one pod.

use super::run_fixture::{FALL, OLD, RISE, RunFixture, SECOND, THIRD, edit_samples, healthy};
use crate::judge::{Check, CheckStatus};
use crate::model::observation::ObservationKind;
use crate::model::reading::MetricHop;
use crate::units::Milli;

use Check::NewPodsServe;

/// The pods whose values these are, in percent, under load at every hop; the load has many connections.
fn with_values(values: impl Fn(&str, u64) -> Option<i64>) -> RunFixture {
    let run = healthy().each(|o| {
        let at_ms = o.at_ms;
        let ObservationKind::Metric(reading) = &mut o.kind else { return };
        edit_samples(&mut reading.result, |sample| {
            let value = sample.object.as_deref().filter(|_| at_ms > RISE).and_then(|pod| values(pod, at_ms));
            if let Some(percent) = value {
                sample.value = Some(Milli(percent * 1000));
            }
        });
    });
    run.loads(|_, load| load.answered_connections *= 100)
}

fn with_affinity(run: RunFixture, affinity: &str) -> RunFixture {
    run.each(|o| {
        if let ObservationKind::Endpoints(endpoints) = &mut o.kind {
            endpoints.session_affinity = Some(affinity.to_owned());
        }
    })
}

/// The check without its prerequisites: these values recommend other sizes than the recorded ones.
#[track_caller]
fn assert_alone(run: &RunFixture, status: CheckStatus, text: &str) {
    let result = run.with_evaluator(|evaluator| NewPodsServe.evaluate_alone(evaluator.view()));
    assert_eq!(result.status, status, "{}", result.reason);
    let texts = [result.reason, result.findings.join("; ")].join("; ");
    assert!(texts.contains(text), "{texts}");
}

#[test]
fn a_service_with_session_affinity_takes_the_blame_off() {
    let idle_second = || with_values(|pod, _| (pod == SECOND).then_some(0));
    idle_second().assert_fails(NewPodsServe, "shows no traffic after");
    with_affinity(idle_second(), "None").assert_fails(NewPodsServe, "shows no traffic after");
    with_affinity(idle_second(), "ClientIP").assert_inconclusive(NewPodsServe, "has sessionAffinity ClientIP");
    with_affinity(healthy(), "ClientIP").assert_passes_with_finding(NewPodsServe, "receives traffic");
    // It is named where chance would explain the rest, too.
    let few = with_affinity(idle_second(), "ClientIP").loads(|_, load| load.answered_connections = 5);
    few.assert_inconclusive(
        NewPodsServe,
        "has sessionAffinity ClientIP, so all connections of one client go to one pod",
    );
}

#[test]
fn connections_that_all_go_to_one_pod_may_be_a_hash_of_the_clients_address() {
    let one = |only: &'static str| with_values(move |pod, _| Some(if pod == only { 98 } else { 0 }));
    let text = "alone shows traffic, of 3 ready endpoints";
    assert_alone(&one(OLD), CheckStatus::Inconclusive, text);
    assert_alone(&one(THIRD), CheckStatus::Inconclusive, text);
    // With the third endpoint the hash chooses another pod.
    let moved = with_values(|pod, at_ms| {
        let only = if at_ms < 58_000 { OLD } else { THIRD };
        Some(if pod == only { 98 } else { 0 })
    });
    assert_alone(&moved, CheckStatus::Inconclusive, "alone shows traffic");
}

/// The mean of a busy pod and idle ones stays below the target: more load changes nothing.
#[test]
fn connections_that_all_go_to_one_pod_are_named_where_the_metric_stays_low() {
    let long = |values: fn(&str, u64) -> Option<i64>| with_values(values).longer(FALL - 1000, 120_000);
    let one = long(|pod, _| Some(if pod == OLD { 58 } else { 0 }));
    one.assert_inconclusive(Check::MetricFollowsLoad, "connections went to one pod: pod ollama-");
    let both = long(|pod, _| Some(if pod == OLD { 20 } else { 10 }));
    both.assert_inconclusive(Check::MetricFollowsLoad, "not high or not long enough");
}

/// A pod with a part of few chats is idle at most samples: many connections alone do not exclude chance.
#[test]
fn a_pod_that_the_samples_may_have_missed_is_not_a_fail() {
    let idle_second = || with_values(|pod, _| (pod == SECOND).then_some(0));
    let in_flight = |count: u64| idle_second().loads(move |_, load| load.in_flight = count);
    in_flight(10).assert_fails(NewPodsServe, "shows no traffic after");
    in_flight(1).assert_inconclusive(
        NewPodsServe,
        "with 1 chats in flight on all endpoints: the samples may have missed its share",
    );
}

#[test]
fn a_pods_value_is_compared_with_the_idle_values_of_its_own_hop() {
    // Without load the metrics API shows 53 for each pod, the exporter 0; under load 45 is activity at the exporter only.
    let run = with_values(|pod, _| (pod == SECOND).then_some(45)).readings(MetricHop::Api, 0, RISE, |result| {
        edit_samples(result, |sample| sample.value = Some(Milli(53_000)));
    });
    assert_alone(&run, CheckStatus::Pass, "its metric is 45 at the ");
}

#[test]
fn a_metric_that_is_0_while_a_pod_works_is_no_fail() {
    let queue = |zero_while_busy: bool| {
        with_values(|pod, _| (pod == SECOND).then_some(0)).scenario(|s| {
            let mut profile = crate::model::shipped_profiles::find("dcgm").unwrap();
            profile.series.values_mut().for_each(|series| series.zero_while_busy = zero_while_busy);
            s.metric.profile = Some(profile);
        })
    };
    queue(false).assert_fails(NewPodsServe, "shows no traffic after");
    queue(true).assert_inconclusive(NewPodsServe, "DCGM_FI_DEV_GPU_UTIL may be 0 while the pod works");
}
