//! The custom and external metrics APIs: paths, and responses in the adapter's format.

use std::collections::BTreeMap;

use kube::core::Expression;
use serde_json::{Value, json};

use super::adapter::{AdapterMetric, SimAdapter, find_api_service, find_backend, not_simulated};
use super::keda;
use super::rules::{self, MetricResource};
use super::state::PipelineState;
use super::url_query::{percent_decode, split_query};
use crate::hpa::{CUSTOM_METRICS_GROUP as CUSTOM, EXTERNAL_METRICS_GROUP as EXTERNAL};
use crate::metrics::selector::parse_selector;
use crate::sim::cluster::{StatusError, metadata_text};
use crate::sim::objects::keda::is_served_by;
use crate::sim::objects::kinds::POD;
use crate::sim::objects::labels;

/// A request for values of a metric.
struct AdapterRequest<'a> {
    adapter: &'a SimAdapter,
    resource: MetricResource,
    namespace: &'a str,
    metric: &'a str,
    /// Label matchers of the request's `metricLabelSelector`.
    extra_matchers: String,
}

/// The response at a path.
pub(super) fn handle_request(pipeline: &PipelineState, path: &str) -> Result<Value, StatusError> {
    let (plain_path, params) = split_query(path);
    let param = |key: &str| params.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value.as_str());
    let segments: Vec<String> = plain_path.trim_matches('/').split('/').map(percent_decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments[..] {
        ["apis", group @ (CUSTOM | EXTERNAL)] => find_api_service(pipeline, group).map(|_| api_group(group)),
        ["apis", CUSTOM, "v1beta1", ref rest @ ..] => {
            let adapter = SimAdapter::from_pipeline(pipeline, CUSTOM)?;
            let extra_matchers = selector_matchers(param("metricLabelSelector"))?;
            let request = |resource, namespace, metric| AdapterRequest {
                adapter: &adapter,
                resource,
                namespace,
                metric,
                extra_matchers: extra_matchers.clone(),
            };
            match *rest {
                [] => Ok(api_resource_list(pipeline, &adapter)),
                ["namespaces", name, "metrics", metric] => {
                    object_metric(pipeline, &request(rules::NAMESPACE, "", metric), name)
                }
                ["namespaces", namespace, plural, name, metric] => {
                    let resource =
                        rules::find_resource(plural).ok_or_else(|| not_simulated(&format!("metrics of {plural}")))?;
                    let request = request(resource, namespace, metric);
                    if name == "*" {
                        pod_metrics(pipeline, &request, param("labelSelector"))
                    } else {
                        object_metric(pipeline, &request, name)
                    }
                }
                _ => Err(not_simulated(plain_path)),
            }
        }
        ["apis", EXTERNAL, "v1beta1"] => find_api_service(pipeline, EXTERNAL)
            .and_then(|api_service| find_backend(pipeline, &api_service))
            .map(|_| list_response("APIResourceList", EXTERNAL, "resources", Vec::new())),
        ["apis", EXTERNAL, "v1beta1", "namespaces", namespace, metric] => {
            let (api_service, selector) = (find_api_service(pipeline, EXTERNAL)?, param("labelSelector"));
            let items = if is_served_by(&api_service) {
                find_backend(pipeline, &api_service)?;
                vec![(keda::scaled_object_metric(pipeline, namespace, metric, selector)?, Value::Null)]
            } else {
                external_metric(pipeline, namespace, metric, selector)?
            };
            let now = pipeline.cluster.now();
            let item = |(value, labels): (f64, Value)| json!({"metricName": metric, "metricLabels": labels, "timestamp": now, "value": format_quantity(value)});
            let items = items.into_iter().map(item).collect();
            Ok(list_response("ExternalMetricValueList", EXTERNAL, "items", items))
        }
        _ => Err(not_simulated(plain_path)),
    }
}

/// The value of one object.
fn object_metric(pipeline: &PipelineState, request: &AdapterRequest<'_>, name: &str) -> Result<Value, StatusError> {
    let mut values = query_values(pipeline, request, &[name.to_owned()])?;
    let (resource, metric) = (request.resource.plural, request.metric);
    let value = values.remove(name).ok_or_else(|| metric_not_found(&format!("{metric} for {resource} {name}")))?;
    Ok(list_response("MetricValueList", CUSTOM, "items", vec![metric_value(pipeline, request, name, value)]))
}

/// The values of the pods that match a selector.
fn pod_metrics(pipeline: &PipelineState, request: &AdapterRequest<'_>, selector: &str) -> Result<Value, StatusError> {
    if request.resource.kind != "Pod" {
        return Err(not_simulated(&format!("metrics of several {}", request.resource.plural)));
    }
    let selector = parse_selector(selector).map_err(|unsupported| not_simulated(&unsupported))?;
    let pods = pipeline.cluster.list(&POD, Some(request.namespace));
    let selected = pods.iter().filter(|pod| labels::is_selected(pod, &selector));
    let names: Vec<String> = selected.map(|pod| metadata_text(pod, "name")).collect();
    let values = query_values(pipeline, request, &names)?;
    let items = values.iter().map(|(name, value)| metric_value(pipeline, request, name, *value)).collect();
    Ok(list_response("MetricValueList", CUSTOM, "items", items))
}

/// Values keyed by object name.
fn query_values(
    pipeline: &PipelineState,
    request: &AdapterRequest<'_>,
    names: &[String],
) -> Result<BTreeMap<String, f64>, StatusError> {
    let AdapterRequest { adapter, resource, namespace, metric, extra_matchers } = request;
    let missing = || metric_not_found(&format!("{metric} for {}", resource.plural));
    let served = adapter.find_metric(pipeline, *resource, metric).ok_or_else(missing)?;
    let label = served.rule.resource_label(*resource).ok_or_else(missing)?;
    let mut matchers = Vec::new();
    if let Some(namespace_label) =
        served.rule.resource_label(rules::NAMESPACE).filter(|_| *resource != rules::NAMESPACE)
    {
        matchers.push(format!("{namespace_label}=\"{namespace}\""));
    }
    matchers.extend((!extra_matchers.is_empty()).then(|| extra_matchers.clone()));
    if pipeline.cluster.config().pipeline.ignores_pod_label && resource.kind == "Pod" {
        return mixed_values(pipeline, adapter, &served, &matchers.join(","), names);
    }
    match names {
        [] => return Ok(BTreeMap::new()),
        [name] => matchers.push(format!("{label}=\"{name}\"")),
        names => matchers.push(format!("{label}=~\"{}\"", names.join("|"))),
    }
    let samples = adapter.query_samples(pipeline, &served, &matchers.join(","), &label)?;
    let named = samples.into_iter().filter_map(|sample| Some((sample.labels.get(&label)?.clone(), sample.value)));
    Ok(named.filter(|(name, _)| names.contains(name)).collect())
}

/// Fault `ignores_pod_label`: the aggregate of all series for every name.
fn mixed_values(
    pipeline: &PipelineState,
    adapter: &SimAdapter,
    served: &AdapterMetric<'_>,
    matchers: &str,
    names: &[String],
) -> Result<BTreeMap<String, f64>, StatusError> {
    let samples = adapter.query_samples(pipeline, served, matchers, "")?;
    let value = samples.first().map(|sample| sample.value);
    Ok(names.iter().filter_map(|name| Some((name.clone(), value?))).collect())
}

/// The values of an external metric with their labels, from the adapter.
fn external_metric(
    pipeline: &PipelineState,
    namespace: &str,
    metric: &str,
    selector: &str,
) -> Result<Vec<(f64, Value)>, StatusError> {
    let adapter = SimAdapter::from_pipeline(pipeline, EXTERNAL)?;
    let served =
        adapter.find_external(pipeline, metric).ok_or_else(|| metric_not_found(&format!("{metric} for namespaces")))?;
    let namespace_matcher =
        served.rule.resource_label(rules::NAMESPACE).map(|label| format!("{label}=\"{namespace}\""));
    let extra_matchers = Some(selector_matchers(selector)?).filter(|matchers| !matchers.is_empty());
    let matchers: Vec<_> = namespace_matcher.into_iter().chain(extra_matchers).collect();
    let samples = adapter.query_samples(pipeline, &served, &matchers.join(","), "")?;
    Ok(samples.into_iter().map(|sample| (sample.value, json!(sample.labels))).collect())
}

/// Converts a metric label selector to PromQL matchers.
fn selector_matchers(selector: &str) -> Result<String, StatusError> {
    let matcher = |expression| match expression {
        Expression::Equal(key, value) => Ok(format!("{key}=\"{value}\"")),
        other => Err(not_simulated(&format!("the selector `{other}` of a metric"))),
    };
    let selector = parse_selector(selector).map_err(|unsupported| not_simulated(&unsupported))?;
    let matchers: Result<Vec<_>, _> = selector.into_iter().map(matcher).collect();
    matchers.map(|matchers| matchers.join(","))
}

fn metric_value(pipeline: &PipelineState, request: &AdapterRequest<'_>, name: &str, value: f64) -> Value {
    let MetricResource { kind, api_version, .. } = request.resource;
    let mut described = json!({"kind": kind, "name": name, "apiVersion": api_version});
    if !request.namespace.is_empty() {
        described["namespace"] = json!(request.namespace);
    }
    json!({"describedObject": described, "metricName": request.metric, "timestamp": pipeline.cluster.now(),
        "value": format_quantity(value), "selector": null})
}

fn metric_not_found(metric: &str) -> StatusError {
    StatusError::new(404, "NotFound", format!("the server could not find the metric {metric}"))
}

fn list_response(kind: &str, group: &str, field: &str, items: Vec<Value>) -> Value {
    let version = format!("{group}/v1beta1");
    match field {
        "items" => json!({"kind": kind, "apiVersion": version, "metadata": {}, "items": items}),
        _ => json!({"kind": kind, "apiVersion": "v1", "groupVersion": version, "resources": items}),
    }
}

fn api_group(group: &str) -> Value {
    let version = json!({"groupVersion": format!("{group}/v1beta1"), "version": "v1beta1"});
    json!({"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": [version], "preferredVersion": version})
}

/// The APIResourceList: `pods/gpu_utilization`.
fn api_resource_list(pipeline: &PipelineState, adapter: &SimAdapter) -> Value {
    let mut names = BTreeMap::new();
    for (_, metric, resources) in adapter.list_metrics(pipeline) {
        for resource in resources {
            names.insert(format!("{}/{metric}", resource.plural), resource != rules::NAMESPACE);
        }
    }
    let entry = |(name, namespaced): (String, bool)| {
        json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": "MetricValueList",
            "verbs": ["get"]})
    };
    list_response("APIResourceList", CUSTOM, "resources", names.into_iter().map(entry).collect())
}

/// Formats a value as a Kubernetes quantity, truncated to thousandths.
fn format_quantity(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the adapter truncates too; values out of range saturate")]
    let mut number = (value * 1000.0) as i64;
    let mut suffixes = ["m", "", "k", "M", "G", "T", "P"].into_iter();
    let mut suffix = suffixes.next().unwrap_or_default();
    if number == 0 {
        return "0".to_owned();
    }
    while number % 1000 == 0
        && let Some(next) = suffixes.next()
    {
        (number, suffix) = (number / 1000, next);
    }
    format!("{number}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_kubernetes_does() {
        let written = [0.0, 98.0, 42.5, 81_000.0, 81_559.0, 0.0004, -3.0].map(format_quantity);
        assert_eq!(written, ["0", "98", "42500m", "81k", "81559", "0", "-3"]);
    }
}
