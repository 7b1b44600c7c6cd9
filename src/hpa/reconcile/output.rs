//! What one pass leaves behind: status, events, writes and the controller's memory.

use serde::Serialize;

use super::pass_error::PassError;
use crate::hpa::{HpaCondition, HpaLogs};

/// What one pass leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct ReconcileOutput {
    /// The HPA's status afterwards.
    pub status: HpaStatus,
    /// The size written to the scale.
    pub scale_written: Option<i32>,
    /// The number of PUTs tried.
    pub scale_update_calls: u32,
    /// The error with which the pass ends.
    pub error: Option<PassError>,
    /// The events, in order.
    pub events: Vec<HpaEvent>,
    /// The controller's memory afterwards.
    pub logs: HpaLogs,
}

/// The status of an HPA, as far as a pass writes it; times and generations are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HpaStatus {
    /// The size that the pass found: `spec.replicas` of the scale.
    pub current_replicas: i32,
    /// The size that the pass wanted, or found where it wrote nothing; the old value after a failure.
    pub desired_replicas: i32,
    /// The conditions, in the order in which they were first set.
    pub conditions: Vec<HpaCondition>,
    /// One entry per metric of the spec, `None` for a failed one; empty where metrics were not computed.
    pub current_metrics: Vec<Option<CurrentMetric>>,
}

/// One metric in the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentMetric {
    /// Its kind.
    pub kind: MetricKind,
    /// Its name.
    pub name: String,
    /// Its value.
    pub reported: ReportedValue,
}

/// The kinds of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum MetricKind {
    /// One sample per pod.
    Pods,
    /// One value of one object.
    Object,
    /// The sum of series from outside.
    External,
}

/// Which field of the status holds a metric's value, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedValue {
    /// `current.value`.
    Value(i64),
    /// `current.averageValue`.
    AverageValue(i64),
}

/// An event about the HPA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HpaEvent {
    /// How serious it is.
    #[serde(rename = "type")]
    pub kind: HpaEventType,
    /// The word for what happened.
    pub reason: &'static str,
    /// The sentence for what happened.
    pub message: String,
}

/// How serious an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum HpaEventType {
    /// As it should be.
    Normal,
    /// Something failed.
    Warning,
}

impl ReconcileOutput {
    pub(super) fn warn(&mut self, reason: &'static str, message: impl Into<String>) {
        self.events.push(HpaEvent { kind: HpaEventType::Warning, reason, message: message.into() });
    }
}
