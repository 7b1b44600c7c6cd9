//! What stabilization and limits did to a proposal, and how the controller says it.

use super::condition::{ConditionKind, ConditionStatus, HpaCondition};

/// What the stabilization windows did to a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stabilization {
    /// Nothing.
    None,
    /// Recent recommendations held a rise back.
    Up,
    /// Recent recommendations held a fall back.
    Down,
}

/// Which bound a stabilized size was measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// None.
    WithinRange,
    /// The rate of scaling up.
    ScaleUpLimit,
    /// The rate of scaling down.
    ScaleDownLimit,
    /// `maxReplicas`.
    TooManyReplicas,
    /// `minReplicas`.
    TooFewReplicas,
}

impl Stabilization {
    /// The condition `AbleToScale` (SCHEMA, Conditions of both).
    pub fn condition(self) -> HpaCondition {
        let (reason, message) = match self {
            Self::None => ("ReadyForNewScale", "recommended size matches current size"),
            Self::Up => (
                "ScaleUpStabilized",
                "recent recommendations were lower than current one, applying the lowest recent recommendation",
            ),
            Self::Down => (
                "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent recommendation",
            ),
        };
        HpaCondition::new(ConditionKind::AbleToScale, ConditionStatus::True, reason, message)
    }
}

impl Limit {
    /// The condition `ScalingLimited` (SCHEMA, Conditions of both).
    pub fn condition(self) -> HpaCondition {
        let (status, reason, message) = match self {
            Self::WithinRange => {
                (ConditionStatus::False, "DesiredWithinRange", "the desired count is within the acceptable range")
            }
            Self::ScaleUpLimit => (
                ConditionStatus::True,
                "ScaleUpLimit",
                "the desired replica count is increasing faster than the maximum scale rate",
            ),
            Self::ScaleDownLimit => (
                ConditionStatus::True,
                "ScaleDownLimit",
                "the desired replica count is decreasing faster than the maximum scale rate",
            ),
            Self::TooManyReplicas => (
                ConditionStatus::True,
                "TooManyReplicas",
                "the desired replica count is more than the maximum replica count",
            ),
            Self::TooFewReplicas => (
                ConditionStatus::True,
                "TooFewReplicas",
                "the desired replica count is less than the minimum replica count",
            ),
        };
        HpaCondition::new(ConditionKind::ScalingLimited, status, reason, message)
    }
}
