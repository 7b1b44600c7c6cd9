//! The custom and external metrics APIs: paths, and answers in the adapter's words.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::cluster::{Refusal, text};
use super::super::servers::POD;
use super::Pipeline;
use super::adapter::{Adapter, Served, api_service, not_known};
use super::labels::LabelSelector;
use super::query::{decoded, split};
use super::rules::{self, Resource};

const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";

/// What is asked.
struct Question<'a> {
    adapter: &'a Adapter,
    resource: Resource,
    namespace: &'a str,
    metric: &'a str,
    /// Further matchers, from the metric's own selector.
    more: String,
}

/// The answer to a path.
pub(super) fn answer(pipeline: &Pipeline, path: &str) -> Result<Value, Refusal> {
    let (plain, values) = split(path);
    let value = |key: &str| values.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value.as_str());
    let segments: Vec<String> = plain.trim_matches('/').split('/').map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments[..] {
        ["apis", group @ (CUSTOM | EXTERNAL)] => api_service(pipeline, group).map(|_| versions(group)),
        ["apis", CUSTOM, "v1beta1", ref rest @ ..] => {
            let adapter = Adapter::of(pipeline, CUSTOM)?;
            let more = further(value("metricLabelSelector"))?;
            let question = |resource, namespace, metric| Question {
                adapter: &adapter,
                resource,
                namespace,
                metric,
                more: more.clone(),
            };
            match *rest {
                [] => Ok(offered(pipeline, &adapter)),
                ["namespaces", name, "metrics", metric] => one(pipeline, &question(rules::NAMESPACE, "", metric), name),
                ["namespaces", namespace, plural, name, metric] => {
                    let resource = rules::by_path(plural).ok_or_else(|| not_known(&format!("metrics of {plural}")))?;
                    let question = question(resource, namespace, metric);
                    if name == "*" {
                        many(pipeline, &question, value("labelSelector"))
                    } else {
                        one(pipeline, &question, name)
                    }
                }
                _ => Err(not_known(plain)),
            }
        }
        ["apis", EXTERNAL, "v1beta1"] => {
            Adapter::of(pipeline, EXTERNAL).map(|_| list("APIResourceList", EXTERNAL, "resources", Vec::new()))
        }
        ["apis", EXTERNAL, "v1beta1", "namespaces", namespace, metric] => {
            external(pipeline, namespace, metric, value("labelSelector"))
        }
        _ => Err(not_known(plain)),
    }
}

/// One object's value.
fn one(pipeline: &Pipeline, question: &Question<'_>, name: &str) -> Result<Value, Refusal> {
    let mut values = values(pipeline, question, &[name.to_owned()])?;
    let (resource, metric) = (question.resource.plural, question.metric);
    let value = values.remove(name).ok_or_else(|| not_found(&format!("{metric} for {resource} {name}")))?;
    Ok(list("MetricValueList", CUSTOM, "items", vec![item(pipeline, question, name, value)]))
}

/// The values of pods that a selector selects.
fn many(pipeline: &Pipeline, question: &Question<'_>, selector: &str) -> Result<Value, Refusal> {
    if question.resource.kind != "Pod" {
        return Err(not_known(&format!("metrics of several {}", question.resource.plural)));
    }
    let selector = LabelSelector::read(selector).map_err(|what| not_known(&what))?;
    let pods = pipeline.0.cluster.list(&POD, Some(question.namespace));
    let chosen = pods.iter().filter(|pod| selector.selects(&pod["metadata"]["labels"]));
    let names: Vec<String> = chosen.map(|pod| text(pod, "name")).collect();
    let values = values(pipeline, question, &names)?;
    let items = values.iter().map(|(name, value)| item(pipeline, question, name, *value)).collect();
    Ok(list("MetricValueList", CUSTOM, "items", items))
}

/// Values by the names of their objects.
fn values(pipeline: &Pipeline, question: &Question<'_>, names: &[String]) -> Result<BTreeMap<String, f64>, Refusal> {
    let Question { adapter, resource, namespace, metric, more } = question;
    let missing = || not_found(&format!("{metric} for {}", resource.plural));
    let served = adapter.served(pipeline, *resource, metric).ok_or_else(missing)?;
    let label = served.rule.label(*resource).ok_or_else(missing)?;
    let mut matchers = Vec::new();
    if let Some(of) = served.rule.label(rules::NAMESPACE).filter(|_| *resource != rules::NAMESPACE) {
        matchers.push(format!("{of}=\"{namespace}\""));
    }
    matchers.extend((!more.is_empty()).then(|| more.clone()));
    if pipeline.0.cluster.setting().pipeline.ignores_pods && resource.kind == "Pod" {
        return mixed(pipeline, adapter, &served, &matchers.join(","), names);
    }
    match names {
        [] => return Ok(BTreeMap::new()),
        [name] => matchers.push(format!("{label}=\"{name}\"")),
        names => matchers.push(format!("{label}=~\"{}\"", names.join("|"))),
    }
    let samples = adapter.ask(pipeline, &served, &matchers.join(","), &label)?;
    let named = samples.into_iter().filter_map(|sample| Some((sample.labels.get(&label)?.clone(), sample.value)));
    Ok(named.filter(|(name, _)| names.contains(name)).collect())
}

/// A fault: for every name the value of all series together.
fn mixed(
    pipeline: &Pipeline,
    adapter: &Adapter,
    served: &Served<'_>,
    matchers: &str,
    names: &[String],
) -> Result<BTreeMap<String, f64>, Refusal> {
    let samples = adapter.ask(pipeline, served, matchers, "")?;
    let value = samples.first().map(|sample| sample.value);
    Ok(names.iter().filter_map(|name| Some((name.clone(), value?))).collect())
}

fn external(pipeline: &Pipeline, namespace: &str, metric: &str, selector: &str) -> Result<Value, Refusal> {
    let adapter = Adapter::of(pipeline, EXTERNAL)?;
    let served = adapter.external(pipeline, metric).ok_or_else(|| not_found(&format!("{metric} for namespaces")))?;
    let of = served.rule.label(rules::NAMESPACE).map(|label| format!("{label}=\"{namespace}\""));
    let more = Some(further(selector)?).filter(|more| !more.is_empty());
    let matchers: Vec<_> = of.into_iter().chain(more).collect();
    let samples = adapter.ask(pipeline, &served, &matchers.join(","), "")?;
    let now = pipeline.0.cluster.now();
    let items = samples.into_iter().map(|sample| {
        json!({"metricName": metric, "metricLabels": sample.labels, "timestamp": now, "value": quantity(sample.value)})
    });
    Ok(list("ExternalMetricValueList", EXTERNAL, "items", items.collect()))
}

/// The metric's own selector as matchers.
fn further(selector: &str) -> Result<String, Refusal> {
    let one = |part: &str| match part.split_once('=') {
        Some((key, value)) if !key.contains(['!', ' ']) => Ok(format!("{key}=\"{}\"", value.trim_start_matches('='))),
        _ => Err(not_known(&format!("the selector `{part}` of a metric"))),
    };
    let parts: Result<Vec<_>, _> = selector.split(',').filter(|part| !part.is_empty()).map(one).collect();
    parts.map(|parts| parts.join(","))
}

fn item(pipeline: &Pipeline, question: &Question<'_>, name: &str, value: f64) -> Value {
    let Resource { kind, api_version, .. } = question.resource;
    let mut described = json!({"kind": kind, "name": name, "apiVersion": api_version});
    if !question.namespace.is_empty() {
        described["namespace"] = json!(question.namespace);
    }
    json!({"describedObject": described, "metricName": question.metric, "timestamp": pipeline.0.cluster.now(),
        "value": quantity(value), "selector": null})
}

fn not_found(of: &str) -> Refusal {
    Refusal::new(404, "NotFound", format!("the server could not find the metric {of}"))
}

fn list(kind: &str, group: &str, field: &str, items: Vec<Value>) -> Value {
    let version = format!("{group}/v1beta1");
    match field {
        "items" => json!({"kind": kind, "apiVersion": version, "metadata": {}, "items": items}),
        _ => json!({"kind": kind, "apiVersion": "v1", "groupVersion": version, "resources": items}),
    }
}

fn versions(group: &str) -> Value {
    let version = json!({"groupVersion": format!("{group}/v1beta1"), "version": "v1beta1"});
    json!({"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": [version], "preferredVersion": version})
}

/// The APIResourceList: `pods/gpu_utilization`.
fn offered(pipeline: &Pipeline, adapter: &Adapter) -> Value {
    let mut names = BTreeMap::new();
    for (_, metric, resources) in adapter.all(pipeline) {
        for resource in resources {
            names.insert(format!("{}/{metric}", resource.plural), resource != rules::NAMESPACE);
        }
    }
    let one = |(name, namespaced): (String, bool)| {
        json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": "MetricValueList",
            "verbs": ["get"]})
    };
    list("APIResourceList", CUSTOM, "resources", names.into_iter().map(one).collect())
}

/// A value in thousandths, cut off towards zero, as Kubernetes writes a quantity.
fn quantity(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the adapter cuts as well; what is out of range saturates")]
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
        let written = [0.0, 98.0, 42.5, 81_000.0, 81_559.0, 0.0004, -3.0].map(quantity);
        assert_eq!(written, ["0", "98", "42500m", "81k", "81559", "0", "-3"]);
    }
}
