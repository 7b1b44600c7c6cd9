//! (b) of ScaleUp/NewPodsServe: a new pod's share of the traffic by the Service shows in its activity. That none shows blames
//! the platform only where chance, the pipeline's lag and its sampling cannot explain it.

use std::collections::BTreeMap;

use crate::bounds::SLACK;
use crate::hpa::{self, MetricInput};
use crate::judge::check_result::{CheckResult, format_ms};
use crate::judge::run_view::{MAX_READING_GAP_MS, RunView, TargetPod};
use crate::model::reading::MetricReading;
use crate::units::Milli;

/// Chance of a false blame that is accepted: a pod that is in the balance, and takes none of n connections.
const MAX_FALSE_FAIL_ODDS: f64 = 1e-6;

/// Two readings may be so far apart and still be of one unbroken watch: an unchanged reading of the store or the
/// exporter is noted every 10 s, and a poll or two may be missed.
const MAX_UNCHANGED_MS: u64 = 10_000 + MAX_READING_GAP_MS;

/// Whether its share of the traffic shows.
pub(super) fn evaluate_traffic(view: &RunView<'_>, life: &TargetPod<'_>) -> CheckResult {
    let name = life.name();
    let Some((ready, pod)) = life.first_ready() else {
        return CheckResult::pending(format!("pod {name} is not Ready yet"));
    };
    let end = view.load_span().map_or(0, |(_, end)| end);
    if let Some((o, seen)) = view
        .endpoints
        .iter()
        .rfind(|(o, _)| o.at_ms <= end)
        .filter(|(_, seen)| seen.selector.iter().any(|(k, v)| pod.labels.get(k) != Some(v)))
    {
        let selector: Vec<String> = seen.selector.iter().map(|(k, v)| format!("{k}={v}")).collect();
        return CheckResult::inconclusive(format!(
            "the selector {} of Service {} misses pod {name}; select by labels that every pod of the target carries",
            selector.join(","),
            seen.service
        ))
        .with_cites([o.seq]);
    }
    let baseline = baseline_peak(view);
    let floor = baseline + tenth_of_target(view);
    let from = ready.at_ms + view.times.metric_lag().total_ms();
    let activity = view.readings.iter().find_map(|(o, reading)| {
        let value = pod_value(reading, name)?;
        let in_time = o.at_ms >= from && o.at_ms <= end && !was_probed_near(view, name, reading.requested_ms, o.at_ms);
        (in_time && value > floor).then_some((o.seq, value, reading.hop.as_str()))
    });
    if let Some((seq, value, hop)) = activity {
        return CheckResult::pass(format!(
            "takes traffic by the Service: its activity is {} at the {hop} with no probe running (idle at most {})",
            Milli(value),
            Milli(baseline)
        ))
        .with_cites([seq]);
    }
    evaluate_no_traffic(view, life, (ready.at_ms, from), end)
}

fn evaluate_no_traffic(
    view: &RunView<'_>,
    life: &TargetPod<'_>,
    (ready_ms, from): (u64, u64),
    end: u64,
) -> CheckResult {
    let name = life.name();
    let balance = endpoint_ready_since(view, name, end);
    // A connection counts once its status line came; those in flight when the pod came in are older than it, and the
    // nodes hear of it a moment later.
    let since = balance.map_or(ready_ms, |(since, _)| since.max(ready_ms)) + SLACK.ms();
    let at = |ms: u64| view.loads.iter().take_while(|(o, _)| o.at_ms <= ms).last().map(|(_, load)| *load);
    let before = at(since).map_or(0, |load| load.answered_connections + load.in_flight);
    let opened = at(end).map_or(0, |load| load.answered_connections).saturating_sub(before);
    let pods = balance.map_or(view.expected_replicas, |(_, most)| most);
    let text = format!("pod {name} shows no traffic after {opened} connections to {pods} ready endpoints");
    // The chance that a pod in the balance of N takes none of n connections is (1 - 1/N)^n.
    let odds = (1.0 - 1.0 / f64::from(pods.max(1))).powf(f64::from(u32::try_from(opened).unwrap_or(u32::MAX)));
    let readings: Vec<u64> = activity_times(view, name, from, end);
    let may_be_chance = balance.is_some() && odds >= MAX_FALSE_FAIL_ODDS && !readings.is_empty();
    let bound = if may_be_chance { view.times.new_connections() } else { view.times.traffic_visible() };
    let waited_out = end >= ready_ms + bound.lenient_ms();
    if !waited_out && view.is_under_load() {
        return CheckResult::pending(text);
    }
    if readings.is_empty() {
        return CheckResult::inconclusive(format!("no readable hop shows the activity of pod {name} by itself"));
    }
    if balance.is_none() || odds >= MAX_FALSE_FAIL_ODDS || !waited_out || !is_read_often_enough(view, &readings, end) {
        return CheckResult::inconclusive(text);
    }
    let watched_ms = readings.first().map_or(0, |first| end.saturating_sub(*first));
    match shortest_sample_interval(view, end) {
        Some(ms) if watched_ms >= 2 * ms => {
            CheckResult::fail(format!("{text}, of which chance alone gives {odds:.0e}"))
        }
        Some(ms) => CheckResult::inconclusive(format!(
            "{text}; its metric, seen to change every {} at most often, was watched for {} of them",
            format_ms(ms),
            format_ms(watched_ms)
        )),
        None => CheckResult::inconclusive(format!(
            "{text}; no value of the metric was seen to change twice, so how often it is sampled is not known"
        )),
    }
}

/// The shortest time between two changes of a value of one pod's own, milliseconds: the metric is sampled as often as that,
/// whatever was assumed. Of a pod whose samples are older than its share of the load no traffic shows.
fn shortest_sample_interval(view: &RunView<'_>, end: u64) -> Option<u64> {
    let lives = view.target_pods();
    let mut last = BTreeMap::new();
    let mut least = None::<u64>;
    for (o, reading) in view.readings.iter().filter(|(o, _)| o.at_ms <= end) {
        for sample in reading.samples().unwrap_or_default() {
            let Some(value) = sample.value else { continue };
            let Some(pod) = lives.iter().map(TargetPod::name).find(|pod| sample.object.as_deref() == Some(pod)) else {
                continue;
            };
            let (known, changed) = last.entry((reading.hop, pod, &sample.labels)).or_insert((value, None));
            if *known != value {
                least = least.into_iter().chain(changed.map(|at| o.at_ms - at)).min();
                (*known, *changed) = (value, Some(o.at_ms));
            }
        }
    }
    least
}

/// Since when the pod is a ready endpoint, without a break until the load's end, and the most endpoints since then.
fn endpoint_ready_since(view: &RunView<'_>, name: &str, end: u64) -> Option<(u64, i32)> {
    let seen: Vec<_> = view.endpoints.iter().filter(|(o, _)| o.at_ms <= end).collect();
    let with = seen.iter().rev().take_while(|(_, seen)| seen.ready_pods.iter().any(|pod| pod == name));
    let most = with.clone().map(|(_, seen)| seen.ready_pods.len()).max()?;
    let (first, _) = with.last()?;
    Some((first.at_ms, i32::try_from(most).unwrap_or(i32::MAX)))
}

/// When the pod's activity was read with no probe in it.
fn activity_times(view: &RunView<'_>, name: &str, from: u64, end: u64) -> Vec<u64> {
    let read = view.readings.iter().filter(|(o, reading)| {
        (from..=end).contains(&o.at_ms)
            && pod_value(reading, name).is_some()
            && !was_probed_near(view, name, reading.requested_ms, o.at_ms)
    });
    read.map(|(o, _)| o.at_ms).collect()
}

/// Read often enough for traffic not to be missed: for a lag and more, and nowhere less than an unchanged reading is
/// noted again.
fn is_read_often_enough(view: &RunView<'_>, readings: &[u64], end: u64) -> bool {
    let Some(first) = readings.first() else { return false };
    let next = readings.iter().skip(1).chain(std::iter::once(&end));
    let widest = readings.iter().zip(next).map(|(read, next)| next.saturating_sub(*read)).max().unwrap_or(0);
    widest <= MAX_UNCHANGED_MS && end.saturating_sub(*first) >= view.times.metric_lag().lenient_ms()
}

/// The highest activity of any pod of the target without load, thousandths.
fn baseline_peak(view: &RunView<'_>) -> i64 {
    let Some((began, ended)) = view.baseline_span() else { return 0 };
    let to = ended.unwrap_or(u64::MAX);
    let lives = view.target_pods();
    let idle = view.readings.iter().filter(|(o, _)| (began..=to).contains(&o.at_ms));
    idle.flat_map(|(_, reading)| lives.iter().filter_map(|life| pod_value(reading, life.name()))).max().unwrap_or(0)
}

/// A tenth of the target: what sets activity apart from noise.
fn tenth_of_target(view: &RunView<'_>) -> i64 {
    let spec = &view.records.scenario.hpa.spec;
    let target = match hpa::metric_from_spec(spec, &view.records.scenario.namespace, &[]) {
        Some(MetricInput::Pods { target_average_value_milli, .. }) => Some(target_average_value_milli),
        Some(MetricInput::Object { target, .. } | MetricInput::External { target, .. }) => {
            target.average_value_milli.or(target.value_milli)
        }
        None => None,
    };
    target.unwrap_or(0) / 10
}

fn pod_value(reading: &MetricReading, pod: &str) -> Option<i64> {
    let samples = reading.samples()?;
    samples.iter().filter(|s| s.object.as_deref() == Some(pod)).filter_map(|s| s.value).map(|v| v.0).max()
}

/// True when a probe of this pod may show in a reading: it ran within the lag before it, or at the time.
fn was_probed_near(view: &RunView<'_>, pod: &str, asked_ms: u64, at_ms: u64) -> bool {
    let reach = view.times.metric_lag().total_ms() + SLACK.ms();
    view.probes.iter().any(|(o, probe)| probe.pod == pod && probe.began_ms <= at_ms && o.at_ms + reach >= asked_ms)
}
