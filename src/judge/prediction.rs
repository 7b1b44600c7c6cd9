//! Records → prediction: the judge's own arithmetic, told reading by reading and change by change, for a report that shows
//! it beside what happened. It decides nothing; the checks do.

use super::decisions_explained::compute_allowed;
use super::run_view::RunView;
use crate::model::prediction::{MetricRecommendation, PredictedChange, RunPrediction};
use crate::model::run_records::RunRecords;
use crate::units::Milli;

/// The prediction for these records. Pure, as the verdict is.
#[must_use]
pub fn predict(records: RunRecords<'_>) -> RunPrediction {
    let view = RunView::new(records);
    let made_ms = view.hpa_creation().map_or(u64::MAX, |(_, made_ms)| made_ms);
    let readings = view.api_readings.iter().map(|served| MetricRecommendation {
        seq: served.seq,
        at_ms: served.received_ms,
        value: served.value_milli().map(Milli),
        replicas: served.recommendation().filter(|_| served.received_ms >= made_ms),
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
