//! Input and output common to all types of metric.

use super::{PodState, Tolerance};

/// The target of an HPA during one pass.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// `spec.replicas` of the scale: the controller's "current replicas".
    pub spec_replicas: i32,
    /// `status.replicas` of the scale; used only by `AverageValue` targets of Object and External metrics.
    pub status_replicas: i32,
    /// All pods that the scale's selector matches.
    pub pods: &'a [PodState],
    /// The tolerance of the HPA.
    pub tolerance: Tolerance,
}

/// The recommendation of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// Recommended replicas, before stabilization and limits; negative if the controller's arithmetic overflows.
    pub replicas: i32,
    /// The value in the HPA's status, in thousandths: the value for a Value target, else the average value.
    pub value_milli: i64,
}
