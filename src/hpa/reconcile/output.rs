//! Output of one pass: status, events, writes and the controller's logs.

use serde::Serialize;

use super::pass_error::PassError;
use crate::hpa::{HpaCondition, HpaLogs, MetricKind};

/// The output of one pass.
#[derive(Debug, Clone, PartialEq)]
pub struct ReconcileOutput {
    /// The HPA's status after the pass.
    pub status: HpaStatus,
    /// Replicas written to the scale.
    pub scale_written: Option<i32>,
    /// Number of attempted PUTs.
    pub scale_update_calls: u32,
    /// The error that the pass returns.
    pub error: Option<PassError>,
    /// The events, in order.
    pub events: Vec<HpaEvent>,
    /// The controller's logs after the pass.
    pub logs: HpaLogs,
}

/// The fields of an HPA's status that a pass writes, without times and generations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HpaStatus {
    /// `spec.replicas` of the scale before the pass.
    pub current_replicas: i32,
    /// Replicas written by the pass, else those before it; unchanged after a failure.
    pub desired_replicas: i32,
    /// The conditions, in the order of their first writes.
    pub conditions: Vec<HpaCondition>,
    /// One entry per metric of the spec, `None` for a failed one; empty if the pass read no metrics.
    pub current_metrics: Vec<Option<CurrentMetric>>,
}

/// A metric in the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentMetric {
    /// Type of the metric.
    pub kind: MetricKind,
    /// Name of the metric.
    pub name: String,
    /// Value of the metric.
    pub reported: ReportedValue,
}

/// The value of a metric in the status, in thousandths, by the field that holds it.
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
    /// Type.
    #[serde(rename = "type")]
    pub(crate) kind: HpaEventType,
    /// Reason.
    pub(crate) reason: &'static str,
    /// Message.
    pub(crate) message: String,
}

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum HpaEventType {
    /// Normal.
    Normal,
    /// Warning.
    Warning,
}

impl ReconcileOutput {
    pub(super) fn warn(&mut self, reason: &'static str, message: impl Into<String>) {
        self.events.push(HpaEvent { kind: HpaEventType::Warning, reason, message: message.into() });
    }
}
