//! Ollama in the pods: slots, queue, tokens. A server is there as long as its container runs, and its connections are
//! lost when it ends.

#[cfg(test)]
pub(super) mod bench;
mod chat;
mod moment;
mod page;
mod server;
mod setting;
mod start;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;

use moment::Moments;
pub use moment::{During, Since};
use server::Server;
pub use setting::{Broken, BrokenChats, ServerSetting, Who};
use start::Start;

use super::cluster::{Cluster, text};
use super::controllers::has_lost_its_node;
use super::pipeline::holds;
use crate::record::kind::Kind;
use crate::world::{Body, HttpError, HttpFailure};

/// Pods.
pub(super) const POD: Kind = Kind::of("", "v1", "Pod", "pods");

/// The servers in the pods. Copies are the same ones.
#[derive(Clone)]
pub(super) struct Servers(Arc<Inner>);

struct Inner {
    cluster: Cluster,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By namespace and pod.
    servers: BTreeMap<(String, String), Arc<Server>>,
    /// uid of the first pod of an owner, by the owner's uid.
    firsts: BTreeMap<String, String>,
    moments: Moments,
}

/// How an accelerator is used by a pod.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Use {
    /// Percent times microseconds of utilization since the container began.
    pub(super) area: f64,
    /// Memory, MiB.
    pub(super) mib: u64,
}

impl Servers {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self(Arc::new(Inner { cluster, known: Mutex::default() }))
    }

    /// What the server in `namespace/pod` answers to a request (path, query and body as sent).
    pub(super) async fn answer(
        &self,
        namespace: &str,
        pod: &str,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, HttpError> {
        let cluster = &self.0.cluster;
        if cluster.get(&POD, namespace, pod).is_some_and(|pod| has_lost_its_node(cluster, &pod)) {
            tokio::time::sleep(cluster.setting().network.connect_timeout.duration()).await;
            return Err(HttpError {
                failure: HttpFailure::ConnectTimeout,
                message: format!("connect to pod {namespace}/{pod}: operation timed out"),
            });
        }
        let Some(server) = self.server(namespace, pod) else {
            return Err(HttpError {
                failure: HttpFailure::ConnectRefused,
                message: format!("connect to pod {namespace}/{pod}: connection refused"),
            });
        };
        match (request.method().as_str(), request.uri().path()) {
            ("POST", "/api/chat") => chat::answer(self, server, request.body()).await,
            (method, path) => Ok(page::answer(&server, &cluster.setting().servers, method, path)),
        }
    }

    /// Ends servers whose containers have ended, and notes how many pods are Ready; never returns.
    pub(super) async fn follow(self) {
        let mut told = self.0.cluster.told();
        loop {
            self.look();
            told.changed().await;
        }
    }

    /// How the pod uses its accelerator.
    pub(super) fn usage(&self, namespace: &str, pod: &str) -> Use {
        let found = self.known().servers.get(&(namespace.to_owned(), pod.to_owned())).cloned();
        let Some(server) = found else { return Use::default() };
        let setting = &self.0.cluster.setting().servers;
        let there = server.model().is_some() && !setting.on_cpu.is(server.new);
        Use { area: server.area(), mib: if there { setting.model_mib } else { 0 } }
    }

    /// Whether the pod is of the target, and not its first one.
    pub(super) fn is_new(&self, pod: &Value) -> bool {
        let mut known = self.known();
        is_new(&self.0.cluster, &mut known, pod)
    }

    /// Whether it is now.
    pub(super) fn is_now(&self, during: Option<&During>) -> bool {
        during.is_some_and(|during| self.began(during).is_some())
    }

    /// When it began, milliseconds of the run's clock, if it has begun and is not over.
    pub(super) fn began(&self, during: &During) -> Option<u64> {
        self.known().moments.began(during, self.0.cluster.clock().now_ms())
    }

    /// When it ended, milliseconds of the run's clock, if it is over.
    pub(super) fn ended(&self, during: &During) -> Option<u64> {
        self.known().moments.ended(during, self.0.cluster.clock().now_ms())
    }

    /// The server in a running container.
    fn server(&self, namespace: &str, name: &str) -> Option<Arc<Server>> {
        let pod = self.0.cluster.get(&POD, namespace, name)?;
        server(&self.0.cluster, &mut self.known(), &pod)
    }

    fn look(&self) {
        let (cluster, mut known) = (&self.0.cluster, self.known());
        known.servers.retain(|(namespace, name), server| {
            let pod = cluster.get(&POD, namespace, name);
            if pod.as_ref().is_some_and(|pod| has_lost_its_node(cluster, pod)) {
                server.fall_silent();
                return true;
            }
            let runs = pod.and_then(|pod| container(&pod)).is_some_and(|container| container == server.container);
            if !runs {
                server.end();
            }
            runs
        });
        let pods = cluster.list(&POD, None);
        let held: Vec<_> = pods.iter().filter(|pod| holds(pod)).collect();
        for pod in &held {
            server(cluster, &mut known, pod);
        }
        let ready = held.iter().filter(|pod| is_ready(pod)).count();
        known.moments.ready(ready, cluster.clock().now_ms());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True for a pod that is Ready and not about to end.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
    ready && pod["metadata"]["deletionTimestamp"].is_null()
}

/// What tells the pod's running container from any other; `None` where none runs.
fn container(pod: &Value) -> Option<String> {
    let status = &pod["status"];
    let first = &status["containerStatuses"][0];
    // Ollama ends at the first signal, which comes with the deletion.
    let runs = status["phase"] == "Running"
        && pod["metadata"]["deletionTimestamp"].is_null()
        && (first.is_null() || !first["state"]["running"].is_null());
    runs.then(|| format!("{}/{}", text(pod, "uid"), first["restartCount"].as_u64().unwrap_or(0)))
}

/// The server in the pod's running container, which is begun where it is not known.
fn server(cluster: &Cluster, known: &mut Known, pod: &Value) -> Option<Arc<Server>> {
    let container = container(pod)?;
    let key = (text(pod, "namespace"), text(pod, "name"));
    if let Some(server) = known.servers.get(&key).filter(|server| server.container == container) {
        return Some(Arc::clone(server));
    }
    let new = is_new(cluster, known, pod);
    let setting = &cluster.setting().servers;
    let server = Arc::new(Server::new(cluster.clock(), setting, container, new, Start::of(pod)));
    if let Some(before) = known.servers.insert(key, Arc::clone(&server)) {
        before.end();
    }
    Some(server)
}

fn owner(pod: &Value) -> String {
    pod["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default().to_owned()
}

fn is_new(cluster: &Cluster, known: &mut Known, pod: &Value) -> bool {
    let owner = owner(pod);
    if owner.is_empty() {
        return false;
    }
    if !known.firsts.contains_key(&owner) {
        let siblings = cluster.list(&POD, Some(&text(pod, "namespace")));
        let siblings = siblings.iter().filter(|sibling| self::owner(sibling) == owner);
        let first = siblings.min_by_key(|sibling| (text(sibling, "creationTimestamp"), text(sibling, "name")));
        known.firsts.insert(owner.clone(), first.map(|first| text(first, "uid")).unwrap_or_default());
    }
    known.firsts.get(&owner).is_some_and(|first| *first != text(pod, "uid"))
}
