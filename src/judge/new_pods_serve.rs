//! ScaleUp/NewPodsServe: each new pod (a) answers one chat of its own through the pod proxy, with the model in the
//! accelerator's memory, and (b) takes traffic by the Service: its activity rises while no probe of ours runs.
//! A Service that misses the pod, a missing model, too few connections, no good chat by the Service at all: INCONCLUSIVE.

mod traffic;

use super::ruling::{Ruling, State, seconds};
use super::view::{Life, Noted, SizeChange, View};
use crate::bounds::SLACK;
use crate::record::observation::{LoadSeen, PodSeen, ProbeSeen};
use traffic::takes_traffic;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let (mut words, mut cites, mut findings, mut doubt) = (Vec::new(), Vec::new(), Vec::new(), None::<Ruling>);
    let mut brief = None;
    let end = view.loaded().map_or(0, |(_, end)| end);
    for life in view.new_lives().into_iter().filter(|life| life.ready_by(end).is_some()) {
        let (own, traffic) = (answers(view, life), takes_traffic(view, life));
        if own.is(State::Holds)
            && (traffic.is(State::Unclear) || traffic.is(State::Open))
            && let Some(taken) = taken_too_soon(view, life, end)
        {
            findings.push(taken.clone());
            brief = Some(Ruling::unclear(taken));
            continue;
        }
        let mut pod_words = Vec::new();
        for ruling in [own, traffic] {
            match ruling.state {
                State::Broken => return ruling,
                State::Unclear | State::Open => {
                    let worse = doubt.as_ref().is_none_or(|d| d.is(State::Open) && ruling.is(State::Unclear));
                    doubt = if worse { Some(ruling) } else { doubt };
                }
                State::Holds => {
                    pod_words.push(ruling.reason);
                    cites.extend(ruling.cites);
                    findings.extend(ruling.findings);
                }
            }
        }
        words.push(format!("pod {} {}", life.name(), pod_words.join(" and ")));
    }
    // Others have to show what such a pod had no time for.
    let is_enough = i32::try_from(words.len()).is_ok_and(|shown| shown >= view.expect - view.min);
    let ruling = match doubt.or(brief.filter(|_| !is_enough)) {
        Some(doubt) => doubt,
        None if words.is_empty() => Ruling::open("no new pod is Ready yet"),
        None => unserved(view).unwrap_or_else(|| Ruling::holds(words.join("; ")).cite(cites)),
    };
    findings.into_iter().fold(ruling, Ruling::finding)
}

/// The target was made smaller before the pod's share of the traffic had to show.
fn taken_too_soon(view: &View<'_>, life: &Life<'_>, end: u64) -> Option<String> {
    let (ready, _) = life.ready()?;
    let leaving = life.leaving_ms().filter(|leaving| *leaving <= end)?;
    let lowered = |change: &SizeChange<'_>| {
        change.to < change.from && (ready.at_ms..=leaving + SLACK.ms()).contains(&change.at_ms)
    };
    let is_soon = leaving < ready.at_ms + view.times.traffic().generous_ms() && view.changes.iter().any(lowered);
    is_soon.then(|| {
        let after = seconds(leaving - ready.at_ms);
        format!(
            "pod {} was taken away {after} after it was Ready, too soon to show its share of the traffic",
            life.name()
        )
    })
}

/// Chats reach the pods and none of them ends well: accelerators may be busy with it all the same, but nobody is served.
fn unserved(view: &View<'_>) -> Option<Ruling> {
    let lives = view.new_lives();
    let ready = lives.iter().filter_map(|life| life.ready().map(|(o, _)| (o.at_ms, life.name())));
    let (since, name) = ready.min()?;
    let Some((last_seen, last)) = view.loads.last() else {
        let words = "no word of the load was recorded, so no good chat through the Service is shown";
        return Some(if view.is_loaded() { Ruling::open(words) } else { Ruling::unclear(words) });
    };
    let before = view.loads.iter().rfind(|(o, _)| o.at_ms <= since).map(|(_, load)| *load);
    let more = |count: fn(&LoadSeen) -> u64| count(last).saturating_sub(before.map_or(0, count));
    if more(|load| load.good) > 0 {
        return None;
    }
    let failed = more(|load| load.failed);
    // Each worker has had its turn; a chat that never ends is ended by its timeout.
    if view.is_loaded() && failed < u64::from(view.records.scenario.load.concurrency) {
        return Some(Ruling::open(format!("no chat through the Service has ended well since pod {name} was Ready")));
    }
    let example = last.failures.iter().max_by_key(|(_, failures)| failures.count);
    let example = example.map_or(String::new(), |(kind, failures)| format!(": {kind}: {}", failures.example));
    let reason = format!(
        "(workload) none of the {failed} chats that ended through the Service since pod {name} was Ready was good{example}"
    );
    Some(Ruling::unclear(reason).cite([last_seen.seq]))
}

/// (a) One chat to this pod alone.
fn answers(view: &View<'_>, life: &Life<'_>) -> Ruling {
    let name = life.name();
    let (from, end) = (life.first_ms(), view.loaded().map_or(0, |(_, end)| end));
    let under_load = |probe: &ProbeSeen| (from..=end).contains(&probe.began_ms);
    let probes: Vec<_> = view.probes.iter().filter(|(_, p)| p.pod == name && under_load(p)).collect();
    let stand_in = view.records.scenario.accelerator.is_stand_in();
    let good =
        probes.iter().find(|(_, p)| p.error.is_none() && (stand_in || p.size_vram.is_some_and(|bytes| bytes > 0)));
    if let Some((observation, probe)) = good {
        let memory = match probe.size_vram {
            Some(bytes) if bytes > 0 => format!("size_vram {bytes}"),
            _ => "size_vram 0, waived by accelerator: standIn".to_owned(),
        };
        return Ruling::holds(format!("answered a chat of its own with {} tokens ({memory})", probe.tokens))
            .cite([observation.seq]);
    }
    let ended = !view.is_loaded();
    let Some((observation, probe)) = probes.last() else {
        return match (ended, life.leaving_ms()) {
            (true, _) => Ruling::unclear(format!("pod {name} was not probed while the load was on")),
            (false, Some(_)) => Ruling::unclear(format!("pod {name} was taken away before it could be probed")),
            (false, None) => Ruling::open(format!("pod {name} was not probed yet")),
        };
    };
    let ruling = judge_bad_probe(view, life, probe);
    let shaken = shaken(life, observation.at_ms).filter(|_| ruling.is(State::Broken));
    shaken.map_or(ruling, Ruling::unclear).cite([observation.seq])
}

/// The pod was going away, or its containers had ended, when it was asked.
fn shaken(life: &Life<'_>, at_ms: u64) -> Option<String> {
    let name = life.name();
    if life.leaving_ms().is_some_and(|leaving| leaving <= at_ms) {
        return Some(format!("pod {name} was taken away while it was asked"));
    }
    let restarts = |seen: Option<&Noted<'_, PodSeen>>| seen.map_or(0, |(_, pod)| pod.restarts);
    let asked = life.seen.iter().rfind(|(o, _)| o.at_ms <= at_ms);
    let crashed = restarts(asked) > restarts(life.seen.first());
    crashed.then(|| format!("(workload) pod {name} restarted before or while it was asked"))
}

/// Whose fault is a probe that did not go well?
fn judge_bad_probe(view: &View<'_>, life: &Life<'_>, probe: &ProbeSeen) -> Ruling {
    let name = life.name();
    let Some(error) = &probe.error else {
        let size = probe.size.map_or(String::new(), |size| format!(" of {size} bytes"));
        return match probe.size_vram {
            Some(_) => Ruling::broken(format!(
                "pod {name} answers, but its model{size} is not in the accelerator's memory (size_vram 0): it computes on the CPU; \
                 its log in diagnostics/{}/ says which accelerators it found",
                view.records.scenario.namespace
            )),
            None => Ruling::unclear(format!("pod {name} answers, but does not say where its model is (/api/ps)")),
        };
    };
    if probe.not_carried {
        return Ruling::unclear(format!("the probe of pod {name} could not be carried through the pod proxy: {error}"));
    }
    if probe.status.is_some_and(|status| (400..500).contains(&status)) {
        return Ruling::unclear(format!("(workload) pod {name} refuses the chat: {error}"));
    }
    let good = view.loads.last().map_or(0, |(_, load)| load.good);
    if good == 0 {
        return Ruling::unclear(format!("(workload) no pod answers any chat: {error}"));
    }
    if let Some(before) = failed_before(view, life, error) {
        return Ruling::unclear(format!("(workload) {before}, so it is not this pod's own fault: {error}"));
    }
    Ruling::broken(format!("pod {name} does not answer a chat of its own: {error}; the service answered {good}"))
}

/// Chats that failed in the same way before the pod was Ready: the server fails so wherever it runs.
fn failed_before(view: &View<'_>, life: &Life<'_>, error: &str) -> Option<String> {
    let (ready, _) = life.ready()?;
    let (_, load) = view.loads.iter().rfind(|(o, _)| o.at_ms < ready.at_ms)?;
    let kind = error.split(':').next()?;
    let failures = load.failures.get(kind)?;
    Some(format!("{} chats failed as {kind} before pod {} was Ready", failures.count, life.name()))
}
