//! Reads a cluster, and writes a scenario for it. Only reads: what the rights do not allow is noted, and left to the user.

mod accelerators;
mod controller;
mod endpoint;
mod exporter;
mod metrics_apis;
mod reader;
mod scenario_text;
mod servers;
mod store;
mod yaml_text;

use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, Service};

use self::accelerators::AcceleratorFindings;
use self::controller::ControllerFindings;
use self::endpoint::EndpointFindings;
use self::exporter::ExporterFindings;
use self::metrics_apis::MetricsApiFindings;
use self::reader::ClusterReader;
use self::servers::OllamaServer;
use self::store::StoreFindings;
use crate::env::RunEnv;
use crate::error_chain::format_chain;
use crate::model::shipped_profiles;

pub(crate) use self::scenario_text::{ScenarioBase, write_scenario};

/// Time after which nothing more is read. Most of it is for intervals of a minute, which are measured side by side.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// What a cluster showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterFindings {
    kubernetes_version: String,
    accelerators: AcceleratorFindings,
    exporter: Option<ExporterFindings>,
    store: Option<StoreFindings>,
    metrics_apis: MetricsApiFindings,
    ollama: Option<OllamaServer>,
    endpoint: EndpointFindings,
    controller: Option<ControllerFindings>,
    are_pods_read: bool,
    are_services_read: bool,
    are_workloads_read: bool,
    unread: Vec<String>,
}

/// Reads the cluster; `progress` gets each step in words.
///
/// # Errors
/// The API server does not answer.
pub(crate) async fn discover(env: &RunEnv, progress: &dyn Fn(&str)) -> Result<ClusterFindings, String> {
    let version = tokio::time::timeout(Duration::from_secs(30), env.kube.retrying.apiserver_version()).await;
    let version = version.map_err(|_| "it did not answer within 30 s".to_owned())?.map_err(|e| format_chain(&e))?;
    let mut reader = ClusterReader::new(env, TIME_LIMIT);
    let mut found = ClusterFindings { kubernetes_version: version.git_version, ..ClusterFindings::default() };
    progress("nodes, pods, Services and workloads");
    let pods: Option<Vec<Pod>> = reader.list("pods").await;
    let services: Option<Vec<Service>> = reader.list("Services").await;
    let deployments: Option<Vec<Deployment>> = reader.list("Deployments").await;
    let stateful_sets: Option<Vec<StatefulSet>> = reader.list("StatefulSets").await;
    found.accelerators = accelerators::read(&mut reader, pods.as_deref()).await;
    found.are_pods_read = pods.is_some();
    found.are_services_read = services.is_some();
    found.are_workloads_read = deployments.is_some() && stateful_sets.is_some();
    let pods = pods.unwrap_or_default();
    found.controller = controller::read(&pods);
    progress("the exporter and its page");
    found.exporter = exporter::find(&mut reader, &pods).await;
    let series = found.exporter.as_ref().and_then(|exporter| exporter.page.series.clone());
    progress("the metrics APIs and the adapters behind them");
    found.metrics_apis = metrics_apis::read(&mut reader, deployments.as_deref(), series.as_deref()).await;
    progress("the store");
    let candidates = store::candidates(&found.metrics_apis.stores, services.as_deref().unwrap_or_default());
    let profile = found.exporter.as_ref().and_then(|exporter| shipped_profiles::find(exporter.profile?).ok());
    let profile = profile.unwrap_or_default();
    found.store = store::find(&mut reader, candidates, series.as_deref(), &profile).await;
    progress("servers of models, and the way in");
    let (deployments, stateful_sets) = (deployments.unwrap_or_default(), stateful_sets.unwrap_or_default());
    found.ollama = servers::find_ollama(&mut reader, &deployments, &stateful_sets, &pods).await;
    found.endpoint = endpoint::read(&reader, services.as_deref().unwrap_or_default(), &found.accelerators).await;
    measure(&reader, &mut found, series.as_deref(), progress).await;
    found.unread = reader.into_unread();
    Ok(found)
}

/// Measures the intervals of exporter and store.
async fn measure(
    reader: &ClusterReader<'_>,
    found: &mut ClusterFindings,
    series: Option<&str>,
    progress: &dyn Fn(&str),
) {
    let Some(series) = series else { return };
    progress("the intervals of exporter and store, up to 75 s");
    let ClusterFindings { exporter, store, .. } = found;
    let of_exporter = async {
        if let Some(exporter) = exporter {
            exporter.measure_interval(reader).await;
        }
    };
    let of_store = async {
        if let Some(store) = store.as_mut().filter(|store| store.series.is_some_and(|count| count > 0)) {
            store.measure(reader, series).await;
        }
    };
    futures::future::join(of_exporter, of_store).await;
}
