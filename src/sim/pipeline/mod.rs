//! The metric's way from the pods to the metrics API: exporter, store, adapter, each with its own delay.

mod adapter;
mod api;
mod devices;
mod exporter;
mod expression;
mod labels;
mod query;
mod rules;
mod setting;
mod store;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use super::cluster::{Cluster, Refusal};
use super::controllers::has_lost_its_node;
use super::servers::{POD, Servers};
use crate::units::Span;
pub(super) use devices::holds;
use exporter::{Exporter, Labels};
use expression::Vector;
pub(super) use rules::check_rules;
pub use setting::{Distortion, How, PipelineSetting, Place};
use store::Store;

/// The metric's way from the pods to the metrics API. Copies are the same one.
#[derive(Clone)]
pub(super) struct Pipeline(Arc<Inner>);

struct Inner {
    cluster: Cluster,
    servers: Servers,
    exporter: Mutex<Exporter>,
    store: Mutex<Store>,
    /// The adapter's rules, by the version of their ConfigMap.
    config: Mutex<Option<(String, Arc<rules::Config>)>>,
}

impl Pipeline {
    pub(super) fn new(cluster: Cluster, servers: Servers) -> Self {
        let (exporter, store, config) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { cluster, servers, exporter, store, config }))
    }

    /// Sampling and scraping: everything that happens by itself. The adapter's lists are known by their times.
    pub(super) fn spawn(&self, tasks: &mut JoinSet<()>) {
        tasks.spawn(self.0.servers.clone().follow());
        tasks.spawn(self.clone().sampling());
        tasks.spawn(self.clone().scraping());
    }

    /// What the exporter pod `namespace/pod` answers at /metrics.
    pub(super) fn exporter(&self, namespace: &str, pod: &str) -> Result<Bytes, Refusal> {
        let Inner { cluster, servers, .. } = &*self.0;
        let found = cluster.get(&POD, namespace, pod).ok_or_else(|| Refusal::not_found(&POD, pod))?;
        if servers.is_now(cluster.setting().pipeline.exporter_missing.as_ref()) {
            return Err(Refusal::new(404, "", "404 page not found"));
        }
        if has_lost_its_node(cluster, &found) {
            let why = "error trying to reach service: dial tcp: i/o timeout";
            return Err(Refusal::new(503, "ServiceUnavailable", why));
        }
        let node = found["spec"]["nodeName"].as_str().unwrap_or_default();
        Ok(lock(&self.0.exporter).page(cluster, servers, node))
    }

    /// What the store answers: status and JSON body, or a text. `path` with its query, below the store's own prefix.
    pub(super) fn store(&self, path: &str) -> (u16, Bytes) {
        let Inner { cluster, servers, store, .. } = &*self.0;
        if servers.is_now(cluster.setting().pipeline.store_missing.as_ref()) {
            return (404, "404 page not found".into());
        }
        if let Some(text) = lock(store).told(path, cluster.clock().now_ms()) {
            return (200, text);
        }
        self.queried(path).map_or_else(
            |what| {
                let words = format!("the simulated platform does not know {what}");
                (501, store::refused("not_simulated", &words).to_string().into())
            },
            |text| (200, text),
        )
    }

    /// The answer to a query; the error is what of it is not known here.
    fn queried(&self, path: &str) -> Result<Bytes, String> {
        let Inner { cluster, store, .. } = &*self.0;
        let (plain, values) = query::split(path);
        let query = match (plain, values.as_slice()) {
            ("/api/v1/query", [(key, query)]) if key == "query" => query,
            _ => return Err(path.to_owned()),
        };
        let (now, unix) = (cluster.clock().now_ms(), cluster.clock().started().as_millisecond());
        if let Some(raw) = expression::parse_raw(query) {
            let (selector, window) = raw?;
            return Ok(lock(store).raw(path, &selector, now, window, unix));
        }
        let at = now.saturating_sub(cluster.setting().pipeline.store_offset.ms());
        match lock(store).evaluate(&expression::parse(query)?, at) {
            Vector::Samples(samples) => {
                Ok(store::vector(samples, unix.saturating_add_unsigned(now)).to_string().into())
            }
            Vector::Scalar(_) => Err("a query that gives a number".to_owned()),
        }
    }

    /// What the custom or external metrics API answers at this path (discovery included); 404 where no APIService
    /// stands. A refusal without a reason is a plain text, not a Status.
    pub(super) fn metrics_api(&self, path: &str) -> Result<Value, Refusal> {
        api::answer(self, path)
    }

    async fn sampling(self) {
        let Inner { cluster, servers, .. } = &*self.0;
        let setting = &cluster.setting().pipeline;
        let over = setting.sampled_over.min(setting.exporter_interval);
        let before = Span::from_ms(setting.exporter_interval.ms() - over.ms());
        self.sample();
        tokio::time::sleep(self.part_of(setting.exporter_interval).duration()).await;
        loop {
            tokio::time::sleep(before.duration()).await;
            lock(&self.0.exporter).begin(cluster, servers);
            tokio::time::sleep(over.duration()).await;
            self.sample();
        }
    }

    fn sample(&self) {
        lock(&self.0.exporter).sample(&self.0.cluster, &self.0.servers);
    }

    async fn scraping(self) {
        let interval = self.0.cluster.setting().pipeline.scrape_interval;
        self.scrape();
        tokio::time::sleep(self.part_of(interval).duration()).await;
        loop {
            self.scrape();
            tokio::time::sleep(interval.duration()).await;
        }
    }

    fn scrape(&self) {
        let Inner { cluster, servers, .. } = &*self.0;
        let setting = &cluster.setting().pipeline;
        if servers.is_now(setting.ingests_nothing.as_ref()) || servers.is_now(setting.store_missing.as_ref()) {
            return;
        }
        let now = cluster.clock().now_ms();
        let mut store = lock(&self.0.store);
        if !servers.is_now(setting.exporter_missing.as_ref()) {
            for exposed in lock(&self.0.exporter).exposed(cluster, servers).iter() {
                let labels = Arc::new(scraped(&exposed.labels, &exposed.node, setting));
                store.put(exposed.field, &labels, now, exposed.value);
            }
        }
        if setting.stale_markers {
            store.mark_stale(now);
        }
    }

    /// A part of an interval, by chance: when things happen first.
    fn part_of(&self, interval: Span) -> Span {
        Span::from_ms(self.0.cluster.chance(interval.ms()))
    }

    fn store_now(&self) -> MutexGuard<'_, Store> {
        lock(&self.0.store)
    }
}

/// Labels as the store keeps them.
fn scraped(labels: &Labels, node: &str, setting: &PipelineSetting) -> Labels {
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
