//! The adapter (facts: A5): it is the process behind the APIService, its rules come from a ConfigMap, a metric is
//! served once a list of series has shown it, and every value is stamped with now.

use std::sync::Arc;

use serde_json::Value;

use super::super::cluster::{StatusError, metadata_text};
use super::super::ollama::{POD, is_ready};
use super::MetricPipeline;
use super::config::DistortionHop;
use super::promql::{QueryValue, StoreSample};
use super::rules::{self, AdapterConfig, AdapterRule, MetricResource};
use crate::model::resource_kind::ResourceKind;
use crate::units::HumanDuration;

const API_SERVICE: ResourceKind = ResourceKind::new("apiregistration.k8s.io", "v1", "APIService", "apiservices");
const SERVICE: ResourceKind = ResourceKind::new("", "v1", "Service", "services");
const CONFIG_MAP: ResourceKind = ResourceKind::new("", "v1", "ConfigMap", "configmaps");

/// The adapter as it runs.
pub(super) struct SimAdapter {
    pub(super) config: Arc<AdapterConfig>,
    /// Series are known up to this moment, milliseconds of the run's clock.
    relisted_ms: u64,
    /// The moment that a query asks for.
    query_ms: u64,
}

/// A metric that is served, and the series behind it.
pub(super) struct AdapterMetric<'a> {
    pub(super) rule: &'a AdapterRule,
    pub(super) series: String,
}

/// The APIService of a group, and where its service is.
pub(super) fn find_api_service(pipeline: &MetricPipeline, group: &str) -> Result<Arc<Value>, StatusError> {
    let found = pipeline.0.cluster.get(&API_SERVICE, "", &format!("v1beta1.{group}"));
    // The words of an API server that has no such path: a text, not a Status.
    found.ok_or_else(|| StatusError::new(404, "", "404 page not found"))
}

impl SimAdapter {
    /// The adapter that answers for a group.
    pub(super) fn from_pipeline(pipeline: &MetricPipeline, group: &str) -> Result<Self, StatusError> {
        let (cluster, servers) = (&pipeline.0.cluster, &pipeline.0.servers);
        let setting = &cluster.config().pipeline;
        let api_service = find_api_service(pipeline, group)?;
        // The aggregator's words, a text too.
        let away = || StatusError::new(503, "", "service unavailable");
        let service = &api_service["spec"]["service"];
        let namespace = service["namespace"].as_str().unwrap_or_default();
        let service = cluster.get(&SERVICE, namespace, service["name"].as_str().unwrap_or_default());
        let selector = service.as_ref().and_then(|service| service["spec"]["selector"].as_object()).ok_or_else(away)?;
        let behind = |pod: &Value| selector.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
        let pods = cluster.list(&POD, Some(namespace));
        let pod = pods.iter().find(|pod| behind(pod) && is_ready(pod)).ok_or_else(away)?;
        if servers.is_active(setting.adapter_down.as_ref()) {
            return Err(away());
        }
        let began = [setting.adapter_stale.as_ref(), setting.store_missing.as_ref()];
        let began = began.map(|during| during.and_then(|during| servers.active_since(during)));
        let now = cluster.clock().now_ms();
        let again = setting.adapter_down.as_ref().and_then(|during| servers.ended_at(during));
        let started = again.unwrap_or(0).max(started_ms(pipeline, pod));
        let until = began.into_iter().flatten().min().unwrap_or(now);
        let interval = relist_interval(pod).unwrap_or(setting.relist_interval).ms().max(1);
        let lists = until.saturating_sub(started) / interval;
        let at_ms = began[0].unwrap_or(now).saturating_sub(setting.store_offset.ms());
        let listed_ms = if started > until { 0 } else { started + lists * interval };
        Ok(Self { config: load_config(pipeline, namespace)?, relisted_ms: listed_ms, query_ms: at_ms })
    }

    /// The series behind a metric of a resource; `None` for one that is not served.
    pub(super) fn find_metric(
        &self,
        pipeline: &MetricPipeline,
        resource: MetricResource,
        metric: &str,
    ) -> Option<AdapterMetric<'_>> {
        let all = self.list_metrics(pipeline);
        all.into_iter().rev().find(|(_, name, resources)| name == metric && resources.contains(&resource)).map(|f| f.0)
    }

    /// Every series with its metric's name and resources. Where the namespace is not known, only that is served which
    /// has none.
    pub(super) fn list_metrics(
        &self,
        pipeline: &MetricPipeline,
    ) -> Vec<(AdapterMetric<'_>, String, Vec<MetricResource>)> {
        let setting = &pipeline.0.cluster.config().pipeline;
        if pipeline.0.servers.is_active(setting.metric_unregistered.as_ref()) {
            return Vec::new();
        }
        let store = pipeline.lock_store();
        let mut all: Vec<(AdapterMetric<'_>, String, Vec<MetricResource>)> = Vec::new();
        for rule in &self.config.rules {
            for (series, labels) in store.list_series(&rule.series, self.relisted_ms) {
                let mut resources = rule.named_resources(labels);
                if setting.drops_namespace_label {
                    resources.retain(|resource| *resource != rules::NAMESPACE);
                }
                if !resources.contains(&rules::NAMESPACE) {
                    resources.clear();
                }
                if let Some(name) = rule.metric_name(series) {
                    all.push((AdapterMetric { rule, series: series.to_owned() }, name, resources));
                }
            }
        }
        all
    }

    /// Series of an external metric.
    pub(super) fn find_external(&self, pipeline: &MetricPipeline, metric: &str) -> Option<AdapterMetric<'_>> {
        let setting = &pipeline.0.cluster.config().pipeline;
        if pipeline.0.servers.is_active(setting.metric_unregistered.as_ref()) {
            return None;
        }
        let store = pipeline.lock_store();
        let find = |rule: &AdapterRule| {
            let mut seen = store.list_series(&rule.series, self.relisted_ms);
            seen.find(|(series, _)| rule.metric_name(series).as_deref() == Some(metric))
                .map(|(series, _)| series.to_owned())
        };
        self.config.external_rules.iter().find_map(|rule| Some(AdapterMetric { rule, series: find(rule)? }))
    }

    /// The samples of a query. Numbers that are none are 0.
    pub(super) fn query_samples(
        &self,
        pipeline: &MetricPipeline,
        served: &AdapterMetric<'_>,
        matchers: &str,
        by: &str,
    ) -> Result<Vec<StoreSample>, StatusError> {
        let (servers, setting) = (&pipeline.0.servers, &pipeline.0.cluster.config().pipeline);
        let failed = || StatusError::new(500, "InternalError", "Internal error occurred: unable to fetch metrics");
        if servers.is_active(setting.store_missing.as_ref()) {
            return Err(failed());
        }
        let query = served.rule.build_query(&served.series, matchers, by).map_err(|what| not_simulated(&what))?;
        let QueryValue::Samples(mut samples) = pipeline.lock_store().evaluate(&query, self.query_ms) else {
            return Err(failed());
        };
        let distortion = setting.distortion.as_ref().filter(|d| d.hop == DistortionHop::Adapter);
        let distortion = distortion.filter(|d| servers.is_active(Some(&d.window)));
        for sample in &mut samples {
            let value = distortion.map_or(sample.value, |distortion| distortion.kind.apply(sample.value));
            sample.value = if value.is_nan() { 0.0 } else { value };
        }
        Ok(samples)
    }
}

/// What is not known here.
pub(super) fn not_simulated(what: &str) -> StatusError {
    StatusError::new(501, "NotSimulated", format!("the simulated platform does not know {what}"))
}

/// How often the adapter lists series, by its arguments.
fn relist_interval(pod: &Value) -> Option<HumanDuration> {
    let args = pod["spec"]["containers"][0]["args"].as_array()?;
    args.iter().filter_map(Value::as_str).find_map(|arg| arg.strip_prefix("--metrics-relist-interval=")?.parse().ok())
}

/// When the adapter's container started, milliseconds of the run's clock.
fn started_ms(pipeline: &MetricPipeline, pod: &Value) -> u64 {
    let status = &pod["status"];
    let at = &status["containerStatuses"][0]["state"]["running"]["startedAt"];
    let at = [at, &status["startTime"], &pod["metadata"]["creationTimestamp"]].into_iter().find_map(Value::as_str);
    let at = at.and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let ms = at.map_or(0, |at| at.as_millisecond() - pipeline.0.cluster.clock().wall_start().as_millisecond());
    u64::try_from(ms).unwrap_or(0)
}

/// The rules, read anew when their ConfigMap has changed.
fn load_config(pipeline: &MetricPipeline, namespace: &str) -> Result<Arc<AdapterConfig>, StatusError> {
    let maps = pipeline.0.cluster.list(&CONFIG_MAP, Some(namespace));
    let found = maps.iter().find_map(|map| {
        let config = map["data"]["config.yaml"]
            .as_str()
            .filter(|config| ["rules:", "externalRules:"].iter().any(|key| config.contains(key)))?;
        Some((metadata_text(map, "uid") + &metadata_text(map, "resourceVersion"), config))
    });
    let Some((version, config)) = found else {
        return Err(not_simulated(&format!("an adapter whose rules are in no ConfigMap of namespace {namespace}")));
    };
    let mut read = pipeline.0.adapter_config.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, config)) = read.as_ref().filter(|(known, _)| *known == version) {
        return Ok(Arc::clone(config));
    }
    let value: Value =
        serde_saphyr::from_str(config).map_err(|e| not_simulated(&format!("an adapter's rules: {e}")))?;
    let config = rules::parse_config(&value).map_err(|words| StatusError::new(501, "NotSimulated", words))?;
    Ok(Arc::clone(&read.insert((version, Arc::new(config))).1))
}
