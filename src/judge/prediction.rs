//! Computes the HPA's arithmetic for each reading and each replica change, for the report to show beside what happened.
//! It decides nothing; the checks do.

use super::decisions::compute_allowed;
use super::run_view::RunView;
use crate::model::prediction::{MetricRecommendation, PredictedChange, RunPrediction};
use crate::model::run_records::RunRecords;
use crate::units::Milli;

/// Computes the prediction for these records. Pure, like [`judge`](super::judge).
#[must_use]
pub fn predict(records: RunRecords<'_>) -> RunPrediction {
    let view = RunView::new(records);
    let made_ms = view.hpa_creation().map_or(u64::MAX, |(_, made_ms)| made_ms);
    let readings = view.api_readings.iter().map(|reading| MetricRecommendation {
        seq: reading.seq,
        at_ms: reading.received_ms,
        value: reading.value_milli().map(Milli),
        replicas: reading.recommendation().filter(|_| reading.received_ms >= made_ms),
    });
    let changes = view.size_changes.iter().map(|change| PredictedChange {
        seq: change.seq,
        at_ms: change.at_ms,
        from: change.from,
        to: change.to,
        writer: change.describe_writer(),
        allowed: compute_allowed(&view, change),
    });
    RunPrediction { recommendations: readings.collect(), changes: changes.collect() }
}
