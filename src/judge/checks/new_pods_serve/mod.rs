//! ScaleUp/NewPodsServe: each new pod (a) answers one probe chat through the pod proxy, with the model in the
//! accelerator's memory, and (b) receives traffic through the Service: its metric rises while it is a ready endpoint and no
//! probe runs. A model that is mostly in host memory, a Service that does not select the pod, a missing model, a model of a
//! remote host, a server that lacks memory or is busy, too few connections, no successful chat through the Service, a device
//! whose pods all have its one value: INCONCLUSIVE. Where the server cannot say where its model is, the activity of the pod's
//! own device decides.

mod device_activity;
mod model_placement;
mod sampling;
mod traffic;

use crate::bounds::SLACK;
use crate::judge::check_result::{CheckResult, CheckStatus, format_ms};
use crate::judge::diagnosis::remote_model;
use crate::judge::run_view::{ObservedItem, RunView, SizeChange, TargetPod};
use crate::model::observation::{LoadSnapshot, PodSnapshot, ProbeRecord};
use crate::protocol;
use model_placement::{describe_different_models, describe_placement, evaluate_missing_placement, is_on_accelerator};
pub(in crate::judge) use traffic::find_service_traffic;
use traffic::{evaluate_traffic, last_probe_end};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    if let Some((reason, seq)) = remote_model::describe(view) {
        return CheckResult::inconclusive(format!("(workload) {reason}")).with_cites([seq]);
    }
    let (mut texts, mut cites, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let (mut worst, mut short_lived) = (None::<CheckResult>, None);
    let end = view.load_span().map_or(0, |(_, end)| end);
    let pods: Vec<_> = view.new_pods().into_iter().filter(|pod| pod.ready_by(end).is_some()).collect();
    let ready = pods.len();
    for pod in pods {
        let (probe, traffic) = (evaluate_probe(view, pod), evaluate_traffic(view, pod));
        let has_failed = probe.has_status(CheckStatus::Fail) || traffic.has_status(CheckStatus::Fail);
        let is_shown = probe.has_status(CheckStatus::Pass) && traffic.has_status(CheckStatus::Pass);
        let excuse = Some(()).filter(|()| !has_failed && !is_shown).and_then(|()| {
            let scaled_down = || removed_too_soon(view, pod, end).filter(|_| probe.has_status(CheckStatus::Pass));
            scaled_down().or_else(|| replaced_too_soon(view, pod, end))
        });
        if let Some(reason) = excuse {
            findings.push(reason.clone());
            short_lived = Some(CheckResult::inconclusive(reason));
            continue;
        }
        let mut pod_texts = Vec::new();
        for result in [probe, traffic] {
            match result.status {
                CheckStatus::Fail => return result,
                CheckStatus::Inconclusive | CheckStatus::Pending => {
                    let is_worse = worst.as_ref().is_none_or(|other| {
                        other.has_status(CheckStatus::Pending) && result.has_status(CheckStatus::Inconclusive)
                    });
                    worst = if is_worse { Some(result) } else { worst };
                }
                CheckStatus::Pass | CheckStatus::NotApplicable => {
                    pod_texts.push(result.reason);
                    cites.extend(result.cites);
                    findings.extend(result.findings);
                }
            }
        }
        texts.push(format!("pod {} {}", pod.name(), pod_texts.join(" and ")));
    }
    // A pod that was removed too soon is excused only where enough others show traffic.
    let is_enough = i32::try_from(texts.len()).is_ok_and(|shown| shown >= view.expected_replicas - view.min_replicas);
    let result = match worst.or(short_lived.filter(|_| !is_enough)) {
        Some(worst) => worst,
        None if texts.is_empty() => CheckResult::pending("no new pod is Ready yet"),
        None => evaluate_service_chats(view).unwrap_or_else(|| {
            let reason = format!(
                "{} of {ready} new pods answered their probe chat and receive traffic through the Service",
                texts.len()
            );
            findings.extend(texts);
            CheckResult::pass(reason).with_cites(cites)
        }),
    };
    findings.extend(describe_different_models(view));
    findings.into_iter().fold(result, CheckResult::with_finding)
}

/// Why no traffic of the pod is expected: a scale-down deleted it before its share of the traffic had to show.
fn removed_too_soon(view: &RunView<'_>, pod: &TargetPod<'_>, end: u64) -> Option<String> {
    let (ready, _) = pod.first_ready()?;
    let terminating = pod.terminating_ms().filter(|terminating| *terminating <= end)?;
    let is_soon =
        terminating < traffic_expected_ms(view, pod, ready.at_ms) && was_scaled_down(view, ready.at_ms, terminating);
    is_soon.then(|| {
        let after = format_ms(terminating - ready.at_ms);
        format!("pod {} was deleted {after} after it was Ready, too soon to show its share of the traffic", pod.name())
    })
}

/// Why no traffic of the pod is expected: it ended before its share of the traffic had to show, by no scale-down, and a later
/// pod of the target became Ready in its place. That pod is evaluated instead.
fn replaced_too_soon(view: &RunView<'_>, pod: &TargetPod<'_>, end: u64) -> Option<String> {
    let (ready, _) = pod.first_ready()?;
    let ended = pod.ended_ms().filter(|ended| *ended <= end)?;
    if ended >= traffic_expected_ms(view, pod, ready.at_ms) || was_scaled_down(view, ready.at_ms, ended) {
        return None;
    }
    // A pod that a scale-up adds replaces none.
    let is_resized = |to_ms: u64| {
        let span = ended.saturating_sub(SLACK.ms())..=to_ms;
        view.size_changes.iter().any(|change| span.contains(&change.at_ms))
    };
    let is_replacement = |other: &&&TargetPod<'_>| {
        let created_ms = other.first_seen_ms();
        created_ms + SLACK.ms() >= ended && !is_resized(created_ms) && other.ready_by(end).is_some()
    };
    let pods = view.new_pods();
    let replacement = pods.iter().filter(|other| other.uid() != pod.uid()).find(is_replacement)?;
    Some(format!(
        "pod {} ended {} after it was Ready, by no scale-down (deleted, evicted or preempted), and pod {} replaced it",
        pod.name(),
        format_ms(ended.saturating_sub(ready.at_ms)),
        replacement.name()
    ))
}

/// True when the target was scaled down between these times.
fn was_scaled_down(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> bool {
    let is_cause =
        |change: &SizeChange<'_>| change.to < change.from && (from_ms..=to_ms + SLACK.ms()).contains(&change.at_ms);
    view.size_changes.iter().any(is_cause)
}

/// When the pod's share of the traffic must show at the latest.
fn traffic_expected_ms(view: &RunView<'_>, pod: &TargetPod<'_>, ready_ms: u64) -> u64 {
    ready_ms.max(last_probe_end(view, pod.name())) + view.times.traffic_visible().lenient_ms()
}

/// The result where chats through the Service reach the pods but none succeeds: busy accelerators alone serve no
/// client.
fn evaluate_service_chats(view: &RunView<'_>) -> Option<CheckResult> {
    let pods = view.new_pods();
    let ready = pods.iter().filter_map(|pod| pod.first_ready().map(|(o, _)| (o.at_ms, pod.name())));
    let (since, name) = ready.min()?;
    let Some((observation, last)) = view.loads.last() else {
        let text = "no load sample was recorded, so no chat through the Service is known to have succeeded";
        return Some(if view.is_under_load() { CheckResult::pending(text) } else { CheckResult::inconclusive(text) });
    };
    let before = view.loads.iter().rfind(|(o, _)| o.at_ms <= since).map(|(_, load)| *load);
    let since_ready = |count: fn(&LoadSnapshot) -> u64| count(last).saturating_sub(before.map_or(0, count));
    if since_ready(|load| load.succeeded) > 0 {
        return None;
    }
    let failed = since_ready(|load| load.failed);
    // Until each worker has sent a chat; a chat that hangs is ended by its timeout.
    if view.is_under_load() && failed < u64::from(view.records.scenario.load.concurrency) {
        return Some(CheckResult::pending(format!(
            "no chat through the Service has succeeded since pod {name} was Ready"
        )));
    }
    let example = last.failures.iter().max_by_key(|(_, failures)| failures.count);
    let example = example.map_or(String::new(), |(kind, failures)| format!(": {kind}: {}", failures.example));
    let reason = format!(
        "(workload) none of the {failed} chats that ended through the Service since pod {name} was Ready succeeded{example}"
    );
    Some(CheckResult::inconclusive(reason).with_cites([observation.seq]))
}

/// (a) Evaluates the probe chat of one pod.
fn evaluate_probe(view: &RunView<'_>, pod: &TargetPod<'_>) -> CheckResult {
    let name = pod.name();
    let (from, end) = (pod.first_seen_ms(), view.load_span().map_or(0, |(_, end)| end));
    let under_load = |probe: &ProbeRecord| (from..=end).contains(&probe.began_ms);
    let probes: Vec<_> = view.probes.iter().filter(|(_, p)| p.pod == name && under_load(p)).collect();
    let succeeded = probes.iter().find(|(_, p)| p.error.is_none() && p.tokens > 0 && is_on_accelerator(view, p));
    if let Some((observation, probe)) = succeeded {
        return describe_placement(view, name, probe).with_cites([observation.seq]);
    }
    let ended = !view.is_under_load();
    let Some((observation, probe)) = probes.last() else {
        return match (ended, pod.terminating_ms()) {
            (true, _) => CheckResult::inconclusive(format!("pod {name} was not probed under load")),
            (false, Some(_)) => CheckResult::inconclusive(format!("pod {name} was deleted before its probe")),
            (false, None) => CheckResult::pending(format!("pod {name} was not probed yet")),
        };
    };
    let result = evaluate_failed_probe(view, pod, probe);
    if !result.has_status(CheckStatus::Fail) {
        return result.with_cites([observation.seq]);
    }
    // The chat breaks off with the container; the pod's status shows the cause a moment later.
    let status_ms = observation.at_ms + SLACK.ms();
    let result = match find_disruption(pod, (probe.began_ms, status_ms)) {
        Some(cause) => CheckResult::inconclusive(cause),
        None if view.is_under_load() && view.now_ms() < status_ms => CheckResult::pending(result.reason),
        None => result,
    };
    result.with_cites([observation.seq])
}

/// Why a failed probe is no fault of the pod: it was terminating, its containers had restarted, or they ended meanwhile.
fn find_disruption(pod: &TargetPod<'_>, (from_ms, to_ms): (u64, u64)) -> Option<String> {
    let name = pod.name();
    if pod.terminating_ms().is_some_and(|terminating| terminating <= to_ms) {
        return Some(format!("pod {name} was deleted during its probe"));
    }
    let seen = || pod.observations.iter().filter(|(o, _)| o.at_ms <= to_ms);
    let restarts = |item: Option<&ObservedItem<'_, PodSnapshot>>| item.map_or(0, |(_, snapshot)| snapshot.restarts);
    if restarts(seen().next_back()) > restarts(pod.observations.first()) {
        return Some(format!("(workload) pod {name} restarted before or during its probe"));
    }
    let ended = seen().filter(|(o, snapshot)| o.at_ms >= from_ms && !snapshot.ready);
    let reason = ended.filter_map(|(_, snapshot)| snapshot.not_running.as_ref()).next()?;
    Some(format!("(workload) a container of pod {name} ended during its probe: {}: {}", reason.reason, reason.message))
}

/// Evaluates a probe that failed, or found the model outside of the accelerator's memory.
fn evaluate_failed_probe(view: &RunView<'_>, pod: &TargetPod<'_>, probe: &ProbeRecord) -> CheckResult {
    let name = pod.name();
    let Some(error) = &probe.error else {
        return match probe.tokens {
            0 if is_on_accelerator(view, probe) => CheckResult::inconclusive(format!(
                "(workload) pod {name} answered its probe chat with 0 tokens, so it generated nothing"
            )),
            _ => evaluate_missing_placement(view, name, probe),
        };
    };
    if probe.not_delivered {
        return CheckResult::inconclusive(format!(
            "the probe of pod {name} was not delivered by the pod proxy: {error}"
        ));
    }
    if let Some(text) = describe_missing_token(view, name, probe) {
        return CheckResult::inconclusive(format!("(workload) {text}: {error}"));
    }
    // 503 is the answer of a server whose queue is full.
    if probe.status.is_some_and(|status| (400..500).contains(&status) || status == 503) {
        return CheckResult::inconclusive(format!("(workload) pod {name} refuses the chat: {error}"));
    }
    if protocol::names_lack_of_memory(error) {
        return CheckResult::inconclusive(format!("(workload) pod {name} lacks memory for the model: {error}"));
    }
    let succeeded = view.loads.last().map_or(0, |(_, load)| load.succeeded);
    if succeeded == 0 {
        return CheckResult::inconclusive(format!("(workload) no pod answers any chat: {error}"));
    }
    if let Some(failures) = find_earlier_failures(view, pod, error) {
        return CheckResult::inconclusive(format!("(workload) {failures}, so it is not specific to this pod: {error}"));
    }
    CheckResult::fail(format!(
        "pod {name} does not answer its probe chat: {error}; {succeeded} chats through the Service succeeded"
    ))
}

/// Describes a pod that wants the bearer token itself, which no direct chat can carry.
fn describe_missing_token(view: &RunView<'_>, name: &str, probe: &ProbeRecord) -> Option<String> {
    view.records.scenario.load.bearer_token.as_ref()?;
    matches!(probe.status, Some(401 | 403)).then(|| {
        format!(
            "pod {name} refuses a chat without the bearer token, and the pod proxy of the API server forwards no header \
             Authorization, so no direct chat shows that this pod serves; let the pods answer without a token, and demand it where \
             the load enters (a gateway, an ingress), with endpoint.type: URL"
        )
    })
}

/// Describes chats that failed in the same way before the pod was Ready: then the server fails in every pod.
fn find_earlier_failures(view: &RunView<'_>, pod: &TargetPod<'_>, error: &str) -> Option<String> {
    let (ready, _) = pod.first_ready()?;
    let (_, load) = view.loads.iter().rfind(|(o, _)| o.at_ms < ready.at_ms)?;
    let kind = error.split(':').next()?;
    let failures = load.failures.get(kind)?;
    Some(format!("{} chats failed as {kind} before pod {} was Ready", failures.count, pod.name()))
}
