//! The pages that pods serve of themselves: HAProxy's, with the series of the profile `haproxy`, and the page of an inference server,
//! which the simulated servers serve where the scenario names its series. A page names no pod; the store adds the labels of the pod
//! that it scrapes.

use serde_json::Value;

use super::exposition::{PipelineLabels, push_sample};
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::config::DistortionHop;
use crate::sim::objects::devices::has_device;
use crate::sim::objects::haproxy::{BACKEND, METRICS_PORT, has_sidecar};
use crate::sim::objects::kinds::POD;
use crate::sim::objects::lost_nodes::is_on_lost_node;
use crate::sim::objects::state::is_deleting;
use crate::sim::ollama::{RequestCounts, ServerRegistry};
use crate::sim::pages::{RequestState, ServedPage};

const BACKEND_SESSIONS: &str = "haproxy_backend_current_sessions";
const SERVER_SESSIONS: &str = "haproxy_server_current_sessions";
const BACKEND_QUEUE: &str = "haproxy_backend_current_queue";

/// Names of the series of HAProxy's page.
pub(in crate::sim) const PROXY_PAGE_SERIES: [&str; 3] = [BACKEND_QUEUE, BACKEND_SESSIONS, SERVER_SESSIONS];

/// A series of a page: name, labels and value.
type PageSeries = (&'static str, PipelineLabels, f64);

/// A page of a pod.
pub(super) struct PodPage {
    port: u64,
    /// Whether the store scrapes it.
    is_scraped: bool,
    series: Vec<PageSeries>,
}

/// The page of a pod at a port: `None` for a pod that has no pages, an error for one that has none there.
pub(super) fn exposition(
    cluster: &SimCluster,
    servers: &ServerRegistry,
    pod: &Value,
    port: u64,
) -> Option<Result<String, &'static str>> {
    if !has_pages(cluster, pod) {
        return None;
    }
    let page = pages(cluster, servers, pod).into_iter().find(|page| page.port == port);
    let Some(page) = page else { return Some(Err("dial tcp: connect: connection refused")) };
    let mut text = String::new();
    for (name, labels, value) in &page.series {
        text.push_str(&format!("# TYPE {name} gauge\n"));
        push_sample(&mut text, name, labels, *value);
    }
    Some(Ok(text))
}

/// The series of the pages that the store scrapes, with the labels that it adds.
pub(super) fn scraped_series(cluster: &SimCluster, servers: &ServerRegistry) -> Vec<PageSeries> {
    let mut all = Vec::new();
    let mut served_namespace = None;
    for pod in cluster.list(&POD, None).iter().filter(|pod| has_pages(cluster, pod)) {
        if pod["status"]["phase"] != "Running" || is_deleting(pod) || is_on_lost_node(cluster, pod) {
            continue;
        }
        let (namespace, name) = (metadata_text(pod, "namespace"), metadata_text(pod, "name"));
        let address = pod["status"]["podIP"].as_str().unwrap_or_default();
        for page in pages(cluster, servers, pod).into_iter().filter(|page| page.is_scraped) {
            let instance = format!("{address}:{}", page.port);
            all.extend(page.series.into_iter().map(|series| with_target(series, &namespace, &name, &instance)));
        }
        served_namespace = Some(namespace);
    }
    if let (Some(served), Some(namespace)) = (&cluster.config().pipeline.server_page, served_namespace) {
        all.extend(neighbor_series(cluster, served, &namespace));
    }
    all
}

/// The series of other workloads' servers, with as many requests as the neighbors of the target use percents of their devices.
fn neighbor_series(cluster: &SimCluster, served: &ServedPage, namespace: &str) -> Vec<PageSeries> {
    let config = &cluster.config().pipeline;
    let namespace = config.neighbor_namespace.as_deref().unwrap_or(namespace);
    let neighbors = config.neighbor_utilizations.iter().enumerate();
    let series = neighbors.flat_map(|(n, count)| {
        let of_server = server_series(served, |_| *count).into_iter();
        let name = format!("neighbor-{n}");
        of_server.map(move |series| with_target(series, namespace, &name, &format!("{name}:{}", served.port)))
    });
    series.collect()
}

/// A series with the labels of the pod that is scraped.
fn with_target((name, mut labels, value): PageSeries, namespace: &str, pod: &str, instance: &str) -> PageSeries {
    let target = [("namespace", namespace), ("pod", pod), ("job", "pods"), ("instance", instance)];
    labels.extend(target.map(|(key, value)| (key.to_owned(), value.to_owned())));
    (name, labels, value)
}

/// Whether a pod serves pages of itself.
fn has_pages(cluster: &SimCluster, pod: &Value) -> bool {
    has_sidecar(pod) || (cluster.config().pipeline.server_page.is_some() && has_device(pod))
}

fn pages(cluster: &SimCluster, servers: &ServerRegistry, pod: &Value) -> Vec<PodPage> {
    let distortion = cluster.config().pipeline.distortion.as_ref().filter(|it| it.hop == DistortionHop::Exporter);
    let distortion = distortion.filter(|it| servers.is_active(Some(&it.window)));
    let value = |count: usize| {
        let count = u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
        distortion.map_or(count, |it| it.kind.apply(count))
    };
    let (namespace, name) = (metadata_text(pod, "namespace"), metadata_text(pod, "name"));
    let proxy = has_sidecar(pod).then(|| proxy_page(pod, value(servers.proxy_sessions(&namespace, &name))));
    let served = cluster.config().pipeline.server_page.as_ref().filter(|_| has_device(pod));
    let of_server = served.and_then(|served| {
        let RequestCounts { running, waiting } = servers.request_counts(&namespace, &name)?;
        let series = server_series(served, |requests| match requests {
            RequestState::Running => value(running),
            RequestState::Waiting => value(waiting),
        });
        Some(PodPage { port: u64::from(served.port), is_scraped: true, series })
    });
    proxy.into_iter().chain(of_server).collect()
}

/// HAProxy's page; the store scrapes it where the pod's annotations ask for it.
fn proxy_page(pod: &Value, sessions: f64) -> PodPage {
    let annotations = &pod["metadata"]["annotations"];
    let is_scraped = annotations["prometheus.io/scrape"] == "true"
        && annotations["prometheus.io/port"].as_str().is_some_and(|port| port.parse() == Ok(METRICS_PORT));
    let (backend, server) = BACKEND;
    let of_backend = PipelineLabels::from([("proxy".to_owned(), backend.to_owned())]);
    let mut of_server = of_backend.clone();
    of_server.insert("server".to_owned(), server.to_owned());
    let series = vec![
        (BACKEND_QUEUE, of_backend.clone(), 0.0),
        (BACKEND_SESSIONS, of_backend, sessions),
        (SERVER_SESSIONS, of_server, sessions),
    ];
    PodPage { port: METRICS_PORT, is_scraped, series }
}

/// The series of a server's page.
fn server_series(served: &ServedPage, value: impl Fn(RequestState) -> f64) -> Vec<PageSeries> {
    let labels = served.page.labels.iter();
    let labels: PipelineLabels =
        labels.map(|(key, value)| ((*key).to_owned(), value.unwrap_or(&served.model).to_owned())).collect();
    served.page.fields.iter().map(|field| (field.name, labels.clone(), value(field.requests))).collect()
}
