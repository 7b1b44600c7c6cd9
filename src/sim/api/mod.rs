//! The simulated API server: a tower service under `kube::Client` that responds as Kubernetes does. The simulated
//! controllers and helm write through the same functions: [`create_object`], [`apply`], [`delete()`], [`update_scale`].

mod admission;
mod authorization;
mod claim_defaults;
mod create;
mod defaults;
mod delete;
mod discovery;
mod hpa_spec_change;
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

pub(super) use create::create_object;
pub(super) use delete::{FOREGROUND_FINALIZER, delete, delete_in_foreground};
pub(super) use patch::apply;
pub(super) use scale::update_scale;
pub(super) use served_kinds::{ServedKind, find_by_kind};

use super::cluster::{FieldManager, SimCluster, StatusError};
use super::platform::SimPlatform;
use request::ApiRequest;
use response::ApiResponse;

/// Returns a client whose requests the simulated API server handles.
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
    let (is_write, is_step) = (request.method() != Method::GET, is_write_step(&request));
    if is_step {
        cluster.count_write_step();
    }
    request_faults::accept_request(cluster).await?;
    let response = route(platform, request).await.unwrap_or_else(|error| ApiResponse::from_error(&error));
    if is_step {
        cluster.count_write_step();
        request_faults::delay_response().await;
    }
    if is_write {
        request_faults::inject_lost_response(cluster)?;
    }
    response.into_http(cluster.wall_time()).map_err(io::Error::other)
}

/// Whether the request makes a lasting change: no access review, no dry run, no proxied chat, and no Lease renewal.
fn is_write_step(request: &Request<Body>) -> bool {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let is_transient = path.contains("selfsubjectaccessreviews") || path.contains("/proxy") || query.contains("dryRun");
    let is_lease_renewal = request.method() == Method::PATCH && path.contains("/leases/");
    request.method() != Method::GET && !is_transient && !is_lease_renewal
}

async fn route(platform: &SimPlatform, request: Request<Body>) -> Result<ApiResponse, StatusError> {
    let cluster = &platform.cluster;
    request_faults::inject_error(cluster)?;
    let request = ApiRequest::from_http(request).await?;
    authorization::authorize(cluster, &request)?;
    let info = &request.info;
    if matches!(info.group.as_str(), "custom.metrics.k8s.io" | "external.metrics.k8s.io") {
        return platform.pipeline.query_metrics_api(&request.target).map(|value| ApiResponse::value(200, &value));
    }
    match (info.resource.as_str(), info.subresource.as_str()) {
        ("", _) => handle_non_resource(cluster, &request),
        ("pods" | "services", "proxy") => proxy::handle_proxy(platform, request).await,
        ("pods", "log") => proxy::handle_log(cluster, &request),
        ("selfsubjectaccessreviews", "") if request.method == Method::POST => {
            authorization::handle_access_review(cluster, &request)
        }
        _ => route_resource(cluster, &request),
    }
}

/// Handles requests that name no resource: the version and discovery.
fn handle_non_resource(cluster: &SimCluster, request: &ApiRequest) -> Result<ApiResponse, StatusError> {
    let info = &request.info;
    match info.parts.first().map(String::as_str) {
        _ if request.method != Method::GET => Err(request.not_simulated()),
        Some("version") => Ok(discovery::version(cluster)),
        Some("api" | "apis") if !info.version.is_empty() => {
            let api_version = format!("{}/{}", info.group, info.version);
            Ok(discovery::resources(cluster, api_version.trim_start_matches('/')))
        }
        Some("api") if info.parts.len() == 1 => Ok(discovery::core_versions()),
        Some("apis") if info.parts.len() == 1 => Ok(discovery::groups(cluster)),
        _ => Err(request.not_simulated()),
    }
}

fn route_resource(cluster: &SimCluster, request: &ApiRequest) -> Result<ApiResponse, StatusError> {
    let info = &request.info;
    let served = served_kinds::find_by_plural(&info.group, &info.version, &info.resource);
    let Some(served) = served.filter(|served| discovery::is_served(cluster, &served.kind.api_version())) else {
        return Ok(discovery::path_not_found());
    };
    if !served.is_namespaced && info.namespace.is_some() {
        return Ok(discovery::path_not_found());
    }
    match (&request.method, info.name.as_str(), info.subresource.as_str()) {
        (&Method::GET, "", "") if request.is_true("watch") => watch::handle_watch(cluster, served, request),
        (&Method::GET, "", "") => read::handle_list(cluster, served, request),
        (&Method::GET, _, "") => read::handle_get(cluster, served, request),
        (&Method::POST, "", "") => handle_create(cluster, served, request),
        (&Method::PATCH, _, "" | "scale") => patch::handle_patch(cluster, served, request),
        (&Method::DELETE, name, "") if !name.is_empty() => delete::handle_delete(cluster, served, request),
        _ => Err(request.not_simulated()),
    }
}

fn handle_create(cluster: &SimCluster, served: &ServedKind, request: &ApiRequest) -> Result<ApiResponse, StatusError> {
    request.check_params(&["dryRun", "fieldManager"])?;
    let mut object = request.json()?;
    if let Some(namespace) = &request.info.namespace {
        object["metadata"]["namespace"] = namespace.as_str().into();
    }
    let created =
        create_object(cluster, FieldManager::update(field_manager(request)), served, object, request.is_dry_run())?;
    Ok(ApiResponse::json(201, created.to_string()))
}

/// The field manager of a request; `unknown` if it names none (the API server falls back to the user agent).
fn field_manager(request: &ApiRequest) -> &str {
    request.query.get("fieldManager").map_or("unknown", String::as_str)
}

#[cfg(test)]
mod tests;
