//! The ways through the API server to pods and Services, and the pods' logs.

use http::header;
use serde_json::Value;

use super::asked::Asked;
use super::kinds::by_plural;
use super::reply::Reply;
use crate::sim::Platform;
use crate::sim::cluster::{Cluster, Refusal};

/// The path at which a store's own API begins, whatever stands before it.
const STORE: &str = "/api/v1/";

/// # Errors
/// What is behind it is not there, or does not answer.
pub(super) async fn proxy(platform: &Platform, asked: Asked) -> Result<Reply, Refusal> {
    let namespace = asked.place.namespace.clone().unwrap_or_default();
    let (name, _port) = asked.place.name.split_once(':').unwrap_or((&asked.place.name, ""));
    there(&platform.cluster, &asked.place.resource, &namespace, name)?;
    let query = asked.target.split_once('?').map_or_else(String::new, |(_, query)| format!("?{query}"));
    let target = format!("{}{query}", asked.place.rest);
    if asked.place.resource == "services" {
        let from = target.find(STORE).unwrap_or(0);
        let (status, text) = platform.pipeline.store(target.get(from..).unwrap_or_default());
        return Ok(Reply::json(status, text));
    }
    if target == "/metrics" {
        return platform.pipeline.exporter(&namespace, name).map(|text| Reply::text(200, text));
    }
    let request = http::Request::builder().method(asked.method.clone()).uri(target);
    let request = request.header(header::CONTENT_TYPE, &asked.content).body(asked.body.clone());
    let request = request.map_err(|e| Refusal::new(400, "BadRequest", e.to_string()))?;
    let answer = platform.servers.answer(&namespace, name, request).await;
    let (head, body) = answer.map_err(|e| unreachable(&e.to_string()))?.into_parts();
    let content = head.headers.get(header::CONTENT_TYPE).and_then(|content| content.to_str().ok());
    Ok(Reply::stream(head.status.as_u16(), content.unwrap_or("text/plain"), body))
}

fn unreachable(why: &str) -> Refusal {
    Refusal::new(503, "ServiceUnavailable", format!("error trying to reach service: {why}"))
}

/// # Errors
/// 404.
fn there(cluster: &Cluster, plural: &str, namespace: &str, name: &str) -> Result<std::sync::Arc<Value>, Refusal> {
    let facts = by_plural("", "v1", plural).ok_or_else(|| Refusal::unknown(plural))?;
    cluster.get(&facts.kind, namespace, name).ok_or_else(|| Refusal::not_found(&facts.kind, name))
}

/// A pod's log.
///
/// # Errors
/// The pod is not there, or its container does not run yet.
pub(super) fn log(cluster: &Cluster, asked: &Asked) -> Result<Reply, Refusal> {
    asked.only(&["container", "tailLines"])?;
    let (namespace, name) = (asked.place.namespace.as_deref().unwrap_or_default(), &asked.place.name);
    let pod = there(cluster, "pods", namespace, name)?;
    let container = asked.text("container");
    if pod["status"]["phase"] == "Pending" {
        let why = format!("container \"{container}\" in pod \"{name}\" is waiting to start: ContainerCreating");
        return Err(Refusal::new(400, "BadRequest", why));
    }
    let started = pod["status"]["startTime"].as_str().unwrap_or_default();
    Ok(Reply::text(200, format!("{started} {container} of {name} listens (simulated)\n")))
}
