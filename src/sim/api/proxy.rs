//! The ways through the API server to pods and Services, and the pods' logs.

use http::header;
use serde_json::Value;

use super::request::ApiRequest;
use super::response::ApiResponse;
use super::served_kinds::find_by_plural;
use crate::sim::SimPlatform;
use crate::sim::cluster::{SimCluster, StatusError};

/// The path at which a store's own API begins, whatever stands before it.
const STORE_API_PREFIX: &str = "/api/v1/";

/// # Errors
/// What is behind it is not there, or does not answer.
pub(super) async fn handle_proxy(platform: &SimPlatform, asked: ApiRequest) -> Result<ApiResponse, StatusError> {
    let namespace = asked.info.namespace.clone().unwrap_or_default();
    let (name, _port) = asked.info.name.split_once(':').unwrap_or((&asked.info.name, ""));
    find_target(&platform.cluster, &asked.info.resource, &namespace, name)?;
    let query = asked.target.split_once('?').map_or_else(String::new, |(_, query)| format!("?{query}"));
    let target = format!("{}{query}", asked.info.proxy_path);
    if asked.info.resource == "services" {
        let from = target.find(STORE_API_PREFIX).unwrap_or(0);
        let (status, text) = platform.pipeline.query_store(target.get(from..).unwrap_or_default());
        return Ok(ApiResponse::json(status, text));
    }
    if target == "/metrics" {
        return platform.pipeline.exporter_metrics(&namespace, name).map(|text| ApiResponse::text(200, text));
    }
    let request = http::Request::builder().method(asked.method.clone()).uri(target);
    let request = request.header(header::CONTENT_TYPE, &asked.content_type).body(asked.body.clone());
    let request = request.map_err(|e| StatusError::new(400, "BadRequest", e.to_string()))?;
    let answer = platform.servers.handle_request(&namespace, name, request).await;
    let (head, body) = answer.map_err(|e| unreachable_error(&e.to_string()))?.into_parts();
    let content = head.headers.get(header::CONTENT_TYPE).and_then(|content| content.to_str().ok());
    Ok(ApiResponse::stream(head.status.as_u16(), content.unwrap_or("text/plain"), body))
}

fn unreachable_error(why: &str) -> StatusError {
    StatusError::new(503, "ServiceUnavailable", format!("error trying to reach service: {why}"))
}

/// # Errors
/// 404.
fn find_target(
    cluster: &SimCluster,
    plural: &str,
    namespace: &str,
    name: &str,
) -> Result<std::sync::Arc<Value>, StatusError> {
    let facts = find_by_plural("", "v1", plural).ok_or_else(|| StatusError::not_simulated(plural))?;
    cluster.get(&facts.kind, namespace, name).ok_or_else(|| StatusError::not_found(&facts.kind, name))
}

/// A pod's log.
///
/// # Errors
/// The pod is not there, or its container does not run yet.
pub(super) fn handle_log(cluster: &SimCluster, asked: &ApiRequest) -> Result<ApiResponse, StatusError> {
    asked.check_params(&["container", "tailLines"])?;
    let (namespace, name) = (asked.info.namespace.as_deref().unwrap_or_default(), &asked.info.name);
    let pod = find_target(cluster, "pods", namespace, name)?;
    let container = asked.param("container");
    if pod["status"]["phase"] == "Pending" {
        let why = format!("container \"{container}\" in pod \"{name}\" is waiting to start: ContainerCreating");
        return Err(StatusError::new(400, "BadRequest", why));
    }
    let started = pod["status"]["startTime"].as_str().unwrap_or_default();
    Ok(ApiResponse::text(200, format!("{started} {container} of {name} listens (simulated)\n")))
}
