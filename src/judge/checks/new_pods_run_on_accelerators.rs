//! ScaleUp/NewPodsRunOnAccelerators: every new pod becomes Ready on a node with accelerators, with a recorded device or
//! resource claim. Pods that share a device are a finding. A new pod that gets no accelerator although the cluster has
//! one: FAIL. No free accelerator, an image that cannot be pulled, a crash: INCONCLUSIVE, with that cause.

use std::collections::BTreeMap;

use crate::judge::check_result::{
    BoundResult, CheckResult, CheckStatus, compare_with_bound, format_ms, format_replicas,
};
use crate::judge::run_view::{ObservedItem, RunView, TargetPod};
use crate::metrics::device_from_labels;
use crate::model::observation::{EventSnapshot, NotRunningReason, PodSnapshot};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let pods = view.new_pods();
    if pods.is_empty() {
        let text = "no new pod of the target was observed";
        return if can_still_start(view) { CheckResult::pending(text) } else { CheckResult::inconclusive(text) };
    }
    let (mut texts, mut all, mut worst) = (Vec::new(), CheckResult::pass(String::new()), None::<CheckResult>);
    for pod in &pods {
        let result = evaluate_pod(view, pod);
        all = all.with_cites(result.cites.clone());
        texts.push(result.reason.clone());
        if severity(&result) > worst.as_ref().map_or(0, severity) {
            worst = Some(result);
        }
    }
    if let Some(worst) = worst {
        // With an autoscaler that keeps removing and adding pods there is always one that is not Ready yet.
        let is_overdue =
            worst.has_status(CheckStatus::Pending) && !is_in_time(view, view.times.hold().lenient_ms()).unwrap_or(true);
        return if is_overdue { CheckResult { status: CheckStatus::Inconclusive, ..worst } } else { worst };
    }
    let together = max_ready_together(view);
    if i64::from(view.expected_replicas) > together {
        let text = format!(
            "only {together} of {} pods of the target were Ready at the same time: {}",
            view.expected_replicas,
            texts.join("; ")
        );
        return if can_still_start(view) { CheckResult::pending(text) } else { CheckResult::inconclusive(text) };
    }
    let end = view.load_span().map_or(0, |(_, end)| end);
    let starts_ms = pods.iter().filter_map(|pod| Some(pod.ready_by(end)?.0.at_ms.saturating_sub(pod.first_seen_ms())));
    let starts_ms: Vec<u64> = starts_ms.collect();
    all.reason = format!(
        "{} of {} new pods Ready on nodes with accelerators, within {}",
        starts_ms.len(),
        pods.len(),
        format_ms(starts_ms.iter().max().copied().unwrap_or(0))
    );
    all.findings.extend(texts);
    match find_sharing(view) {
        Some(sharing) => all.with_finding(sharing),
        None => all,
    }
}

/// True while the load runs and a late pod may still start. Limited, so that the run ends even when pods cannot be
/// observed.
fn can_still_start(view: &RunView<'_>) -> bool {
    view.is_under_load() && is_in_time(view, 0).unwrap_or(false)
}

/// True until the time for late pods to become Ready, plus `extra_ms`, has passed since the expected size was reached;
/// `None` while it is not reached.
fn is_in_time(view: &RunView<'_>, extra_ms: u64) -> Option<bool> {
    let (began, _) = view.load_span()?;
    let (_, at, _) = view.expected_size_reached(began)?;
    Some(view.now_ms() < at + 2 * view.times.pod_start().lenient_ms() + extra_ms)
}

/// The largest number of pods of the target that were Ready at the same time under load. A pod that replaces another
/// one does not add to it.
fn max_ready_together(view: &RunView<'_>) -> i64 {
    let end = view.load_span().map_or(0, |(_, end)| end);
    let spans: Vec<(u64, u64)> = view
        .target_pods()
        .iter()
        .filter_map(|pod| Some((pod.ready_by(end)?.0.at_ms, pod.terminating_ms().unwrap_or(u64::MAX))))
        .collect();
    let ready_at = |ms: u64| spans.iter().filter(|(ready, terminating)| *ready <= ms && ms < *terminating).count();
    spans.iter().map(|(ready, _)| ready_at(*ready)).max().and_then(|most| i64::try_from(most).ok()).unwrap_or(0)
}

fn severity(result: &CheckResult) -> u8 {
    match result.status {
        CheckStatus::Pass => 0,
        CheckStatus::Pending => 1,
        CheckStatus::Inconclusive => 2,
        CheckStatus::Fail => 3,
    }
}

/// Evaluates one new pod by its observations under load.
fn evaluate_pod(view: &RunView<'_>, pod: &TargetPod<'_>) -> CheckResult {
    let name = pod.name();
    let end = view.load_span().map_or(0, |(_, end)| end);
    if let Some((observation, snapshot)) = pod.ready_by(end) {
        return evaluate_placement(view, pod, snapshot, observation.at_ms)
            .with_cites([observation.seq])
            .with_cites(pod.last_observation().map(|(o, _)| o.seq));
    }
    if pod.terminating_ms().is_some_and(|terminating| terminating < end) {
        return CheckResult::pass(format!("pod {name} was deleted before it was Ready"))
            .with_cites(pod.last_observation().map(|(o, _)| o.seq));
    }
    evaluate_unready(view, pod, end)
        .with_cites(pod.observations.iter().rfind(|(o, _)| o.at_ms <= end).map(|(o, _)| o.seq))
}

fn evaluate_unready(view: &RunView<'_>, pod: &TargetPod<'_>, end: u64) -> CheckResult {
    let name = pod.name();
    let Some((_, last)) = pod.observations.iter().rfind(|(o, _)| o.at_ms <= end) else {
        return CheckResult::inconclusive(format!("pod {name} was first observed after the load had ended"));
    };
    if let Some(trouble) = last.not_running.as_ref().filter(|trouble| is_cluster_too_small(view, last, trouble, end)) {
        return CheckResult::inconclusive(describe_shortage(view, name, trouble, end));
    }
    let trouble = find_trouble(view, pod, end);
    let age = format_ms(end.saturating_sub(pod.first_seen_ms()));
    let in_time = compare_with_bound(pod.first_seen_ms(), &view.times.pod_start(), None, end) == BoundResult::Pending;
    let detail = trouble.as_ref().map_or(String::new(), |t| format!(": {}: {}", t.reason, t.message));
    match trouble {
        _ if in_time && view.is_under_load() => CheckResult::pending(format!("pod {name} is not Ready yet{detail}")),
        Some(trouble) if is_capacity_shortage(view, last, &trouble) => {
            CheckResult::inconclusive(describe_shortage(view, name, &trouble, end))
        }
        Some(_) => {
            CheckResult::inconclusive(format!("(workload) pod {name} is not Ready {age} after its creation{detail}"))
        }
        None if in_time => {
            CheckResult::inconclusive(format!("pod {name} was not Ready when the load ended, {age} after its creation"))
        }
        // Its containers run but fail their readiness probe, which is the workload's matter.
        None if last.phase == "Running" => {
            CheckResult::inconclusive(format!("(workload) pod {name} runs, but is not Ready {age} after its creation"))
        }
        None => CheckResult::fail(format!(
            "pod {name} is not Ready {age} after its creation, and neither its status nor an event says why (bound {})",
            view.times.pod_start()
        )),
    }
}

/// Why the pod does not run, by its status or by a Warning event.
fn find_trouble(view: &RunView<'_>, pod: &TargetPod<'_>, end: u64) -> Option<NotRunningReason> {
    let mut past = pod.observations.iter().rev().filter(|(o, _)| o.at_ms <= end);
    let from_status = past.find_map(|(_, snapshot)| snapshot.not_running.clone());
    let object = format!("Pod/{}", pod.name());
    let is_warning = |(o, event): &&ObservedItem<'_, EventSnapshot>| {
        event.object == object && event.kind == "Warning" && o.at_ms <= end
    };
    from_status.or_else(|| {
        let (_, event) = view.events.iter().rfind(is_warning)?;
        Some(NotRunningReason { reason: event.reason.clone(), message: event.message.clone() })
    })
}

/// Evaluates node and device of a Ready pod.
fn evaluate_placement(view: &RunView<'_>, pod: &TargetPod<'_>, snapshot: &PodSnapshot, ready_ms: u64) -> CheckResult {
    let (name, node) = (pod.name(), snapshot.node.clone().unwrap_or_default());
    // A restarting device plugin withdraws its devices from the node for a while; the pod keeps its own.
    let snapshots = || view.nodes.iter().filter(|(_, snapshot)| snapshot.name == node);
    let has = |allocatable: &BTreeMap<String, i64>| allocatable.iter().any(|(r, n)| view.is_accelerator(r) && *n > 0);
    match snapshots().next() {
        None => {
            return CheckResult::inconclusive(format!("pod {name} runs on node {node}, which could not be read"));
        }
        Some((o, _)) if snapshot.resource_claims.is_empty() && !snapshots().any(|(_, node)| has(&node.allocatable)) => {
            return CheckResult::fail(format!("pod {name} runs on node {node}, which has no accelerator"))
                .with_cites([o.seq]);
        }
        Some(_) => {}
    }
    let Some(device) = find_device(view, pod, snapshot) else {
        // The kubelet may report the device ids after Ready, and the labels of the metric show them one metric lag
        // later.
        let wait_ms = view.times.metric_lag().lenient_ms() + crate::bounds::SLACK.ms();
        let text = format!("pod {name} is Ready on node {node}, but no device of it is recorded");
        return if view.is_under_load() && view.now_ms() < ready_ms + wait_ms {
            CheckResult::pending(text)
        } else {
            CheckResult::inconclusive(text)
        };
    };
    CheckResult::pass(format!(
        "pod {name} Ready on node {node} with {device} after {}",
        format_ms(ready_ms - pod.first_seen_ms())
    ))
}

/// The device of a pod, by its status, its resource claims, or the labels of a series of the pod.
fn find_device(view: &RunView<'_>, pod: &TargetPod<'_>, snapshot: &PodSnapshot) -> Option<String> {
    if !pod.devices().is_empty() {
        return Some(pod.devices().join(" and "));
    }
    if !snapshot.resource_claims.is_empty() {
        return Some(format!("claim {}", snapshot.resource_claims.join(" and claim ")));
    }
    let samples = view.readings.iter().rev().filter_map(|(_, reading)| reading.samples());
    let of_pod = samples.flatten().filter(|sample| sample.object.as_deref() == Some(pod.name()));
    let labels = &view.records.scenario.metric.profile_or_generic().labels;
    let device = of_pod.into_iter().find_map(|sample| device_from_labels(&sample.labels, labels));
    device.map(|device| format!("{device} (by the exporter's labels)"))
}

/// Describes pods that exist at the same time with the same device.
fn find_sharing(view: &RunView<'_>) -> Option<String> {
    let mut holders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pod in view.target_pods().iter().filter(|pod| pod.exists_at(view.load_span().map_or(0, |(_, end)| end))) {
        for device in pod.devices() {
            // NVIDIA's time-slicing replicates a device as `UUID::n`.
            let physical = device.split("::").next().unwrap_or_default().to_owned();
            holders.entry(physical).or_default().push(pod.name().to_owned());
        }
    }
    let (device, pods) = holders.into_iter().find(|(_, pods)| pods.len() > 1)?;
    Some(format!("sharing: {} share {device}, so no accelerator was added", pods.join(" and ")))
}

/// True when the scheduler finds no free accelerator: no extended resource, or no device for a resource claim.
fn is_capacity_shortage(view: &RunView<'_>, pod: &PodSnapshot, trouble: &NotRunningReason) -> bool {
    if !matches!(trouble.reason.as_str(), "Unschedulable" | "FailedScheduling") {
        return false;
    }
    let requested = pod.extended_resources.keys().filter(|name| view.is_accelerator(name));
    let short_of = |name: &String| {
        // Another resource's name may begin with this one.
        let continues = |rest: &str| {
            let mut rest = rest.trim_start_matches('.').chars();
            rest.next().is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_')
        };
        trouble.message.split(&format!("Insufficient {name}")).skip(1).any(|rest| !continues(rest))
    };
    requested.into_iter().any(short_of) || trouble.message.contains("cannot allocate all claims")
}

/// True when the scheduler finds no accelerator and the cluster has fewer than the target requests, so that waiting
/// does not help.
fn is_cluster_too_small(view: &RunView<'_>, pod: &PodSnapshot, trouble: &NotRunningReason, now: u64) -> bool {
    if !is_capacity_shortage(view, pod, trouble) || !pod.resource_claims.is_empty() {
        return false;
    }
    let mut allocatable: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, node) in &view.nodes {
        let count = node.allocatable.iter().filter(|(r, _)| view.is_accelerator(r)).map(|(_, n)| *n).sum();
        allocatable.insert(&node.name, if node.ready { count } else { 0 });
    }
    let requested: i64 = view
        .target_pods()
        .iter()
        .filter(|pod| pod.exists_at(now))
        .filter_map(|pod| pod.last_observation().map(|(_, snapshot)| *snapshot))
        .map(|snapshot| {
            snapshot.extended_resources.iter().filter(|(r, _)| view.is_accelerator(r)).map(|(_, n)| *n).sum::<i64>()
        })
        .sum();
    !allocatable.is_empty() && allocatable.values().sum::<i64>() < requested
}

fn describe_shortage(view: &RunView<'_>, name: &str, trouble: &NotRunningReason, now: u64) -> String {
    let replicas = view.workload_at(now).map_or(view.expected_replicas, |(_, workload)| workload.spec_replicas);
    format!("(capacity) pod {name} finds no free accelerator for {}: {}", format_replicas(replicas), trouble.message)
}
