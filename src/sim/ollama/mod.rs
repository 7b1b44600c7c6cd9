//! Ollama in the pods: slots, queue, tokens. A server exists as long as its container runs; when the container ends,
//! its connections are reset. It speaks Ollama's protocol and OpenAI's. What it says of itself in the page of an inference
//! server, whose profile the scenario has, is counted here and written by `pipeline`.

mod chat;
mod chat_format;
mod milestones;
mod responses;
mod server;
mod sessions;
mod startup;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;

use chat_format::ChatFormat;
use milestones::MilestoneTimes;
use server::OllamaServer;
use sessions::ProxySessions;
use startup::ServerStartup;

use super::cluster::{SimCluster, metadata_text};
use super::objects::devices::has_device;
use super::objects::haproxy;
use super::objects::kinds::POD;
use super::objects::lost_nodes::is_on_lost_node;
use super::objects::state::is_ready;
use crate::env::{HttpError, HttpFailure, ResponseBody};
use crate::sim::config::ActiveWindow;

/// The servers in the pods. Clones share their state.
#[derive(Clone)]
pub(super) struct ServerRegistry(Arc<RegistryInner>);

struct RegistryInner {
    cluster: SimCluster,
    state: Mutex<RegistryState>,
}

#[derive(Default)]
struct RegistryState {
    /// Keyed by namespace and pod name.
    servers: BTreeMap<(String, String), Arc<OllamaServer>>,
    /// UID of the first pod of an owner, keyed by the owner's UID.
    first_pod_uids: BTreeMap<String, String>,
    milestones: MilestoneTimes,
    sessions: ProxySessions,
}

/// A pod's use of its accelerator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DeviceUsage {
    /// Integral of the utilization since the container started, percent times microseconds.
    pub(super) percent_us: f64,
    /// Memory, MiB.
    pub(super) memory_mib: u64,
    /// Whether the pod's server runs: else nothing uses the accelerator.
    pub(super) is_running: bool,
}

/// The requests at a server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RequestCounts {
    /// Those that have a slot.
    pub(super) running: usize,
    /// Those that wait for one.
    pub(super) waiting: usize,
}

impl ServerRegistry {
    pub(super) fn new(cluster: SimCluster) -> Self {
        Self(Arc::new(RegistryInner { cluster, state: Mutex::default() }))
    }

    /// The response at a port of `namespace/pod`. HAProxy counts a request until its response ends.
    pub(super) async fn handle_request_at(
        &self,
        port: u64,
        namespace: &str,
        pod: &str,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<ResponseBody>, HttpError> {
        let has_proxy = || self.0.cluster.get(&POD, namespace, pod).is_some_and(|pod| haproxy::has_sidecar(&pod));
        let is_proxied = port == haproxy::PORT && has_proxy();
        let session = is_proxied.then(|| self.lock_state().sessions.begin(namespace, pod));
        let response = self.handle_request(namespace, pod, request).await?;
        Ok(match session {
            Some(session) => response.map(|body| session.hold_until_end_of(body)),
            None => response,
        })
    }

    /// The requests in flight through the HAProxy of a pod.
    pub(super) fn proxy_sessions(&self, namespace: &str, pod: &str) -> usize {
        self.lock_state().sessions.count(namespace, pod)
    }

    /// The response of the server in `namespace/pod`.
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
            ("POST", "/api/chat") => chat::handle_chat(self, server, ChatFormat::Ollama, request.body()).await,
            ("POST", "/v1/chat/completions") => {
                chat::handle_chat(self, server, ChatFormat::OpenAi, request.body()).await
            }
            (method, path) => Ok(responses::handle_request(&server, &cluster.config().ollama, method, path)),
        }
    }

    /// Terminates servers whose containers have ended, and records the number of Ready pods; never returns.
    pub(super) async fn watch_pods(self) {
        let mut changes = self.0.cluster.change_signal();
        loop {
            self.sync_with_pods();
            changes.changed().await;
        }
    }

    /// The pod's use of its accelerator so far.
    pub(super) fn usage(&self, namespace: &str, pod: &str) -> DeviceUsage {
        let server = self.lock_state().servers.get(&(namespace.to_owned(), pod.to_owned())).cloned();
        let Some(server) = server else { return DeviceUsage::default() };
        let config = &self.0.cluster.config().ollama;
        let is_on_accelerator = server.resident_model().is_some() && !config.on_cpu.includes(server.is_new);
        DeviceUsage {
            percent_us: server.percent_us(),
            memory_mib: if is_on_accelerator { config.model_mib } else { 0 },
            is_running: true,
        }
    }

    /// The requests at the server of a pod; `None` where none runs.
    pub(super) fn request_counts(&self, namespace: &str, pod: &str) -> Option<RequestCounts> {
        let (running, waiting) = self.find_server(namespace, pod)?.chat_counts();
        Some(RequestCounts { running, waiting })
    }

    /// Whether the pod has an owner, and is not its first pod.
    pub(super) fn is_new(&self, pod: &Value) -> bool {
        is_new(&self.0.cluster, &mut self.lock_state(), pod)
    }

    /// Whether a window is active now; `None` never is.
    pub(super) fn is_active(&self, window: Option<&ActiveWindow>) -> bool {
        window.is_some_and(|window| self.active_since(window).is_some())
    }

    /// Start of a window, in milliseconds of the run's clock, if the window is active.
    pub(super) fn active_since(&self, window: &ActiveWindow) -> Option<u64> {
        self.lock_state().milestones.active_since(window, self.0.cluster.clock().now_ms())
    }

    /// End of a window, in milliseconds of the run's clock, if the window is over.
    pub(super) fn ended_at(&self, window: &ActiveWindow) -> Option<u64> {
        self.lock_state().milestones.ended_at(window, self.0.cluster.clock().now_ms())
    }

    /// The server in a running container.
    fn find_server(&self, namespace: &str, name: &str) -> Option<Arc<OllamaServer>> {
        let pod = self.0.cluster.get(&POD, namespace, name)?;
        server(&self.0.cluster, &mut self.lock_state(), &pod)
    }

    fn sync_with_pods(&self) {
        let (cluster, mut state) = (&self.0.cluster, self.lock_state());
        state.servers.retain(|(namespace, name), server| {
            let pod = cluster.get(&POD, namespace, name);
            if pod.as_ref().is_some_and(|pod| is_on_lost_node(cluster, pod)) {
                server.set_unreachable();
                return true;
            }
            let is_running =
                pod.and_then(|pod| container_id(&pod)).is_some_and(|container| container == server.container_id);
            if !is_running {
                server.terminate();
            }
            is_running
        });
        let pods = cluster.list(&POD, None);
        let accelerator_pods: Vec<_> = pods.iter().filter(|pod| has_device(pod)).collect();
        for pod in &accelerator_pods {
            server(cluster, &mut state, pod);
        }
        let ready = accelerator_pods.iter().filter(|pod| is_ready(pod)).count();
        state.milestones.record_ready(ready, cluster.clock().now_ms());
    }

    fn lock_state(&self) -> MutexGuard<'_, RegistryState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Identifies the pod's running container; `None` if no container runs.
fn container_id(pod: &Value) -> Option<String> {
    let status = &pod["status"];
    let first = &status["containerStatuses"][0];
    // Ollama exits on SIGTERM, which the kubelet sends on deletion.
    let is_running = status["phase"] == "Running"
        && pod["metadata"]["deletionTimestamp"].is_null()
        && (first.is_null() || !first["state"]["running"].is_null());
    is_running.then(|| format!("{}/{}", metadata_text(pod, "uid"), first["restartCount"].as_u64().unwrap_or(0)))
}

/// The server in the pod's running container; starts one for a new container.
fn server(cluster: &SimCluster, state: &mut RegistryState, pod: &Value) -> Option<Arc<OllamaServer>> {
    let container = container_id(pod)?;
    let key = (metadata_text(pod, "namespace"), metadata_text(pod, "name"));
    if let Some(server) = state.servers.get(&key).filter(|server| server.container_id == container) {
        return Some(Arc::clone(server));
    }
    let new = is_new(cluster, state, pod);
    let config = &cluster.config().ollama;
    let server = Arc::new(OllamaServer::new(cluster.clock(), config, container, new, ServerStartup::from_pod(pod)));
    if let Some(previous) = state.servers.insert(key, Arc::clone(&server)) {
        previous.terminate();
    }
    Some(server)
}

fn owner_uid(pod: &Value) -> String {
    pod["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default().to_owned()
}

fn is_new(cluster: &SimCluster, state: &mut RegistryState, pod: &Value) -> bool {
    let owner = owner_uid(pod);
    if owner.is_empty() {
        return false;
    }
    if !state.first_pod_uids.contains_key(&owner) {
        let siblings = cluster.list(&POD, Some(&metadata_text(pod, "namespace")));
        let siblings = siblings.iter().filter(|sibling| owner_uid(sibling) == owner);
        let first = siblings
            .min_by_key(|sibling| (metadata_text(sibling, "creationTimestamp"), metadata_text(sibling, "name")));
        state.first_pod_uids.insert(owner.clone(), first.map(|first| metadata_text(first, "uid")).unwrap_or_default());
    }
    state.first_pod_uids.get(&owner).is_some_and(|first| *first != metadata_text(pod, "uid"))
}
