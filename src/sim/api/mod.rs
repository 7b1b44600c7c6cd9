//! The API server as a client's service: each request of gpuhpa as Kubernetes answers it. The same ways in for those who
//! act inside of the simulation: [`admit()`], [`apply`], [`delete()`], [`scale()`].

mod admission;
mod authorization;
mod config;
mod create;
mod defaults;
mod delete;
mod discovery;
mod patch;
mod proxy;
mod read;
mod request;
mod request_faults;
mod response;
mod scale;
mod selector;
mod served_kinds;
mod service_defaults;
mod watch;
mod workload_defaults;

use std::io;

use http::{Method, Request, Response};
use kube::client::Body;

pub use config::{ApiFaultWindow, ApiServerConfig, DeniedPermission, RequestShare};
pub(super) use create::create_object;
pub(super) use delete::{FOREGROUND_FINALIZER, delete, delete_in_foreground};
pub(super) use patch::apply;
pub(super) use scale::update_scale;
pub(super) use served_kinds::{ServedKind, find_by_kind};

use super::SimPlatform;
use super::cluster::{FieldManager, SimCluster, StatusError};
use request::ApiRequest;
use response::ApiResponse;

/// The API server as a client's service.
pub(super) fn kube_client(platform: &SimPlatform) -> kube::Client {
    let platform = platform.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let platform = platform.clone();
        async move { serve(&platform, request).await }
    });
    kube::Client::new(service, "default")
}

async fn serve(platform: &SimPlatform, request: Request<Body>) -> io::Result<Response<reqwest::Body>> {
    let cluster = &platform.cluster;
    let (is_change, is_step) = (request.method() != Method::GET, is_write_step(&request));
    if is_step {
        cluster.count_write_step();
    }
    request_faults::accept_request(cluster).await?;
    let reply = route(platform, request).await.unwrap_or_else(|refusal| ApiResponse::from_error(&refusal));
    if is_step {
        cluster.count_write_step();
        request_faults::delay_response().await;
    }
    if is_change {
        request_faults::inject_lost_response(cluster)?;
    }
    reply.into_http(cluster.wall_time()).map_err(io::Error::other)
}

/// Whether it asks for a change that lasts: no review of rights, no dry run, no chat, and no Lease that is only renewed.
fn is_write_step(request: &Request<Body>) -> bool {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let passing = path.contains("selfsubjectaccessreviews") || path.contains("/proxy") || query.contains("dryRun");
    let renews = request.method() == Method::PATCH && path.contains("/leases/");
    request.method() != Method::GET && !passing && !renews
}

async fn route(platform: &SimPlatform, request: Request<Body>) -> Result<ApiResponse, StatusError> {
    let cluster = &platform.cluster;
    request_faults::inject_error(cluster)?;
    let asked = ApiRequest::from_http(request).await?;
    authorization::authorize(cluster, &asked)?;
    let place = &asked.info;
    if matches!(place.group.as_str(), "custom.metrics.k8s.io" | "external.metrics.k8s.io") {
        return platform.pipeline.query_metrics_api(&asked.target).map(|value| ApiResponse::value(200, &value));
    }
    match (place.resource.as_str(), place.subresource.as_str()) {
        ("", _) => handle_non_resource(cluster, &asked),
        ("pods" | "services", "proxy") => proxy::handle_proxy(platform, asked).await,
        ("pods", "log") => proxy::handle_log(cluster, &asked),
        ("selfsubjectaccessreviews", "") if asked.method == Method::POST => {
            authorization::handle_access_review(cluster, &asked)
        }
        _ => route_resource(cluster, &asked),
    }
}

/// What is asked of the server itself.
fn handle_non_resource(cluster: &SimCluster, asked: &ApiRequest) -> Result<ApiResponse, StatusError> {
    let place = &asked.info;
    match place.parts.first().map(String::as_str) {
        _ if asked.method != Method::GET => Err(asked.not_simulated()),
        Some("version") => Ok(discovery::version(cluster)),
        Some("api" | "apis") if !place.version.is_empty() => {
            let api_version = format!("{}/{}", place.group, place.version);
            Ok(discovery::resources(cluster, api_version.trim_start_matches('/')))
        }
        _ => Err(asked.not_simulated()),
    }
}

fn route_resource(cluster: &SimCluster, asked: &ApiRequest) -> Result<ApiResponse, StatusError> {
    let place = &asked.info;
    let facts = served_kinds::find_by_plural(&place.group, &place.version, &place.resource);
    let Some(facts) = facts.filter(|facts| discovery::is_served(cluster, &facts.kind.api_version())) else {
        return Ok(discovery::path_not_found());
    };
    if !facts.is_namespaced && place.namespace.is_some() {
        return Ok(discovery::path_not_found());
    }
    match (&asked.method, place.name.as_str(), place.subresource.as_str()) {
        (&Method::GET, "", "") if asked.is_true("watch") => watch::handle_watch(cluster, facts, asked),
        (&Method::GET, "", "") => read::handle_list(cluster, facts, asked),
        (&Method::GET, _, "") => read::handle_get(cluster, facts, asked),
        (&Method::POST, "", "") => handle_create(cluster, facts, asked),
        (&Method::PATCH, _, "" | "scale") => patch::handle_patch(cluster, facts, asked),
        (&Method::DELETE, name, "") if !name.is_empty() => delete::handle_delete(cluster, facts, asked),
        _ => Err(asked.not_simulated()),
    }
}

fn handle_create(cluster: &SimCluster, facts: &ServedKind, asked: &ApiRequest) -> Result<ApiResponse, StatusError> {
    asked.check_params(&["dryRun", "fieldManager"])?;
    let mut object = asked.json()?;
    if let Some(namespace) = &asked.info.namespace {
        object["metadata"]["namespace"] = namespace.as_str().into();
    }
    let made = create_object(cluster, FieldManager::update(field_manager(asked)), facts, object, asked.is_dry_run())?;
    Ok(ApiResponse::json(201, made.to_string()))
}

/// Field manager of a request; `unknown` where it names none and no user agent.
fn field_manager(asked: &ApiRequest) -> &str {
    asked.query.get("fieldManager").map_or("unknown", String::as_str)
}

#[cfg(test)]
mod tests;
