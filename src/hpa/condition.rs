//! Conditions of an HPA's status.

use serde::{Deserialize, Serialize};

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionKind {
    /// Whether the scale can be read and written, and whether a stabilization window holds it back.
    AbleToScale,
    /// Whether the metrics give a size.
    ScalingActive,
    /// Whether a bound or a rate changed the size.
    ScalingLimited,
    /// Whether the controller itself wrote the size 0.
    ScaledToZero,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Never written by this controller.
    Unknown,
}

/// One condition, without its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HpaCondition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: ConditionKind,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The word for why.
    pub reason: String,
    /// The sentence for why.
    pub message: String,
}

impl HpaCondition {
    pub(super) fn new(kind: ConditionKind, status: ConditionStatus, reason: &str, message: impl Into<String>) -> Self {
        Self { kind, status, reason: reason.to_owned(), message: message.into() }
    }
}

/// Sets a condition: one that was there keeps its place in the list, a new one goes to the end.
pub(super) fn set(conditions: &mut Vec<HpaCondition>, condition: HpaCondition) {
    match conditions.iter_mut().find(|old| old.kind == condition.kind) {
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}
