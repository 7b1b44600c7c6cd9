//! The figures of a run, from its observations. They decide nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::checks::find_service_traffic;
use super::diagnosis::pod_activity::IdlePeaks;
use super::run_view::{MAX_UNCHANGED_MS, RunView, TargetPod};
use crate::bounds::SLACK;
use crate::model::figures::{PodFigures, RunFigures, SizeFigures};
use crate::model::observation::{EventSnapshot, LoadSnapshot, Phase};
use crate::units::Milli;

/// Computes the figures.
pub(super) fn compute_figures(view: &RunView<'_>) -> RunFigures {
    let Some((began, end)) = view.load_span() else { return RunFigures::default() };
    let mut asks = view.readings_before_scale_up(began).into_iter();
    let asked_ms = asks.find(|(_, size)| *size > view.min_replicas).map(|(reading, _)| reading.received_ms);
    let changed_ms = |from_ms: u64, is: &dyn Fn(i32, i32) -> bool| {
        let mut later = view.size_changes.iter().filter(|change| change.at_ms >= from_ms);
        later.find(|change| is(change.from, change.to)).map(|change| change.at_ms)
    };
    let since = |from_ms: Option<u64>, to_ms: Option<u64>| Some(to_ms?.saturating_sub(from_ms?));
    let rise_ms = changed_ms(began, &|from, to| to > from);
    // The load of an interrupted run has no end of its own.
    let ended_ms = view.phase_start(Phase::ScaleDown);
    let fall_ms = |is: &dyn Fn(i32, i32) -> bool| since(ended_ms, changed_ms(ended_ms?, is));
    let idle = IdlePeaks::collect(view);
    RunFigures {
        detection_ms: since(Some(began), asked_ms),
        decision_ms: since(asked_ms, rise_ms),
        new_pods: view.new_pods().into_iter().map(|pod| start_of(view, pod, &idle)).collect(),
        scale_down_ms: fall_ms(&|from, to| to < from),
        back_at_min_ms: fall_ms(&|_, to| to <= view.min_replicas),
        accelerator_seconds: accelerator_seconds(view),
        sizes: sizes(view, (began, end)),
    }
}

fn start_of(view: &RunView<'_>, pod: &TargetPod<'_>, idle: &IdlePeaks) -> PodFigures {
    let seen_ms = pod.first_seen_ms();
    // The target and its pods are watched apart.
    let asks = view.size_changes.iter().rfind(|change| change.to > change.from && change.at_ms <= seen_ms + SLACK.ms());
    let asked_ms = asks.map_or(seen_ms, |change| change.at_ms.min(seen_ms));
    let ready = pod.first_ready();
    let endpoint = view.endpoints.iter().find(|(_, one)| one.ready_pods.iter().any(|name| name == pod.name()));
    let traffic = find_service_traffic(view, pod, idle);
    let since_asked = |at_ms: u64| at_ms.saturating_sub(asked_ms);
    let event = |reason: &str| find_event(view, pod, reason);
    PodFigures {
        pod: pod.name().to_owned(),
        ready_ms: ready.map(|(o, _)| since_asked(o.at_ms)),
        endpoint_ms: endpoint.map(|(o, _)| since_asked(o.at_ms)),
        traffic_ms: traffic.map(|(o, ..)| since_asked(o.at_ms)),
        image_pull_ms: between(event("Pulling"), event("Pulled")),
        start_ms: between(event("Started"), ready.and_then(|(_, snapshot)| snapshot.ready_since)),
    }
}

/// The time of the first event of a pod with this reason.
fn find_event(view: &RunView<'_>, pod: &TargetPod<'_>, reason: &str) -> Option<Timestamp> {
    let is_of_pod = |event: &EventSnapshot| Some(event.uid.as_str()) == pod.uid() && event.reason == reason;
    view.events.iter().find(|(_, event)| is_of_pod(event)).and_then(|(_, event)| event.first_timestamp)
}

/// Milliseconds from one time of the cluster to another, later one.
fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<u64> {
    u64::try_from(to?.duration_since(from?).as_millis()).ok()
}

/// Each pod holds what it requests from when it is on a node until it is gone. `None` without accelerators.
fn accelerator_seconds(view: &RunView<'_>) -> Option<u64> {
    let end_ms = view.end_ms();
    let held_ms = view.target_pods().iter().filter_map(|pod| {
        let (scheduled, snapshot) = pod.observations.iter().find(|(_, snapshot)| snapshot.node.is_some())?;
        let until_ms = pod.gone_ms.map_or(end_ms, |gone| gone.min(end_ms));
        let requested = view.count_accelerators(snapshot);
        (requested > 0).then(|| requested.saturating_mul(until_ms.saturating_sub(scheduled.at_ms)))
    });
    let held_ms = held_ms.fold(None, |sum: Option<u64>, ms| Some(sum.unwrap_or(0).saturating_add(ms)));
    held_ms.map(|ms| ms / 1000)
}

/// What was observed with one number of Ready pods.
#[derive(Default)]
struct SizeTotals {
    load: SizeFigures,
    ttft_us: Option<u64>,
    /// The sum of value times milliseconds, and the milliseconds.
    metric: (i128, u64),
}

fn sizes(view: &RunView<'_>, (began, end): (u64, u64)) -> Vec<SizeFigures> {
    let mut totals: BTreeMap<usize, SizeTotals> = BTreeMap::new();
    let same_size = |from_ms: u64, to_ms: u64| {
        let pods = view.ready_pods_at(from_ms);
        (pods > 0 && pods == view.ready_pods_at(to_ms)).then_some(pods)
    };
    let loads: Vec<_> = view.loads.iter().filter(|(o, _)| (began..=end).contains(&o.at_ms)).collect();
    for ((from, before), (to, after)) in loads.iter().zip(loads.iter().skip(1)) {
        if let Some(pods) = same_size(from.at_ms, to.at_ms) {
            totals.entry(pods).or_default().add_load(to.at_ms.saturating_sub(from.at_ms), before, after);
        }
    }
    let readings: Vec<_> = view.api_readings_in(began, end).collect();
    for (reading, next) in readings.iter().zip(readings.iter().skip(1)) {
        let ms = next.received_ms.saturating_sub(reading.received_ms);
        let Some(value) = reading.value_milli().filter(|_| ms <= MAX_UNCHANGED_MS) else { continue };
        if let Some(pods) = same_size(reading.received_ms, next.received_ms) {
            let (sum, total_ms) = &mut totals.entry(pods).or_default().metric;
            *sum += i128::from(value) * i128::from(ms);
            *total_ms = total_ms.saturating_add(ms);
        }
    }
    totals.into_iter().map(|(pods, one)| one.into_figures(pods)).collect()
}

impl SizeTotals {
    fn add_load(&mut self, ms: u64, before: &LoadSnapshot, after: &LoadSnapshot) {
        let requests = after.succeeded.saturating_sub(before.succeeded);
        self.load.observed_ms = self.load.observed_ms.saturating_add(ms);
        self.load.requests = self.load.requests.saturating_add(requests);
        self.load.tokens = self.load.tokens.saturating_add(after.tokens.saturating_sub(before.tokens));
        if let Some((before, after)) = before.ttft_sum_us.zip(after.ttft_sum_us) {
            let sum_us = self.ttft_us.get_or_insert(0);
            *sum_us = sum_us.saturating_add(after.saturating_sub(before));
        }
    }

    fn into_figures(self, pods: usize) -> SizeFigures {
        let (sum, ms) = self.metric;
        let mean = || i64::try_from(sum / i128::from(ms)).ok();
        SizeFigures {
            ready_pods: u32::try_from(pods).unwrap_or(u32::MAX),
            ttft_mean_us: self.ttft_us.and_then(|sum| sum.checked_div(self.load.requests)),
            metric_mean: (ms > 0).then(mean).flatten().map(Milli),
            ..self.load
        }
    }
}
