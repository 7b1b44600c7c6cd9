//! The proxy subresource of pods and Services, and pod logs.

use http::header;
use serde_json::Value;

use super::request::ApiRequest;
use super::response::ApiResponse;
use super::served_kinds::find_by_plural;
use crate::sim::cluster::{SimCluster, StatusError};
use crate::sim::platform::SimPlatform;

/// Path prefix of a Prometheus HTTP API; a store may serve it below another prefix.
const STORE_API_PREFIX: &str = "/api/v1/";

/// # Errors
/// The target does not exist, or is unreachable.
pub(super) async fn handle_proxy(platform: &SimPlatform, request: ApiRequest) -> Result<ApiResponse, StatusError> {
    let namespace = request.info.namespace.clone().unwrap_or_default();
    let (name, port) = request.info.name.split_once(':').unwrap_or((&request.info.name, ""));
    find_target(&platform.cluster, &request.info.resource, &namespace, name)?;
    let query = request.target.split_once('?').map_or_else(String::new, |(_, query)| format!("?{query}"));
    let target = format!("{}{query}", request.info.proxy_path);
    if request.info.resource == "services" {
        let from = target.find(STORE_API_PREFIX).unwrap_or(0);
        let (status, text) = platform.pipeline.query_store(target.get(from..).unwrap_or_default());
        return Ok(ApiResponse::json(status, text));
    }
    let port = port.parse().unwrap_or_default();
    if target == "/metrics" {
        let page = platform.pipeline.exporter_metrics(&namespace, name, port);
        return page.map(|text| ApiResponse::text(200, text));
    }
    let upstream = http::Request::builder().method(request.method.clone()).uri(target);
    let upstream = upstream.header(header::CONTENT_TYPE, &request.content_type).body(request.body.clone());
    let upstream = upstream.map_err(|e| StatusError::new(400, "BadRequest", e.to_string()))?;
    let response = platform.servers.handle_request_at(port, &namespace, name, upstream).await;
    let (head, body) = response.map_err(|e| unreachable_error(&e.to_string()))?.into_parts();
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|content_type| content_type.to_str().ok());
    Ok(ApiResponse::stream(head.status.as_u16(), content_type.unwrap_or("text/plain"), body))
}

fn unreachable_error(message: &str) -> StatusError {
    StatusError::new(503, "ServiceUnavailable", format!("error trying to reach service: {message}"))
}

/// # Errors
/// 404 if the target does not exist.
fn find_target(
    cluster: &SimCluster,
    plural: &str,
    namespace: &str,
    name: &str,
) -> Result<std::sync::Arc<Value>, StatusError> {
    let served = find_by_plural("", "v1", plural).ok_or_else(|| StatusError::not_simulated(plural))?;
    cluster.get(&served.kind, namespace, name).ok_or_else(|| StatusError::not_found(&served.kind, name))
}

/// Responds with a pod's log.
///
/// # Errors
/// The pod does not exist, or its container has not started.
pub(super) fn handle_log(cluster: &SimCluster, request: &ApiRequest) -> Result<ApiResponse, StatusError> {
    request.check_params(&["container", "tailLines"])?;
    let (namespace, name) = (request.info.namespace.as_deref().unwrap_or_default(), &request.info.name);
    let pod = find_target(cluster, "pods", namespace, name)?;
    let container = request.param("container");
    if pod["status"]["phase"] == "Pending" {
        let message = format!("container \"{container}\" in pod \"{name}\" is waiting to start: ContainerCreating");
        return Err(StatusError::new(400, "BadRequest", message));
    }
    let started = pod["status"]["startTime"].as_str().unwrap_or_default();
    Ok(ApiResponse::text(200, format!("{started} {container} of {name} is listening (simulated)\n")))
}
