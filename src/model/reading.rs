//! One reading of the metric at one hop of its way: exporter, store or metrics API.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::units::Milli;

/// The hops of the metric's way, in its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MetricHop {
    /// The exporter's own text.
    Exporter,
    /// Raw samples of the store.
    Store,
    /// The custom or external metrics API: what the HPA controller reads.
    Api,
}

impl MetricHop {
    /// The name for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exporter => "exporter",
            Self::Store => "store",
            Self::Api => "metrics API",
        }
    }
}

/// One reading: the samples, or why there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricReading {
    /// Where it was read.
    pub hop: MetricHop,
    /// When the question was sent, milliseconds of the run's clock: the answer was made between this and its receipt.
    pub requested_ms: u64,
    /// The samples, or the failure.
    pub result: ReadingResult,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReadingResult {
    /// Samples, sorted by their objects and labels; may be empty.
    Samples(Vec<MetricSample>),
    /// Not served: the answer of the hop itself (404, 500, a text that does not parse).
    Failed(String),
    /// Not readable from here (forbidden, unreachable): says nothing about the hop.
    NotReadable(String),
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSample {
    /// The pod or other object that the value belongs to, where the hop names one.
    pub object: Option<String>,
    /// Labels of the series, where the hop shows them. A series is read thousands of times: readings may share them.
    #[serde(with = "labels")]
    pub labels: Arc<BTreeMap<String, String>>,
    /// The value in thousandths; absent when it is not a finite number.
    pub value: Option<Milli>,
    /// The sample's own time. The adapter's is its own clock, so it says nothing about age.
    pub timestamp: Option<Timestamp>,
}

impl MetricReading {
    /// The samples, if it was served.
    #[must_use]
    pub fn samples(&self) -> Option<&[MetricSample]> {
        match &self.result {
            ReadingResult::Samples(samples) => Some(samples),
            ReadingResult::Failed(_) | ReadingResult::NotReadable(_) => None,
        }
    }
}

/// Shared labels in JSON: as if each reading had its own.
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
