//! ScaleUp/NewPodsServe: each new pod (a) answers one chat of its own through the pod proxy, with the model in the
//! accelerator's memory, and (b) takes traffic by the Service: its activity rises while no probe of ours runs.
//! A Service that misses the pod, a missing model, too few connections, no good chat by the Service at all: INCONCLUSIVE.

use super::ruling::{Ruling, State};
use super::view::{Life, Noted, View};
use crate::bounds::SLACK;
use crate::hpa::Metric;
use crate::record::observation::{LoadSeen, PodSeen, ProbeSeen};
use crate::record::reading::Reading;
use crate::units::Milli;

/// Chance of a false blame that is accepted: a pod that is in the balance, and takes none of n connections.
const ODDS: f64 = 1e-6;

/// Two readings may be so far apart and still be of one unbroken watch: an unchanged reading of the store or the
/// exporter is noted every 10 s, and a poll or two may be missed.
const UNCHANGED_MS: u64 = 10_000 + super::view::TOGETHER_MS;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let (mut words, mut cites, mut findings, mut doubt) = (Vec::new(), Vec::new(), Vec::new(), None::<Ruling>);
    let end = view.loaded().map_or(0, |(_, end)| end);
    for life in view.new_lives().into_iter().filter(|life| life.ready_by(end).is_some()) {
        let mut pod_words = Vec::new();
        for ruling in [answers(view, life), takes_traffic(view, life)] {
            match ruling.state {
                State::Broken => return ruling,
                State::Unclear | State::Open => {
                    let worse = doubt.as_ref().is_none_or(|d| d.is(State::Open) && ruling.is(State::Unclear));
                    if worse {
                        doubt = Some(ruling);
                    }
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
    let ruling = match doubt {
        Some(doubt) => doubt,
        None if words.is_empty() => Ruling::open("no new pod is Ready yet"),
        None => unserved(view).unwrap_or_else(|| Ruling::holds(words.join("; ")).cite(cites)),
    };
    findings.into_iter().fold(ruling, Ruling::finding)
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

/// (b) Its share of the traffic.
fn takes_traffic(view: &View<'_>, life: &Life<'_>) -> Ruling {
    let name = life.name();
    let Some((ready, pod)) = life.ready() else { return Ruling::open(format!("pod {name} is not Ready yet")) };
    let end = view.loaded().map_or(0, |(_, end)| end);
    if let Some((o, seen)) = view
        .endpoints
        .iter()
        .rfind(|(o, _)| o.at_ms <= end)
        .filter(|(_, seen)| seen.selector.iter().any(|(k, v)| pod.labels.get(k) != Some(v)))
    {
        let selector: Vec<String> = seen.selector.iter().map(|(k, v)| format!("{k}={v}")).collect();
        return Ruling::unclear(format!(
            "the selector {} of Service {} misses pod {name}; select by labels that every pod of the target carries",
            selector.join(","),
            seen.service
        ))
        .cite([o.seq]);
    }
    let baseline = idle_peak(view);
    let floor = baseline + tenth_of_target(view);
    let from = ready.at_ms + view.times.lag().ms();
    let activity = view.readings.iter().find_map(|(o, reading)| {
        let value = value_of(reading, name)?;
        let in_time = o.at_ms >= from && o.at_ms <= end && !probed_around(view, name, reading.asked_ms, o.at_ms);
        (in_time && value > floor).then_some((o.seq, value, reading.hop.name()))
    });
    if let Some((seq, value, hop)) = activity {
        return Ruling::holds(format!(
            "takes traffic by the Service: its activity is {} at the {hop} with no probe running (idle at most {})",
            Milli(value),
            Milli(baseline)
        ))
        .cite([seq]);
    }
    no_traffic(view, life, (ready.at_ms, from), end)
}

fn no_traffic(view: &View<'_>, life: &Life<'_>, (ready_ms, from): (u64, u64), end: u64) -> Ruling {
    let name = life.name();
    let balance = balance(view, name, end);
    // A connection counts once its status line came; those in flight when the pod came in are older than it, and the
    // nodes hear of it a moment later.
    let since = balance.map_or(ready_ms, |(since, _)| since.max(ready_ms)) + SLACK.ms();
    let at = |ms: u64| view.loads.iter().take_while(|(o, _)| o.at_ms <= ms).last().map(|(_, load)| *load);
    let before = at(since).map_or(0, |load| load.connections + load.in_flight);
    let opened = at(end).map_or(0, |load| load.connections).saturating_sub(before);
    let pods = balance.map_or(view.expect, |(_, most)| most);
    let text = format!("pod {name} shows no traffic after {opened} connections to {pods} ready endpoints");
    let waited_out = end >= ready_ms + view.times.traffic().generous_ms();
    if !waited_out && view.is_loaded() {
        return Ruling::open(text);
    }
    let readings: Vec<u64> = activity_read(view, name, from, end);
    if readings.is_empty() {
        return Ruling::unclear(format!("no readable hop shows the activity of pod {name} by itself"));
    }
    // The chance that a pod in the balance of N takes none of n connections is (1 - 1/N)^n.
    let odds = (1.0 - 1.0 / f64::from(pods.max(1))).powf(f64::from(u32::try_from(opened).unwrap_or(u32::MAX)));
    if balance.is_some() && opened > 0 && odds < ODDS && waited_out && is_covered(view, &readings, end) {
        return Ruling::broken(format!("{text}, of which chance alone gives {odds:.0e}"));
    }
    Ruling::unclear(text)
}

/// Since when the pod is a ready endpoint, without a break until the load's end, and the most endpoints since then.
fn balance(view: &View<'_>, name: &str, end: u64) -> Option<(u64, i32)> {
    let seen: Vec<_> = view.endpoints.iter().filter(|(o, _)| o.at_ms <= end).collect();
    let with = seen.iter().rev().take_while(|(_, seen)| seen.ready.iter().any(|pod| pod == name));
    let most = with.clone().map(|(_, seen)| seen.ready.len()).max()?;
    let (first, _) = with.last()?;
    Some((first.at_ms, i32::try_from(most).unwrap_or(i32::MAX)))
}

/// When the pod's activity was read with no probe in it.
fn activity_read(view: &View<'_>, name: &str, from: u64, end: u64) -> Vec<u64> {
    let read = view.readings.iter().filter(|(o, reading)| {
        (from..=end).contains(&o.at_ms)
            && value_of(reading, name).is_some()
            && !probed_around(view, name, reading.asked_ms, o.at_ms)
    });
    read.map(|(o, _)| o.at_ms).collect()
}

/// Read often enough for traffic not to be missed: for a lag and more, and nowhere less than an unchanged reading is
/// noted again.
fn is_covered(view: &View<'_>, readings: &[u64], end: u64) -> bool {
    let Some(first) = readings.first() else { return false };
    let next = readings.iter().skip(1).chain(std::iter::once(&end));
    let widest = readings.iter().zip(next).map(|(read, next)| next.saturating_sub(*read)).max().unwrap_or(0);
    widest <= UNCHANGED_MS && end.saturating_sub(*first) >= view.times.lag().generous_ms()
}

/// The highest activity of any pod of the target without load, thousandths.
fn idle_peak(view: &View<'_>) -> i64 {
    let Some((began, ended)) = view.idle() else { return 0 };
    let to = ended.unwrap_or(u64::MAX);
    let lives = view.lives();
    let idle = view.readings.iter().filter(|(o, _)| (began..=to).contains(&o.at_ms));
    idle.flat_map(|(_, reading)| lives.iter().filter_map(|life| value_of(reading, life.name()))).max().unwrap_or(0)
}

/// A tenth of the target: what sets activity apart from noise.
fn tenth_of_target(view: &View<'_>) -> i64 {
    let spec = &view.records.scenario.hpa.spec;
    let target = match crate::hpa::metric_of(spec, &view.records.scenario.namespace, &[]) {
        Some(Metric::Pods { target_average_value_milli, .. }) => Some(target_average_value_milli),
        Some(Metric::Object { target, .. } | Metric::External { target, .. }) => {
            target.average_value_milli.or(target.value_milli)
        }
        None => None,
    };
    target.unwrap_or(0) / 10
}

fn value_of(reading: &Reading, pod: &str) -> Option<i64> {
    let samples = reading.samples()?;
    samples.iter().filter(|s| s.object.as_deref() == Some(pod)).filter_map(|s| s.value).map(|v| v.0).max()
}

/// True when a probe of this pod may show in a reading: it ran within the lag before it, or at the time.
fn probed_around(view: &View<'_>, pod: &str, asked_ms: u64, at_ms: u64) -> bool {
    let reach = view.times.lag().ms() + SLACK.ms();
    view.probes.iter().any(|(o, probe)| probe.pod == pod && probe.began_ms <= at_ms && o.at_ms + reach >= asked_ms)
}
