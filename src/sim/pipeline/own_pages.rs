//! The pages that pods serve of themselves: HAProxy's, with the series of the profile `haproxy`. A page names no pod; the store
//! adds the labels of the pod that it scrapes.

use std::fmt::Write;

use serde_json::Value;

use super::exposition::PipelineLabels;
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::config::DistortionHop;
use crate::sim::objects::haproxy::{BACKEND, METRICS_PORT, has_sidecar};
use crate::sim::objects::kinds::POD;
use crate::sim::objects::lost_nodes::is_on_lost_node;
use crate::sim::objects::state::is_deleting;
use crate::sim::ollama::ServerRegistry;

const BACKEND_SESSIONS: &str = "haproxy_backend_current_sessions";
const SERVER_SESSIONS: &str = "haproxy_server_current_sessions";
const BACKEND_QUEUE: &str = "haproxy_backend_current_queue";

/// Names of the series of a page.
pub(in crate::sim) const SERIES_NAMES: [&str; 3] = [BACKEND_QUEUE, BACKEND_SESSIONS, SERVER_SESSIONS];

/// The page of a pod; `None` for a pod that has none.
pub(super) fn exposition(cluster: &SimCluster, servers: &ServerRegistry, pod: &Value) -> Option<String> {
    let mut text = String::new();
    for (name, labels, value) in series(cluster, servers, pod)? {
        let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        // Writing to a String does not fail.
        let _ = writeln!(text, "# TYPE {name} gauge\n{name}{{{}}} {value}", labels.join(","));
    }
    Some(text)
}

/// The series of the pods whose annotations ask for a scrape, with the labels that the store adds.
pub(super) fn scraped_series(
    cluster: &SimCluster,
    servers: &ServerRegistry,
) -> Vec<(&'static str, PipelineLabels, f64)> {
    let mut all = Vec::new();
    for pod in cluster.list(&POD, None) {
        let annotations = &pod["metadata"]["annotations"];
        let is_asked = annotations["prometheus.io/scrape"] == "true"
            && annotations["prometheus.io/port"].as_str().is_some_and(|port| port.parse() == Ok(METRICS_PORT));
        let is_running = pod["status"]["phase"] == "Running" && !is_deleting(&pod) && !is_on_lost_node(cluster, &pod);
        let Some(of_page) = series(cluster, servers, &pod).filter(|_| is_asked && is_running) else { continue };
        let address = pod["status"]["podIP"].as_str().unwrap_or_default();
        let target = [
            ("namespace", metadata_text(&pod, "namespace")),
            ("pod", metadata_text(&pod, "name")),
            ("job", "pods".to_owned()),
            ("instance", format!("{address}:{METRICS_PORT}")),
        ];
        for (name, mut labels, value) in of_page {
            labels.extend(target.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            all.push((name, labels, value));
        }
    }
    all
}

fn series(
    cluster: &SimCluster,
    servers: &ServerRegistry,
    pod: &Value,
) -> Option<Vec<(&'static str, PipelineLabels, f64)>> {
    if !has_sidecar(pod) {
        return None;
    }
    let count = servers.proxy_sessions(&metadata_text(pod, "namespace"), &metadata_text(pod, "name"));
    let count = u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    let distortion = cluster.config().pipeline.distortion.as_ref().filter(|it| it.hop == DistortionHop::Exporter);
    let distortion = distortion.filter(|it| servers.is_active(Some(&it.window)));
    let sessions = distortion.map_or(count, |it| it.kind.apply(count));
    let (backend, server) = BACKEND;
    let of_backend = PipelineLabels::from([("proxy".to_owned(), backend.to_owned())]);
    let mut of_server = of_backend.clone();
    of_server.insert("server".to_owned(), server.to_owned());
    Some(vec![
        (BACKEND_QUEUE, of_backend.clone(), 0.0),
        (BACKEND_SESSIONS, of_backend, sessions),
        (SERVER_SESSIONS, of_server, sessions),
    ])
}
