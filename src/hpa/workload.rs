//! What every kind of metric is asked about, and what it answers.

use super::{PodState, Tolerance};

/// The target of an HPA at the moment of one pass.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// `spec.replicas` of the scale: the controller's "current replicas".
    pub spec_replicas: i32,
    /// `status.replicas` of the scale: only `AverageValue` targets of Object and External metrics look at it.
    pub status_replicas: i32,
    /// Every pod that the scale's selector matches.
    pub pods: &'a [PodState],
    /// The tolerance for this HPA.
    pub tolerance: Tolerance,
}

/// What one metric asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The size asked for, before any stabilization, limit or bound; negative where the controller overflows.
    pub replicas: i32,
    /// The value reported in the HPA's status, in thousandths: the value for a Value target, else the average value.
    pub value_milli: i64,
}
