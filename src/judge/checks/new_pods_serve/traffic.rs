//! (b) of ScaleUp/NewPodsServe: a new pod's share of the traffic through the Service shows in its metric. A missing
//! share is a FAIL only where chance, the metric lag and the sampling interval cannot explain it.

use super::device_activity::{describe_unknown_placement, evaluate_device_activity};
use super::sampling::MetricSampling;
use crate::bounds::SLACK;
use crate::judge::check_result::{CheckResult, format_ms};
use crate::judge::diagnosis::pod_activity::{IdlePeaks, pod_value, was_probed_near};
use crate::judge::diagnosis::single_destination;
use crate::judge::endpoint_chance::{MAX_FALSE_FAIL_ODDS, odds_of_none};
use crate::judge::run_view::{MAX_UNCHANGED_MS, ObservedItem, RunView, SharedValues, TargetPod};
use crate::model::observation::Observation;
use crate::model::reading::{MetricHop, MetricReading};
use crate::model::scenario::EndpointType;
use crate::units::Milli;

/// Evaluates whether the pod's share of the traffic shows.
pub(super) fn evaluate_traffic(view: &RunView<'_>, pod: &TargetPod<'_>) -> CheckResult {
    let name = pod.name();
    let Some((ready, snapshot)) = pod.first_ready() else {
        return CheckResult::pending(format!("pod {name} is not Ready yet"));
    };
    let end = view.load_span().map_or(0, |(_, end)| end);
    if let Some((o, endpoints)) = view
        .endpoints
        .iter()
        .rfind(|(o, _)| o.at_ms <= end)
        .filter(|(_, endpoints)| endpoints.selector.iter().any(|(k, v)| snapshot.labels.get(k) != Some(v)))
    {
        let selector: Vec<String> = endpoints.selector.iter().map(|(k, v)| format!("{k}={v}")).collect();
        return CheckResult::inconclusive(format!(
            "the selector {} of Service {} misses pod {name}; select by labels that all pods of the target have",
            selector.join(","),
            endpoints.service
        ))
        .with_cites([o.seq]);
    }
    let idle = IdlePeaks::collect(view);
    let from = ready.at_ms + view.times.metric_lag().total_ms();
    if let Some((o, value, hop)) = find_service_traffic(view, pod, &idle) {
        let (value, peak) = (Milli(value), Milli(idle.at(hop)));
        let text = format!("its metric is {value} at the {} (at most {peak} without load)", hop.as_str());
        let result = evaluate_own_work(view, pod, &text, (ready.at_ms, end)).with_cites([o.seq]);
        return evaluate_device_activity(view, pod, result, (from, end));
    }
    if let Some((o, value, hop)) = own_activity(view, pod, &idle).last() {
        return evaluate_activity_of_no_endpoint(view, pod, ready.at_ms, (value, hop.as_str())).with_cites([o.seq]);
    }
    evaluate_no_traffic(view, pod, (ready.at_ms, from), end)
}

/// The first reading that shows the pod's traffic through the Service, with the value and the hop.
pub(in crate::judge) fn find_service_traffic<'a>(
    view: &RunView<'a>,
    pod: &TargetPod<'_>,
    idle: &IdlePeaks,
) -> Option<OwnActivity<'a>> {
    let is_endpoint = |at_ms: u64| !has_service(view) || view.is_endpoint_at(pod.name(), at_ms) == Some(true);
    own_activity(view, pod, idle).find(|(o, ..)| is_endpoint(o.at_ms))
}

/// A reading that shows the activity of a pod, the value in thousandths, and the hop.
type OwnActivity<'a> = (&'a Observation, i64, MetricHop);

/// The readings under load that show activity of the pod which our direct chat did not cause. Nothing of its own can show
/// before the metric's lag has passed.
fn own_activity<'a>(
    view: &RunView<'a>,
    pod: &TargetPod<'_>,
    idle: &IdlePeaks,
) -> impl DoubleEndedIterator<Item = OwnActivity<'a>> {
    let ready_ms = pod.first_ready().map(|(ready, _)| ready.at_ms);
    let end = view.load_span().map_or(0, |(_, end)| end);
    let readings = ready_ms.map(|ready| view.readings_in(ready + view.times.metric_lag().total_ms()..=end));
    readings.unwrap_or_default().iter().filter_map(move |(o, reading)| {
        let value = pod_value(view, reading, pod.name(), ready_ms?)?;
        let is_own = !was_probed_near(view, pod.name(), reading.requested_ms, o.at_ms);
        (is_own && idle.is_activity(view, reading.hop, value)).then_some((*o, value, reading.hop))
    })
}

/// With `type: URL` the load goes to an endpoint that is not the run's own, and no Service is observed.
pub(super) fn has_service(view: &RunView<'_>) -> bool {
    view.records.scenario.endpoint.kind != EndpointType::Url
}

fn describe_unobserved_service(name: &str) -> String {
    format!(
        "the load goes to a URL, so no Service was observed that may send chats to pod {name}: its activity alone shows them"
    )
}

/// Evaluates a pod that was active only while it was no ready endpoint: an exporter may show it the work of another pod
/// or of another client.
fn evaluate_activity_of_no_endpoint(
    view: &RunView<'_>,
    pod: &TargetPod<'_>,
    ready_ms: u64,
    (value, hop): (i64, &str),
) -> CheckResult {
    let name = pod.name();
    let end = view.load_span().map_or(0, |(_, end)| end);
    // A pod that restarts is no endpoint meanwhile, and an exporter may show its old value.
    let loss = pod.readiness_loss(ready_ms, end).map_or(String::new(), |loss| format!("; the pod {}", loss.describe()));
    let known = match view.endpoints.last() {
        Some((_, endpoints)) => format!("the pod was no ready endpoint of Service {} then", endpoints.service),
        None => "no endpoints of the Service were observed".to_owned(),
    };
    let text = format!(
        "the metric of pod {name} is {} at the {hop}, but {known}: whose chats caused it is not known{loss}",
        Milli(value)
    );
    let is_early = view.now_ms() < ready_ms + view.times.new_connections().lenient_ms();
    if view.is_under_load() && is_early { CheckResult::pending(text) } else { CheckResult::inconclusive(text) }
}

/// Evaluates a pod whose metric shows activity. Where it shares its device, the activity may be that of another pod: an
/// exporter may report the value of the whole device for each of its pods.
fn evaluate_own_work(
    view: &RunView<'_>,
    pod: &TargetPod<'_>,
    activity: &str,
    (ready_ms, end): (u64, u64),
) -> CheckResult {
    let through = if has_service(view) { "the Service" } else { "the load's URL" };
    let pass = CheckResult::pass(format!("receives traffic through {through}: {activity}"));
    let pass = if has_service(view) { pass } else { pass.with_finding(describe_unobserved_service(pod.name())) };
    let Some(sharing) = view.find_device_sharing(pod) else { return pass };
    let (name, device, others) = (pod.name(), &sharing.device, sharing.others_text());
    let shares = if sharing.is_certain { "shares" } else { "may share" };
    let observed = match view.compare_shared_values(name, &sharing) {
        SharedValues::Differ { seq } => return pass.with_cites([seq]),
        // NewPodsRunOnAccelerators names the possible sharing.
        SharedValues::NeverTogether if !sharing.is_certain => return pass,
        SharedValues::Equal => "every reading of exporter and store has the same value for them",
        SharedValues::NeverTogether => "no reading of exporter and store has values of two of them at one time",
    };
    let text = format!(
        "pod {name}: {activity}, but it {shares} {device} with {others}, and {observed}: the value may \
         be that of the whole device, so it is no evidence of the pod's own work. Give each pod a device of its own (an \
         exclusive GPU or a MIG instance), or use an exporter that reports each pod's own share"
    );
    let since_ms = ready_ms.max(last_probe_end(view, name));
    let is_pending = view.is_under_load() && end < since_ms + view.times.traffic_visible().lenient_ms();
    if is_pending { CheckResult::pending(text) } else { CheckResult::inconclusive(text) }
}

fn evaluate_no_traffic(view: &RunView<'_>, pod: &TargetPod<'_>, (ready_ms, from): (u64, u64), end: u64) -> CheckResult {
    let name = pod.name();
    let endpoint = endpoint_ready_since(view, name, end);
    // A connection counts once its status line came. Those in flight when the endpoint became ready are older than it,
    // and the nodes learn of the endpoint within the slack.
    let since = endpoint.map_or(ready_ms, |(since, _)| since.max(ready_ms)) + SLACK.ms();
    let load_at = |ms: u64| view.loads.iter().take_while(|(o, _)| o.at_ms <= ms).last().map(|(_, load)| *load);
    let before = load_at(since).map_or(0, |load| load.answered_connections + load.in_flight);
    // The metric cannot show those of the last metric lag yet.
    let shown_ms = end.saturating_sub(view.times.metric_lag().lenient_ms());
    let opened = load_at(shown_ms).map_or(0, |load| load.answered_connections).saturating_sub(before);
    let endpoints = endpoint.map_or(view.expected_replicas, |(_, most)| most);
    let text = format!("pod {name} shows no traffic after {opened} connections to {endpoints} ready endpoints");
    let readings: Vec<u64> = activity_times(view, (name, ready_ms), from, end);
    let sampling = MetricSampling::observe(view, readings.first().map_or(end, |first| *first), end);
    let odds = odds_of_none(endpoints, sampling.visible_chats(opened));
    let may_be_chance = endpoint.is_some() && odds >= MAX_FALSE_FAIL_ODDS && !readings.is_empty();
    let bound = if may_be_chance { view.times.new_connections() } else { view.times.traffic_visible() };
    // A chat that loads a model may take minutes, and covers the traffic of that time.
    let is_overdue = end >= ready_ms.max(last_probe_end(view, name)) + bound.lenient_ms();
    if !is_overdue && view.is_under_load() {
        return CheckResult::pending(text);
    }
    if readings.is_empty() {
        return CheckResult::inconclusive(describe_missing_readings(view, (name, ready_ms), from, end));
    }
    let few_connections = odds_of_none(endpoints, opened) >= MAX_FALSE_FAIL_ODDS;
    if endpoint.is_none() || few_connections || !is_read_often_enough(view, &readings, end) {
        let cause = single_destination::describe_session_affinity(view, end);
        return CheckResult::inconclusive(cause.map_or(text.clone(), |cause| format!("{text}; {cause}")));
    }
    if let Some(cause) = single_destination::describe(view, (from, end)) {
        return CheckResult::inconclusive(format!("{text}, which chance does not explain; but {cause}"));
    }
    if let Some((series, _)) =
        view.records.scenario.metric.profile_series().filter(|(_, series)| series.zero_while_busy)
    {
        return CheckResult::inconclusive(format!(
            "{text}; but {series} may be 0 while the pod works, so it cannot show that the pod gets none: scale on a metric of \
             the work itself, as requests that run"
        ));
    }
    if let Some(cause) = sampling.describe_too_few() {
        return CheckResult::inconclusive(format!("{text}; {cause}"));
    }
    if odds >= MAX_FALSE_FAIL_ODDS {
        return CheckResult::inconclusive(format!("{text}; {}", sampling.describe_missed(odds)));
    }
    if !is_overdue {
        return CheckResult::inconclusive(text);
    }
    let placement = describe_unknown_placement(view, name);
    CheckResult::fail(format!("{text}, which has a probability of {odds:.0e} by chance{placement}"))
}

/// When the last direct chat to the pod under load ended; 0 without one.
pub(super) fn last_probe_end(view: &RunView<'_>, name: &str) -> u64 {
    view.probes.iter().filter(|(_, probe)| probe.pod == name).map(|(o, _)| o.at_ms).max().unwrap_or(0)
}

/// Why no reading can show the traffic of a pod.
fn describe_missing_readings(view: &RunView<'_>, (name, ready_ms): (&str, u64), from: u64, end: u64) -> String {
    let has_series =
        |(_, reading): &&ObservedItem<'_, MetricReading>| pod_value(view, reading, name, ready_ms).is_some();
    let covered = view.readings_in(from..=end).iter().filter(has_series).count();
    let probe = view.probes.iter().rfind(|(_, probe)| probe.pod == name).filter(|_| covered > 0);
    match probe {
        Some((o, probe)) => format!(
            "pod {name}: each of the {covered} readings of its metric under load lies within the direct chat to it or within the \
             metric lag after it. The chat took {} (a first chat loads the model), and the load ended {} after it: too soon \
             to show the traffic of the Service",
            format_ms(o.at_ms.saturating_sub(probe.began_ms)),
            format_ms(end.saturating_sub(o.at_ms))
        ),
        None => format!("no readable hop has a series of pod {name}"),
    }
}

/// Since when the pod is a ready endpoint without interruption until the load's end, and the largest number of ready
/// endpoints since then.
fn endpoint_ready_since(view: &RunView<'_>, name: &str, end: u64) -> Option<(u64, i32)> {
    let snapshots: Vec<_> = view.endpoints.iter().filter(|(o, _)| o.at_ms <= end).collect();
    let with_pod =
        snapshots.iter().rev().take_while(|(_, endpoints)| endpoints.ready_pods.iter().any(|pod| pod == name));
    let most = with_pod.clone().map(|(_, endpoints)| endpoints.ready_pods.len()).max()?;
    let (first, _) = with_pod.last()?;
    Some((first.at_ms, i32::try_from(most).unwrap_or(i32::MAX)))
}

/// The times at which the pod's metric was read while no probe can show in it.
fn activity_times(view: &RunView<'_>, (name, ready_ms): (&str, u64), from: u64, end: u64) -> Vec<u64> {
    let readings = view.readings_in(from..=end).iter().filter(|(o, reading)| {
        pod_value(view, reading, name, ready_ms).is_some()
            && !was_probed_near(view, name, reading.requested_ms, o.at_ms)
    });
    readings.map(|(o, _)| o.at_ms).collect()
}

/// True when the metric was read often enough not to miss traffic: for at least one metric lag, and without gaps.
fn is_read_often_enough(view: &RunView<'_>, readings: &[u64], end: u64) -> bool {
    let Some(first) = readings.first() else { return false };
    let next = readings.iter().skip(1).chain(std::iter::once(&end));
    let longest = readings.iter().zip(next).map(|(one, next)| next.saturating_sub(*one)).max().unwrap_or(0);
    longest <= MAX_UNCHANGED_MS && end.saturating_sub(*first) >= view.times.metric_lag().lenient_ms()
}
