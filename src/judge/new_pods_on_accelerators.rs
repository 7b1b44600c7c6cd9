//! ScaleUp/NewPodsRunOnAccelerators: every new pod becomes Ready on a node with accelerators, its device or claim
//! recorded, distinct per pod or the sharing named. A new pod that gets none though the cluster has one: FAIL. No
//! free accelerator, an image that cannot be pulled, a crash: INCONCLUSIVE, and named.

use std::collections::BTreeMap;

use super::ruling::{Ruling, State, Timely, seconds, timely};
use super::view::{Life, View};
use crate::record::observation::{PodSeen, Trouble};

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let lives = view.new_lives();
    if lives.is_empty() {
        return Ruling::open("no new pod yet");
    }
    let (mut words, mut all, mut worst) = (Vec::new(), Ruling::holds(String::new()), None::<Ruling>);
    for life in &lives {
        let ruling = one(view, life);
        all = all.cite(ruling.cites.clone());
        all = ruling.findings.iter().fold(all, Ruling::finding);
        words.push(ruling.reason.clone());
        if rank(&ruling) > worst.as_ref().map_or(0, rank) {
            worst = Some(ruling);
        }
    }
    if let Some(worst) = worst {
        return worst;
    }
    let ready = lives.iter().filter(|life| life.ready().is_some()).count();
    let wanted = usize::try_from(view.expect - view.min).unwrap_or(0);
    if ready < wanted {
        let text = format!("only {ready} of {wanted} new pods became Ready: {}", words.join("; "));
        return if view.is_loaded() { Ruling::open(text) } else { Ruling::unclear(text) };
    }
    all.reason = words.join("; ");
    match shared(view) {
        Some(sharing) => all.finding(sharing),
        None => all,
    }
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
    if let Some((observation, pod)) = life.ready() {
        // Ready comes before the kubelet has written the device ids, now and then.
        let (last, latest) = life.last().map_or((observation.seq, *pod), |(o, p)| (o.seq, *p));
        let pod = if latest.devices.is_empty() { pod } else { &latest };
        return placed(view, pod, life.first_ms(), observation.at_ms).cite([observation.seq, last]);
    }
    let end = view.loaded().map_or(0, |(_, end)| end);
    if life.leaving_ms().is_some_and(|leaving| leaving < end) {
        let text = format!("pod {name} was taken away before it was Ready");
        return Ruling::holds(text.clone()).finding(text).cite(life.last().map(|(o, _)| o.seq));
    }
    let last = life.seen.iter().rfind(|(o, _)| o.at_ms <= end);
    let trouble = last.and_then(|(_, pod)| pod.trouble.clone());
    not_ready(view, life, trouble, end).cite(last.map(|(o, _)| o.seq))
}

fn not_ready(view: &View<'_>, life: &Life<'_>, trouble: Option<Trouble>, end: u64) -> Ruling {
    let name = life.name();
    if let Some(trouble) = trouble.as_ref().filter(|trouble| cannot_come(view, trouble, end)) {
        return Ruling::unclear(no_capacity(view, name, trouble, end));
    }
    let waited = seconds(end.saturating_sub(life.first_ms()));
    let in_time = timely(life.first_ms(), &view.times.pod_start(), None, end) == Timely::NotYet;
    let words = trouble.as_ref().map_or(String::new(), |t| format!(": {}: {}", t.reason, t.message));
    match trouble {
        _ if in_time && view.is_loaded() => Ruling::open(format!("pod {name} is not Ready yet{words}")),
        Some(trouble) if is_capacity(view, &trouble) => Ruling::unclear(no_capacity(view, name, &trouble, end)),
        Some(_) => Ruling::unclear(format!("(workload) pod {name} is not Ready {waited} after it was made{words}")),
        None if in_time => {
            Ruling::unclear(format!("pod {name} was not Ready when the load ended, {waited} after it was made"))
        }
        None => Ruling::broken(format!(
            "pod {name} is not Ready {waited} after it was made, and nothing says why (bound {})",
            view.times.pod_start()
        )),
    }
}

/// A Ready pod: on which node, with which device?
fn placed(view: &View<'_>, pod: &PodSeen, made_ms: u64, ready_ms: u64) -> Ruling {
    let node = pod.node.clone().unwrap_or_default();
    let offered = view.nodes.iter().rfind(|(_, seen)| seen.name == node);
    let has = |allocatable: &BTreeMap<String, i64>| allocatable.iter().any(|(r, n)| view.is_accelerator(r) && *n > 0);
    match offered {
        None => return Ruling::unclear(format!("pod {} runs on node {node}, which could not be read", pod.name)),
        Some((o, seen)) if !has(&seen.allocatable) && pod.claims.is_empty() => {
            return Ruling::broken(format!("pod {} runs on node {node}, which has no accelerator", pod.name))
                .cite([o.seq]);
        }
        Some(_) => {}
    }
    let Some(device) = device(view, pod) else {
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
        seconds(ready_ms - made_ms)
    ))
}

/// The pod's device: from the kubelet, from its claims, or from the labels of a series of the pod.
fn device(view: &View<'_>, pod: &PodSeen) -> Option<String> {
    if !pod.devices.is_empty() {
        return Some(pod.devices.join(" and "));
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
        for device in life.last().map(|(_, pod)| pod.devices.clone()).unwrap_or_default() {
            // Time-sliced devices carry a `::n` suffix on one card.
            let card = device.split("::").next().unwrap_or_default().to_owned();
            holders.entry(card).or_default().push(life.name().to_owned());
        }
    }
    let (card, pods) = holders.into_iter().find(|(_, pods)| pods.len() > 1)?;
    Some(format!("sharing: {} hold {card} together, so no accelerator was added", pods.join(" and ")))
}

fn is_capacity(view: &View<'_>, trouble: &Trouble) -> bool {
    trouble.reason == "Unschedulable"
        && trouble.message.split("Insufficient ").skip(1).any(|rest| {
            view.is_accelerator(rest.split([',', '.', ' ']).next().unwrap_or_default())
                || view.nodes.iter().any(|(_, node)| {
                    node.allocatable.keys().any(|name| view.is_accelerator(name) && rest.starts_with(name.as_str()))
                })
        })
}

/// True when the scheduler finds no accelerator and the cluster does not have as many as the target asks for: waiting
/// cannot help.
fn cannot_come(view: &View<'_>, trouble: &Trouble, now: u64) -> bool {
    if !is_capacity(view, trouble) {
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
