//! One line of text per observation.

use std::borrow::Cow;

use crate::metrics::{device_from_labels, device_index_from_labels};
use crate::model::metric_profile::ProfileLabels;
use crate::model::observation::{
    EndpointsSnapshot, EventSnapshot, HpaSnapshot, LoadSnapshot, NodeSnapshot, ObjectCondition, Observation,
    ObservationKind, PhaseEdge, PodSnapshot, ProbeRecord, ScaledObjectSnapshot, WorkloadSnapshot,
};
use crate::model::reading::{MetricReading, MetricSample, ReadingResult};
use crate::units::Milli;

use super::time_format::{format_duration, format_micros};

/// Samples shown per reading.
const MAX_SAMPLES: usize = 8;

/// Label of the observation's kind.
pub(super) fn observation_kind(observation: &Observation) -> &'static str {
    match &observation.kind {
        ObservationKind::Phase(_) => "phase",
        ObservationKind::Hpa(_) => "HPA",
        ObservationKind::ScaledObject(_) => "ScaledObject",
        ObservationKind::Workload(_) => "target",
        ObservationKind::Pod(_) | ObservationKind::PodDeleted(_) => "pod",
        ObservationKind::ObjectDeleted(_) => "object",
        ObservationKind::Event(_) => "event",
        ObservationKind::Node(_) => "node",
        ObservationKind::Endpoints(_) => "endpoints",
        ObservationKind::Metric(reading) => reading.hop.as_str(),
        ObservationKind::Load(_) => "load",
        ObservationKind::Probe(_) => "probe",
        ObservationKind::ClockSkew(_) => "clock",
        ObservationKind::Leader(_) => "leader",
        ObservationKind::Gap(_) => "gap",
        ObservationKind::Interrupted { .. } => "signal",
        ObservationKind::NotStarted { .. } => "run",
    }
}

/// The observation's content.
pub(super) fn describe_observation(observation: &Observation, labels: &ProfileLabels) -> String {
    match &observation.kind {
        ObservationKind::Phase(change) => {
            format!("{} {}", change.phase.as_str(), if change.edge == PhaseEdge::Began { "began" } else { "ended" })
        }
        ObservationKind::Hpa(hpa) => describe_hpa(hpa),
        ObservationKind::ScaledObject(object) => describe_scaled_object(object),
        ObservationKind::Workload(workload) => describe_workload(workload),
        ObservationKind::Pod(pod) => describe_pod(pod),
        ObservationKind::PodDeleted(object) | ObservationKind::ObjectDeleted(object) => {
            format!("{} {} deleted", object.kind, object.name)
        }
        ObservationKind::Event(event) => describe_event(event),
        ObservationKind::Node(node) => describe_node(node),
        ObservationKind::Endpoints(endpoints) => describe_endpoints(endpoints),
        ObservationKind::Metric(reading) => describe_reading(reading, labels),
        ObservationKind::Load(load) => describe_load(load),
        ObservationKind::Probe(probe) => describe_probe(probe),
        ObservationKind::ClockSkew(skew) => {
            format!("the API server's clock is {} to {} ms ahead", skew.low_ms, skew.high_ms)
        }
        ObservationKind::Leader(leader) => {
            format!("{} holds the leader lease, after {} transitions", leader.holder, leader.transitions)
        }
        ObservationKind::Gap(gap) => {
            let length_ms = observation.at_ms.saturating_sub(gap.from_ms);
            format!("{} was not readable for {}: {}", gap.source, format_duration(length_ms), gap.reason)
        }
        ObservationKind::Interrupted { signal } => format!("interrupted by {signal}"),
        ObservationKind::NotStarted { reason } => format!("not started: {reason}"),
    }
}

fn describe_hpa(hpa: &HpaSnapshot) -> String {
    let current = hpa.current_replicas.map_or("none".to_owned(), |replicas| replicas.to_string());
    let mut text = format!(
        "current {current}, desired {}, min {}, max {}",
        hpa.desired_replicas, hpa.min_replicas, hpa.max_replicas
    );
    for metric in &hpa.current_metrics {
        let value = metric.average_value.or(metric.value).map_or("none".to_owned(), |value| value.to_string());
        text += &format!("; {} {value}", metric.name);
    }
    text + &describe_conditions(&hpa.conditions)
}

fn describe_scaled_object(object: &ScaledObjectSnapshot) -> String {
    object.name.clone() + &describe_conditions(&object.conditions)
}

fn describe_conditions(conditions: &[ObjectCondition]) -> String {
    conditions.iter().map(|one| format!("; {}={}/{}", one.kind, one.status, one.reason)).collect()
}

fn describe_workload(workload: &WorkloadSnapshot) -> String {
    let WorkloadSnapshot { kind, name, spec_replicas, replicas, ready_replicas, replicas_managers, .. } = workload;
    let managers: Vec<String> = replicas_managers.iter().map(|m| format!("{} {}", m.manager, m.subresource)).collect();
    let text =
        format!("{kind} {name}: spec.replicas {spec_replicas}, status.replicas {replicas}, {ready_replicas} ready");
    if managers.is_empty() { text } else { format!("{text}; spec.replicas managed by {}", managers.join(", ").trim()) }
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
    text + &pod.not_running.as_ref().map_or(String::new(), |n| format!("; {}: {}", n.reason, n.message))
}

/// Extended resources and resource claims of a pod.
pub(super) fn requested_resources(pod: &PodSnapshot) -> String {
    let resources = pod.extended_resources.iter().map(|(name, count)| format!("{name}={count}"));
    let claims = pod.resource_claims.iter().map(|claim| format!("resource claim {claim}"));
    let all: Vec<String> = resources.chain(claims).collect();
    if all.is_empty() { "no accelerator requested".to_owned() } else { all.join(", ") }
}

pub(super) fn describe_event(event: &EventSnapshot) -> String {
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

fn describe_reading(reading: &MetricReading, labels: &ProfileLabels) -> String {
    match &reading.result {
        ReadingResult::Samples(samples) if samples.is_empty() => "no series".to_owned(),
        ReadingResult::Samples(samples) => {
            let more = samples.len().saturating_sub(MAX_SAMPLES);
            let shown: Vec<String> = samples.iter().take(MAX_SAMPLES).map(|one| describe_sample(one, labels)).collect();
            format!("{}{}", shown.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
        }
        ReadingResult::Failed(reason) => format!("not served: {reason}"),
        ReadingResult::NotReadable(reason) => format!("not readable: {reason}"),
    }
}

fn describe_sample(sample: &MetricSample, labels: &ProfileLabels) -> String {
    let device = || {
        let by_number = || device_index_from_labels(&sample.labels, labels);
        device_from_labels(&sample.labels, labels).or_else(|| by_number().map(Cow::Borrowed))
    };
    let name = sample.object.as_deref().map(Cow::Borrowed).or_else(device).unwrap_or(Cow::Borrowed("value"));
    format!("{name}={}", sample.value.as_ref().map_or("not finite".to_owned(), Milli::to_string))
}

fn describe_load(load: &LoadSnapshot) -> String {
    let LoadSnapshot { in_flight, answered_connections, succeeded, failed, tokens, ttft_p50_us, .. } = load;
    let mut text = format!(
        "{in_flight} in flight, {answered_connections} connections answered, {succeeded} succeeded, {failed} failed"
    );
    text += &format!(", {tokens} tokens, median time to first token {}", format_micros(*ttft_p50_us));
    for (kind, failures) in &load.failures {
        text += &format!("; {} {kind}, first: {}", failures.count, failures.example);
    }
    text
}

fn describe_probe(probe: &ProbeRecord) -> String {
    let to = if probe.pod.is_empty() { "warm-up chat through the Service" } else { &probe.pod };
    let status = probe.status.map_or(String::new(), |status| format!(", HTTP {status}"));
    let memory = probe.model_accelerator_bytes;
    let memory = memory.map_or(String::new(), |bytes| format!(", {bytes} bytes of the model in accelerator memory"));
    let delivery = if probe.not_delivered { ", not delivered to the pod" } else { "" };
    let error = probe.error.as_ref().map_or(String::new(), |error| format!(": {error}"));
    format!("{to}: {} tokens{status}{memory}{delivery}{error}", probe.tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_without_a_pod_is_named_by_the_labels_of_the_profile() {
        let describe = |labels: &[(&str, &str)], profile: &ProfileLabels| {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let sample = MetricSample {
                object: None,
                labels: std::sync::Arc::new(labels),
                value: Some(Milli(1500)),
                timestamp: None,
            };
            describe_sample(&sample, profile)
        };
        let generic = &crate::model::scenario::MetricSources::default().profile_or_generic().labels.clone();
        assert_eq!(describe(&[("UUID", "GPU-a"), ("gpu", "0")], generic), "GPU-a=1.5");
        assert_eq!(describe(&[("gpu", "0")], generic), "0=1.5");
        let names = |name: &str| vec![name.to_owned()];
        let own = &ProfileLabels { device: names("serial"), device_index: names("slot"), ..ProfileLabels::default() };
        assert_eq!(describe(&[("serial", "s"), ("slot", "3"), ("gpu", "0")], own), "s=1.5");
        assert_eq!(describe(&[("serial", ""), ("slot", "3"), ("gpu", "0")], own), "3=1.5");
        assert_eq!(describe(&[("gpu", "0")], own), "value=1.5");
    }
}
