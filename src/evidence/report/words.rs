//! An observation in one line of words.

use crate::record::observation::{
    Edge, EndpointsSeen, EventSeen, HpaSeen, LoadSeen, NodeSeen, Observation, PodSeen, ProbeSeen, Seen, WorkloadSeen,
};
use crate::record::reading::{Answer, Reading, Sample};
use crate::units::Milli;

use super::moment::{length, micros};

/// How many samples of a reading are named.
const SAMPLES: usize = 8;

/// What kind of thing was seen.
pub(super) fn kind(observation: &Observation) -> &'static str {
    match &observation.seen {
        Seen::Phase(_) => "phase",
        Seen::Hpa(_) => "HPA",
        Seen::Workload(_) => "target",
        Seen::Pod(_) | Seen::PodGone(_) => "pod",
        Seen::ObjectGone(_) => "object",
        Seen::Event(_) => "event",
        Seen::Node(_) => "node",
        Seen::Endpoints(_) => "endpoints",
        Seen::Metric(reading) => reading.hop.name(),
        Seen::Load(_) => "load",
        Seen::Probe(_) => "chat",
        Seen::Skew(_) => "clock",
        Seen::Leader(_) => "leader",
        Seen::Gap(_) => "gap",
        Seen::Interrupted { .. } => "signal",
        Seen::NotBegun { .. } => "run",
    }
}

/// What was seen of it.
pub(super) fn words(observation: &Observation) -> String {
    match &observation.seen {
        Seen::Phase(mark) => {
            format!("{} {}", mark.phase.name(), if mark.edge == Edge::Began { "began" } else { "ended" })
        }
        Seen::Hpa(hpa) => of_hpa(hpa),
        Seen::Workload(workload) => of_workload(workload),
        Seen::Pod(pod) => of_pod(pod),
        Seen::PodGone(gone) | Seen::ObjectGone(gone) => format!("{} {} is gone", gone.kind, gone.name),
        Seen::Event(event) => of_event(event),
        Seen::Node(node) => of_node(node),
        Seen::Endpoints(endpoints) => of_endpoints(endpoints),
        Seen::Metric(reading) => of_reading(reading),
        Seen::Load(load) => of_load(load),
        Seen::Probe(probe) => of_probe(probe),
        Seen::Skew(skew) => format!("the API server's clock is ahead by {} to {} ms", skew.low_ms, skew.high_ms),
        Seen::Leader(leader) => format!("{} leads, after {} changes", leader.holder, leader.transitions),
        Seen::Gap(gap) => {
            let since = observation.at_ms.saturating_sub(gap.from_ms);
            format!("{} could not be read for {}: {}", gap.source, length(since), gap.why)
        }
        Seen::Interrupted { signal } => format!("interrupted by {signal}"),
        Seen::NotBegun { why } => format!("not begun: {why}"),
    }
}

fn of_hpa(hpa: &HpaSeen) -> String {
    let current = hpa.current.map_or("none".to_owned(), |size| size.to_string());
    let mut text = format!("current {current}, desired {}, min {}, max {}", hpa.desired, hpa.min, hpa.max);
    for metric in &hpa.metrics {
        let value = metric.average.or(metric.value).map_or("none".to_owned(), |value| value.to_string());
        text += &format!("; {} {value}", metric.name);
    }
    for condition in &hpa.conditions {
        text += &format!("; {}={}/{}", condition.kind, condition.status, condition.reason);
    }
    text
}

fn of_workload(workload: &WorkloadSeen) -> String {
    let WorkloadSeen { kind, name, spec_replicas, replicas, ready, writers, .. } = workload;
    let writers: Vec<String> = writers.iter().map(|w| format!("{} {}", w.manager, w.subresource)).collect();
    let text = format!("{kind} {name}: size {spec_replicas}, {replicas} pods made, {ready} ready");
    if writers.is_empty() { text } else { format!("{text}; size owned by {}", writers.join(", ").trim()) }
}

fn of_pod(pod: &PodSeen) -> String {
    let mut text = format!("{}: {}", pod.name, pod.phase);
    text += if pod.ready { ", Ready" } else { ", not Ready" };
    text += if pod.deleting { ", being deleted" } else { "" };
    text += &pod.node.as_ref().map_or(String::new(), |node| format!(", on {node}"));
    text += &format!("; {}", asked_for(pod));
    if !pod.devices.is_empty() {
        text += &format!("; {}", pod.devices.join(", "));
    }
    if pod.restarts > 0 {
        text += &format!("; {} restarts", pod.restarts);
    }
    text + &pod.trouble.as_ref().map_or(String::new(), |t| format!("; {}: {}", t.reason, t.message))
}

/// What a pod requests: extended resources and claims.
pub(super) fn asked_for(pod: &PodSeen) -> String {
    let resources = pod.resources.iter().map(|(name, count)| format!("{name}={count}"));
    let claims = pod.claims.iter().map(|claim| format!("claim {claim}"));
    let all: Vec<String> = resources.chain(claims).collect();
    if all.is_empty() { "no accelerator requested".to_owned() } else { all.join(", ") }
}

fn of_event(event: &EventSeen) -> String {
    let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
    format!("{}: {} {}: {}{times}", event.object, event.kind, event.reason, event.message)
}

fn of_node(node: &NodeSeen) -> String {
    let all: Vec<String> = node.allocatable.iter().map(|(name, count)| format!("{name}={count}")).collect();
    let ready = if node.ready { "Ready" } else { "not Ready" };
    format!("{}: {ready}; allocatable {}", node.name, if all.is_empty() { "none".to_owned() } else { all.join(", ") })
}

fn of_endpoints(endpoints: &EndpointsSeen) -> String {
    let ready = if endpoints.ready.is_empty() { "none".to_owned() } else { endpoints.ready.join(", ") };
    format!("Service {}: ready {ready}", endpoints.service)
}

fn of_reading(reading: &Reading) -> String {
    match &reading.answer {
        Answer::Samples(samples) if samples.is_empty() => "no series".to_owned(),
        Answer::Samples(samples) => {
            let more = samples.len().saturating_sub(SAMPLES);
            let named: Vec<String> = samples.iter().take(SAMPLES).map(of_sample).collect();
            format!("{}{}", named.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
        }
        Answer::Failed(why) => format!("not served: {why}"),
        Answer::NotReadable(why) => format!("not readable: {why}"),
    }
}

fn of_sample(sample: &Sample) -> String {
    // What names a device where no object is named: dcgm-exporter's labels.
    let label = |key: &str| sample.labels.get(key).map(String::as_str);
    let name = sample.object.as_deref().or_else(|| label("UUID")).or_else(|| label("gpu")).unwrap_or("value");
    format!("{name}={}", sample.value.as_ref().map_or("not finite".to_owned(), Milli::to_string))
}

fn of_load(load: &LoadSeen) -> String {
    let LoadSeen { in_flight, connections, good, failed, tokens, ttft_p50_us, .. } = load;
    let mut text = format!("{in_flight} in flight, {connections} connections answered, {good} good, {failed} failed");
    text += &format!(", {tokens} tokens, median time to first token {}", micros(*ttft_p50_us));
    for (kind, failures) in &load.failures {
        text += &format!("; {} {kind}, the first: {}", failures.count, failures.example);
    }
    text
}

fn of_probe(probe: &ProbeSeen) -> String {
    let to = if probe.pod.is_empty() { "first chat, through the Service" } else { &probe.pod };
    let status = probe.status.map_or(String::new(), |status| format!(", HTTP {status}"));
    let memory = probe.size_vram.map_or(String::new(), |bytes| format!(", size_vram {bytes}"));
    let carried = if probe.not_carried { ", not carried to the pod" } else { "" };
    let error = probe.error.as_ref().map_or(String::new(), |error| format!(": {error}"));
    format!("{to}: {} tokens{status}{memory}{carried}{error}", probe.tokens)
}
