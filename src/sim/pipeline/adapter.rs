//! The adapter (facts: A5): it is the process behind the APIService, its rules come from a ConfigMap, a metric is
//! served once a list of series has shown it, and every value is stamped with now.

use std::sync::Arc;

use serde_json::Value;

use super::super::cluster::{Refusal, text};
use super::super::servers::{POD, is_ready};
use super::Pipeline;
use super::expression::{Sample, Vector};
use super::rules::{self, Config, Resource, Rule};
use super::setting::Place;
use crate::record::kind::Kind;
use crate::units::Span;

const API_SERVICE: Kind = Kind::of("apiregistration.k8s.io", "v1", "APIService", "apiservices");
const SERVICE: Kind = Kind::of("", "v1", "Service", "services");
const CONFIG_MAP: Kind = Kind::of("", "v1", "ConfigMap", "configmaps");

/// The adapter as it runs.
pub(super) struct Adapter {
    pub(super) config: Arc<Config>,
    /// Series are known up to this moment, milliseconds of the run's clock.
    listed_ms: u64,
    /// The moment that a query asks for.
    at_ms: u64,
}

/// A metric that is served, and the series behind it.
pub(super) struct Served<'a> {
    pub(super) rule: &'a Rule,
    pub(super) series: String,
}

/// The APIService of a group, and where its service is.
pub(super) fn api_service(pipeline: &Pipeline, group: &str) -> Result<Arc<Value>, Refusal> {
    let found = pipeline.0.cluster.get(&API_SERVICE, "", &format!("v1beta1.{group}"));
    // The words of an API server that has no such path: a text, not a Status.
    found.ok_or_else(|| Refusal::new(404, "", "404 page not found"))
}

impl Adapter {
    /// The adapter that answers for a group.
    pub(super) fn of(pipeline: &Pipeline, group: &str) -> Result<Self, Refusal> {
        let (cluster, servers) = (&pipeline.0.cluster, &pipeline.0.servers);
        let setting = &cluster.setting().pipeline;
        let api_service = api_service(pipeline, group)?;
        // The aggregator's words, a text too.
        let away = || Refusal::new(503, "", "service unavailable");
        let service = &api_service["spec"]["service"];
        let namespace = service["namespace"].as_str().unwrap_or_default();
        let service = cluster.get(&SERVICE, namespace, service["name"].as_str().unwrap_or_default());
        let selector = service.as_ref().and_then(|service| service["spec"]["selector"].as_object()).ok_or_else(away)?;
        let behind = |pod: &Value| selector.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
        let pods = cluster.list(&POD, Some(namespace));
        let pod = pods.iter().find(|pod| behind(pod) && is_ready(pod)).ok_or_else(away)?;
        if servers.is_now(setting.adapter_away.as_ref()) {
            return Err(away());
        }
        let began = [setting.adapter_cached.as_ref(), setting.store_missing.as_ref()];
        let began = began.map(|during| during.and_then(|during| servers.began(during)));
        let now = cluster.clock().now_ms();
        let again = setting.adapter_away.as_ref().and_then(|during| servers.ended(during));
        let started = again.unwrap_or(0).max(started(pipeline, pod));
        let until = began.into_iter().flatten().min().unwrap_or(now);
        let interval = relist(pod).unwrap_or(setting.relist_interval).ms().max(1);
        let lists = until.saturating_sub(started) / interval;
        let at_ms = began[0].unwrap_or(now).saturating_sub(setting.store_offset.ms());
        let listed_ms = if started > until { 0 } else { started + lists * interval };
        Ok(Self { config: config(pipeline, namespace)?, listed_ms, at_ms })
    }

    /// The series behind a metric of a resource; `None` for one that is not served.
    pub(super) fn served(&self, pipeline: &Pipeline, resource: Resource, metric: &str) -> Option<Served<'_>> {
        let all = self.all(pipeline);
        all.into_iter().rev().find(|(_, name, resources)| name == metric && resources.contains(&resource)).map(|f| f.0)
    }

    /// Every series with its metric's name and resources. Where the namespace is not known, only that is served which
    /// has none.
    pub(super) fn all(&self, pipeline: &Pipeline) -> Vec<(Served<'_>, String, Vec<Resource>)> {
        let setting = &pipeline.0.cluster.setting().pipeline;
        if pipeline.0.servers.is_now(setting.unregistered.as_ref()) {
            return Vec::new();
        }
        let store = pipeline.store_now();
        let mut all: Vec<(Served<'_>, String, Vec<Resource>)> = Vec::new();
        for rule in &self.config.rules {
            for (series, labels) in store.seen(&rule.series, self.listed_ms) {
                let mut resources = rule.named(labels);
                if setting.loses_namespace {
                    resources.retain(|resource| *resource != rules::NAMESPACE);
                }
                if !resources.contains(&rules::NAMESPACE) {
                    resources.clear();
                }
                if let Some(name) = rule.metric(series) {
                    all.push((Served { rule, series: series.to_owned() }, name, resources));
                }
            }
        }
        all
    }

    /// Series of an external metric.
    pub(super) fn external(&self, pipeline: &Pipeline, metric: &str) -> Option<Served<'_>> {
        let setting = &pipeline.0.cluster.setting().pipeline;
        if pipeline.0.servers.is_now(setting.unregistered.as_ref()) {
            return None;
        }
        let store = pipeline.store_now();
        let find = |rule: &Rule| {
            let mut seen = store.seen(&rule.series, self.listed_ms);
            seen.find(|(series, _)| rule.metric(series).as_deref() == Some(metric)).map(|(series, _)| series.to_owned())
        };
        self.config.external.iter().find_map(|rule| Some(Served { rule, series: find(rule)? }))
    }

    /// The samples of a query. Numbers that are none are 0.
    pub(super) fn ask(
        &self,
        pipeline: &Pipeline,
        served: &Served<'_>,
        matchers: &str,
        by: &str,
    ) -> Result<Vec<Sample>, Refusal> {
        let (servers, setting) = (&pipeline.0.servers, &pipeline.0.cluster.setting().pipeline);
        let failed = || Refusal::new(500, "InternalError", "Internal error occurred: unable to fetch metrics");
        if servers.is_now(setting.store_missing.as_ref()) {
            return Err(failed());
        }
        let query = served.rule.query(&served.series, matchers, by).map_err(|what| not_known(&what))?;
        let Vector::Samples(mut samples) = pipeline.store_now().evaluate(&query, self.at_ms) else {
            return Err(failed());
        };
        let distortion = setting.distorted.as_ref().filter(|d| d.at == Place::Adapter);
        let distortion = distortion.filter(|d| servers.is_now(Some(&d.during)));
        for sample in &mut samples {
            let value = distortion.map_or(sample.value, |distortion| distortion.how.of(sample.value));
            sample.value = if value.is_nan() { 0.0 } else { value };
        }
        Ok(samples)
    }
}

/// What is not known here.
pub(super) fn not_known(what: &str) -> Refusal {
    Refusal::new(501, "NotSimulated", format!("the simulated platform does not know {what}"))
}

/// How often the adapter lists series, by its arguments.
fn relist(pod: &Value) -> Option<Span> {
    let args = pod["spec"]["containers"][0]["args"].as_array()?;
    args.iter().filter_map(Value::as_str).find_map(|arg| arg.strip_prefix("--metrics-relist-interval=")?.parse().ok())
}

/// When the adapter's container started, milliseconds of the run's clock.
fn started(pipeline: &Pipeline, pod: &Value) -> u64 {
    let status = &pod["status"];
    let at = &status["containerStatuses"][0]["state"]["running"]["startedAt"];
    let at = [at, &status["startTime"], &pod["metadata"]["creationTimestamp"]].into_iter().find_map(Value::as_str);
    let at = at.and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let ms = at.map_or(0, |at| at.as_millisecond() - pipeline.0.cluster.clock().started().as_millisecond());
    u64::try_from(ms).unwrap_or(0)
}

/// The rules, read anew when their ConfigMap has changed.
fn config(pipeline: &Pipeline, namespace: &str) -> Result<Arc<Config>, Refusal> {
    let maps = pipeline.0.cluster.list(&CONFIG_MAP, Some(namespace));
    let found = maps.iter().find_map(|map| {
        let config = map["data"]["config.yaml"]
            .as_str()
            .filter(|config| ["rules:", "externalRules:"].iter().any(|key| config.contains(key)))?;
        Some((text(map, "uid") + &text(map, "resourceVersion"), config))
    });
    let Some((version, config)) = found else {
        return Err(not_known(&format!("an adapter whose rules are in no ConfigMap of namespace {namespace}")));
    };
    let mut read = pipeline.0.config.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, config)) = read.as_ref().filter(|(known, _)| *known == version) {
        return Ok(Arc::clone(config));
    }
    let value: Value = serde_saphyr::from_str(config).map_err(|e| not_known(&format!("an adapter's rules: {e}")))?;
    let config = rules::read(&value).map_err(|words| Refusal::new(501, "NotSimulated", words))?;
    Ok(Arc::clone(&read.insert((version, Arc::new(config))).1))
}
