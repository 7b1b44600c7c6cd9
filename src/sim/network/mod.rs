//! Connections from outside the cluster to the pods, through a node port or a load balancer. Each connection goes to a
//! random ready endpoint, as with kube-proxy in iptables mode. Each request opens a connection of its own.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use http::Response;
use serde_json::Value;

use super::cluster::metadata_text;
use super::config::EndpointChoice;
use super::objects::haproxy;
use super::objects::kinds::{NODE, POD, SERVICE};
use super::objects::state::is_ready;
use super::platform::SimPlatform;
use crate::env::{HttpClient, HttpError, HttpFailure, ResponseBody};

/// The port on which Ollama listens.
const OLLAMA_PORT: u64 = 11434;

/// The HTTP client of a run.
pub(super) fn http_client(platform: &SimPlatform) -> HttpClient {
    let router = NetworkRouter { platform: platform.clone(), connection_count: Arc::default() };
    HttpClient::new(tower::service_fn(move |request| {
        let router = router.clone();
        async move { router.route_request(request).await }
    }))
}

#[derive(Clone)]
struct NetworkRouter {
    platform: SimPlatform,
    connection_count: Arc<AtomicU64>,
}

impl NetworkRouter {
    async fn route_request(self, request: http::Request<Bytes>) -> Result<Response<ResponseBody>, HttpError> {
        let config = &self.platform.cluster.config().network;
        let url = request.uri().to_string();
        let store = config.store_url.trim_end_matches('/');
        if let Some(path) = url.strip_prefix(store).filter(|path| !store.is_empty() && path.starts_with('/')) {
            tokio::time::sleep(config.round_trip.to_std()).await;
            let (status, body) = self.platform.pipeline.query_store(path);
            return Ok(full_response(status, body));
        }
        let host = request.uri().host().unwrap_or_default();
        let port = request.uri().port_u16().unwrap_or(80);
        let service = self.find_service(host, port)?;
        self.wait_for_connect().await?;
        let pod = service.and_then(|(service, port)| self.pick_endpoint(&service, &port));
        let Some((pod, pod_port)) =
            pod.filter(|_| !self.platform.servers.is_active(config.connections_refused.as_ref()))
        else {
            return Err(http_error(
                HttpFailure::ConnectRefused,
                format!("connect to {host}:{port}: connection refused"),
            ));
        };
        let number = self.connection_count.fetch_add(1, Ordering::Relaxed) + 1;
        let is_reset = config.connection_resets.as_ref().is_some_and(|(window, every_nth)| {
            number.checked_rem(*every_nth) == Some(0) && self.platform.servers.is_active(Some(window))
        });
        let response = self
            .platform
            .servers
            .handle_request_at(pod_port, &metadata_text(&pod, "namespace"), &metadata_text(&pod, "name"), request)
            .await?;
        Ok(if is_reset { response.map(reset_mid_body) } else { response })
    }

    /// The service and its port that an address and port lead to; `None` if no service uses that port.
    fn find_service(&self, host: &str, port: u16) -> Result<Option<(Arc<Value>, Value)>, HttpError> {
        let address: IpAddr = host.parse().map_err(|_| {
            http_error(
                HttpFailure::Dns,
                format!("could not resolve {host}: cluster DNS names do not resolve outside the cluster"),
            )
        })?;
        let cluster = &self.platform.cluster;
        let is_address =
            |entry: &Value, field: &str| entry[field].as_str().and_then(|ip| ip.parse().ok()) == Some(address);
        let has_address =
            |list: &Value, field: &str| list.as_array().into_iter().flatten().any(|entry| is_address(entry, field));
        let services = cluster.list(&SERVICE, None);
        let port_of = |service: &Value, field: &str| {
            let mut ports = service["spec"]["ports"].as_array().into_iter().flatten();
            ports.find(|port_entry| port_entry[field].as_u64() == Some(u64::from(port))).cloned()
        };
        let is_balanced = |service: &Value| has_address(&service["status"]["loadBalancer"]["ingress"], "ip");
        let is_node = cluster.list(&NODE, None).iter().any(|node| has_address(&node["status"]["addresses"], "address"));
        if !is_node && !services.iter().any(|service| is_balanced(service)) {
            return Err(http_error(HttpFailure::ConnectTimeout, format!("connect to {host}:{port}: no route to host")));
        }
        let find = |service_port: &dyn Fn(&Value) -> Option<Value>| {
            services.iter().find_map(|service| Some((Arc::clone(service), service_port(service)?)))
        };
        let by_balancer = find(&|service| port_of(service, "port").filter(|_| is_balanced(service)));
        Ok(by_balancer.or_else(|| find(&|service| port_of(service, "nodePort").filter(|_| is_node))))
    }

    async fn wait_for_connect(&self) -> Result<(), HttpError> {
        let config = &self.platform.cluster.config().network;
        let slow = config.slow_accept.as_ref().filter(|(window, _)| self.platform.servers.is_active(Some(window)));
        let delay = slow.map_or(config.round_trip, |(_, delay)| *delay);
        tokio::time::sleep(delay.min(config.connect_timeout).to_std()).await;
        if delay < config.connect_timeout {
            return Ok(());
        }
        Err(http_error(HttpFailure::ConnectTimeout, "connect: operation timed out".to_owned()))
    }

    /// A ready pod of the service whose port leads to Ollama, directly or through HAProxy, and that port.
    fn pick_endpoint(&self, service: &Value, port: &Value) -> Option<(Arc<Value>, u64)> {
        let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty())?;
        let cluster = &self.platform.cluster;
        let pods = cluster.list(&POD, Some(&metadata_text(service, "namespace")));
        let matches = |pod: &Value| selector.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
        let mut ready: Vec<_> = pods.into_iter().filter(|pod| matches(pod) && is_ready(pod)).collect();
        if ready.is_empty() {
            return None;
        }
        let choice = match service["spec"]["sessionAffinity"].as_str() {
            Some("ClientIP") => EndpointChoice::SourceHash,
            _ => cluster.config().network.endpoint_choice,
        };
        if choice != EndpointChoice::Random {
            ready.sort_by_key(|pod| (metadata_text(pod, "creationTimestamp"), metadata_text(pod, "name")));
        }
        let count = ready.len() as u64;
        let chosen = match choice {
            EndpointChoice::Random => cluster.random_below(count),
            EndpointChoice::SourceHash => cluster.config().seed % count,
            EndpointChoice::Oldest => 0,
        };
        let chosen = usize::try_from(chosen).unwrap_or(0);
        let pod = ready.swap_remove(chosen);
        let pod_port = server_port(&pod, port)?;
        Some((pod, pod_port))
    }
}

/// The port of the pod to which a service's port leads; `None` unless Ollama is behind it.
fn server_port(pod: &Value, port: &Value) -> Option<u64> {
    let target = if port["targetPort"].is_null() { &port["port"] } else { &port["targetPort"] };
    let mut container_ports = pod["spec"]["containers"][0]["ports"].as_array().into_iter().flatten();
    let number = match target.as_str() {
        Some(name) => container_ports.find(|port| port["name"] == name).and_then(|port| port["containerPort"].as_u64()),
        None => target.as_u64(),
    };
    number.filter(|port| *port == OLLAMA_PORT || (*port == haproxy::PORT && haproxy::has_sidecar(pod)))
}

/// A response with the whole body in one chunk.
fn full_response(status: u16, body: Bytes) -> Response<ResponseBody> {
    let mut response: Response<ResponseBody> = Response::new(futures::stream::iter([Ok(body)]).boxed());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A body whose connection is reset after the first chunk.
fn reset_mid_body(body: ResponseBody) -> ResponseBody {
    let error = http_error(HttpFailure::InBody, "connection reset by peer".to_owned());
    body.take(1).chain(futures::stream::iter([Err(error)])).boxed()
}

fn http_error(failure: HttpFailure, message: String) -> HttpError {
    HttpError { failure, message }
}

#[cfg(test)]
mod tests;
