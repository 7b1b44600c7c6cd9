//! The metrics APIs: by whom they are served, and whether they have a metric of the accelerators.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use serde_json::Value;

use super::reader::ClusterReader;
use crate::hpa::{CUSTOM_METRICS_GROUP, EXTERNAL_METRICS_GROUP};
use crate::model::adapter_rule::query_delay_ms;
use crate::model::scenario::ServiceRef;
use crate::model::service_url::service_of_url;

/// An API of a metrics group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServedApi {
    /// Group and version.
    pub(super) version: String,
    /// `namespace/name` of the Service behind it.
    pub(super) service: String,
    pub(super) is_available: bool,
}

/// A metric that an adapter serves for each pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServedMetric {
    pub(super) name: String,
    /// How much older than its samples it is because of its rule, milliseconds.
    pub(super) delay_ms: u64,
}

/// The metrics APIs of the cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct MetricsApiFindings {
    /// Whether the APIServices could be read.
    pub(super) is_read: bool,
    pub(super) custom: Option<ServedApi>,
    pub(super) external: Option<ServedApi>,
    /// Names of the custom metrics API that look like accelerators, as the API lists them.
    pub(super) listed: Vec<String>,
    /// The metric of the exporter's series for each pod, from the adapter's rules.
    pub(super) rule: Option<ServedMetric>,
    /// The external metric of the exporter's series, from the adapter's rules.
    pub(super) external_rule: Option<String>,
    /// Whether the adapter's rules could be read.
    pub(super) are_rules_read: bool,
    /// Stores that adapters point at, with the adapter.
    pub(super) stores: Vec<(String, ServiceRef)>,
    /// ScaledObjects of KEDA.
    pub(super) scaled_objects: Vec<ScaledObject>,
}

/// A ScaledObject of KEDA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ScaledObject {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Query of its first prometheus trigger.
    pub(super) query: Option<String>,
}

impl MetricsApiFindings {
    /// Whether KEDA serves the external metrics.
    pub(super) fn has_keda(&self) -> bool {
        self.external.as_ref().is_some_and(|api| api.service.contains("keda"))
    }
}

/// Words in the names of metrics of accelerators.
const METRIC_WORDS: [&str; 6] = ["gpu", "dcgm", "accelerator", "vllm", "gfx_activity", "neuron"];

/// Reads the APIs and the adapters behind them; `series` is the exporter's.
pub(super) async fn read(
    reader: &mut ClusterReader<'_>,
    deployments: Option<&[Deployment]>,
    series: Option<&str>,
) -> MetricsApiFindings {
    let mut found = MetricsApiFindings::default();
    let services: Option<Vec<APIService>> = reader.list("APIServices").await;
    found.is_read = services.is_some();
    for service in services.iter().flatten() {
        let group = service.spec.as_ref().and_then(|spec| spec.group.as_deref()).unwrap_or_default();
        match group {
            CUSTOM_METRICS_GROUP => found.custom = found.custom.or(Some(served_api(service))),
            EXTERNAL_METRICS_GROUP => found.external = found.external.or(Some(served_api(service))),
            _ => {}
        }
    }
    if let Some(api) = &found.custom {
        match reader.get(&format!("/apis/{}", api.version)).await {
            Ok(body) => found.listed = accelerator_metrics(&body),
            Err(error) => reader.note_unread("the list of custom metrics", &error),
        }
    }
    for deployment in deployments.into_iter().flatten() {
        read_adapter(reader, deployment, series, &mut found).await;
    }
    if found.has_keda() {
        match reader.get("/apis/keda.sh/v1alpha1/scaledobjects").await {
            Ok(body) => read_scaled_objects(&body, &mut found),
            Err(error) => reader.note_unread("the ScaledObjects of KEDA", &error),
        }
    }
    found
}

fn served_api(service: &APIService) -> ServedApi {
    let spec = service.spec.clone().unwrap_or_default();
    let name = spec.service.unwrap_or_default();
    let conditions = service.status.as_ref().and_then(|status| status.conditions.as_ref());
    let is_available = |one: &k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIServiceCondition| {
        one.type_ == "Available" && one.status == "True"
    };
    ServedApi {
        version: format!("{}/{}", spec.group.unwrap_or_default(), spec.version.unwrap_or_default()),
        service: format!("{}/{}", name.namespace.unwrap_or_default(), name.name.unwrap_or_default()),
        is_available: conditions.is_some_and(|all| all.iter().any(is_available)),
    }
}

/// The metrics for each pod in a list of the API that look like ones of accelerators.
fn accelerator_metrics(body: &[u8]) -> Vec<String> {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    let names = list["resources"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
    let of_pods = names.filter_map(|name| name.strip_prefix("pods/"));
    let is_known = |name: &&str| METRIC_WORDS.iter().any(|word| name.to_lowercase().contains(word));
    of_pods.filter(is_known).map(ToOwned::to_owned).collect()
}

/// Reads what an adapter's Deployment points at, and its rules.
async fn read_adapter(
    reader: &mut ClusterReader<'_>,
    deployment: &Deployment,
    series: Option<&str>,
    found: &mut MetricsApiFindings,
) {
    const URL_FLAG: &str = "--prometheus-url=";
    let Some(pod) = deployment.spec.template.spec.as_ref() else { return };
    let arguments = pod.containers.iter().flat_map(|one| one.command.iter().chain(&one.args)).flatten();
    let Some(url) = arguments.filter_map(|one| one.strip_prefix(URL_FLAG)).next() else { return };
    let (namespace, name) = (deployment.metadata.namespace.as_deref(), deployment.metadata.name.as_deref());
    let adapter = format!("{}/{}", namespace.unwrap_or_default(), name.unwrap_or_default());
    if let Some(service) = service_of_url(url) {
        found.stores.push((format!("Deployment {adapter} points at it ({URL_FLAG}{url})"), service));
    }
    let maps = pod.volumes.iter().flatten().filter_map(|volume| volume.config_map.as_ref());
    let names: Vec<String> = maps.map(|map| map.name.clone()).collect();
    let Some(all) =
        reader.list_in::<ConfigMap>("the rules of the metrics adapter", namespace.unwrap_or_default()).await
    else {
        return;
    };
    found.are_rules_read = true;
    let used = all.iter().filter(|map| map.metadata.name.as_ref().is_some_and(|name| names.contains(name)));
    for text in used.filter_map(|map| map.data.as_ref()).flat_map(BTreeMap::values) {
        found.rule = found.rule.take().or(series.and_then(|series| rule_for_pods(text, series)));
        let external = || series.and_then(|series| external_rule(text, series));
        found.external_rule = found.external_rule.take().or_else(external);
    }
}

/// Whether a rule selects a series, by its name.
fn selects(rule: &Value, series: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let texts = ["seriesQuery", "metricsQuery"].map(|key| rule[key].as_str().unwrap_or_default());
    texts.iter().any(|text| text.split(|c| !is_word(c)).any(|word| word == series))
}

/// The external metric that the rules of an adapter's configuration make of a series.
fn external_rule(config: &str, series: &str) -> Option<String> {
    let config: Value = serde_saphyr::from_str(config).ok()?;
    let rule = config["externalRules"].as_array()?.iter().find(|rule| selects(rule, series))?;
    let name = rule["name"]["as"].as_str().filter(|name| !name.is_empty() && !name.contains('$')).unwrap_or(series);
    Some(name.to_owned())
}

/// The metric for each pod that the rules of an adapter's configuration make of a series.
fn rule_for_pods(config: &str, series: &str) -> Option<ServedMetric> {
    let config: Value = serde_saphyr::from_str(config).ok()?;
    config["rules"].as_array()?.iter().find_map(|rule| {
        let query = rule["metricsQuery"].as_str().unwrap_or_default();
        let overrides = rule["resources"]["overrides"].as_object();
        let names_pods = overrides.is_some_and(|all| all.values().any(|one| one["resource"] == "pod"))
            || rule["resources"]["template"].is_string();
        let name = rule["name"]["as"].as_str().filter(|name| !name.is_empty() && !name.contains('$')).unwrap_or(series);
        (rule["seriesQuery"].is_string() && selects(rule, series) && names_pods)
            .then(|| ServedMetric { name: name.to_owned(), delay_ms: query_delay_ms(query) })
    })
}

fn read_scaled_objects(body: &[u8], found: &mut MetricsApiFindings) {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    for object in list["items"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
        let mut found_object = ScaledObject { namespace, name, query: None };
        for trigger in object["spec"]["triggers"].as_array().into_iter().flatten() {
            if let Some(service) = trigger["metadata"]["serverAddress"].as_str().and_then(service_of_url) {
                let ScaledObject { namespace, name, .. } = &found_object;
                found.stores.push((format!("ScaledObject {namespace}/{name} points at it"), service));
            }
            let query = trigger["metadata"]["query"].as_str().filter(|_| trigger["type"] == "prometheus");
            found_object.query = found_object.query.or(query.map(ToOwned::to_owned));
        }
        found.scaled_objects.push(found_object);
    }
}

impl MetricsApiFindings {
    /// The metric for each pod: by the adapter's rules, else the only one that the API lists.
    pub(super) fn pod_metric(&self) -> Option<ServedMetric> {
        let listed = self.listed.first().filter(|_| self.listed.len() == 1);
        self.rule.clone().or(listed.map(|name| ServedMetric { name: name.clone(), delay_ms: 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_the_series_for_each_pod_is_found() {
        let config = r#"
rules:
  - {seriesQuery: 'other{pod!=""}', resources: {overrides: {pod: {resource: pod}}}, name: {as: other}}
  - {seriesQuery: 'u{pod!=""}', resources: {overrides: {namespace: {resource: namespace}}}, name: {as: by_namespace}}
  - seriesQuery: 'u{pod!=""}'
    resources: {overrides: {pod: {resource: pod}}}
    name: {as: gpu}
    metricsQuery: avg(avg_over_time(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
"#;
        assert_eq!(rule_for_pods(config, "u"), Some(ServedMetric { name: "gpu".to_owned(), delay_ms: 120_000 }));
        assert_eq!(rule_for_pods(config, "v"), None);
        assert_eq!(rule_for_pods("]", "u"), None);
    }

    #[test]
    fn the_external_metric_of_the_series_is_found() {
        let config = "{rules: [], externalRules: [{seriesQuery: 'v', name: {as: other}}, {seriesQuery: 'u{a=\"b\"}', name: {as: busy}}]}";
        assert_eq!(external_rule(config, "u").as_deref(), Some("busy"));
        assert_eq!((external_rule(config, "w"), external_rule("rules: []", "u")), (None, None));
    }

    #[test]
    fn the_metrics_of_accelerators_for_each_pod_are_listed() {
        let body = br#"{"resources": [{"name": "pods/gpu_utilization"}, {"name": "namespaces/gpu_utilization"},
            {"name": "pods/http_requests"}]}"#;
        assert_eq!(accelerator_metrics(body), ["gpu_utilization"]);
    }
}
