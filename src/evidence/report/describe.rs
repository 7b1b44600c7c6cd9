//! An observation in one line of words.

use crate::model::observation::{
    EndpointsSnapshot, EventSnapshot, HpaSnapshot, LoadSnapshot, NodeSnapshot, Observation, ObservationKind, PhaseEdge,
    PodSnapshot, ProbeRecord, WorkloadSnapshot,
};
use crate::model::reading::{MetricReading, MetricSample, ReadingResult};
use crate::units::Milli;

use super::time_format::{format_duration, format_micros};

/// How many samples of a reading are named.
const MAX_SAMPLES: usize = 8;

/// What kind of thing was seen.
pub(super) fn observation_kind(observation: &Observation) -> &'static str {
    match &observation.kind {
        ObservationKind::Phase(_) => "phase",
        ObservationKind::Hpa(_) => "HPA",
        ObservationKind::Workload(_) => "target",
        ObservationKind::Pod(_) | ObservationKind::PodDeleted(_) => "pod",
        ObservationKind::ObjectDeleted(_) => "object",
        ObservationKind::Event(_) => "event",
        ObservationKind::Node(_) => "node",
        ObservationKind::Endpoints(_) => "endpoints",
        ObservationKind::Metric(reading) => reading.hop.as_str(),
        ObservationKind::Load(_) => "load",
        ObservationKind::Probe(_) => "chat",
        ObservationKind::ClockSkew(_) => "clock",
        ObservationKind::Leader(_) => "leader",
        ObservationKind::Gap(_) => "gap",
        ObservationKind::Interrupted { .. } => "signal",
        ObservationKind::NotStarted { .. } => "run",
    }
}

/// What was seen of it.
pub(super) fn describe_observation(observation: &Observation) -> String {
    match &observation.kind {
        ObservationKind::Phase(mark) => {
            format!("{} {}", mark.phase.as_str(), if mark.edge == PhaseEdge::Began { "began" } else { "ended" })
        }
        ObservationKind::Hpa(hpa) => describe_hpa(hpa),
        ObservationKind::Workload(workload) => describe_workload(workload),
        ObservationKind::Pod(pod) => describe_pod(pod),
        ObservationKind::PodDeleted(gone) | ObservationKind::ObjectDeleted(gone) => {
            format!("{} {} is gone", gone.kind, gone.name)
        }
        ObservationKind::Event(event) => describe_event(event),
        ObservationKind::Node(node) => describe_node(node),
        ObservationKind::Endpoints(endpoints) => describe_endpoints(endpoints),
        ObservationKind::Metric(reading) => describe_reading(reading),
        ObservationKind::Load(load) => describe_load(load),
        ObservationKind::Probe(probe) => describe_probe(probe),
        ObservationKind::ClockSkew(skew) => {
            format!("the API server's clock is ahead by {} to {} ms", skew.low_ms, skew.high_ms)
        }
        ObservationKind::Leader(leader) => format!("{} leads, after {} changes", leader.holder, leader.transitions),
        ObservationKind::Gap(gap) => {
            let since = observation.at_ms.saturating_sub(gap.from_ms);
            format!("{} could not be read for {}: {}", gap.source, format_duration(since), gap.reason)
        }
        ObservationKind::Interrupted { signal } => format!("interrupted by {signal}"),
        ObservationKind::NotStarted { reason: why } => format!("not begun: {why}"),
    }
}

fn describe_hpa(hpa: &HpaSnapshot) -> String {
    let current = hpa.current_replicas.map_or("none".to_owned(), |size| size.to_string());
    let mut text = format!(
        "current {current}, desired {}, min {}, max {}",
        hpa.desired_replicas, hpa.min_replicas, hpa.max_replicas
    );
    for metric in &hpa.current_metrics {
        let value = metric.average_value.or(metric.value).map_or("none".to_owned(), |value| value.to_string());
        text += &format!("; {} {value}", metric.name);
    }
    for condition in &hpa.conditions {
        text += &format!("; {}={}/{}", condition.kind, condition.status, condition.reason);
    }
    text
}

fn describe_workload(workload: &WorkloadSnapshot) -> String {
    let WorkloadSnapshot {
        kind, name, spec_replicas, replicas, ready_replicas: ready, replicas_managers: writers, ..
    } = workload;
    let writers: Vec<String> = writers.iter().map(|w| format!("{} {}", w.manager, w.subresource)).collect();
    let text = format!("{kind} {name}: size {spec_replicas}, {replicas} pods made, {ready} ready");
    if writers.is_empty() { text } else { format!("{text}; size owned by {}", writers.join(", ").trim()) }
}

fn describe_pod(pod: &PodSnapshot) -> String {
    let mut text = format!("{}: {}", pod.name, pod.phase);
    text += if pod.ready { ", Ready" } else { ", not Ready" };
    text += if pod.deleting { ", being deleted" } else { "" };
    text += &pod.node.as_ref().map_or(String::new(), |node| format!(", on {node}"));
    text += &format!("; {}", requested_resources(pod));
    if !pod.allocated_devices.is_empty() {
        text += &format!("; {}", pod.allocated_devices.join(", "));
    }
    if pod.restarts > 0 {
        text += &format!("; {} restarts", pod.restarts);
    }
    text + &pod.not_running.as_ref().map_or(String::new(), |t| format!("; {}: {}", t.reason, t.message))
}

/// What a pod requests: extended resources and claims.
pub(super) fn requested_resources(pod: &PodSnapshot) -> String {
    let resources = pod.extended_resources.iter().map(|(name, count)| format!("{name}={count}"));
    let claims = pod.resource_claims.iter().map(|claim| format!("claim {claim}"));
    let all: Vec<String> = resources.chain(claims).collect();
    if all.is_empty() { "no accelerator requested".to_owned() } else { all.join(", ") }
}

fn describe_event(event: &EventSnapshot) -> String {
    let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
    format!("{}: {} {}: {}{times}", event.object, event.kind, event.reason, event.message)
}

fn describe_node(node: &NodeSnapshot) -> String {
    let all: Vec<String> = node.allocatable.iter().map(|(name, count)| format!("{name}={count}")).collect();
    let ready = if node.ready { "Ready" } else { "not Ready" };
    format!("{}: {ready}; allocatable {}", node.name, if all.is_empty() { "none".to_owned() } else { all.join(", ") })
}

fn describe_endpoints(endpoints: &EndpointsSnapshot) -> String {
    let ready = if endpoints.ready_pods.is_empty() { "none".to_owned() } else { endpoints.ready_pods.join(", ") };
    format!("Service {}: ready {ready}", endpoints.service)
}

fn describe_reading(reading: &MetricReading) -> String {
    match &reading.result {
        ReadingResult::Samples(samples) if samples.is_empty() => "no series".to_owned(),
        ReadingResult::Samples(samples) => {
            let more = samples.len().saturating_sub(MAX_SAMPLES);
            let named: Vec<String> = samples.iter().take(MAX_SAMPLES).map(describe_sample).collect();
            format!("{}{}", named.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
        }
        ReadingResult::Failed(why) => format!("not served: {why}"),
        ReadingResult::NotReadable(why) => format!("not readable: {why}"),
    }
}

fn describe_sample(sample: &MetricSample) -> String {
    // What names a device where no object is named: dcgm-exporter's labels.
    let label = |key: &str| sample.labels.get(key).map(String::as_str);
    let name = sample.object.as_deref().or_else(|| label("UUID")).or_else(|| label("gpu")).unwrap_or("value");
    format!("{name}={}", sample.value.as_ref().map_or("not finite".to_owned(), Milli::to_string))
}

fn describe_load(load: &LoadSnapshot) -> String {
    let LoadSnapshot {
        in_flight, answered_connections: connections, succeeded: good, failed, tokens, ttft_p50_us, ..
    } = load;
    let mut text = format!("{in_flight} in flight, {connections} connections answered, {good} good, {failed} failed");
    text += &format!(", {tokens} tokens, median time to first token {}", format_micros(*ttft_p50_us));
    for (kind, failures) in &load.failures {
        text += &format!("; {} {kind}, the first: {}", failures.count, failures.example);
    }
    text
}

fn describe_probe(probe: &ProbeRecord) -> String {
    let to = if probe.pod.is_empty() { "first chat, through the Service" } else { &probe.pod };
    let status = probe.status.map_or(String::new(), |status| format!(", HTTP {status}"));
    let memory = probe.model_size_vram.map_or(String::new(), |bytes| format!(", size_vram {bytes}"));
    let carried = if probe.not_delivered { ", not carried to the pod" } else { "" };
    let error = probe.error.as_ref().map_or(String::new(), |error| format!(": {error}"));
    format!("{to}: {} tokens{status}{memory}{carried}{error}", probe.tokens)
}
