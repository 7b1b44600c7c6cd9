//! ScaleUp/NewPodsRunOnAccelerators: every new pod becomes Ready on a node with accelerators, its device or claim
//! recorded, distinct per pod or the sharing named. A new pod that gets none though the cluster has one: FAIL. No
//! free accelerator, an image that cannot be pulled, a crash: INCONCLUSIVE, and named.

use std::collections::BTreeMap;

use super::replicas_rise;
use super::ruling::{Ruling, State, Timely, seconds, timely};
use super::view::{Life, View};
use crate::record::observation::{EventSeen, PodSeen, Trouble};

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let lives = view.new_lives();
    if lives.is_empty() {
        let text = "no new pod of the target was seen";
        return if may_still_come(view) { Ruling::open(text) } else { Ruling::unclear(text) };
    }
    let (mut words, mut all, mut worst) = (Vec::new(), Ruling::holds(String::new()), None::<Ruling>);
    for life in lives {
        let ruling = one(view, life);
        all = all.cite(ruling.cites.clone());
        all = ruling.findings.iter().fold(all, Ruling::finding);
        words.push(ruling.reason.clone());
        if rank(&ruling) > worst.as_ref().map_or(0, rank) {
            worst = Some(ruling);
        }
    }
    if let Some(worst) = worst {
        // An autoscaler that takes pods away and adds them again always has one that is not Ready yet.
        let waited_out = worst.is(State::Open) && !is_in_time(view, view.times.hold().generous_ms()).unwrap_or(true);
        return if waited_out { Ruling { state: State::Unclear, ..worst } } else { worst };
    }
    let together = ready_together(view);
    if i64::from(view.expect) > together {
        let text = format!(
            "only {together} of {} pods of the target were Ready at the same time: {}",
            view.expect,
            words.join("; ")
        );
        return if may_still_come(view) { Ruling::open(text) } else { Ruling::unclear(text) };
    }
    all.reason = words.join("; ");
    match shared(view) {
        Some(sharing) => all.finding(sharing),
        None => all,
    }
}

/// The load is on, and a pod that is made late may still start. Not for ever, whatever was not seen.
fn may_still_come(view: &View<'_>) -> bool {
    view.is_loaded() && is_in_time(view, 0).unwrap_or(false)
}

/// False when the expected size was reached so long ago that pods which it made late were Ready since, and this besides;
/// `None` while it was not reached.
fn is_in_time(view: &View<'_>, besides_ms: u64) -> Option<bool> {
    let (began, _) = view.loaded()?;
    let (_, at, _) = replicas_rise::reached(view, began)?;
    Some(view.now_ms() < at + 2 * view.times.pod_start().generous_ms() + besides_ms)
}

/// The most pods of the target that were Ready at the same time under load. One that only replaces another adds none.
fn ready_together(view: &View<'_>) -> i64 {
    let (lives, end) = (view.lives(), view.loaded().map_or(0, |(_, end)| end));
    let spans: Vec<(u64, u64)> = lives
        .iter()
        .filter_map(|life| Some((life.ready_by(end)?.0.at_ms, life.leaving_ms().unwrap_or(u64::MAX))))
        .collect();
    let at = |moment: u64| spans.iter().filter(|(ready, leaving)| *ready <= moment && moment < *leaving).count();
    spans.iter().map(|(ready, _)| at(*ready)).max().and_then(|most| i64::try_from(most).ok()).unwrap_or(0)
}

fn rank(ruling: &Ruling) -> u8 {
    match ruling.state {
        State::Holds => 0,
        State::Open => 1,
        State::Unclear => 2,
        State::Broken => 3,
    }
}

/// One new pod, by what was seen of it under load.
fn one(view: &View<'_>, life: &Life<'_>) -> Ruling {
    let name = life.name();
    let end = view.loaded().map_or(0, |(_, end)| end);
    if let Some((observation, pod)) = life.ready_by(end) {
        return placed(view, life, pod, observation.at_ms)
            .cite([observation.seq])
            .cite(life.last().map(|(o, _)| o.seq));
    }
    if life.leaving_ms().is_some_and(|leaving| leaving < end) {
        let text = format!("pod {name} was taken away before it was Ready");
        return Ruling::holds(text.clone()).finding(text).cite(life.last().map(|(o, _)| o.seq));
    }
    not_ready(view, life, end).cite(life.seen.iter().rfind(|(o, _)| o.at_ms <= end).map(|(o, _)| o.seq))
}

fn not_ready(view: &View<'_>, life: &Life<'_>, end: u64) -> Ruling {
    let name = life.name();
    let Some((_, last)) = life.seen.iter().rfind(|(o, _)| o.at_ms <= end) else {
        return Ruling::unclear(format!("pod {name} was first seen when the load had ended"));
    };
    if let Some(trouble) = last.trouble.as_ref().filter(|trouble| cannot_come(view, last, trouble, end)) {
        return Ruling::unclear(no_capacity(view, name, trouble, end));
    }
    let trouble = why_not(view, life, end);
    let waited = seconds(end.saturating_sub(life.first_ms()));
    let in_time = timely(life.first_ms(), &view.times.pod_start(), None, end) == Timely::NotYet;
    let words = trouble.as_ref().map_or(String::new(), |t| format!(": {}: {}", t.reason, t.message));
    match trouble {
        _ if in_time && view.is_loaded() => Ruling::open(format!("pod {name} is not Ready yet{words}")),
        Some(trouble) if is_capacity(view, last, &trouble) => Ruling::unclear(no_capacity(view, name, &trouble, end)),
        Some(_) => Ruling::unclear(format!("(workload) pod {name} is not Ready {waited} after it was made{words}")),
        None if in_time => {
            Ruling::unclear(format!("pod {name} was not Ready when the load ended, {waited} after it was made"))
        }
        // Its containers run: that they do not answer their probe is theirs.
        None if last.phase == "Running" => {
            Ruling::unclear(format!("(workload) pod {name} runs, but is not Ready {waited} after it was made"))
        }
        None => Ruling::broken(format!(
            "pod {name} is not Ready {waited} after it was made, and nothing says why (bound {})",
            view.times.pod_start()
        )),
    }
}

/// What the scheduler or the kubelet said of the pod, in its status or in a warning.
fn why_not(view: &View<'_>, life: &Life<'_>, end: u64) -> Option<Trouble> {
    let told = life.seen.iter().rev().filter(|(o, _)| o.at_ms <= end).find_map(|(_, pod)| pod.trouble.clone());
    let object = format!("Pod/{}", life.name());
    let warned = |(o, event): &&super::view::Noted<'_, EventSeen>| {
        event.object == object && event.kind == "Warning" && o.at_ms <= end
    };
    told.or_else(|| {
        let (_, event) = view.events.iter().rfind(warned)?;
        Some(Trouble { reason: event.reason.clone(), message: event.message.clone() })
    })
}

/// A Ready pod: on which node, with which device?
fn placed(view: &View<'_>, life: &Life<'_>, pod: &PodSeen, ready_ms: u64) -> Ruling {
    let node = pod.node.clone().unwrap_or_default();
    // A device plugin that restarts takes its devices away for a while; the pod keeps its own.
    let states = || view.nodes.iter().filter(|(_, seen)| seen.name == node);
    let has = |allocatable: &BTreeMap<String, i64>| allocatable.iter().any(|(r, n)| view.is_accelerator(r) && *n > 0);
    match states().next() {
        None => return Ruling::unclear(format!("pod {} runs on node {node}, which could not be read", pod.name)),
        Some((o, _)) if pod.claims.is_empty() && !states().any(|(_, seen)| has(&seen.allocatable)) => {
            return Ruling::broken(format!("pod {} runs on node {node}, which has no accelerator", pod.name))
                .cite([o.seq]);
        }
        Some(_) => {}
    }
    let Some(device) = device(view, life, pod) else {
        // The kubelet may write the ids after Ready; a hop of the metric may show them a lag later.
        let patience = view.times.lag().generous_ms() + crate::bounds::SLACK.ms();
        let text = format!("pod {} is Ready on node {node}, but no device of it is recorded", pod.name);
        return if view.is_loaded() && view.now_ms() < ready_ms + patience {
            Ruling::open(text)
        } else {
            Ruling::unclear(text)
        };
    };
    Ruling::holds(format!(
        "pod {} Ready on node {node} with {device} {} after it was made",
        pod.name,
        seconds(ready_ms - life.first_ms())
    ))
}

/// The pod's device: from the kubelet, from its claims, or from the labels of a series of the pod.
fn device(view: &View<'_>, life: &Life<'_>, pod: &PodSeen) -> Option<String> {
    if !life.devices().is_empty() {
        return Some(life.devices().join(" and "));
    }
    if !pod.claims.is_empty() {
        return Some(format!("claim {}", pod.claims.join(" and claim ")));
    }
    let samples = view.readings.iter().rev().filter_map(|(_, reading)| reading.samples());
    let of_pod = samples.flatten().find(|s| s.object.as_deref() == Some(&pod.name) && s.labels.contains_key("UUID"));
    of_pod.and_then(|sample| sample.labels.get("UUID")).map(|uuid| format!("{uuid} (by the exporter's labels)"))
}

/// Pods that are there together and hold one device.
fn shared(view: &View<'_>) -> Option<String> {
    let mut holders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for life in view.lives().iter().filter(|life| life.is_there(view.loaded().map_or(0, |(_, end)| end))) {
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
fn is_capacity(view: &View<'_>, pod: &PodSeen, trouble: &Trouble) -> bool {
    if !matches!(trouble.reason.as_str(), "Unschedulable" | "FailedScheduling") {
        return false;
    }
    let asked = pod.resources.keys().filter(|name| view.is_accelerator(name));
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
fn cannot_come(view: &View<'_>, pod: &PodSeen, trouble: &Trouble, now: u64) -> bool {
    if !is_capacity(view, pod, trouble) || !pod.claims.is_empty() {
        return false;
    }
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, node) in &view.nodes {
        let count = node.allocatable.iter().filter(|(r, _)| view.is_accelerator(r)).map(|(_, n)| *n).sum();
        newest.insert(&node.name, if node.ready { count } else { 0 });
    }
    let asked: i64 = view
        .lives()
        .iter()
        .filter(|life| life.is_there(now))
        .filter_map(|life| life.last().map(|(_, pod)| *pod))
        .map(|pod| pod.resources.iter().filter(|(r, _)| view.is_accelerator(r)).map(|(_, n)| *n).sum::<i64>())
        .sum();
    !newest.is_empty() && newest.values().sum::<i64>() < asked
}

fn no_capacity(view: &View<'_>, name: &str, trouble: &Trouble, now: u64) -> String {
    let size = view.size_at(now).map_or(view.expect, |(_, workload)| workload.spec_replicas);
    format!("(capacity) pod {name} finds no free accelerator for {size} replicas: {}", trouble.message)
}
