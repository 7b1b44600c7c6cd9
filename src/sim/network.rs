//! The way from outside to the pods: a node's port or a load balancer's address, behind it a ready endpoint by chance,
//! as kube-proxy's rules for iptables choose one for each connection. Each request is a connection of its own.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use http::Response;
use serde_json::Value;

use super::Platform;
use super::cluster::text;
use super::servers::{During, POD, is_ready};
use crate::record::kind::Kind;
use crate::units::Span;
use crate::world::{Body, Http, HttpError, HttpFailure};

const SERVICE: Kind = Kind::of("", "v1", "Service", "services");
const NODE: Kind = Kind::of("", "v1", "Node", "nodes");

/// Where Ollama listens.
const OLLAMA: u64 = 11434;

/// The way to the pods in numbers.
#[derive(Clone, Debug)]
pub struct NetworkSetting {
    /// There and back.
    pub round_trip: Span,
    /// When a client gives up to connect: the load's `timeouts.connect`.
    pub connect_timeout: Span,
    /// The store's URL (`metric.store.url`); empty where there is none.
    pub store_url: String,
    /// Fault: every connection goes to the first endpoint.
    pub one_pod_only: bool,
    /// Fault: no endpoint is reached, connections are refused.
    pub refused: Option<During>,
    /// Fault: a connection takes so long.
    pub slow_accept: Option<(During, Span)>,
    /// Fault: each so many-th connection is lost in the middle of its answer.
    pub resets: Option<(During, u64)>,
}

impl Default for NetworkSetting {
    fn default() -> Self {
        Self {
            round_trip: Span::from_ms(1),
            connect_timeout: Span::from_secs(10),
            store_url: String::new(),
            one_pod_only: false,
            refused: None,
            slow_accept: None,
            resets: None,
        }
    }
}

/// The HTTP door.
pub(super) fn http(platform: &Platform) -> Http {
    let door = Door { platform: platform.clone(), connections: Arc::default() };
    Http::new(tower::service_fn(move |request| {
        let door = door.clone();
        async move { door.exchange(request).await }
    }))
}

#[derive(Clone)]
struct Door {
    platform: Platform,
    connections: Arc<AtomicU64>,
}

impl Door {
    async fn exchange(self, request: http::Request<Bytes>) -> Result<Response<Body>, HttpError> {
        let setting = &self.platform.cluster.setting().network;
        let url = request.uri().to_string();
        let store = setting.store_url.trim_end_matches('/');
        if let Some(path) = url.strip_prefix(store).filter(|path| !store.is_empty() && path.starts_with('/')) {
            tokio::time::sleep(setting.round_trip.duration()).await;
            let (status, body) = self.platform.pipeline.store(path);
            return Ok(whole(status, body));
        }
        let host = request.uri().host().unwrap_or_default();
        let port = request.uri().port_u16().unwrap_or(80);
        let service = self.service(host, port)?;
        self.connect().await?;
        let pod = service.and_then(|(service, port)| self.endpoint(&service, &port));
        let Some(pod) = pod.filter(|_| !self.platform.servers.is_now(setting.refused.as_ref())) else {
            return Err(failed(HttpFailure::ConnectRefused, format!("connect to {host}:{port}: connection refused")));
        };
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let reset = setting.resets.as_ref().is_some_and(|(during, every)| {
            number.checked_rem(*every) == Some(0) && self.platform.servers.is_now(Some(during))
        });
        let answer = self.platform.servers.answer(&text(&pod, "namespace"), &text(&pod, "name"), request).await?;
        Ok(if reset { answer.map(lost_in_the_middle) } else { answer })
    }

    /// The service behind an address and its port, if one listens there.
    fn service(&self, host: &str, port: u16) -> Result<Option<(Arc<Value>, Value)>, HttpError> {
        let address: IpAddr = host.parse().map_err(|_| {
            failed(HttpFailure::Dns, format!("could not resolve {host}: no name of the cluster is known outside of it"))
        })?;
        let cluster = &self.platform.cluster;
        let is = |given: &Value, field: &str| given[field].as_str().and_then(|ip| ip.parse().ok()) == Some(address);
        let any = |list: &Value, field: &str| list.as_array().into_iter().flatten().any(|one| is(one, field));
        let services = cluster.list(&SERVICE, None);
        let port_of = |service: &Value, field: &str| {
            let mut ports = service["spec"]["ports"].as_array().into_iter().flatten();
            ports.find(|one| one[field].as_u64() == Some(u64::from(port))).cloned()
        };
        let balanced = |service: &Value| any(&service["status"]["loadBalancer"]["ingress"], "ip");
        let of_node = cluster.list(&NODE, None).iter().any(|node| any(&node["status"]["addresses"], "address"));
        if !of_node && !services.iter().any(|service| balanced(service)) {
            return Err(failed(HttpFailure::ConnectTimeout, format!("connect to {host}:{port}: no route to host")));
        }
        let found = |is: &dyn Fn(&Value) -> Option<Value>| {
            services.iter().find_map(|service| Some((Arc::clone(service), is(service)?)))
        };
        let by_balancer = found(&|service| port_of(service, "port").filter(|_| balanced(service)));
        Ok(by_balancer.or_else(|| found(&|service| port_of(service, "nodePort").filter(|_| of_node))))
    }

    async fn connect(&self) -> Result<(), HttpError> {
        let setting = &self.platform.cluster.setting().network;
        let slow = setting.slow_accept.as_ref().filter(|(during, _)| self.platform.servers.is_now(Some(during)));
        let delay = slow.map_or(setting.round_trip, |(_, delay)| *delay);
        tokio::time::sleep(delay.min(setting.connect_timeout).duration()).await;
        if delay < setting.connect_timeout {
            return Ok(());
        }
        Err(failed(HttpFailure::ConnectTimeout, "connect: operation timed out".to_owned()))
    }

    /// A ready pod of the service that listens at its port's target.
    fn endpoint(&self, service: &Value, port: &Value) -> Option<Arc<Value>> {
        let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty())?;
        let cluster = &self.platform.cluster;
        let pods = cluster.list(&POD, Some(&text(service, "namespace")));
        let matches = |pod: &Value| selector.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
        let mut ready: Vec<_> = pods.into_iter().filter(|pod| matches(pod) && is_ready(pod)).collect();
        if cluster.setting().network.one_pod_only {
            let first = ready.into_iter().min_by_key(|pod| (text(pod, "creationTimestamp"), text(pod, "name")));
            return first.filter(|pod| listens(pod, port));
        }
        if ready.is_empty() {
            return None;
        }
        let chosen = usize::try_from(cluster.chance(ready.len() as u64)).unwrap_or(0);
        Some(ready.swap_remove(chosen)).filter(|pod| listens(pod, port))
    }
}

/// Whether a service's port leads to the server in the pod.
fn listens(pod: &Value, port: &Value) -> bool {
    let target = if port["targetPort"].is_null() { &port["port"] } else { &port["targetPort"] };
    let mut named = pod["spec"]["containers"][0]["ports"].as_array().into_iter().flatten();
    let number = match target.as_str() {
        Some(name) => named.find(|port| port["name"] == name).and_then(|port| port["containerPort"].as_u64()),
        None => target.as_u64(),
    };
    number == Some(OLLAMA)
}

/// An answer of one piece.
fn whole(status: u16, body: Bytes) -> Response<Body> {
    let mut response: Response<Body> = Response::new(futures::stream::iter([Ok(body)]).boxed());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A body whose connection is lost after its first piece.
fn lost_in_the_middle(body: Body) -> Body {
    let error = failed(HttpFailure::InBody, "connection reset by peer".to_owned());
    body.take(1).chain(futures::stream::iter([Err(error)])).boxed()
}

fn failed(failure: HttpFailure, message: String) -> HttpError {
    HttpError { failure, message }
}

#[cfg(test)]
mod tests;
