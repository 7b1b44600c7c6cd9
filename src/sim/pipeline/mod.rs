//! The metric pipeline: exporter, store and adapter, each with its own delay.

mod adapter;
mod device_labels;
mod devices;
mod exporter;
mod exposition;
mod keda;
mod keda_scaler;
mod metrics_api;
mod own_pages;
mod promql;
mod rules;
mod scaler_health;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod url_query;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use super::cluster::{SimCluster, StatusError};
use super::objects::kinds::POD;
use super::objects::lost_nodes::is_on_lost_node;
use super::ollama::ServerRegistry;
use crate::sim::config::PipelineConfig;
use crate::units::HumanDuration;
use exposition::PipelineLabels;
pub(super) use keda::{find_unsupported as find_unsupported_scaled_object, queried_series};
pub(super) use keda_scaler::{ScalerCheck, is_store_address};
pub(super) use own_pages::PROXY_PAGE_SERIES;
use promql::QueryValue;
pub(super) use rules::{find_unserved_series, find_unsupported as find_unsupported_rules, has_rule_of};
use state::PipelineState;

/// The metric pipeline. Clones share their state.
#[derive(Clone)]
pub(super) struct MetricPipeline(Arc<PipelineState>);

impl MetricPipeline {
    pub(super) fn new(cluster: SimCluster, servers: ServerRegistry) -> Self {
        Self(Arc::new(PipelineState::new(cluster, servers)))
    }

    /// Spawns the loops of the exporter and the store. The adapter has none: the times of its relists follow from its
    /// start.
    pub(super) fn spawn(&self, tasks: &mut JoinSet<()>) {
        tasks.spawn(self.0.servers.clone().watch_pods());
        tasks.spawn(self.clone().sample_loop());
        tasks.spawn(self.clone().scrape_loop());
    }

    /// The response of `namespace/pod` at /metrics of a port: the page of the pod itself, or else that of the exporter on its node.
    pub(super) fn exporter_metrics(&self, namespace: &str, pod: &str, port: u64) -> Result<Bytes, StatusError> {
        let PipelineState { cluster, servers, .. } = &*self.0;
        let pod_object = cluster.get(&POD, namespace, pod).ok_or_else(|| StatusError::not_found(&POD, pod))?;
        if servers.is_active(cluster.config().pipeline.exporter_missing.as_ref()) {
            return Err(StatusError::new(404, "", "404 page not found"));
        }
        if is_on_lost_node(cluster, &pod_object) {
            return Err(unreachable_error("dial tcp: i/o timeout"));
        }
        if let Some(page) = own_pages::exposition(cluster, servers, &pod_object, port) {
            return page.map(Bytes::from).map_err(unreachable_error);
        }
        let node = pod_object["spec"]["nodeName"].as_str().unwrap_or_default();
        Ok(self.0.lock_exporter().exposition(cluster, servers, node))
    }

    /// The response of the store: status, and a JSON or text body. `path` has the query, without the prefix of the
    /// store's URL.
    pub(super) fn query_store(&self, path: &str) -> (u16, Bytes) {
        let PipelineState { cluster, servers, .. } = &*self.0;
        if servers.is_active(cluster.config().pipeline.store_missing.as_ref()) {
            return (404, "404 page not found".into());
        }
        if let Some(text) = self.0.lock_store().cached_response(path, cluster.clock().now_ms()) {
            return (200, text);
        }
        self.evaluate_query(path).map_or_else(
            |feature| {
                let message = format!("the simulator does not support {feature}");
                (501, store::error_response("not_simulated", &message).to_string().into())
            },
            |text| (200, text),
        )
    }

    /// The response to a query; the error names the feature that is not supported.
    fn evaluate_query(&self, path: &str) -> Result<Bytes, String> {
        let PipelineState { cluster, .. } = &*self.0;
        let (plain, values) = url_query::split_query(path);
        let query = match (plain, values.as_slice()) {
            ("/api/v1/query", [(key, query)]) if key == "query" => query,
            _ => return Err(path.to_owned()),
        };
        let (now_ms, start_unix_ms) = (cluster.clock().now_ms(), cluster.clock().wall_start().as_millisecond());
        if let Some(range_selector) = promql::parse_range_selector(query) {
            let (selector, window_ms) = range_selector?;
            return Ok(self.0.lock_store().raw_samples(path, &selector, now_ms, window_ms, start_unix_ms));
        }
        let at_ms = now_ms.saturating_sub(cluster.config().pipeline.store_offset.ms());
        match self.0.lock_store().evaluate(&promql::parse(query)?, at_ms) {
            Ok(QueryValue::Samples(samples)) => {
                Ok(store::vector_response(samples, start_unix_ms.saturating_add_unsigned(now_ms)).to_string().into())
            }
            Ok(QueryValue::Scalar(_)) => Err("a query with a scalar result".to_owned()),
            Err(error) => Err(format!("the query {query}: {error}")),
        }
    }

    /// The response of the custom or external metrics API at this path, discovery included; 404 without an APIService.
    /// An error without a reason is plain text, not a Status.
    pub(super) fn query_metrics_api(&self, path: &str) -> Result<Value, StatusError> {
        metrics_api::handle_request(&self.0, path)
    }

    /// A round of the scale loop of KEDA's operator for a ScaledObject; `None` where the simulator does not support its query.
    /// `is_hpa_active`: its HPA asks for the metric.
    pub(super) fn check_scaler(&self, scaled_object: &Value, is_hpa_active: bool) -> Option<ScalerCheck> {
        keda_scaler::check(&self.0, scaled_object, is_hpa_active).ok()
    }

    async fn sample_loop(self) {
        let PipelineState { cluster, servers, .. } = &*self.0;
        let config = &cluster.config().pipeline;
        let sample_window = config.sample_window.min(config.exporter_interval);
        let idle = HumanDuration::from_ms(config.exporter_interval.ms() - sample_window.ms());
        self.sample_devices();
        tokio::time::sleep(self.random_part(config.exporter_interval).to_std()).await;
        loop {
            tokio::time::sleep(idle.to_std()).await;
            self.0.lock_exporter().begin_sample(cluster, servers);
            tokio::time::sleep(sample_window.to_std()).await;
            self.sample_devices();
        }
    }

    fn sample_devices(&self) {
        self.0.lock_exporter().finish_sample(&self.0.cluster, &self.0.servers);
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
        let PipelineState { cluster, servers, .. } = &*self.0;
        let config = &cluster.config().pipeline;
        if servers.is_active(config.ingestion_stopped.as_ref()) || servers.is_active(config.store_missing.as_ref()) {
            return;
        }
        let now = cluster.clock().now_ms();
        let mut store = self.0.lock_store();
        if !servers.is_active(config.exporter_missing.as_ref()) {
            for series in self.0.lock_exporter().series(cluster, servers).iter() {
                let labels = Arc::new(target_labels(&series.labels, &series.node, config));
                store.append_sample(series.field, &labels, now, series.value);
            }
            for (name, labels, value) in own_pages::scraped_series(cluster, servers) {
                store.append_sample(name, &Arc::new(labels), now, value);
            }
        }
        if config.stale_markers {
            store.mark_stale(now);
        }
    }

    /// A random part of an interval: the phase of a loop.
    fn random_part(&self, interval: HumanDuration) -> HumanDuration {
        HumanDuration::from_ms(self.0.cluster.random_below(interval.ms()))
    }
}

/// The API server's answer where its proxy reaches no server.
fn unreachable_error(cause: &str) -> StatusError {
    StatusError::new(503, "ServiceUnavailable", format!("error trying to reach service: {cause}"))
}

/// The labels of a series after relabeling by the store, which drops empty ones.
fn target_labels(labels: &PipelineLabels, node: &str, config: &PipelineConfig) -> PipelineLabels {
    let mut stored = labels.clone();
    stored.retain(|_, value| !value.is_empty());
    let (job, port) = (config.exporter.job, config.exporter.port);
    let target = [("job", job.to_owned()), ("instance", format!("{node}:{port}"))];
    stored.extend(target.map(|(key, value)| (key.to_owned(), value)));
    if config.honor_labels {
        return stored;
    }
    let exporter_labels = [
        ("namespace", config.exporter_namespace.clone()),
        ("pod", format!("{job}-{node}")),
        ("container", job.to_owned()),
    ];
    for (key, value) in exporter_labels {
        if let Some(previous) = stored.insert(key.to_owned(), value) {
            stored.insert(format!("exported_{key}"), previous);
        }
    }
    stored
}
