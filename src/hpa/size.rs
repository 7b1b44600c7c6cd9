//! From a proposal to the desired replicas: input and output of both algorithms.

use std::time::Duration;

use super::{HpaCondition, Limit, LogSlot, Stabilization};

/// A proposal, and everything that limits it.
#[derive(Debug, Clone, Copy)]
pub struct Sizing<'a> {
    /// `spec.replicas` of the scale.
    pub current_replicas: i32,
    /// The replicas that the metrics recommend.
    pub proposal: i32,
    /// `spec.minReplicas`, 1 if not set.
    pub min_replicas: i32,
    /// `spec.maxReplicas`.
    pub max_replicas: i32,
    /// The controller's `--horizontal-pod-autoscaler-downscale-stabilization`; its default is 5 minutes.
    pub downscale_stabilization: Duration,
    /// The controller's log of earlier proposals.
    pub recommendations: &'a [LogSlot],
}

/// The desired replicas, and how they were computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// Replicas after stabilization, before limits.
    pub stabilized_replicas: i32,
    /// The rate limit alone, without min and max; `None` if it was not computed.
    pub rate_limit: Option<i32>,
    /// Replicas after all limits.
    pub desired_replicas: i32,
    /// The effect of stabilization.
    pub(crate) stabilization: Stabilization,
    /// The limit that changed the stabilized replicas.
    pub(crate) limit: Limit,
    /// The log of proposals, with this one.
    pub recommendations: Vec<LogSlot>,
}

impl Size {
    /// The conditions `AbleToScale` and `ScalingLimited`, in the controller's order.
    pub fn conditions(&self) -> [HpaCondition; 2] {
        [self.stabilization.condition(), self.limit.condition()]
    }
}

/// A limit of the replicas, and its source.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplicaBound {
    pub(super) replicas: i32,
    pub(super) limit: Limit,
}

/// The lower one of the rate limit and `maxReplicas`; `maxReplicas` if they are equal.
pub(super) fn upper_bound(rate_limit: i32, max_replicas: i32) -> ReplicaBound {
    if max_replicas > rate_limit {
        ReplicaBound { replicas: rate_limit, limit: Limit::ScaleUpLimit }
    } else {
        ReplicaBound { replicas: max_replicas, limit: Limit::TooManyReplicas }
    }
}

/// The higher one of the rate limit and `minReplicas`; `minReplicas` if they are equal.
pub(super) fn lower_bound(rate_limit: i32, min_replicas: i32) -> ReplicaBound {
    if min_replicas < rate_limit {
        ReplicaBound { replicas: rate_limit, limit: Limit::ScaleDownLimit }
    } else {
        ReplicaBound { replicas: min_replicas, limit: Limit::TooFewReplicas }
    }
}
