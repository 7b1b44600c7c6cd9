//! Diagnosis of a load whose connections all go to one pod of several, so that no other pod shows traffic and the metric
//! of all pods stays low.

use super::pod_activity::{IdlePeaks, pod_value, was_probed_near};
use crate::bounds::SLACK;
use crate::judge::endpoint_chance::{MAX_FALSE_FAIL_ODDS, odds_of_all};
use crate::judge::run_view::{RunView, TargetPod};
use crate::model::observation::EndpointsSnapshot;

/// The session affinity of the Service, and what it does to the connections of one client.
pub(in crate::judge) fn describe_session_affinity(view: &RunView<'_>, end: u64) -> Option<String> {
    let (_, endpoints) = view.endpoints.iter().rfind(|(o, _)| o.at_ms <= end)?;
    let affinity = endpoints.session_affinity.as_deref().filter(|affinity| *affinity != "None")?;
    Some(format!(
        "Service {} has sessionAffinity {affinity}, so all connections of one client go to one pod; remove what sets it, and run again",
        endpoints.service
    ))
}

/// Why all connections of the load may belong to one pod: the Service's own session affinity, or a distribution that a
/// hash of the client's address makes, and that random choice does not. One client cannot tell which pods others reach.
pub(in crate::judge) fn describe(view: &RunView<'_>, (from, end): (u64, u64)) -> Option<String> {
    if let Some(cause) = describe_session_affinity(view, end) {
        return Some(cause);
    }
    let (changed, endpoints) = view.endpoints.iter().rfind(|(o, _)| o.at_ms <= end)?;
    let name = find_only_active(view, changed.at_ms, endpoints, (from, end))?;
    Some(format!(
        "pod {name} alone shows traffic, of {} ready endpoints: a hash of the client's address (kube-proxy in IPVS mode with the scheduler sh, a load balancer with affinity) does that to the connections of one client; use the scheduler rr or another proxy mode, or a load balancer without affinity, and run again",
        endpoints.ready_pods.len()
    ))
}

/// The same for a whole load whose metric did not follow it: one pod alone shows traffic, and the connections are too
/// many for chance.
pub(in crate::judge) fn describe_low_metric(view: &RunView<'_>) -> Option<String> {
    let (began, end) = view.load_span()?;
    let (changed, endpoints) = view.endpoints.iter().rfind(|(o, _)| o.at_ms <= end)?;
    // Connections to both the old and the new endpoints do not count, nor those that the metric cannot show yet.
    let lag_ms = view.times.metric_lag().total_ms();
    let (since, until) = (changed.at_ms.max(began) + SLACK.ms(), end.saturating_sub(lag_ms));
    let answered = |at_ms: u64| {
        let load = view.loads.iter().take_while(|(o, _)| o.at_ms <= at_ms).last();
        load.map_or((0, 0), |(_, load)| (load.answered_connections, load.in_flight))
    };
    let (older, in_flight) = answered(since);
    let connections = answered(until).0.saturating_sub(older + in_flight);
    let count = i32::try_from(endpoints.ready_pods.len()).ok().filter(|count| *count > 1)?;
    if until <= since + lag_ms || odds_of_all(count, connections) >= MAX_FALSE_FAIL_ODDS {
        return None;
    }
    find_only_active(view, changed.at_ms, endpoints, (began, end))?;
    Some(format!("{connections} connections went to one pod: {}", describe(view, (began, end))?))
}

/// The only ready endpoint that shows traffic.
fn find_only_active<'a>(
    view: &RunView<'_>,
    changed_ms: u64,
    endpoints: &'a EndpointsSnapshot,
    (from, end): (u64, u64),
) -> Option<&'a str> {
    // A hash chooses anew when the endpoints change.
    let settled = changed_ms + view.times.metric_lag().total_ms();
    let from = if settled < end { from.max(settled) } else { from };
    let idle = IdlePeaks::collect(view);
    let is_active = |pod: &&String| {
        let lives = view.target_pods().iter().filter(|one| one.name() == pod.as_str());
        let since_ms = lives.map(TargetPod::first_seen_ms).max().unwrap_or(0);
        view.readings_in(from..=end).iter().any(|(o, reading)| {
            let value = pod_value(view, reading, pod.as_str(), since_ms);
            value.is_some_and(|value| idle.is_activity(view, reading.hop, value))
                && !was_probed_near(view, pod.as_str(), reading.requested_ms, o.at_ms)
        })
    };
    let active: Vec<&String> = endpoints.ready_pods.iter().filter(is_active).collect();
    let [only] = active.as_slice() else { return None };
    Some(only)
}
