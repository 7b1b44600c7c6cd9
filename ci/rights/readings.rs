//! The hops of the metric that a run could read.

use std::collections::BTreeMap;
use std::path::Path;

use gpuhpa::evidence;
use gpuhpa::model::observation::ObservationKind;
use gpuhpa::model::reading::{MetricHop, ReadingResult};

/// Counts the readings of each hop by their result. With `api_only` no other hop may have samples.
pub(crate) fn count(bundle: &Path, api_only: bool) -> Result<String, String> {
    let bundle = evidence::open_bundle(bundle).map_err(|error| error.to_string())?;
    let mut counts: BTreeMap<(MetricHop, &str), usize> = BTreeMap::new();
    for observation in &bundle.timeline {
        if let ObservationKind::Metric(reading) = &observation.kind {
            let result = match reading.result {
                ReadingResult::Samples(_) => "with samples",
                ReadingResult::Failed(_) => "failed",
                ReadingResult::NotReadable(_) => "not readable",
            };
            *counts.entry((reading.hop, result)).or_default() += 1;
        }
    }
    let texts: Vec<String> =
        counts.iter().map(|((hop, result), count)| format!("{count} of the {} {result}", hop.as_str())).collect();
    let text = format!("readings: {}", texts.join(", "));
    let forbidden = counts.keys().any(|(hop, result)| *hop != MetricHop::Api && *result == "with samples");
    if api_only && forbidden { Err(format!("{text}: a hop was read without the permission")) } else { Ok(text) }
}
