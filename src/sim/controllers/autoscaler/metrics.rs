//! The metrics of an HPA, asked for as the real controller asks, by the same readers as gpuhpa's own.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerSpec, MetricSpec};

use crate::hpa::{Metric, metric_of};
use crate::metrics::api;
use crate::metrics::question::{Around, CUSTOM_VERSIONS, guessed_plural, question};
use crate::record::reading::Sample;
use crate::sim::controllers::kinds::API_SERVICE;
use crate::sim::controllers::manager::Manager;

/// What the metrics APIs answer for each metric of a spec, or which metric the simulation does not know.
pub(super) fn read(
    manager: &Manager,
    spec: &HorizontalPodAutoscalerSpec,
    namespace: &str,
    pods: &str,
) -> Result<Vec<Metric>, String> {
    let metrics = spec.metrics.as_deref().unwrap_or_default();
    metrics.iter().map(|metric| one(manager, spec, metric, namespace, pods)).collect()
}

fn one(
    manager: &Manager,
    spec: &HorizontalPodAutoscalerSpec,
    metric: &MetricSpec,
    namespace: &str,
    pods: &str,
) -> Result<Metric, String> {
    let answer = ask(manager, metric, namespace, pods);
    let alone = HorizontalPodAutoscalerSpec { metrics: Some(vec![metric.clone()]), ..spec.clone() };
    let read = metric_of(&alone, namespace, answer.as_deref().unwrap_or_default());
    let read = read.ok_or_else(|| format!("the simulated platform does not know metrics of type {}", metric.type_))?;
    Ok(match answer {
        Ok(_) => read,
        Err(why) => failed(read, why),
    })
}

/// The values served, or the text of the failed call.
fn ask(manager: &Manager, metric: &MetricSpec, namespace: &str, pods: &str) -> Result<Vec<Sample>, String> {
    let described = metric.object.as_ref().map(|object| object.described_object.kind.as_str());
    let plural = described.map(guessed_plural).unwrap_or_default();
    let version = if metric.external.is_some() { "v1beta1" } else { version(manager)? };
    let around = Around { namespace, version, pods, plural: &plural };
    let asked = question(metric, &around).ok_or_else(|| "no question for this metric".to_owned())?;
    let answer = (manager.ask)(&asked.path).map_err(|refusal| refusal.message)?;
    let body = serde_json::to_vec(&answer).map_err(|why| why.to_string())?;
    api::read(&body, asked.asks).map_err(|why| why.to_string())
}

/// The version of custom.metrics.k8s.io that discovery names.
fn version(manager: &Manager) -> Result<&'static str, String> {
    let name =
        |version: &&&str| manager.cluster.get(&API_SERVICE, "", &format!("{version}.custom.metrics.k8s.io")).is_some();
    let found = CUSTOM_VERSIONS.iter().find(name);
    found.copied().ok_or_else(|| "no custom metrics API (custom.metrics.k8s.io) registered".to_owned())
}

/// The same metric, not answered.
fn failed(metric: Metric, why: String) -> Metric {
    match metric {
        Metric::Pods { metric, target_average_value_milli, .. } => {
            Metric::Pods { metric, target_average_value_milli, samples_milli: Err(why) }
        }
        Metric::Object { metric, target, .. } => Metric::Object { metric, target, value_milli: Err(why) },
        Metric::External { metric, target, .. } => Metric::External { metric, target, values_milli: Err(why) },
    }
}
