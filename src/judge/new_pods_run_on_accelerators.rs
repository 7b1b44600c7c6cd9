//! ScaleUp/NewPodsRunOnAccelerators: every new pod becomes Ready on a node with accelerators, its device or claim
//! recorded, distinct per pod or the sharing named. A new pod that gets none though the cluster has one: FAIL. No
//! free accelerator, an image that cannot be pulled, a crash: INCONCLUSIVE, and named.

use std::collections::BTreeMap;

use super::check_result::{BoundResult, CheckResult, CheckStatus, compare_with_bound, format_ms};
use super::replicas_rise;
use super::run_view::{RunView, TargetPod};
use crate::model::observation::{EventSnapshot, NotRunningReason, PodSnapshot};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let lives = view.new_pods();
    if lives.is_empty() {
        let text = "no new pod of the target was seen";
        return if can_still_start(view) { CheckResult::pending(text) } else { CheckResult::inconclusive(text) };
    }
    let (mut words, mut all, mut worst) = (Vec::new(), CheckResult::pass(String::new()), None::<CheckResult>);
    for life in lives {
        let ruling = evaluate_pod(view, life);
        all = all.with_cites(ruling.cites.clone());
        all = ruling.findings.iter().fold(all, CheckResult::with_finding);
        words.push(ruling.reason.clone());
        if severity(&ruling) > worst.as_ref().map_or(0, severity) {
            worst = Some(ruling);
        }
    }
    if let Some(worst) = worst {
        // An autoscaler that takes pods away and adds them again always has one that is not Ready yet.
        let waited_out =
            worst.has_status(CheckStatus::Pending) && !is_in_time(view, view.times.hold().lenient_ms()).unwrap_or(true);
        return if waited_out { CheckResult { status: CheckStatus::Inconclusive, ..worst } } else { worst };
    }
    let together = max_ready_together(view);
    if i64::from(view.expected_replicas) > together {
        let text = format!(
            "only {together} of {} pods of the target were Ready at the same time: {}",
            view.expected_replicas,
            words.join("; ")
        );
        return if can_still_start(view) { CheckResult::pending(text) } else { CheckResult::inconclusive(text) };
    }
    all.reason = words.join("; ");
    match find_sharing(view) {
        Some(sharing) => all.with_finding(sharing),
        None => all,
    }
}

/// The load is on, and a pod that is made late may still start. Not for ever, whatever was not seen.
fn can_still_start(view: &RunView<'_>) -> bool {
    view.is_under_load() && is_in_time(view, 0).unwrap_or(false)
}

/// False when the expected size was reached so long ago that pods which it made late were Ready since, and this besides;
/// `None` while it was not reached.
fn is_in_time(view: &RunView<'_>, besides_ms: u64) -> Option<bool> {
    let (began, _) = view.load_span()?;
    let (_, at, _) = replicas_rise::expected_size_reached(view, began)?;
    Some(view.now_ms() < at + 2 * view.times.pod_start().lenient_ms() + besides_ms)
}

/// The most pods of the target that were Ready at the same time under load. One that only replaces another adds none.
fn max_ready_together(view: &RunView<'_>) -> i64 {
    let (lives, end) = (view.target_pods(), view.load_span().map_or(0, |(_, end)| end));
    let spans: Vec<(u64, u64)> = lives
        .iter()
        .filter_map(|life| Some((life.ready_by(end)?.0.at_ms, life.terminating_ms().unwrap_or(u64::MAX))))
        .collect();
    let at = |moment: u64| spans.iter().filter(|(ready, leaving)| *ready <= moment && moment < *leaving).count();
    spans.iter().map(|(ready, _)| at(*ready)).max().and_then(|most| i64::try_from(most).ok()).unwrap_or(0)
}

fn severity(ruling: &CheckResult) -> u8 {
    match ruling.status {
        CheckStatus::Pass => 0,
        CheckStatus::Pending => 1,
        CheckStatus::Inconclusive => 2,
        CheckStatus::Fail => 3,
    }
}

/// One new pod, by what was seen of it under load.
fn evaluate_pod(view: &RunView<'_>, life: &TargetPod<'_>) -> CheckResult {
    let name = life.name();
    let end = view.load_span().map_or(0, |(_, end)| end);
    if let Some((observation, pod)) = life.ready_by(end) {
        return evaluate_placement(view, life, pod, observation.at_ms)
            .with_cites([observation.seq])
            .with_cites(life.last_observation().map(|(o, _)| o.seq));
    }
    if life.terminating_ms().is_some_and(|leaving| leaving < end) {
        let text = format!("pod {name} was taken away before it was Ready");
        return CheckResult::pass(text.clone())
            .with_finding(text)
            .with_cites(life.last_observation().map(|(o, _)| o.seq));
    }
    evaluate_unready(view, life, end)
        .with_cites(life.observations.iter().rfind(|(o, _)| o.at_ms <= end).map(|(o, _)| o.seq))
}

fn evaluate_unready(view: &RunView<'_>, life: &TargetPod<'_>, end: u64) -> CheckResult {
    let name = life.name();
    let Some((_, last)) = life.observations.iter().rfind(|(o, _)| o.at_ms <= end) else {
        return CheckResult::inconclusive(format!("pod {name} was first seen when the load had ended"));
    };
    if let Some(trouble) = last.not_running.as_ref().filter(|trouble| is_cluster_too_small(view, last, trouble, end)) {
        return CheckResult::inconclusive(describe_shortage(view, name, trouble, end));
    }
    let trouble = find_trouble(view, life, end);
    let waited = format_ms(end.saturating_sub(life.first_seen_ms()));
    let in_time = compare_with_bound(life.first_seen_ms(), &view.times.pod_start(), None, end) == BoundResult::Pending;
    let words = trouble.as_ref().map_or(String::new(), |t| format!(": {}: {}", t.reason, t.message));
    match trouble {
        _ if in_time && view.is_under_load() => CheckResult::pending(format!("pod {name} is not Ready yet{words}")),
        Some(trouble) if is_capacity_shortage(view, last, &trouble) => {
            CheckResult::inconclusive(describe_shortage(view, name, &trouble, end))
        }
        Some(_) => {
            CheckResult::inconclusive(format!("(workload) pod {name} is not Ready {waited} after it was made{words}"))
        }
        None if in_time => CheckResult::inconclusive(format!(
            "pod {name} was not Ready when the load ended, {waited} after it was made"
        )),
        // Its containers run: that they do not answer their probe is theirs.
        None if last.phase == "Running" => CheckResult::inconclusive(format!(
            "(workload) pod {name} runs, but is not Ready {waited} after it was made"
        )),
        None => CheckResult::fail(format!(
            "pod {name} is not Ready {waited} after it was made, and nothing says why (bound {})",
            view.times.pod_start()
        )),
    }
}

/// What the scheduler or the kubelet said of the pod, in its status or in a warning.
fn find_trouble(view: &RunView<'_>, life: &TargetPod<'_>, end: u64) -> Option<NotRunningReason> {
    let told =
        life.observations.iter().rev().filter(|(o, _)| o.at_ms <= end).find_map(|(_, pod)| pod.not_running.clone());
    let object = format!("Pod/{}", life.name());
    let warned = |(o, event): &&super::run_view::ObservedItem<'_, EventSnapshot>| {
        event.object == object && event.kind == "Warning" && o.at_ms <= end
    };
    told.or_else(|| {
        let (_, event) = view.events.iter().rfind(warned)?;
        Some(NotRunningReason { reason: event.reason.clone(), message: event.message.clone() })
    })
}

/// A Ready pod: on which node, with which device?
fn evaluate_placement(view: &RunView<'_>, life: &TargetPod<'_>, pod: &PodSnapshot, ready_ms: u64) -> CheckResult {
    let node = pod.node.clone().unwrap_or_default();
    // A device plugin that restarts takes its devices away for a while; the pod keeps its own.
    let states = || view.nodes.iter().filter(|(_, seen)| seen.name == node);
    let has = |allocatable: &BTreeMap<String, i64>| allocatable.iter().any(|(r, n)| view.is_accelerator(r) && *n > 0);
    match states().next() {
        None => {
            return CheckResult::inconclusive(format!("pod {} runs on node {node}, which could not be read", pod.name));
        }
        Some((o, _)) if pod.resource_claims.is_empty() && !states().any(|(_, seen)| has(&seen.allocatable)) => {
            return CheckResult::fail(format!("pod {} runs on node {node}, which has no accelerator", pod.name))
                .with_cites([o.seq]);
        }
        Some(_) => {}
    }
    let Some(device) = find_device(view, life, pod) else {
        // The kubelet may write the ids after Ready; a hop of the metric may show them a lag later.
        let patience = view.times.metric_lag().lenient_ms() + crate::bounds::SLACK.ms();
        let text = format!("pod {} is Ready on node {node}, but no device of it is recorded", pod.name);
        return if view.is_under_load() && view.now_ms() < ready_ms + patience {
            CheckResult::pending(text)
        } else {
            CheckResult::inconclusive(text)
        };
    };
    CheckResult::pass(format!(
        "pod {} Ready on node {node} with {device} {} after it was made",
        pod.name,
        format_ms(ready_ms - life.first_seen_ms())
    ))
}

/// The pod's device: from the kubelet, from its claims, or from the labels of a series of the pod.
fn find_device(view: &RunView<'_>, life: &TargetPod<'_>, pod: &PodSnapshot) -> Option<String> {
    if !life.devices().is_empty() {
        return Some(life.devices().join(" and "));
    }
    if !pod.resource_claims.is_empty() {
        return Some(format!("claim {}", pod.resource_claims.join(" and claim ")));
    }
    let samples = view.readings.iter().rev().filter_map(|(_, reading)| reading.samples());
    let of_pod = samples.flatten().find(|s| s.object.as_deref() == Some(&pod.name) && s.labels.contains_key("UUID"));
    of_pod.and_then(|sample| sample.labels.get("UUID")).map(|uuid| format!("{uuid} (by the exporter's labels)"))
}

/// Pods that are there together and hold one device.
fn find_sharing(view: &RunView<'_>) -> Option<String> {
    let mut holders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for life in view.target_pods().iter().filter(|life| life.exists_at(view.load_span().map_or(0, |(_, end)| end))) {
        for device in life.devices() {
            // Time-sliced devices carry a `::n` suffix on one card.
            let card = device.split("::").next().unwrap_or_default().to_owned();
            holders.entry(card).or_default().push(life.name().to_owned());
        }
    }
    let (card, pods) = holders.into_iter().find(|(_, pods)| pods.len() > 1)?;
    Some(format!("sharing: {} hold {card} together, so no accelerator was added", pods.join(" and ")))
}

/// The scheduler finds no free accelerator: an extended resource, or a device for a claim.
fn is_capacity_shortage(view: &RunView<'_>, pod: &PodSnapshot, trouble: &NotRunningReason) -> bool {
    if !matches!(trouble.reason.as_str(), "Unschedulable" | "FailedScheduling") {
        return false;
    }
    let asked = pod.extended_resources.keys().filter(|name| view.is_accelerator(name));
    let short_of = |name: &String| {
        let more = |rest: &str| {
            let mut rest = rest.trim_start_matches('.').chars();
            rest.next().is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_')
        };
        trouble.message.split(&format!("Insufficient {name}")).skip(1).any(|rest| !more(rest))
    };
    asked.into_iter().any(short_of) || trouble.message.contains("cannot allocate all claims")
}

/// True when the scheduler finds no accelerator and the cluster does not have as many as the target asks for: waiting
/// cannot help.
fn is_cluster_too_small(view: &RunView<'_>, pod: &PodSnapshot, trouble: &NotRunningReason, now: u64) -> bool {
    if !is_capacity_shortage(view, pod, trouble) || !pod.resource_claims.is_empty() {
        return false;
    }
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, node) in &view.nodes {
        let count = node.allocatable.iter().filter(|(r, _)| view.is_accelerator(r)).map(|(_, n)| *n).sum();
        newest.insert(&node.name, if node.ready { count } else { 0 });
    }
    let asked: i64 = view
        .target_pods()
        .iter()
        .filter(|life| life.exists_at(now))
        .filter_map(|life| life.last_observation().map(|(_, pod)| *pod))
        .map(|pod| pod.extended_resources.iter().filter(|(r, _)| view.is_accelerator(r)).map(|(_, n)| *n).sum::<i64>())
        .sum();
    !newest.is_empty() && newest.values().sum::<i64>() < asked
}

fn describe_shortage(view: &RunView<'_>, name: &str, trouble: &NotRunningReason, now: u64) -> String {
    let size = view.workload_at(now).map_or(view.expected_replicas, |(_, workload)| workload.spec_replicas);
    format!("(capacity) pod {name} finds no free accelerator for {size} replicas: {}", trouble.message)
}
