//! From a proposal to a size: the question and its answer, for both algorithms.

use std::time::Duration;

use super::{HpaCondition, Limit, LogSlot, Stabilization};

/// A proposal and the bounds it has to respect.
#[derive(Debug, Clone, Copy)]
pub struct Sizing<'a> {
    /// `spec.replicas` of the scale.
    pub current_replicas: i32,
    /// The size that the metrics ask for.
    pub proposal: i32,
    /// `spec.minReplicas`, 1 when it is not set.
    pub min_replicas: i32,
    /// `spec.maxReplicas`.
    pub max_replicas: i32,
    /// The controller's `--horizontal-pod-autoscaler-downscale-stabilization`, 5 minutes unless set.
    pub downscale_stabilization: Duration,
    /// The controller's log of earlier proposals.
    pub recommendations: &'a [LogSlot],
}

/// The size that comes out, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// After stabilization, before limits.
    pub stabilized_replicas: i32,
    /// The bare limit of the rate, where it was asked for.
    pub rate_limit: Option<i32>,
    /// The size in the end.
    pub desired_replicas: i32,
    /// What stabilization did.
    pub stabilization: Stabilization,
    /// Which bound changed the stabilized size.
    pub limit: Limit,
    /// The log of proposals afterwards.
    pub recommendations: Vec<LogSlot>,
}

impl Size {
    /// The conditions `AbleToScale` and `ScalingLimited`, in the order in which the controller sets them.
    pub fn conditions(&self) -> [HpaCondition; 2] {
        [self.stabilization.condition(), self.limit.condition()]
    }
}

/// A bound and why it is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplicaBound {
    pub(super) replicas: i32,
    pub(super) limit: Limit,
}

/// The tighter of the rate's limit and `maxReplicas`; of two equal ones `maxReplicas` is named.
pub(super) fn upper_bound(rate_limit: i32, max_replicas: i32) -> ReplicaBound {
    if max_replicas > rate_limit {
        ReplicaBound { replicas: rate_limit, limit: Limit::ScaleUpLimit }
    } else {
        ReplicaBound { replicas: max_replicas, limit: Limit::TooManyReplicas }
    }
}

/// The tighter of the rate's limit and `minReplicas`; of two equal ones `minReplicas` is named.
pub(super) fn lower_bound(rate_limit: i32, min_replicas: i32) -> ReplicaBound {
    if min_replicas < rate_limit {
        ReplicaBound { replicas: rate_limit, limit: Limit::ScaleDownLimit }
    } else {
        ReplicaBound { replicas: min_replicas, limit: Limit::TooFewReplicas }
    }
}
