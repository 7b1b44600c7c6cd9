//! The store of the metrics: Services that adapters point at, and Services of known names; what it holds of the exporter's
//! series, and how late its samples are.

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;

use super::reader::ClusterReader;
use crate::metrics::store as query;
use crate::model::metric_profile::MetricProfile;
use crate::model::scenario::ServiceRef;

/// Parts of the names of Services that answer Prometheus queries, with the path before `/api/v1`; the likeliest first.
const KNOWN_SERVICES: &[(&str, &str)] = &[
    ("prometheus-operated", ""),
    ("kube-prometheus-stack-prometheus", ""),
    ("prometheus-k8s", ""),
    ("prometheus-server", ""),
    ("vmsingle", ""),
    ("victoria-metrics", ""),
    ("vmselect", "/select/0/prometheus"),
    ("thanos-query", ""),
    ("mimir-query-frontend", "/prometheus"),
    ("prometheus", ""),
];

/// Parts of the names of Services beside a store that answer no queries.
const OTHER_SERVICES: [&str; 9] = [
    "alertmanager",
    "operator",
    "adapter",
    "node-exporter",
    "kube-state",
    "pushgateway",
    "vminsert",
    "vmagent",
    "blackbox",
];

/// Most Services that are asked.
const MAX_CANDIDATES: usize = 8;
/// How often the store is asked while its offset is measured, and for how long.
const POLL: Duration = Duration::from_secs(1);
const MEASURE_LIMIT_MS: u64 = 40_000;

/// The store of the cluster.
#[derive(Clone, Debug)]
pub(super) struct StoreFindings {
    pub(super) service: ServiceRef,
    /// How it was found, in words.
    pub(super) found_by: String,
    /// Series of the exporter's metric that it holds; `None` without such a metric.
    pub(super) series: Option<usize>,
    /// Whether it renames the exporter's labels (`exported_pod`), because it scrapes without honorLabels.
    pub(super) renames_labels: bool,
    /// Time between two samples, and the delay of instant queries, milliseconds, as measured.
    pub(super) scrape_ms: Option<u64>,
    pub(super) offset_ms: Option<u64>,
}

/// The Services that may be a store: first the ones that an adapter points at, then those of known names.
pub(super) fn candidates(pointed_at: &[(String, ServiceRef)], services: &[Service]) -> Vec<(String, ServiceRef)> {
    let mut all: Vec<(String, ServiceRef)> = pointed_at.to_vec();
    for (part, path) in KNOWN_SERVICES {
        for service in services {
            let name = service.metadata.name.as_deref().unwrap_or_default();
            if !name.contains(part) || OTHER_SERVICES.iter().any(|other| name.contains(other)) {
                continue;
            }
            let Some(port) = query_port(service) else { continue };
            let namespace = service.metadata.namespace.clone().unwrap_or_default();
            let is_known = all.iter().any(|(_, one)| one.name == name && one.namespace == namespace);
            if !is_known {
                let service = ServiceRef { namespace, name: name.to_owned(), port, path: (*path).to_owned() };
                all.push((format!("its name has `{part}`"), service));
            }
        }
    }
    all.truncate(MAX_CANDIDATES);
    all
}

/// The port of a Service's HTTP API: the one with a usual name, else the first.
fn query_port(service: &Service) -> Option<String> {
    let ports = service.spec.as_ref()?.ports.as_ref()?;
    let is_named = |port: &&k8s_openapi::api::core::v1::ServicePort| {
        port.name.as_deref().is_some_and(|name| matches!(name, "http" | "web" | "http-web" | "query"))
    };
    ports.iter().find(is_named).or(ports.first()).map(|port| port.port.to_string())
}

fn proxy_path(service: &ServiceRef, query: &str) -> String {
    let ServiceRef { namespace, name, port, path } = service;
    format!("/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy{path}{query}")
}

/// The first candidate that holds the series, else the first that answers queries.
pub(super) async fn find(
    reader: &mut ClusterReader<'_>,
    candidates: Vec<(String, ServiceRef)>,
    series: Option<&str>,
    profile: &MetricProfile,
) -> Option<StoreFindings> {
    let mut answering: Option<StoreFindings> = None;
    for (found_by, service) in candidates {
        // Every Prometheus-compatible store has `up`.
        let answer = reader.get(&proxy_path(&service, &query::query_path(series.unwrap_or("up")))).await;
        let samples = answer.and_then(|body| query::parse_samples(&body, profile).map_err(|e| e.to_string()));
        match samples {
            Ok(samples) => {
                let renamed = |key: &String| key.starts_with("exported_pod") || key == "exported_namespace";
                let found = StoreFindings {
                    service,
                    found_by,
                    series: series.map(|_| samples.len()),
                    renames_labels: samples.iter().any(|sample| sample.labels.keys().any(renamed)),
                    scrape_ms: None,
                    offset_ms: None,
                };
                if found.series.is_some_and(|count| count > 0) {
                    return Some(found);
                }
                answering = answering.or(Some(found));
            }
            Err(error) => {
                let what = format!("Service {}/{}, which may be a store", service.namespace, service.name);
                reader.note_unread(&what, &error);
            }
        }
    }
    answering
}

impl StoreFindings {
    /// Measures the time between two samples of the series, and how old the sample is that an instant query returns.
    pub(super) async fn measure(&mut self, reader: &ClusterReader<'_>, series: &str) {
        let (raw, instant) = (query::query_path(series), query::instant_times_path(series));
        let (raw, instant) = (proxy_path(&self.service, &raw), proxy_path(&self.service, &instant));
        let (started_ms, mut largest_delay) = (reader.now_ms(), None);
        while reader.now_ms() - started_ms < MEASURE_LIMIT_MS && reader.has_time_for(POLL) {
            let Ok(body) = reader.get(&raw).await else { break };
            let times = query::sample_times_ms(&body).unwrap_or_default();
            self.scrape_ms = scrape_interval_ms(&times).or(self.scrape_ms);
            // Not every store knows the function of the second query.
            let shown =
                reader.get(&instant).await.and_then(|body| query::instant_times_ms(&body).map_err(|e| e.to_string()));
            let newest = times.iter().filter_map(|times| times.last()).max();
            if let Some((newest, shown)) = newest.zip(shown.ok().and_then(|times| times.into_iter().max())) {
                largest_delay = largest_delay.max(u64::try_from(newest - shown).ok());
            }
            // Within one scrape interval the delay takes its largest value once.
            if self.scrape_ms.is_some_and(|ms| reader.now_ms() - started_ms > ms + 2000) {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
        self.offset_ms = largest_delay;
    }
}

/// The middle one of the times between two samples, in whole seconds.
fn scrape_interval_ms(times: &[Vec<i64>]) -> Option<u64> {
    let gaps = times.iter().flat_map(|times| times.windows(2).map(|pair| pair[1] - pair[0]));
    let mut gaps: Vec<u64> = gaps.filter_map(|gap| u64::try_from(gap).ok()).filter(|gap| *gap > 0).collect();
    gaps.sort_unstable();
    let middle = *gaps.get(gaps.len() / 2)?;
    Some(((middle + 500) / 1000 * 1000).max(1000))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::service_url::service_of_url;

    #[test]
    fn a_service_that_an_adapter_points_at_comes_before_known_names() {
        let service = |name: &str, port: u16| {
            serde_json::from_value(json!({"metadata": {"name": name, "namespace": "m"},
                "spec": {"ports": [{"name": "reloader", "port": 8080}, {"name": "web", "port": port}]}}))
            .unwrap()
        };
        let services =
            [service("prometheus-adapter", 443), service("my-prometheus", 9091), service("vmsingle-x", 8428)];
        let pointed = service_of_url("http://own.m.svc:1234").unwrap();
        let all = candidates(&[("adapter".to_owned(), pointed)], &services);
        let names: Vec<String> = all.iter().map(|(_, one)| format!("{}:{}", one.name, one.port)).collect();
        assert_eq!(names, ["own:1234", "vmsingle-x:8428", "my-prometheus:9091"]);
    }

    #[test]
    fn the_scrape_interval_is_the_middle_one() {
        assert_eq!(scrape_interval_ms(&[vec![0, 15_000, 30_010, 90_000], vec![5000]]), Some(15_000));
        assert_eq!(scrape_interval_ms(&[vec![0, 200]]), Some(1000));
        assert_eq!(scrape_interval_ms(&[vec![5000]]), None);
    }
}
