//! What the controller's arithmetic says of a run, to be shown beside what the controller did. The judge works it out
//! from the records, so that it is kept nowhere: whoever has the records has this too.

use serde::{Deserialize, Serialize};

use crate::units::Milli;

/// The prediction of a whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunPrediction {
    /// What each reading of the metrics API comes to, in the order of receipt.
    pub recommendations: Vec<MetricRecommendation>,
    /// Each change of the target's size from the HPA's creation to the clean-up.
    pub changes: Vec<PredictedChange>,
}

/// What one reading of the metrics API comes to by the controller's arithmetic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricRecommendation {
    /// Number of the reading.
    pub seq: u64,
    /// When it was received, milliseconds of the run's clock.
    pub at_ms: u64,
    /// The value as the controller would report it; absent where it could not have computed one.
    pub value: Option<Milli>,
    /// The size that it asks for from the size at that moment, tolerance included, before bounds, rate and window;
    /// absent before there was an HPA.
    pub replicas: Option<i32>,
}

/// A change of size beside what could have explained it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PredictedChange {
    /// Number of the observation that shows the change.
    pub seq: u64,
    /// When it was received, milliseconds of the run's clock.
    pub at_ms: u64,
    /// Size before.
    pub from: i32,
    /// Size after.
    pub to: i32,
    /// Who wrote it, in words.
    pub writer: String,
    /// What could have been decided; absent when the HPA's status does not confirm that the autoscaler decided it.
    pub allowed: Option<AllowedReplicas>,
}

/// What a pass of the controller could have decided. A limit that nobody can tell is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedReplicas {
    /// Smallest and largest size that the values served around it can have asked for.
    pub by_readings: [Option<i32>; 2],
    /// The same for the value that the status of that very pass reports, where it was seen.
    pub by_status: Option<[Option<i32>; 2]>,
    /// How far the spec's rate let it go: the largest size for a rise, the smallest for a fall.
    pub rate_limit: Option<i32>,
}
