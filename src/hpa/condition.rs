//! Conditions in an HPA's status, typed. `model::snapshot::ObjectCondition` has the same fields as the API server's
//! strings.

use serde::{Deserialize, Serialize};

/// The type of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ConditionKind {
    /// Whether the controller can read and write the scale, and whether a stabilization window delays scaling.
    AbleToScale,
    /// Whether the controller can compute a replica count from the metrics.
    ScalingActive,
    /// Whether min, max or a scaling policy limits the desired replicas.
    ScalingLimited,
    /// Whether the controller scaled the target to 0.
    ScaledToZero,
}

/// The status of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ConditionStatus {
    /// The condition is true.
    True,
    /// The condition is false.
    False,
    /// Unknown; the HPA controller never writes it.
    Unknown,
}

/// A condition without lastTransitionTime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HpaCondition {
    /// Type.
    #[serde(rename = "type")]
    pub(crate) kind: ConditionKind,
    /// Status.
    pub(crate) status: ConditionStatus,
    /// Reason.
    pub(crate) reason: String,
    /// Message.
    pub(crate) message: String,
}

impl HpaCondition {
    pub(super) fn new(kind: ConditionKind, status: ConditionStatus, reason: &str, message: impl Into<String>) -> Self {
        Self { kind, status, reason: reason.to_owned(), message: message.into() }
    }
}

/// Sets a condition. An existing condition of the same type is replaced in place; a new one is appended.
pub(super) fn set(conditions: &mut Vec<HpaCondition>, condition: HpaCondition) {
    match conditions.iter_mut().find(|old| old.kind == condition.kind) {
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}
