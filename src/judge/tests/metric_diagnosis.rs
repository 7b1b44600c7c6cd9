//! The diagnosis of a metric that did not follow the load.

use super::run_fixture::{CLEANUP, FALL, IDLE, OLD, RISE, RunFixture, SECOND, edit_samples, healthy, recorded};
use crate::judge::Check::{IdleHolds, MetricFollowsLoad, NewPodsServe};
use crate::model::reading::{MetricHop, MetricSample, ReadingResult};
use crate::units::Milli;

/// Maps every value at a hop, in thousandths.
fn with_mapped_values(run: RunFixture, hop: MetricHop, value: impl Fn(i64) -> i64) -> RunFixture {
    run.readings(hop, 0, u64::MAX, |result| {
        edit_samples(result, |sample| sample.value = sample.value.map(|milli| Milli(value(milli.0))));
    })
}

fn with_unreadable_hop(run: RunFixture, hop: MetricHop) -> RunFixture {
    run.readings(hop, 0, u64::MAX, |result| *result = ReadingResult::NotReadable("forbidden".to_owned()))
}

#[test]
fn a_series_that_is_frozen_on_its_way_names_the_last_hop_that_changes() {
    let run = with_mapped_values(healthy(), MetricHop::Api, |_| 0);
    run.assert_inconclusive(
        MetricFollowsLoad,
        "the metric is constant at the metrics API while it changes at the store",
    );
    run.assert_inconclusive(
        MetricFollowsLoad,
        "store 0 without load, 0 to 100 under it; metrics API 0 without load, 0 under it",
    );
}

#[test]
fn an_exporter_that_repeats_one_value_is_named() {
    let run = [MetricHop::Exporter, MetricHop::Store, MetricHop::Api]
        .into_iter()
        .fold(healthy(), |run, hop| with_mapped_values(run, hop, |_| 0));
    run.assert_inconclusive(MetricFollowsLoad, "the metric is constant from the exporter on");
    let alone = with_unreadable_hop(with_unreadable_hop(run, MetricHop::Exporter), MetricHop::Store);
    alone.assert_inconclusive(MetricFollowsLoad, "no hop before the metrics API was readable");
}

#[test]
fn a_wrong_sign_is_named() {
    recorded("wrong-sign")
        .assert_inconclusive(MetricFollowsLoad, "the metric falls under load, which is the wrong sign");
}

#[test]
fn a_unit_that_changes_on_the_way_is_named() {
    let run = with_mapped_values(healthy(), MetricHop::Api, |milli| milli / 100);
    run.assert_inconclusive(MetricFollowsLoad, "the metric rises, but in another unit than at the exporter");
}

/// One chat at a time keeps one of two pods busy: at the metrics API their average has half the value.
#[test]
fn an_average_of_busy_and_idle_pods_is_no_other_unit() {
    let low = healthy().metric(RISE, CLEANUP, Some(20_000));
    let run = [MetricHop::Exporter, MetricHop::Store].into_iter().fold(low, |run, hop| {
        run.readings(hop, RISE, CLEANUP, |result| {
            edit_samples(result, |sample| {
                let is_first = sample.object.as_deref() == Some(OLD);
                sample.value = Some(Milli(if is_first { 98_000 } else { 0 }));
            });
            let ReadingResult::Samples(samples) = result else { return };
            let Some(first) = samples.iter().find(|sample| sample.object.as_deref() == Some(OLD)) else { return };
            let idle = MetricSample { object: Some(SECOND.to_owned()), value: Some(Milli(0)), ..first.clone() };
            samples.push(idle);
        })
    });
    run.assert_inconclusive(MetricFollowsLoad, "the metric rises, but not high or not long enough");
    assert!(!run.evaluate(MetricFollowsLoad).reason.contains("stood still"));
}

/// Seven devices of one pod, of which one has this value, in thousandths, and the others none: the rule averages them.
fn with_seven_devices(busy: i64) -> RunFixture {
    let low = healthy().metric(RISE, CLEANUP, Some(busy / 7));
    [MetricHop::Exporter, MetricHop::Store].into_iter().fold(low, |run, hop| {
        run.readings(hop, RISE, CLEANUP, |result| {
            let ReadingResult::Samples(samples) = result else { return };
            let Some(first) = samples.iter().find(|sample| sample.object.as_deref() == Some(OLD)) else { return };
            let device = |n: i64| MetricSample { value: Some(Milli(if n == 3 { busy } else { 0 })), ..first.clone() };
            *samples = (0..7).map(device).collect();
        })
    })
}

#[test]
fn an_average_over_the_devices_of_a_pod_names_the_one_that_works() {
    with_seven_devices(98_000).assert_inconclusive(
        MetricFollowsLoad,
        "pod ollama-7fd697578d-dfk6s has 7 series at the exporter, of which 1 reached the target 60 (the highest was 98, and the \
         mean of all 14): an average over the devices of a pod hides the one that works; use max in place of avg",
    );
    with_seven_devices(50_000).assert_inconclusive(MetricFollowsLoad, "increase the load, lower the target 60");
}

#[test]
fn a_metric_that_stays_below_its_target_is_no_matter_of_units() {
    let run = [MetricHop::Exporter, MetricHop::Store, MetricHop::Api]
        .into_iter()
        .fold(healthy(), |run, hop| with_mapped_values(run, hop, |m| m / 10));
    run.assert_inconclusive(MetricFollowsLoad, "increase the load, lower the target 60");
    run.assert_inconclusive(MetricFollowsLoad, "stood still at 10, below the target, with up to 6 chats in flight");
}

#[test]
fn a_failed_load_is_named_instead_of_the_metric() {
    let run = healthy().metric(IDLE, CLEANUP, Some(0)).loads(|_, load| (load.succeeded, load.failed) = (0, 40));
    run.assert_inconclusive(MetricFollowsLoad, "most chats failed, so there was little load to follow");
}

#[test]
fn a_metric_that_moves_otherwise_than_the_load_is_named() {
    let run = healthy().metric(IDLE, RISE, Some(20_000)).metric(RISE, RISE + 5000, Some(20_000));
    let run = run.metric(RISE + 5000, CLEANUP, Some(20_000)).metric(IDLE, IDLE + 3000, Some(10_000));
    run.assert_inconclusive(MetricFollowsLoad, "the metric does not rise with the load");
}

#[test]
fn a_busy_beginning_is_no_rise() {
    let run = healthy().metric(IDLE, RISE, Some(30_000)).metric(RISE, RISE + 3000, Some(40_000));
    let run = run.metric(RISE + 3000, CLEANUP, Some(20_000)).hpas(|at, hpa| {
        if at < RISE {
            hpa.current_metrics.iter_mut().for_each(|metric| metric.average_value = Some(Milli(30_000)));
        }
    });
    run.metric(0, IDLE, Some(30_000)).assert_inconclusive(MetricFollowsLoad, "falls under load");
}

/// DCGM_INT32_BLANK + 2 in thousandths: a field that the device does not support.
const BLANK: i64 = 2_147_483_634_000;

#[test]
fn a_wild_value_without_load_is_named_and_no_matter_of_the_target() {
    let run = healthy().metric(IDLE, IDLE + 3000, Some(BLANK));
    run.assert_inconclusive(
        IdleHolds,
        "=2147483634 at the metrics API lies far outside of the metric's range 0 to 100",
    );
    run.assert_inconclusive(IdleHolds, "it is no measurement, but a blank value or an error of the exporter");
    let percent_for_ratio = healthy().metric(IDLE, IDLE + 3000, Some(90_000));
    percent_for_ratio.assert_inconclusive(IdleHolds, "the target is below the idle value or in another unit");
}

#[test]
fn a_wild_value_at_any_hop_is_named_instead_of_a_unit() {
    let run =
        healthy().metric(RISE, CLEANUP, Some(20_000)).readings(MetricHop::Exporter, RISE, RISE + 5000, |result| {
            edit_samples(result, |sample| sample.value = Some(Milli(BLANK)));
        });
    run.assert_inconclusive(MetricFollowsLoad, "=2147483634 at the exporter lies far outside of the metric's range");
    let of_others = healthy().metric(RISE, CLEANUP, Some(20_000)).readings(MetricHop::Exporter, 0, CLEANUP, |result| {
        edit_samples(result, |sample| {
            if sample.object.is_none() {
                sample.value = Some(Milli(BLANK));
            }
        });
    });
    assert!(!of_others.evaluate(MetricFollowsLoad).reason.contains("far outside"));
}

/// One value outside of the range, and the range bounds no value of the run any more.
#[test]
fn a_range_that_a_value_contradicts_is_a_finding() {
    let has_finding = |run: &RunFixture, text: &str| {
        let findings = run.evaluate(MetricFollowsLoad).findings;
        findings.iter().any(|finding| finding.contains(text))
    };
    let text = "have a value outside of the metric's range 0 to 100, the first ollama-";
    let run = healthy().metric(FALL + 1000, FALL + 2000, Some(101_000));
    assert!(has_finding(&run, text) && !has_finding(&healthy(), "range"), "{:?}", run.evaluate(MetricFollowsLoad));
}

#[test]
fn a_wild_value_is_neither_traffic_nor_an_idle_value_to_exceed() {
    let wild = |from, to| {
        healthy().readings(MetricHop::Exporter, from, to, |result| {
            edit_samples(result, |sample| sample.value = Some(Milli(BLANK)));
        })
    };
    let text = "receive traffic through the Service";
    wild(0, RISE).assert_passes(NewPodsServe, text);
    let flat = [MetricHop::Store, MetricHop::Api].into_iter().fold(wild(RISE, u64::MAX), |run, hop| {
        run.readings(hop, 0, u64::MAX, |result| edit_samples(result, |sample| sample.value = Some(Milli(0))))
    });
    assert!(!flat.evaluate(NewPodsServe).reason.contains(text), "{}", flat.evaluate(NewPodsServe).reason);
}
