//! Metrics of an HPA, requested as the real controller does, with the request builder and parser of gpuhpa itself.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerSpec, MetricSpec};
use serde_json::Value;

use crate::hpa::MetricInput;
use crate::metrics::api;
use crate::metrics::request::{CUSTOM_VERSIONS, RequestContext, guess_plural, metric_request};
use crate::model::metric_under_test::{MetricKind, MetricUnderTest};
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
    let single_metric_spec = HorizontalPodAutoscalerSpec { metrics: Some(vec![metric.clone()]), ..spec.clone() };
    let resolved = MetricUnderTest::from_spec(&single_metric_spec, namespace);
    let input = resolved.and_then(|resolved| {
        let samples = fetch_samples(client, &resolved, pods);
        resolved.to_input(samples.as_deref().map_err(String::as_str))
    });
    input.ok_or_else(|| format!("the simulator does not support metrics of type {}", metric.type_))
}

/// Returns the samples, or the message of the failed request.
fn fetch_samples(client: &MetricsClient, metric: &MetricUnderTest, pods: &str) -> Result<Vec<MetricSample>, String> {
    let plural = metric.described_object.as_ref().map(|object| guess_plural(&object.kind)).unwrap_or_default();
    let version = if metric.kind == MetricKind::External { "v1beta1" } else { custom_metrics_version(client)? };
    let request =
        metric_request(metric, &RequestContext { custom_version: version, pod_selector: pods, plural: &plural });
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
