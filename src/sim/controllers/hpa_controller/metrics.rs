//! The metrics of an HPA, asked for as the real controller asks, by the same readers as gpuhpa's own.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerSpec, MetricSpec};

use crate::hpa::{MetricInput, metric_from_spec};
use crate::metrics::api;
use crate::metrics::request::{CUSTOM_VERSIONS, RequestContext, guess_plural, metric_request};
use crate::model::reading::MetricSample;
use crate::sim::controllers::kinds::API_SERVICE;
use crate::sim::controllers::manager::ControllerManager;

/// What the metrics APIs answer for each metric of a spec, or which metric the simulation does not know.
pub(super) fn read_metrics(
    manager: &ControllerManager,
    spec: &HorizontalPodAutoscalerSpec,
    namespace: &str,
    pods: &str,
) -> Result<Vec<MetricInput>, String> {
    let metrics = spec.metrics.as_deref().unwrap_or_default();
    metrics.iter().map(|metric| read_metric(manager, spec, metric, namespace, pods)).collect()
}

fn read_metric(
    manager: &ControllerManager,
    spec: &HorizontalPodAutoscalerSpec,
    metric: &MetricSpec,
    namespace: &str,
    pods: &str,
) -> Result<MetricInput, String> {
    let answer = fetch_samples(manager, metric, namespace, pods);
    let alone = HorizontalPodAutoscalerSpec { metrics: Some(vec![metric.clone()]), ..spec.clone() };
    let read = metric_from_spec(&alone, namespace, answer.as_deref().unwrap_or_default());
    let read = read.ok_or_else(|| format!("the simulated platform does not know metrics of type {}", metric.type_))?;
    Ok(match answer {
        Ok(_) => read,
        Err(why) => failed_metric(read, why),
    })
}

/// The values served, or the text of the failed call.
fn fetch_samples(
    manager: &ControllerManager,
    metric: &MetricSpec,
    namespace: &str,
    pods: &str,
) -> Result<Vec<MetricSample>, String> {
    let described = metric.object.as_ref().map(|object| object.described_object.kind.as_str());
    let plural = described.map(guess_plural).unwrap_or_default();
    let version = if metric.external.is_some() { "v1beta1" } else { custom_metrics_version(manager)? };
    let around = RequestContext { namespace, custom_version: version, pod_selector: pods, plural: &plural };
    let asked = metric_request(metric, &around).ok_or_else(|| "no question for this metric".to_owned())?;
    let answer = (manager.metrics_api)(&asked.path).map_err(|refusal| refusal.message)?;
    let body = serde_json::to_vec(&answer).map_err(|why| why.to_string())?;
    api::parse_samples(&body, asked.response_kind).map_err(|why| why.to_string())
}

/// The version of custom.metrics.k8s.io that discovery names.
fn custom_metrics_version(manager: &ControllerManager) -> Result<&'static str, String> {
    let name =
        |version: &&&str| manager.cluster.get(&API_SERVICE, "", &format!("{version}.custom.metrics.k8s.io")).is_some();
    let found = CUSTOM_VERSIONS.iter().find(name);
    found.copied().ok_or_else(|| "no custom metrics API (custom.metrics.k8s.io) registered".to_owned())
}

/// The same metric, not answered.
fn failed_metric(metric: MetricInput, why: String) -> MetricInput {
    match metric {
        MetricInput::Pods { metric, target_average_value_milli, .. } => {
            MetricInput::Pods { metric, target_average_value_milli, samples_milli: Err(why) }
        }
        MetricInput::Object { metric, target, .. } => MetricInput::Object { metric, target, value_milli: Err(why) },
        MetricInput::External { metric, target, .. } => {
            MetricInput::External { metric, target, values_milli: Err(why) }
        }
    }
}
