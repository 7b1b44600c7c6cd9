//! ScaleUp/NewPodsRunOnAccelerators: every new pod becomes Ready on a node with accelerators, with a recorded device or
//! resource claim, and enough pods are Ready when the load ends. Pods that share a device are a finding. A new pod that
//! gets no accelerator although the cluster has one: FAIL. No free accelerator, an image that cannot be pulled, a crash,
//! records that contradict each other: INCONCLUSIVE, with that cause.

mod capacity_shortage;
mod device_sharing;
mod placement;

use std::collections::BTreeSet;

use crate::bounds::SLACK;
use crate::judge::check_result::{BoundResult, CheckResult, CheckStatus, compare_with_bound, format_ms};
use crate::judge::run_view::{ObservedItem, RunView, TargetPod};
use crate::model::observation::{EventSnapshot, NotRunningReason};
use capacity_shortage::describe_shortage;
use placement::{PlacementContext, find_overbooked_node};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let pods = view.new_pods();
    if pods.is_empty() {
        let text = "no new pod of the target was observed";
        return if can_still_start(view) { CheckResult::pending(text) } else { CheckResult::inconclusive(text) };
    }
    let placement = PlacementContext::new(view);
    let (mut texts, mut cites, mut worst) = (Vec::new(), Vec::new(), None::<CheckResult>);
    for pod in &pods {
        let result = evaluate_pod(&placement, view, pod);
        cites.extend(result.cites.iter().copied());
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
    let together = ready_together(view);
    if i64::from(view.expected_replicas) > together {
        let losses = view.describe_readiness_losses();
        let (kind, texts) = match describe_early_fall(view) {
            Some(fall) => ("", vec![fall]),
            None if losses.is_empty() => ("", texts),
            None => ("(workload) ", losses),
        };
        let text = format!(
            "{kind}only {together} of {} pods of the target are Ready at the same time when the load ends: {}",
            view.expected_replicas,
            texts.join("; ")
        );
        return if can_still_start(view) { CheckResult::pending(text) } else { CheckResult::inconclusive(text) };
    }
    let end = view.load_span().map_or(0, |(_, end)| end);
    let starts_ms = pods.iter().filter_map(|pod| Some(pod.ready_by(end)?.0.at_ms.saturating_sub(pod.first_seen_ms())));
    let starts_ms: Vec<u64> = starts_ms.collect();
    if let Some(text) = find_overbooked_node(view) {
        return CheckResult::inconclusive(text).with_cites(cites);
    }
    let mut all = CheckResult::pass(format!(
        "{} of {} new pods Ready on nodes with accelerators, within {}{}",
        starts_ms.len(),
        pods.len(),
        format_ms(starts_ms.iter().max().copied().unwrap_or(0)),
        describe_nodes(view, end)
    ))
    .with_cites(cites);
    all.findings.extend(texts);
    device_sharing::evaluate(view, all)
}

/// The nodes of the target's pods under load, where there are several; empty with one.
fn describe_nodes(view: &RunView<'_>, end: u64) -> String {
    let ready = view.target_pods().iter().filter_map(|pod| pod.ready_by(end));
    let nodes: BTreeSet<&str> = ready.filter_map(|(_, pod)| pod.node.as_deref()).collect();
    if nodes.len() < 2 {
        return String::new();
    }
    let names: Vec<&str> = nodes.into_iter().collect();
    format!("; the pods of the target are on {} nodes: {}", names.len(), names.join(", "))
}

/// The scale-down under load that left fewer replicas than expected.
fn describe_early_fall(view: &RunView<'_>) -> Option<String> {
    let (began, end) = view.load_span()?;
    let last = view.size_changes.iter().rfind(|change| (began..=end).contains(&change.at_ms))?;
    (last.to < last.from && last.to < view.expected_replicas).then(|| {
        format!(
            "replicas fell {} → {} before the load ended, written by {}; Hold/Steady says whether the metric recommended it",
            last.from,
            last.to,
            last.describe_writer()
        )
    })
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

/// The number of pods of the target that are Ready at the same time: when the load ends, and while it runs the most so far,
/// since a pod may become Ready again (Hold/Steady waits for that). A pod that replaces another one does not add to it.
fn ready_together(view: &RunView<'_>) -> i64 {
    let end = view.load_span().map_or(0, |(_, end)| end);
    let ready = match view.is_under_load() {
        true => view.most_ready_pods(end),
        // The run stops the load a moment after it has looked at the pods.
        false => view.ready_pods_at(end).max(view.ready_pods_at(end.saturating_sub(SLACK.ms()))),
    };
    i64::try_from(ready).unwrap_or(i64::MAX)
}

fn severity(result: &CheckResult) -> u8 {
    match result.status {
        CheckStatus::Pass | CheckStatus::NotApplicable => 0,
        CheckStatus::Pending => 1,
        CheckStatus::Inconclusive => 2,
        CheckStatus::Fail => 3,
    }
}

/// Evaluates one new pod by its observations under load.
fn evaluate_pod<'a>(placement: &PlacementContext<'_, 'a>, view: &RunView<'a>, pod: &TargetPod<'a>) -> CheckResult {
    let name = pod.name();
    let end = view.load_span().map_or(0, |(_, end)| end);
    if let Some((observation, snapshot)) = pod.ready_by(end) {
        return placement
            .evaluate(pod, snapshot, observation.at_ms)
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
    if let Some(trouble) = last.not_running.as_ref().filter(|trouble| view.has_too_few_accelerators(last, trouble, end))
    {
        return CheckResult::inconclusive(describe_shortage(view, name, trouble, end));
    }
    let trouble = find_trouble(view, pod, end);
    let age = format_ms(end.saturating_sub(pod.first_seen_ms()));
    let in_time = compare_with_bound(pod.first_seen_ms(), &view.times.pod_start(), None, end) == BoundResult::Pending;
    let detail = trouble.as_ref().map_or(String::new(), |t| format!(": {}: {}", t.reason, t.message));
    match trouble {
        _ if in_time && view.is_under_load() => CheckResult::pending(format!("pod {name} is not Ready yet{detail}")),
        Some(trouble) if view.lacks_accelerator(last, &trouble, end) => {
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
        None => match find_step_of_kubelet(view, pod, end) {
            Some((o, event)) => CheckResult::inconclusive(format!(
                "(workload) pod {name} is not Ready {age} after its creation, and the kubelet's last event is {}: {}: a pod of the target takes longer to start than assumptions.podStart {}; set it to the time that one needs, image pull and model load included",
                event.reason,
                event.message,
                view.times.assumptions.pod_start
            ))
            .with_cites([o.seq]),
            None => CheckResult::fail(format!(
                "pod {name} is not Ready {age} after its creation, and neither its status nor an event says why (bound {})",
                view.times.pod_start()
            )),
        },
    }
}

/// The last event of the kubelet for a pod, where it is the beginning of a step that may take any time: an image is pulled,
/// or a container of a pod that does not run yet has started (an init container).
fn find_step_of_kubelet<'a>(
    view: &RunView<'a>,
    pod: &TargetPod<'_>,
    end: u64,
) -> Option<ObservedItem<'a, EventSnapshot>> {
    let is_of_kubelet = |(o, event): &&ObservedItem<'a, EventSnapshot>| {
        o.at_ms <= end && Some(event.uid.as_str()) == pod.uid() && event.component == "kubelet"
    };
    let last = view.events.iter().rfind(is_of_kubelet)?;
    matches!(last.1.reason.as_str(), "Pulling" | "Started").then_some(*last)
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
