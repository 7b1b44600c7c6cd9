//! Metrics of an HPA, requested as the real controller does, with the request builder and parser of gpuhpa itself.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerSpec, MetricSpec};
use serde_json::Value;

use crate::hpa::{MetricInput, metric_from_spec};
use crate::metrics::api;
use crate::metrics::request::{CUSTOM_VERSIONS, RequestContext, guess_plural, metric_request};
use crate::model::reading::MetricSample;
use crate::sim::cluster::{SimCluster, StatusError};
use crate::sim::objects::kinds::API_SERVICE;

/// Responds to metrics API requests, by path.
pub(in crate::sim::controllers) type MetricsApiHandler = Box<dyn Fn(&str) -> Result<Value, StatusError> + Send>;

/// The controller's client of the metrics APIs.
pub(super) struct MetricsClient {
    /// Where the APIs are registered.
    pub(super) cluster: SimCluster,
    pub(super) metrics_api: MetricsApiHandler,
}

/// Reads each metric of a spec, or returns which one the simulator does not support.
pub(super) fn read_metrics(
    client: &MetricsClient,
    spec: &HorizontalPodAutoscalerSpec,
    namespace: &str,
    pods: &str,
) -> Result<Vec<MetricInput>, String> {
    let metrics = spec.metrics.as_deref().unwrap_or_default();
    metrics.iter().map(|metric| read_metric(client, spec, metric, namespace, pods)).collect()
}

fn read_metric(
    client: &MetricsClient,
    spec: &HorizontalPodAutoscalerSpec,
    metric: &MetricSpec,
    namespace: &str,
    pods: &str,
) -> Result<MetricInput, String> {
    let samples = fetch_samples(client, metric, namespace, pods);
    let single_metric_spec = HorizontalPodAutoscalerSpec { metrics: Some(vec![metric.clone()]), ..spec.clone() };
    let input = metric_from_spec(&single_metric_spec, namespace, samples.as_deref().unwrap_or_default());
    let input = input.ok_or_else(|| format!("the simulator does not support metrics of type {}", metric.type_))?;
    Ok(match samples {
        Ok(_) => input,
        Err(error) => failed_metric(input, error),
    })
}

/// Returns the samples, or the message of the failed request.
fn fetch_samples(
    client: &MetricsClient,
    metric: &MetricSpec,
    namespace: &str,
    pods: &str,
) -> Result<Vec<MetricSample>, String> {
    let described = metric.object.as_ref().map(|object| object.described_object.kind.as_str());
    let plural = described.map(guess_plural).unwrap_or_default();
    let version = if metric.external.is_some() { "v1beta1" } else { custom_metrics_version(client)? };
    let context = RequestContext { namespace, custom_version: version, pod_selector: pods, plural: &plural };
    let request = metric_request(metric, &context)
        .ok_or_else(|| "the HPA makes no metrics API request for this metric".to_owned())?;
    let samples = (client.metrics_api)(&request.path).map_err(|error| error.message)?;
    let body = serde_json::to_vec(&samples).map_err(|error| error.to_string())?;
    api::parse_samples(&body, request.response_kind).map_err(|error| error.to_string())
}

/// The registered version of custom.metrics.k8s.io.
fn custom_metrics_version(client: &MetricsClient) -> Result<&'static str, String> {
    let name =
        |version: &&&str| client.cluster.get(&API_SERVICE, "", &format!("{version}.custom.metrics.k8s.io")).is_some();
    let found = CUSTOM_VERSIONS.iter().find(name);
    found.copied().ok_or_else(|| "no custom metrics API (custom.metrics.k8s.io) registered".to_owned())
}

/// Replaces the samples of a metric by an error.
fn failed_metric(metric: MetricInput, error: String) -> MetricInput {
    match metric {
        MetricInput::Pods { metric, target_average_value_milli, .. } => {
            MetricInput::Pods { metric, target_average_value_milli, samples_milli: Err(error) }
        }
        MetricInput::Object { metric, target, .. } => MetricInput::Object { metric, target, value_milli: Err(error) },
        MetricInput::External { metric, target, .. } => {
            MetricInput::External { metric, target, values_milli: Err(error) }
        }
    }
}
