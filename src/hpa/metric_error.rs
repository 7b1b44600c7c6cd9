//! Why one metric gave no proposal.

use std::fmt;

use super::text::selector_text;
use super::{ExternalMetric, ObjectMetric, PodsMetric};

/// Why one metric gave no proposal. Its `Display` is the controller's text, letter by letter (SCHEMA, the kinds of
/// metric).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricError {
    /// The custom metrics API refused the samples of the pods, with this text.
    PodsNotFetched(PodsMetric, String),
    /// The custom metrics API had no sample of any pod.
    NoPodSamples(PodsMetric),
    /// The scale's selector matches no pod.
    NoPods,
    /// All samples belong to pods that are deleting, failed or pending.
    NoUsableSamples,
    /// The custom metrics API refused the object's value, with this text.
    ObjectNotFetched(Box<ObjectMetric>, String),
    /// The external metrics API refused the series, with this text.
    ExternalNotFetched(Box<ExternalMetric>, String),
    /// The external metrics API had no series.
    NoExternalSeries(Box<ExternalMetric>),
    /// A Value target is outside its tolerance, but the scale's selector matches no pod to count.
    NoPodsToCount,
    /// An Object metric whose target's type has no field set. The API server accepts that; the controller does not.
    ObjectWithoutTarget,
    /// An External metric with neither field set. The API server refuses that, so no vector shows it.
    ExternalWithoutTarget,
}

const NO_PODS: &str = "no pods returned by selector while calculating replica count";
const NEITHER: &str = "metric source: neither a value target nor an average value target was set";

impl fmt::Display for MetricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PodsNotFetched(metric, text) => write!(
                f,
                "unable to get metric {}: unable to fetch metrics from custom metrics API: {text}",
                metric.name
            ),
            Self::NoPodSamples(metric) => {
                write!(f, "unable to get metric {}: no metrics returned from custom metrics API", metric.name)
            }
            Self::NoPods => f.write_str(NO_PODS),
            Self::NoUsableSamples => f.write_str("did not receive metrics for targeted pods (pods might be unready)"),
            Self::ObjectNotFetched(metric, text) => write!(
                f,
                "unable to get metric {} on {} {}/{}: unable to fetch metrics from custom metrics API: {text}",
                metric.name, metric.object.kind, metric.object.namespace, metric.object.name
            ),
            Self::ExternalNotFetched(metric, text) => {
                write!(f, "{}: unable to fetch metrics from external metrics API: {text}", unable_external(metric))
            }
            Self::NoExternalSeries(metric) => {
                write!(f, "{}: no metrics returned from external metrics API", unable_external(metric))
            }
            Self::NoPodsToCount => write!(f, "unable to calculate ready pods: {NO_PODS}"),
            Self::ObjectWithoutTarget => write!(f, "invalid object {NEITHER}"),
            Self::ExternalWithoutTarget => write!(f, "invalid external {NEITHER}"),
        }
    }
}

impl std::error::Error for MetricError {}

fn unable_external(metric: &ExternalMetric) -> String {
    let selector = selector_text(metric.selector.as_ref());
    format!("unable to get external metric {}/{}/{selector}", metric.namespace, metric.name)
}
