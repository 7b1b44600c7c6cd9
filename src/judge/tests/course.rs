//! What a metric that did not follow the load looked like on its way.

use super::run::{CLEANUP, IDLE, RISE, Run, healthy, recorded, samples};
use crate::judge::Check::MetricFollowsLoad;
use crate::record::reading::{Answer, Hop};
use crate::units::Milli;

/// Every value of a hop as another function of itself, thousandths.
fn mapped(run: Run, hop: Hop, value: impl Fn(i64) -> i64) -> Run {
    run.readings(hop, 0, u64::MAX, |answer| {
        samples(answer, |sample| sample.value = sample.value.map(|milli| Milli(value(milli.0))));
    })
}

fn unread(run: Run, hop: Hop) -> Run {
    run.readings(hop, 0, u64::MAX, |answer| *answer = Answer::NotReadable("forbidden".to_owned()))
}

#[test]
fn a_series_that_is_frozen_on_its_way_names_the_last_hop_that_moves() {
    let run = mapped(healthy(), Hop::Api, |_| 0);
    run.unclear(MetricFollowsLoad, "the metric stands still at the metrics API while it moves at the store");
    run.unclear(MetricFollowsLoad, "store 0 without load, 0 to 100 under it; metrics API 0 without load, 0 under it");
}

#[test]
fn an_exporter_that_repeats_one_value_is_named() {
    let run = [Hop::Exporter, Hop::Store, Hop::Api].into_iter().fold(healthy(), |run, hop| mapped(run, hop, |_| 0));
    run.unclear(MetricFollowsLoad, "the metric stands still from the exporter on");
    let alone = unread(unread(run, Hop::Exporter), Hop::Store);
    alone.unclear(MetricFollowsLoad, "no hop before the metrics API could be read");
}

#[test]
fn a_wrong_sign_is_named() {
    recorded("wrong-sign").unclear(MetricFollowsLoad, "the metric falls under load, which is the wrong sign");
}

#[test]
fn a_unit_that_changes_on_the_way_is_named() {
    let run = mapped(healthy(), Hop::Api, |milli| milli / 100);
    run.unclear(MetricFollowsLoad, "the metric rises, but in another unit than at the exporter");
}

#[test]
fn a_metric_that_stays_below_its_target_is_no_matter_of_units() {
    let run =
        [Hop::Exporter, Hop::Store, Hop::Api].into_iter().fold(healthy(), |run, hop| mapped(run, hop, |m| m / 10));
    run.unclear(MetricFollowsLoad, "give more load, lower the target 60");
}

#[test]
fn a_load_that_failed_is_not_blamed_on_the_metric() {
    let run = healthy().metric(IDLE, CLEANUP, Some(0)).loads(|_, load| (load.good, load.failed) = (0, 40));
    run.unclear(MetricFollowsLoad, "most chats failed, so there was little to follow");
}

#[test]
fn a_metric_that_moves_otherwise_than_the_load_is_named() {
    let run = healthy().metric(IDLE, RISE, Some(20_000)).metric(RISE, RISE + 5000, Some(20_000));
    let run = run.metric(RISE + 5000, CLEANUP, Some(20_000)).metric(IDLE, IDLE + 3000, Some(10_000));
    run.unclear(MetricFollowsLoad, "the metric does not rise with the load");
}

#[test]
fn a_busy_beginning_is_no_rise() {
    let run = healthy().metric(IDLE, RISE, Some(30_000)).metric(RISE, RISE + 3000, Some(40_000));
    let run = run.metric(RISE + 3000, CLEANUP, Some(20_000)).hpas(|at, hpa| {
        if at < RISE {
            hpa.metrics.iter_mut().for_each(|metric| metric.average = Some(Milli(30_000)));
        }
    });
    run.metric(0, IDLE, Some(30_000)).unclear(MetricFollowsLoad, "falls under load");
}
