//! ScaleUp/NewPodsServe: each new pod (a) answers one chat of its own through the pod proxy, with the model in the
//! accelerator's memory, and (b) takes traffic by the Service: its activity rises while no probe of ours runs.
//! A Service that misses the pod, a missing model, too few connections, no good chat by the Service at all: INCONCLUSIVE.

mod traffic;

use super::check_result::{CheckResult, CheckStatus, format_ms};
use super::run_view::{ObservedItem, RunView, SizeChange, TargetPod};
use crate::bounds::SLACK;
use crate::model::observation::{LoadSnapshot, PodSnapshot, ProbeRecord};
use traffic::evaluate_traffic;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let (mut words, mut cites, mut findings, mut doubt) = (Vec::new(), Vec::new(), Vec::new(), None::<CheckResult>);
    let mut brief = None;
    let end = view.load_span().map_or(0, |(_, end)| end);
    for life in view.new_pods().into_iter().filter(|life| life.ready_by(end).is_some()) {
        let (own, traffic) = (evaluate_probe(view, life), evaluate_traffic(view, life));
        if own.has_status(CheckStatus::Pass)
            && (traffic.has_status(CheckStatus::Inconclusive) || traffic.has_status(CheckStatus::Pending))
            && let Some(taken) = removed_too_soon(view, life, end)
        {
            findings.push(taken.clone());
            brief = Some(CheckResult::inconclusive(taken));
            continue;
        }
        let mut pod_words = Vec::new();
        for ruling in [own, traffic] {
            match ruling.status {
                CheckStatus::Fail => return ruling,
                CheckStatus::Inconclusive | CheckStatus::Pending => {
                    let worse = doubt.as_ref().is_none_or(|d| {
                        d.has_status(CheckStatus::Pending) && ruling.has_status(CheckStatus::Inconclusive)
                    });
                    doubt = if worse { Some(ruling) } else { doubt };
                }
                CheckStatus::Pass => {
                    pod_words.push(ruling.reason);
                    cites.extend(ruling.cites);
                    findings.extend(ruling.findings);
                }
            }
        }
        words.push(format!("pod {} {}", life.name(), pod_words.join(" and ")));
    }
    // Others have to show what such a pod had no time for.
    let is_enough = i32::try_from(words.len()).is_ok_and(|shown| shown >= view.expected_replicas - view.min_replicas);
    let ruling = match doubt.or(brief.filter(|_| !is_enough)) {
        Some(doubt) => doubt,
        None if words.is_empty() => CheckResult::pending("no new pod is Ready yet"),
        None => evaluate_service_chats(view).unwrap_or_else(|| CheckResult::pass(words.join("; ")).with_cites(cites)),
    };
    findings.into_iter().fold(ruling, CheckResult::with_finding)
}

/// The target was made smaller before the pod's share of the traffic had to show.
fn removed_too_soon(view: &RunView<'_>, life: &TargetPod<'_>, end: u64) -> Option<String> {
    let (ready, _) = life.first_ready()?;
    let leaving = life.terminating_ms().filter(|leaving| *leaving <= end)?;
    let lowered = |change: &SizeChange<'_>| {
        change.to < change.from && (ready.at_ms..=leaving + SLACK.ms()).contains(&change.at_ms)
    };
    let is_soon =
        leaving < ready.at_ms + view.times.traffic_visible().lenient_ms() && view.size_changes.iter().any(lowered);
    is_soon.then(|| {
        let after = format_ms(leaving - ready.at_ms);
        format!(
            "pod {} was taken away {after} after it was Ready, too soon to show its share of the traffic",
            life.name()
        )
    })
}

/// Chats reach the pods and none of them ends well: accelerators may be busy with it all the same, but nobody is served.
fn evaluate_service_chats(view: &RunView<'_>) -> Option<CheckResult> {
    let lives = view.new_pods();
    let ready = lives.iter().filter_map(|life| life.first_ready().map(|(o, _)| (o.at_ms, life.name())));
    let (since, name) = ready.min()?;
    let Some((last_seen, last)) = view.loads.last() else {
        let words = "no word of the load was recorded, so no good chat through the Service is shown";
        return Some(if view.is_under_load() { CheckResult::pending(words) } else { CheckResult::inconclusive(words) });
    };
    let before = view.loads.iter().rfind(|(o, _)| o.at_ms <= since).map(|(_, load)| *load);
    let more = |count: fn(&LoadSnapshot) -> u64| count(last).saturating_sub(before.map_or(0, count));
    if more(|load| load.succeeded) > 0 {
        return None;
    }
    let failed = more(|load| load.failed);
    // Each worker has had its turn; a chat that never ends is ended by its timeout.
    if view.is_under_load() && failed < u64::from(view.records.scenario.load.concurrency) {
        return Some(CheckResult::pending(format!(
            "no chat through the Service has ended well since pod {name} was Ready"
        )));
    }
    let example = last.failures.iter().max_by_key(|(_, failures)| failures.count);
    let example = example.map_or(String::new(), |(kind, failures)| format!(": {kind}: {}", failures.example));
    let reason = format!(
        "(workload) none of the {failed} chats that ended through the Service since pod {name} was Ready was good{example}"
    );
    Some(CheckResult::inconclusive(reason).with_cites([last_seen.seq]))
}

/// (a) One chat to this pod alone.
fn evaluate_probe(view: &RunView<'_>, life: &TargetPod<'_>) -> CheckResult {
    let name = life.name();
    let (from, end) = (life.first_seen_ms(), view.load_span().map_or(0, |(_, end)| end));
    let under_load = |probe: &ProbeRecord| (from..=end).contains(&probe.began_ms);
    let probes: Vec<_> = view.probes.iter().filter(|(_, p)| p.pod == name && under_load(p)).collect();
    let stand_in = view.records.scenario.accelerator.is_stand_in();
    let good = probes
        .iter()
        .find(|(_, p)| p.error.is_none() && (stand_in || p.model_size_vram.is_some_and(|bytes| bytes > 0)));
    if let Some((observation, probe)) = good {
        let memory = match probe.model_size_vram {
            Some(bytes) if bytes > 0 => format!("size_vram {bytes}"),
            _ => "size_vram 0, waived by accelerator: standIn".to_owned(),
        };
        return CheckResult::pass(format!("answered a chat of its own with {} tokens ({memory})", probe.tokens))
            .with_cites([observation.seq]);
    }
    let ended = !view.is_under_load();
    let Some((observation, probe)) = probes.last() else {
        return match (ended, life.terminating_ms()) {
            (true, _) => CheckResult::inconclusive(format!("pod {name} was not probed while the load was on")),
            (false, Some(_)) => {
                CheckResult::inconclusive(format!("pod {name} was taken away before it could be probed"))
            }
            (false, None) => CheckResult::pending(format!("pod {name} was not probed yet")),
        };
    };
    let ruling = evaluate_failed_probe(view, life, probe);
    let shaken = find_disruption(life, observation.at_ms).filter(|_| ruling.has_status(CheckStatus::Fail));
    shaken.map_or(ruling, CheckResult::inconclusive).with_cites([observation.seq])
}

/// The pod was going away, or its containers had ended, when it was asked.
fn find_disruption(life: &TargetPod<'_>, at_ms: u64) -> Option<String> {
    let name = life.name();
    if life.terminating_ms().is_some_and(|leaving| leaving <= at_ms) {
        return Some(format!("pod {name} was taken away while it was asked"));
    }
    let restarts = |seen: Option<&ObservedItem<'_, PodSnapshot>>| seen.map_or(0, |(_, pod)| pod.restarts);
    let asked = life.observations.iter().rfind(|(o, _)| o.at_ms <= at_ms);
    let crashed = restarts(asked) > restarts(life.observations.first());
    crashed.then(|| format!("(workload) pod {name} restarted before or while it was asked"))
}

/// Whose fault is a probe that did not go well?
fn evaluate_failed_probe(view: &RunView<'_>, life: &TargetPod<'_>, probe: &ProbeRecord) -> CheckResult {
    let name = life.name();
    let Some(error) = &probe.error else {
        let size = probe.model_size.map_or(String::new(), |size| format!(" of {size} bytes"));
        return match probe.model_size_vram {
            Some(_) => CheckResult::fail(format!(
                "pod {name} answers, but its model{size} is not in the accelerator's memory (size_vram 0): it computes on the CPU; \
                 its log in diagnostics/{}/ says which accelerators it found",
                view.records.scenario.namespace
            )),
            None => {
                CheckResult::inconclusive(format!("pod {name} answers, but does not say where its model is (/api/ps)"))
            }
        };
    };
    if probe.not_delivered {
        return CheckResult::inconclusive(format!(
            "the probe of pod {name} could not be carried through the pod proxy: {error}"
        ));
    }
    if probe.status.is_some_and(|status| (400..500).contains(&status)) {
        return CheckResult::inconclusive(format!("(workload) pod {name} refuses the chat: {error}"));
    }
    let good = view.loads.last().map_or(0, |(_, load)| load.succeeded);
    if good == 0 {
        return CheckResult::inconclusive(format!("(workload) no pod answers any chat: {error}"));
    }
    if let Some(before) = find_earlier_failures(view, life, error) {
        return CheckResult::inconclusive(format!("(workload) {before}, so it is not this pod's own fault: {error}"));
    }
    CheckResult::fail(format!("pod {name} does not answer a chat of its own: {error}; the service answered {good}"))
}

/// Chats that failed in the same way before the pod was Ready: the server fails so wherever it runs.
fn find_earlier_failures(view: &RunView<'_>, life: &TargetPod<'_>, error: &str) -> Option<String> {
    let (ready, _) = life.first_ready()?;
    let (_, load) = view.loads.iter().rfind(|(o, _)| o.at_ms < ready.at_ms)?;
    let kind = error.split(':').next()?;
    let failures = load.failures.get(kind)?;
    Some(format!("{} chats failed as {kind} before pod {} was Ready", failures.count, life.name()))
}
