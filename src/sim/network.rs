//! The way from outside to the pods: a node's port or a load balancer's address, behind it a ready endpoint by chance,
//! as kube-proxy's rules for iptables choose one for each connection. Each request is a connection of its own.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use http::Response;
use serde_json::Value;

use super::SimPlatform;
use super::cluster::metadata_text;
use super::ollama::{ActiveWindow, POD, is_ready};
use crate::env::{HttpClient, HttpError, HttpFailure, ResponseBody};
use crate::model::resource_kind::ResourceKind;
use crate::units::HumanDuration;

const SERVICE: ResourceKind = ResourceKind::new("", "v1", "Service", "services");
const NODE: ResourceKind = ResourceKind::new("", "v1", "Node", "nodes");

/// Where Ollama listens.
const OLLAMA_PORT: u64 = 11434;

/// The way to the pods in numbers.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// There and back.
    pub round_trip: HumanDuration,
    /// When a client gives up to connect: the load's `timeouts.connect`.
    pub connect_timeout: HumanDuration,
    /// The store's URL (`metric.store.url`); empty where there is none.
    pub store_url: String,
    /// Fault: every connection goes to the first endpoint.
    pub one_pod_only: bool,
    /// Fault: no endpoint is reached, connections are refused.
    pub connections_refused: Option<ActiveWindow>,
    /// Fault: a connection takes so long.
    pub slow_accept: Option<(ActiveWindow, HumanDuration)>,
    /// Fault: each so many-th connection is lost in the middle of its answer.
    pub connection_resets: Option<(ActiveWindow, u64)>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            round_trip: HumanDuration::from_ms(1),
            connect_timeout: HumanDuration::from_secs(10),
            store_url: String::new(),
            one_pod_only: false,
            connections_refused: None,
            slow_accept: None,
            connection_resets: None,
        }
    }
}

/// The HTTP door.
pub(super) fn http_client(platform: &SimPlatform) -> HttpClient {
    let door = NetworkRouter { platform: platform.clone(), connection_count: Arc::default() };
    HttpClient::new(tower::service_fn(move |request| {
        let door = door.clone();
        async move { door.route_request(request).await }
    }))
}

#[derive(Clone)]
struct NetworkRouter {
    platform: SimPlatform,
    connection_count: Arc<AtomicU64>,
}

impl NetworkRouter {
    async fn route_request(self, request: http::Request<Bytes>) -> Result<Response<ResponseBody>, HttpError> {
        let setting = &self.platform.cluster.config().network;
        let url = request.uri().to_string();
        let store = setting.store_url.trim_end_matches('/');
        if let Some(path) = url.strip_prefix(store).filter(|path| !store.is_empty() && path.starts_with('/')) {
            tokio::time::sleep(setting.round_trip.to_std()).await;
            let (status, body) = self.platform.pipeline.query_store(path);
            return Ok(full_response(status, body));
        }
        let host = request.uri().host().unwrap_or_default();
        let port = request.uri().port_u16().unwrap_or(80);
        let service = self.find_service(host, port)?;
        self.wait_for_connect().await?;
        let pod = service.and_then(|(service, port)| self.pick_endpoint(&service, &port));
        let Some(pod) = pod.filter(|_| !self.platform.servers.is_active(setting.connections_refused.as_ref())) else {
            return Err(http_error(
                HttpFailure::ConnectRefused,
                format!("connect to {host}:{port}: connection refused"),
            ));
        };
        let number = self.connection_count.fetch_add(1, Ordering::Relaxed) + 1;
        let reset = setting.connection_resets.as_ref().is_some_and(|(during, every)| {
            number.checked_rem(*every) == Some(0) && self.platform.servers.is_active(Some(during))
        });
        let answer = self
            .platform
            .servers
            .handle_request(&metadata_text(&pod, "namespace"), &metadata_text(&pod, "name"), request)
            .await?;
        Ok(if reset { answer.map(reset_mid_body) } else { answer })
    }

    /// The service behind an address and its port, if one listens there.
    fn find_service(&self, host: &str, port: u16) -> Result<Option<(Arc<Value>, Value)>, HttpError> {
        let address: IpAddr = host.parse().map_err(|_| {
            http_error(
                HttpFailure::Dns,
                format!("could not resolve {host}: no name of the cluster is known outside of it"),
            )
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
            return Err(http_error(HttpFailure::ConnectTimeout, format!("connect to {host}:{port}: no route to host")));
        }
        let found = |is: &dyn Fn(&Value) -> Option<Value>| {
            services.iter().find_map(|service| Some((Arc::clone(service), is(service)?)))
        };
        let by_balancer = found(&|service| port_of(service, "port").filter(|_| balanced(service)));
        Ok(by_balancer.or_else(|| found(&|service| port_of(service, "nodePort").filter(|_| of_node))))
    }

    async fn wait_for_connect(&self) -> Result<(), HttpError> {
        let setting = &self.platform.cluster.config().network;
        let slow = setting.slow_accept.as_ref().filter(|(during, _)| self.platform.servers.is_active(Some(during)));
        let delay = slow.map_or(setting.round_trip, |(_, delay)| *delay);
        tokio::time::sleep(delay.min(setting.connect_timeout).to_std()).await;
        if delay < setting.connect_timeout {
            return Ok(());
        }
        Err(http_error(HttpFailure::ConnectTimeout, "connect: operation timed out".to_owned()))
    }

    /// A ready pod of the service that listens at its port's target.
    fn pick_endpoint(&self, service: &Value, port: &Value) -> Option<Arc<Value>> {
        let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty())?;
        let cluster = &self.platform.cluster;
        let pods = cluster.list(&POD, Some(&metadata_text(service, "namespace")));
        let matches = |pod: &Value| selector.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
        let mut ready: Vec<_> = pods.into_iter().filter(|pod| matches(pod) && is_ready(pod)).collect();
        if cluster.config().network.one_pod_only {
            let first = ready
                .into_iter()
                .min_by_key(|pod| (metadata_text(pod, "creationTimestamp"), metadata_text(pod, "name")));
            return first.filter(|pod| is_ollama_port(pod, port));
        }
        if ready.is_empty() {
            return None;
        }
        let chosen = usize::try_from(cluster.random_below(ready.len() as u64)).unwrap_or(0);
        Some(ready.swap_remove(chosen)).filter(|pod| is_ollama_port(pod, port))
    }
}

/// Whether a service's port leads to the server in the pod.
fn is_ollama_port(pod: &Value, port: &Value) -> bool {
    let target = if port["targetPort"].is_null() { &port["port"] } else { &port["targetPort"] };
    let mut named = pod["spec"]["containers"][0]["ports"].as_array().into_iter().flatten();
    let number = match target.as_str() {
        Some(name) => named.find(|port| port["name"] == name).and_then(|port| port["containerPort"].as_u64()),
        None => target.as_u64(),
    };
    number == Some(OLLAMA_PORT)
}

/// An answer of one piece.
fn full_response(status: u16, body: Bytes) -> Response<ResponseBody> {
    let mut response: Response<ResponseBody> = Response::new(futures::stream::iter([Ok(body)]).boxed());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A body whose connection is lost after its first piece.
fn reset_mid_body(body: ResponseBody) -> ResponseBody {
    let error = http_error(HttpFailure::InBody, "connection reset by peer".to_owned());
    body.take(1).chain(futures::stream::iter([Err(error)])).boxed()
}

fn http_error(failure: HttpFailure, message: String) -> HttpError {
    HttpError { failure, message }
}

#[cfg(test)]
mod tests;
