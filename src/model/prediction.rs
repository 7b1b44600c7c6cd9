//! Predictions of the HPA model for a run, shown beside the controller's decisions. The judge derives them from the
//! records, so no file of the bundle holds them.

use crate::units::Milli;

/// The predictions for a whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunPrediction {
    /// The recommendation of each reading of the metrics API, in the order of receipt.
    pub recommendations: Vec<MetricRecommendation>,
    /// Each change of the target's spec.replicas from the HPA's creation to the clean-up.
    pub changes: Vec<PredictedChange>,
}

/// The recommendation of the HPA model for one reading of the metrics API.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRecommendation {
    /// Number of the observation that holds the reading.
    pub seq: u64,
    /// When it was received, milliseconds of the run's clock.
    pub at_ms: u64,
    /// The metric value as the HPA's status would report it; `None` if the controller could not have computed one.
    pub value: Option<Milli>,
    /// Recommended replicas from the replicas at that time: after tolerance, before min and max, scaling policies and
    /// stabilization. `None` before the HPA existed.
    pub replicas: Option<i32>,
}

/// A change of spec.replicas, and the decisions that could explain it.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictedChange {
    /// Number of the observation that shows the change.
    pub seq: u64,
    /// When it was received, milliseconds of the run's clock.
    pub at_ms: u64,
    /// Replicas before the change.
    pub from: i32,
    /// Replicas after the change.
    pub to: i32,
    /// The writer of the change, in words.
    pub writer: String,
    /// The decisions that the controller could have made; `None` if the HPA's status does not attribute the change to
    /// the HPA.
    pub allowed: Option<AllowedReplicas>,
}

/// The replicas that one sync of the controller could have decided. Unknown limits are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedReplicas {
    /// Smallest and largest recommendation of the values that the metrics API served around the change.
    pub by_readings: [Option<i32>; 2],
    /// The same for the value in the status that this sync wrote, if that status was observed.
    pub by_status: Option<[Option<i32>; 2]>,
    /// The limit of the scaling policies: the largest replicas for a scale-up, the smallest for a scale-down.
    pub rate_limit: Option<i32>,
}
