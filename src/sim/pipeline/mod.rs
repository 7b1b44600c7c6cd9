//! The metric's way from the pods to the metrics API: exporter, store, adapter, each with its own delay.

mod adapter;
mod config;
mod devices;
mod exporter;
mod metrics_api;
mod pod_selector;
mod promql;
mod rules;
mod store;
#[cfg(test)]
mod tests;
mod url_query;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use super::cluster::{SimCluster, StatusError};
use super::controllers::is_on_lost_node;
use super::ollama::{POD, ServerRegistry};
use crate::units::HumanDuration;
pub use config::{DistortionHop, DistortionKind, MetricDistortion, PipelineConfig};
pub(super) use devices::has_device;
use exporter::{PipelineLabels, SimExporter};
use promql::QueryValue;
pub(super) use rules::check_rules;
use store::SimStore;

/// The metric's way from the pods to the metrics API. Copies are the same one.
#[derive(Clone)]
pub(super) struct MetricPipeline(Arc<PipelineInner>);

struct PipelineInner {
    cluster: SimCluster,
    servers: ServerRegistry,
    exporter: Mutex<SimExporter>,
    store: Mutex<SimStore>,
    /// The adapter's rules, by the version of their ConfigMap.
    adapter_config: Mutex<Option<(String, Arc<rules::AdapterConfig>)>>,
}

impl MetricPipeline {
    pub(super) fn new(cluster: SimCluster, servers: ServerRegistry) -> Self {
        let (exporter, store, config) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(PipelineInner { cluster, servers, exporter, store, adapter_config: config }))
    }

    /// Sampling and scraping: everything that happens by itself. The adapter's lists are known by their times.
    pub(super) fn spawn(&self, tasks: &mut JoinSet<()>) {
        tasks.spawn(self.0.servers.clone().watch_pods());
        tasks.spawn(self.clone().sample_loop());
        tasks.spawn(self.clone().scrape_loop());
    }

    /// What the exporter pod `namespace/pod` answers at /metrics.
    pub(super) fn exporter_metrics(&self, namespace: &str, pod: &str) -> Result<Bytes, StatusError> {
        let PipelineInner { cluster, servers, .. } = &*self.0;
        let found = cluster.get(&POD, namespace, pod).ok_or_else(|| StatusError::not_found(&POD, pod))?;
        if servers.is_active(cluster.config().pipeline.exporter_missing.as_ref()) {
            return Err(StatusError::new(404, "", "404 page not found"));
        }
        if is_on_lost_node(cluster, &found) {
            let why = "error trying to reach service: dial tcp: i/o timeout";
            return Err(StatusError::new(503, "ServiceUnavailable", why));
        }
        let node = found["spec"]["nodeName"].as_str().unwrap_or_default();
        Ok(lock(&self.0.exporter).exposition(cluster, servers, node))
    }

    /// What the store answers: status and JSON body, or a text. `path` with its query, below the store's own prefix.
    pub(super) fn query_store(&self, path: &str) -> (u16, Bytes) {
        let PipelineInner { cluster, servers, store, .. } = &*self.0;
        if servers.is_active(cluster.config().pipeline.store_missing.as_ref()) {
            return (404, "404 page not found".into());
        }
        if let Some(text) = lock(store).cached_response(path, cluster.clock().now_ms()) {
            return (200, text);
        }
        self.evaluate_query(path).map_or_else(
            |what| {
                let words = format!("the simulated platform does not know {what}");
                (501, store::error_response("not_simulated", &words).to_string().into())
            },
            |text| (200, text),
        )
    }

    /// The answer to a query; the error is what of it is not known here.
    fn evaluate_query(&self, path: &str) -> Result<Bytes, String> {
        let PipelineInner { cluster, store, .. } = &*self.0;
        let (plain, values) = url_query::split_query(path);
        let query = match (plain, values.as_slice()) {
            ("/api/v1/query", [(key, query)]) if key == "query" => query,
            _ => return Err(path.to_owned()),
        };
        let (now, unix) = (cluster.clock().now_ms(), cluster.clock().wall_start().as_millisecond());
        if let Some(raw) = promql::parse_range_selector(query) {
            let (selector, window) = raw?;
            return Ok(lock(store).raw_samples(path, &selector, now, window, unix));
        }
        let at = now.saturating_sub(cluster.config().pipeline.store_offset.ms());
        match lock(store).evaluate(&promql::parse(query)?, at) {
            QueryValue::Samples(samples) => {
                Ok(store::vector_response(samples, unix.saturating_add_unsigned(now)).to_string().into())
            }
            QueryValue::Scalar(_) => Err("a query that gives a number".to_owned()),
        }
    }

    /// What the custom or external metrics API answers at this path (discovery included); 404 where no APIService
    /// stands. A refusal without a reason is a plain text, not a Status.
    pub(super) fn query_metrics_api(&self, path: &str) -> Result<Value, StatusError> {
        metrics_api::handle_request(self, path)
    }

    async fn sample_loop(self) {
        let PipelineInner { cluster, servers, .. } = &*self.0;
        let setting = &cluster.config().pipeline;
        let over = setting.sample_window.min(setting.exporter_interval);
        let before = HumanDuration::from_ms(setting.exporter_interval.ms() - over.ms());
        self.sample_devices();
        tokio::time::sleep(self.random_part(setting.exporter_interval).to_std()).await;
        loop {
            tokio::time::sleep(before.to_std()).await;
            lock(&self.0.exporter).begin_sample(cluster, servers);
            tokio::time::sleep(over.to_std()).await;
            self.sample_devices();
        }
    }

    fn sample_devices(&self) {
        lock(&self.0.exporter).finish_sample(&self.0.cluster, &self.0.servers);
    }

    async fn scrape_loop(self) {
        let interval = self.0.cluster.config().pipeline.scrape_interval;
        self.scrape_exporter();
        tokio::time::sleep(self.random_part(interval).to_std()).await;
        loop {
            self.scrape_exporter();
            tokio::time::sleep(interval.to_std()).await;
        }
    }

    fn scrape_exporter(&self) {
        let PipelineInner { cluster, servers, .. } = &*self.0;
        let setting = &cluster.config().pipeline;
        if servers.is_active(setting.ingestion_stopped.as_ref()) || servers.is_active(setting.store_missing.as_ref()) {
            return;
        }
        let now = cluster.clock().now_ms();
        let mut store = lock(&self.0.store);
        if !servers.is_active(setting.exporter_missing.as_ref()) {
            for exposed in lock(&self.0.exporter).series(cluster, servers).iter() {
                let labels = Arc::new(target_labels(&exposed.labels, &exposed.node, setting));
                store.append_sample(exposed.field, &labels, now, exposed.value);
            }
        }
        if setting.stale_markers {
            store.mark_stale(now);
        }
    }

    /// A part of an interval, by chance: when things happen first.
    fn random_part(&self, interval: HumanDuration) -> HumanDuration {
        HumanDuration::from_ms(self.0.cluster.random_below(interval.ms()))
    }

    fn lock_store(&self) -> MutexGuard<'_, SimStore> {
        lock(&self.0.store)
    }
}

/// Labels as the store keeps them.
fn target_labels(labels: &PipelineLabels, node: &str, setting: &PipelineConfig) -> PipelineLabels {
    let mut kept = labels.clone();
    let target = [("job", "nvidia-dcgm-exporter".to_owned()), ("instance", format!("{node}:9400"))];
    kept.extend(target.map(|(key, value)| (key.to_owned(), value)));
    if setting.honor_labels {
        return kept;
    }
    let own = [
        ("namespace", setting.exporter_namespace.clone()),
        ("pod", format!("nvidia-dcgm-exporter-{node}")),
        ("container", "nvidia-dcgm-exporter".to_owned()),
    ];
    for (key, value) in own {
        if let Some(named) = kept.insert(key.to_owned(), value) {
            kept.insert(format!("exported_{key}"), named);
        }
    }
    kept
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
