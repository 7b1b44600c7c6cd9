//! The adapter (prometheus-adapter v0.12.0) behind the APIService. It reads its rules from a ConfigMap, serves a metric
//! once a relist has found its series, and stamps every value with now.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use super::promql::{QueryValue, StoreSample};
use super::rules::{self, AdapterConfig, AdapterRule, MetricResource};
use super::state::PipelineState;
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{StatusError, metadata_text};
use crate::sim::config::DistortionHop;
use crate::sim::objects::kinds::{API_SERVICE, POD, SERVICE};
use crate::sim::objects::state::is_ready;
use crate::units::HumanDuration;

const CONFIG_MAP: ResourceKind = ResourceKind::from_type::<ConfigMap>();

/// The state of the running adapter.
pub(super) struct SimAdapter {
    pub(super) config: Arc<AdapterConfig>,
    /// Time of the latest relist, milliseconds of the run's clock.
    relisted_ms: u64,
    /// Time at which the store evaluates a query, milliseconds of the run's clock.
    query_ms: u64,
}

/// A served metric: its rule and its series.
pub(super) struct AdapterMetric<'a> {
    pub(super) rule: &'a AdapterRule,
    pub(super) series: String,
}

/// The APIService of a group.
pub(super) fn find_api_service(pipeline: &PipelineState, group: &str) -> Result<Arc<Value>, StatusError> {
    let found = pipeline.cluster.get(&API_SERVICE, "", &format!("v1beta1.{group}"));
    // The API server answers an unknown path with plain text, not a Status.
    found.ok_or_else(|| StatusError::new(404, "", "404 page not found"))
}

/// The ready pod behind an APIService.
pub(super) fn find_backend(pipeline: &PipelineState, api_service: &Value) -> Result<Arc<Value>, StatusError> {
    let cluster = &pipeline.cluster;
    // The aggregator answers with plain text too.
    let unavailable = || StatusError::new(503, "", "service unavailable");
    let service = &api_service["spec"]["service"];
    let namespace = service["namespace"].as_str().unwrap_or_default();
    let service = cluster.get(&SERVICE, namespace, service["name"].as_str().unwrap_or_default());
    let selector =
        service.as_ref().and_then(|service| service["spec"]["selector"].as_object()).ok_or_else(unavailable)?;
    let is_selected = |pod: &Value| selector.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
    if pipeline.servers.is_active(cluster.config().pipeline.adapter_down.as_ref()) {
        return Err(unavailable());
    }
    let pods = cluster.list(&POD, Some(namespace));
    pods.into_iter().find(|pod| is_selected(pod) && is_ready(pod)).ok_or_else(unavailable)
}

impl SimAdapter {
    /// The adapter behind the APIService of a group.
    pub(super) fn from_pipeline(pipeline: &PipelineState, group: &str) -> Result<Self, StatusError> {
        let (cluster, servers) = (&pipeline.cluster, &pipeline.servers);
        let config = &cluster.config().pipeline;
        let api_service = find_api_service(pipeline, group)?;
        let pod = &*find_backend(pipeline, &api_service)?;
        let frozen = [config.adapter_stale.as_ref(), config.store_missing.as_ref()];
        let frozen_since_ms = frozen.map(|window| window.and_then(|window| servers.active_since(window)));
        let now_ms = cluster.clock().now_ms();
        let restarted_ms = config.adapter_down.as_ref().and_then(|window| servers.ended_at(window));
        let started_ms = restarted_ms.unwrap_or(0).max(container_started_ms(pipeline, pod));
        let until_ms = frozen_since_ms.into_iter().flatten().min().unwrap_or(now_ms);
        let interval_ms = relist_interval(pod).unwrap_or(config.relist_interval).ms().max(1);
        let relists = until_ms.saturating_sub(started_ms) / interval_ms;
        let query_ms = frozen_since_ms[0].unwrap_or(now_ms).saturating_sub(config.store_offset.ms());
        let relisted_ms = if started_ms > until_ms { 0 } else { started_ms + relists * interval_ms };
        let namespace = metadata_text(pod, "namespace");
        Ok(Self { config: load_config(pipeline, &namespace)?, relisted_ms, query_ms })
    }

    /// The metric of a resource; `None` if the adapter does not serve it.
    pub(super) fn find_metric(
        &self,
        pipeline: &PipelineState,
        resource: MetricResource,
        metric: &str,
    ) -> Option<AdapterMetric<'_>> {
        let served = self.list_metrics(pipeline).into_iter().rev();
        let mut matching = served.filter(|(_, name, resources)| name == metric && resources.contains(&resource));
        matching.next().map(|(metric, _, _)| metric)
    }

    /// Every series with its metric's name and resources. A series without a namespace label has no resources.
    pub(super) fn list_metrics(
        &self,
        pipeline: &PipelineState,
    ) -> Vec<(AdapterMetric<'_>, String, Vec<MetricResource>)> {
        let config = &pipeline.cluster.config().pipeline;
        if pipeline.servers.is_active(config.metric_unregistered.as_ref()) {
            return Vec::new();
        }
        let store = pipeline.lock_store();
        let mut all: Vec<(AdapterMetric<'_>, String, Vec<MetricResource>)> = Vec::new();
        for rule in &self.config.rules {
            for (series, labels) in store.list_series(&rule.series, self.relisted_ms) {
                let mut resources = rule.named_resources(labels);
                if config.drops_namespace_label {
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

    /// The external metric of this name; `None` if the adapter does not serve it.
    pub(super) fn find_external(&self, pipeline: &PipelineState, metric: &str) -> Option<AdapterMetric<'_>> {
        let config = &pipeline.cluster.config().pipeline;
        if pipeline.servers.is_active(config.metric_unregistered.as_ref()) {
            return None;
        }
        let store = pipeline.lock_store();
        let find = |rule: &AdapterRule| {
            let mut listed = store.list_series(&rule.series, self.relisted_ms);
            listed
                .find(|(series, _)| rule.metric_name(series).as_deref() == Some(metric))
                .map(|(series, _)| series.to_owned())
        };
        self.config.external_rules.iter().find_map(|rule| Some(AdapterMetric { rule, series: find(rule)? }))
    }

    /// The samples of a query. The adapter serves NaN as 0.
    pub(super) fn query_samples(
        &self,
        pipeline: &PipelineState,
        served: &AdapterMetric<'_>,
        matchers: &str,
        by: &str,
    ) -> Result<Vec<StoreSample>, StatusError> {
        let (servers, config) = (&pipeline.servers, &pipeline.cluster.config().pipeline);
        let failed = || StatusError::new(500, "InternalError", "Internal error occurred: unable to fetch metrics");
        if servers.is_active(config.store_missing.as_ref()) {
            return Err(failed());
        }
        let query = served.rule.build_query(&served.series, matchers, by).map_err(|feature| not_simulated(&feature))?;
        let Ok(QueryValue::Samples(mut samples)) = pipeline.lock_store().evaluate(&query, self.query_ms) else {
            return Err(failed());
        };
        let distortion = config.distortion.as_ref().filter(|d| d.hop == DistortionHop::Adapter);
        let distortion = distortion.filter(|d| servers.is_active(Some(&d.window)));
        for sample in &mut samples {
            let value = distortion.map_or(sample.value, |distortion| distortion.kind.apply(sample.value));
            sample.value = if value.is_nan() { 0.0 } else { value };
        }
        Ok(samples)
    }
}

/// The error for a feature that the simulator does not support.
pub(super) fn not_simulated(feature: &str) -> StatusError {
    StatusError::new(501, "NotSimulated", format!("the simulator does not support {feature}"))
}

/// The relist interval of the adapter's arguments.
fn relist_interval(pod: &Value) -> Option<HumanDuration> {
    let args = pod["spec"]["containers"][0]["args"].as_array()?;
    args.iter().filter_map(Value::as_str).find_map(|arg| arg.strip_prefix("--metrics-relist-interval=")?.parse().ok())
}

/// When the adapter's container started, milliseconds of the run's clock.
fn container_started_ms(pipeline: &PipelineState, pod: &Value) -> u64 {
    let status = &pod["status"];
    let started_at = &status["containerStatuses"][0]["state"]["running"]["startedAt"];
    let times =
        [started_at, &status["startTime"], &pod["metadata"]["creationTimestamp"]].into_iter().find_map(Value::as_str);
    let time = times.and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let ms = time.map_or(0, |time| time.as_millisecond() - pipeline.cluster.clock().wall_start().as_millisecond());
    u64::try_from(ms).unwrap_or(0)
}

/// The configuration; parsed again when its ConfigMap has changed.
fn load_config(pipeline: &PipelineState, namespace: &str) -> Result<Arc<AdapterConfig>, StatusError> {
    let maps = pipeline.cluster.list(&CONFIG_MAP, Some(namespace));
    let found = maps.iter().find_map(|map| {
        let config = map["data"]["config.yaml"]
            .as_str()
            .filter(|config| ["rules:", "externalRules:"].iter().any(|key| config.contains(key)))?;
        Some((metadata_text(map, "uid") + &metadata_text(map, "resourceVersion"), config))
    });
    let Some((version, config)) = found else {
        return Err(not_simulated(&format!("an adapter whose rules are in no ConfigMap of namespace {namespace}")));
    };
    let mut cache = pipeline.lock_adapter_config();
    if let Some((_, config)) = cache.as_ref().filter(|(cached, _)| *cached == version) {
        return Ok(Arc::clone(config));
    }
    let value: Value =
        serde_saphyr::from_str(config).map_err(|e| not_simulated(&format!("an adapter's rules: {e}")))?;
    let config = rules::parse_config(&value).map_err(|lacks| not_simulated(&lacks.join("; ")))?;
    Ok(Arc::clone(&cache.insert((version, Arc::new(config))).1))
}
