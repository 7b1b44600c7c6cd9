//! One reading of the metric at one hop of its pipeline: exporter, store or metrics API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::units::Milli;

/// The hops of the metric pipeline, in the direction of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MetricHop {
    /// The exporter's exposition.
    Exporter,
    /// Raw samples of the store.
    Store,
    /// The custom or external metrics API: what the HPA controller reads.
    Api,
}

impl MetricHop {
    /// The name in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exporter => "exporter",
            Self::Store => "store",
            Self::Api => "metrics API",
        }
    }
}

/// One reading of the metric: the samples, or the reason why there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricReading {
    /// The hop that was read.
    pub hop: MetricHop,
    /// When the request was sent, milliseconds of the run's clock. The hop answered between this time and the
    /// observation's `atMs`.
    pub requested_ms: u64,
    /// The result.
    pub result: ReadingResult,
}

/// The result of a reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReadingResult {
    /// Samples, sorted by object and labels; may be empty.
    Samples(Vec<MetricSample>),
    /// The hop does not serve the metric: its error response (404, 500, a body that does not parse).
    Failed(String),
    /// The harness could not read the hop (forbidden, unreachable); shows nothing about the hop.
    NotReadable(String),
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricSample {
    /// The pod or other object that the value describes, if the hop names one.
    pub object: Option<String>,
    /// Labels of the series, if the hop returns them. Shared between readings: a series is read thousands of times.
    #[serde(with = "labels")]
    pub labels: Arc<BTreeMap<String, String>>,
    /// The value in thousandths; absent when it is not a finite number.
    pub value: Option<Milli>,
    /// The sample's timestamp. The adapter sets its own current time, so a timestamp from it does not tell the age.
    pub timestamp: Option<Timestamp>,
}

impl MetricReading {
    /// The samples, if the hop served the metric.
    #[must_use]
    pub fn samples(&self) -> Option<&[MetricSample]> {
        match &self.result {
            ReadingResult::Samples(samples) => Some(samples),
            ReadingResult::Failed(_) | ReadingResult::NotReadable(_) => None,
        }
    }
}

/// Most distinct series of a run: a hop has one for each accelerator.
pub(crate) const MAX_SERIES: usize = 100_000;

/// The labels of the series so far, so that the readings of one series share them: a series is read thousands of times.
#[derive(Debug, Default)]
pub(crate) struct SharedLabels(BTreeSet<Arc<BTreeMap<String, String>>>);

impl SharedLabels {
    /// Lets the samples of a reading share the labels of earlier ones.
    pub(crate) fn share(&mut self, reading: &mut MetricReading) {
        let ReadingResult::Samples(samples) = &mut reading.result else { return };
        samples.shrink_to_fit();
        for sample in samples {
            match self.0.get(&sample.labels) {
                Some(known) => sample.labels = Arc::clone(known),
                // One more than the limit is enough to detect it.
                None if self.0.len() <= MAX_SERIES => drop(self.0.insert(Arc::clone(&sample.labels))),
                None => {}
            }
        }
    }

    /// The number of series, at most one more than [`MAX_SERIES`].
    pub(crate) fn series(&self) -> usize {
        self.0.len()
    }
}

/// Serializes shared labels as a map in each reading.
mod labels {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        labels: &Arc<BTreeMap<String, String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        labels.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<BTreeMap<String, String>>, D::Error> {
        BTreeMap::deserialize(deserializer).map(Arc::new)
    }
}
