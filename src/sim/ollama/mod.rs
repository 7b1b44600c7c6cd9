//! Ollama in the pods: slots, queue, tokens. A server is there as long as its container runs, and its connections are
//! lost when it ends.

mod chat;
mod config;
#[cfg(test)]
pub(super) mod fixtures;
mod responses;
mod server;
mod startup;
#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;

pub use config::{AffectedPods, ChatFault, FaultyChats, OllamaConfig};
use server::OllamaServer;
use startup::ServerStartup;
use window::MilestoneTimes;
pub use window::{ActiveWindow, WindowStart};

use super::cluster::{SimCluster, metadata_text};
use super::controllers::is_on_lost_node;
use super::pipeline::has_device;
use crate::env::{HttpError, HttpFailure, ResponseBody};
use crate::model::resource_kind::ResourceKind;

/// Pods.
pub(super) const POD: ResourceKind = ResourceKind::new("", "v1", "Pod", "pods");

/// The servers in the pods. Copies are the same ones.
#[derive(Clone)]
pub(super) struct ServerRegistry(Arc<RegistryInner>);

struct RegistryInner {
    cluster: SimCluster,
    state: Mutex<RegistryState>,
}

#[derive(Default)]
struct RegistryState {
    /// By namespace and pod.
    servers: BTreeMap<(String, String), Arc<OllamaServer>>,
    /// uid of the first pod of an owner, by the owner's uid.
    first_pod_uids: BTreeMap<String, String>,
    milestones: MilestoneTimes,
}

/// How an accelerator is used by a pod.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DeviceUsage {
    /// Percent times microseconds of utilization since the container began.
    pub(super) percent_us: f64,
    /// Memory, MiB.
    pub(super) memory_mib: u64,
}

impl ServerRegistry {
    pub(super) fn new(cluster: SimCluster) -> Self {
        Self(Arc::new(RegistryInner { cluster, state: Mutex::default() }))
    }

    /// What the server in `namespace/pod` answers to a request (path, query and body as sent).
    pub(super) async fn handle_request(
        &self,
        namespace: &str,
        pod: &str,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<ResponseBody>, HttpError> {
        let cluster = &self.0.cluster;
        if cluster.get(&POD, namespace, pod).is_some_and(|pod| is_on_lost_node(cluster, &pod)) {
            tokio::time::sleep(cluster.config().network.connect_timeout.to_std()).await;
            return Err(HttpError {
                failure: HttpFailure::ConnectTimeout,
                message: format!("connect to pod {namespace}/{pod}: operation timed out"),
            });
        }
        let Some(server) = self.find_server(namespace, pod) else {
            return Err(HttpError {
                failure: HttpFailure::ConnectRefused,
                message: format!("connect to pod {namespace}/{pod}: connection refused"),
            });
        };
        match (request.method().as_str(), request.uri().path()) {
            ("POST", "/api/chat") => chat::handle_chat(self, server, request.body()).await,
            (method, path) => Ok(responses::handle_request(&server, &cluster.config().ollama, method, path)),
        }
    }

    /// Ends servers whose containers have ended, and notes how many pods are Ready; never returns.
    pub(super) async fn watch_pods(self) {
        let mut told = self.0.cluster.change_signal();
        loop {
            self.sync_with_pods();
            told.changed().await;
        }
    }

    /// How the pod uses its accelerator.
    pub(super) fn usage(&self, namespace: &str, pod: &str) -> DeviceUsage {
        let found = self.lock_state().servers.get(&(namespace.to_owned(), pod.to_owned())).cloned();
        let Some(server) = found else { return DeviceUsage::default() };
        let setting = &self.0.cluster.config().ollama;
        let there = server.resident_model().is_some() && !setting.on_cpu.includes(server.is_new);
        DeviceUsage { percent_us: server.percent_us(), memory_mib: if there { setting.model_mib } else { 0 } }
    }

    /// Whether the pod is of the target, and not its first one.
    pub(super) fn is_new(&self, pod: &Value) -> bool {
        let mut known = self.lock_state();
        is_new(&self.0.cluster, &mut known, pod)
    }

    /// Whether it is now.
    pub(super) fn is_active(&self, during: Option<&ActiveWindow>) -> bool {
        during.is_some_and(|during| self.active_since(during).is_some())
    }

    /// When it began, milliseconds of the run's clock, if it has begun and is not over.
    pub(super) fn active_since(&self, during: &ActiveWindow) -> Option<u64> {
        self.lock_state().milestones.active_since(during, self.0.cluster.clock().now_ms())
    }

    /// When it ended, milliseconds of the run's clock, if it is over.
    pub(super) fn ended_at(&self, during: &ActiveWindow) -> Option<u64> {
        self.lock_state().milestones.ended_at(during, self.0.cluster.clock().now_ms())
    }

    /// The server in a running container.
    fn find_server(&self, namespace: &str, name: &str) -> Option<Arc<OllamaServer>> {
        let pod = self.0.cluster.get(&POD, namespace, name)?;
        server(&self.0.cluster, &mut self.lock_state(), &pod)
    }

    fn sync_with_pods(&self) {
        let (cluster, mut known) = (&self.0.cluster, self.lock_state());
        known.servers.retain(|(namespace, name), server| {
            let pod = cluster.get(&POD, namespace, name);
            if pod.as_ref().is_some_and(|pod| is_on_lost_node(cluster, pod)) {
                server.set_unreachable();
                return true;
            }
            let runs = pod.and_then(|pod| container_id(&pod)).is_some_and(|container| container == server.container_id);
            if !runs {
                server.terminate();
            }
            runs
        });
        let pods = cluster.list(&POD, None);
        let held: Vec<_> = pods.iter().filter(|pod| has_device(pod)).collect();
        for pod in &held {
            server(cluster, &mut known, pod);
        }
        let ready = held.iter().filter(|pod| is_ready(pod)).count();
        known.milestones.record_ready(ready, cluster.clock().now_ms());
    }

    fn lock_state(&self) -> MutexGuard<'_, RegistryState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True for a pod that is Ready and not about to end.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
    ready && pod["metadata"]["deletionTimestamp"].is_null()
}

/// What tells the pod's running container from any other; `None` where none runs.
fn container_id(pod: &Value) -> Option<String> {
    let status = &pod["status"];
    let first = &status["containerStatuses"][0];
    // Ollama ends at the first signal, which comes with the deletion.
    let runs = status["phase"] == "Running"
        && pod["metadata"]["deletionTimestamp"].is_null()
        && (first.is_null() || !first["state"]["running"].is_null());
    runs.then(|| format!("{}/{}", metadata_text(pod, "uid"), first["restartCount"].as_u64().unwrap_or(0)))
}

/// The server in the pod's running container, which is begun where it is not known.
fn server(cluster: &SimCluster, known: &mut RegistryState, pod: &Value) -> Option<Arc<OllamaServer>> {
    let container = container_id(pod)?;
    let key = (metadata_text(pod, "namespace"), metadata_text(pod, "name"));
    if let Some(server) = known.servers.get(&key).filter(|server| server.container_id == container) {
        return Some(Arc::clone(server));
    }
    let new = is_new(cluster, known, pod);
    let setting = &cluster.config().ollama;
    let server = Arc::new(OllamaServer::new(cluster.clock(), setting, container, new, ServerStartup::from_pod(pod)));
    if let Some(before) = known.servers.insert(key, Arc::clone(&server)) {
        before.terminate();
    }
    Some(server)
}

fn owner_uid(pod: &Value) -> String {
    pod["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default().to_owned()
}

fn is_new(cluster: &SimCluster, known: &mut RegistryState, pod: &Value) -> bool {
    let owner = owner_uid(pod);
    if owner.is_empty() {
        return false;
    }
    if !known.first_pod_uids.contains_key(&owner) {
        let siblings = cluster.list(&POD, Some(&metadata_text(pod, "namespace")));
        let siblings = siblings.iter().filter(|sibling| self::owner_uid(sibling) == owner);
        let first = siblings
            .min_by_key(|sibling| (metadata_text(sibling, "creationTimestamp"), metadata_text(sibling, "name")));
        known.first_pod_uids.insert(owner.clone(), first.map(|first| metadata_text(first, "uid")).unwrap_or_default());
    }
    known.first_pod_uids.get(&owner).is_some_and(|first| *first != metadata_text(pod, "uid"))
}
