//! Errors that keep a metric from giving a proposal.

use std::fmt;

use super::text::selector_text;
use super::{ExternalMetric, ObjectMetric, PodsMetric};

/// The reason why a metric gives no proposal. `Display` gives the controller's exact text (SCHEMA.md, Kinds that turn
/// one metric into a proposal).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricError {
    /// The request for the pods' samples failed with this text.
    PodsNotFetched(PodsMetric, String),
    /// The custom metrics API returned no samples.
    NoPodSamples(PodsMetric),
    /// The scale's selector matches no pods.
    NoPods,
    /// All samples belong to deleting, failed or pending pods.
    NoUsableSamples,
    /// The request for the object's value failed with this text.
    ObjectNotFetched(Box<ObjectMetric>, String),
    /// The request for the series failed with this text.
    ExternalNotFetched(Box<ExternalMetric>, String),
    /// The external metrics API returned no series.
    NoExternalSeries(Box<ExternalMetric>),
    /// A Value target is outside the tolerance, but the scale's selector matches no pods.
    NoPodsToCount,
    /// An Object metric without the target field of its target type. The API server accepts that; the controller does
    /// not.
    ObjectWithoutTarget,
    /// An External metric with neither target field. The API server rejects that, so no vector covers it.
    ExternalWithoutTarget,
}

const NO_PODS: &str = "no pods returned by selector while calculating replica count";
const NO_TARGET: &str = "metric source: neither a value target nor an average value target was set";

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
                write!(
                    f,
                    "{}: unable to fetch metrics from external metrics API: {text}",
                    unable_to_get_external(metric)
                )
            }
            Self::NoExternalSeries(metric) => {
                write!(f, "{}: no metrics returned from external metrics API", unable_to_get_external(metric))
            }
            Self::NoPodsToCount => write!(f, "unable to calculate ready pods: {NO_PODS}"),
            Self::ObjectWithoutTarget => write!(f, "invalid object {NO_TARGET}"),
            Self::ExternalWithoutTarget => write!(f, "invalid external {NO_TARGET}"),
        }
    }
}

impl std::error::Error for MetricError {}

fn unable_to_get_external(metric: &ExternalMetric) -> String {
    let selector = selector_text(metric.selector.as_ref());
    format!("unable to get external metric {}/{}/{selector}", metric.namespace, metric.name)
}
