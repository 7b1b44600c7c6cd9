//! Records → prediction: the judge's own arithmetic, told reading by reading and change by change, for a report that shows
//! it beside what happened. It decides nothing; the checks do.

use super::decisions_explained::allowed;
use super::view::View;
use crate::record::prediction::{AskedFor, Predicted, Prediction};
use crate::record::records::Records;
use crate::units::Milli;

/// The prediction for these records. Pure, as the verdict is.
#[must_use]
pub fn predict(records: Records<'_>) -> Prediction {
    let view = View::new(records);
    let made_ms = view.hpa_intended().map_or(u64::MAX, |(_, made_ms)| made_ms);
    let readings = view.served.iter().map(|served| AskedFor {
        seq: served.seq,
        at_ms: served.at_ms,
        value: served.value_milli().map(Milli),
        size: served.asks().filter(|_| served.at_ms >= made_ms),
    });
    let changes = view.changes.iter().map(|change| Predicted {
        seq: change.seq,
        at_ms: change.at_ms,
        from: change.from,
        to: change.to,
        writer: change.writer_text(),
        own: allowed(&view, change),
    });
    Prediction { readings: readings.collect(), changes: changes.collect() }
}
