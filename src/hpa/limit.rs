//! Effects of stabilization and limits on a proposal, and their conditions.

use super::condition::{ConditionKind, ConditionStatus, HpaCondition};
use super::text::SCALE_DOWN_STABILIZED;

/// The effect of the stabilization windows on a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stabilization {
    /// None.
    None,
    /// Recent lower recommendations delay the scale-up.
    Up,
    /// Recent higher recommendations delay the scale-down.
    Down,
}

/// The limit that changed a stabilized replica count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the reasons that the controller writes")]
pub(crate) enum Limit {
    /// None.
    WithinRange,
    /// The rate limit of scale-up.
    ScaleUpLimit,
    /// The rate limit of scale-down.
    ScaleDownLimit,
    /// `maxReplicas`.
    TooManyReplicas,
    /// `minReplicas`.
    TooFewReplicas,
}

impl Stabilization {
    /// The condition `AbleToScale` (SCHEMA.md, Conditions of both).
    pub(crate) fn condition(self) -> HpaCondition {
        let (reason, message) = match self {
            Self::None => ("ReadyForNewScale", "recommended size matches current size"),
            Self::Up => (
                "ScaleUpStabilized",
                "recent recommendations were lower than current one, applying the lowest recent recommendation",
            ),
            Self::Down => (
                SCALE_DOWN_STABILIZED,
                "recent recommendations were higher than current one, applying the highest recent recommendation",
            ),
        };
        HpaCondition::new(ConditionKind::AbleToScale, ConditionStatus::True, reason, message)
    }
}

impl Limit {
    /// The condition `ScalingLimited` (SCHEMA.md, Conditions of both).
    pub(crate) fn condition(self) -> HpaCondition {
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
