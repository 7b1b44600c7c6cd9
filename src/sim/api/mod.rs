//! The API server as a client's service: each request of gpuhpa as Kubernetes answers it. The same ways in for those who
//! act inside of the simulation: [`admit()`], [`apply`], [`delete()`], [`scale()`].

mod admission;
mod admit;
mod asked;
mod defaults;
mod delete;
mod discovery;
mod door;
mod kinds;
mod patch;
mod ports;
mod proxy;
mod read;
mod reply;
mod rights;
mod scale;
mod selector;
mod setting;
mod watch;
mod workloads;

use std::io;

use http::{Method, Request, Response};
use kube::client::Body;

pub(super) use admit::admit;
pub(super) use delete::{FOREGROUND, delete, delete_in_foreground};
pub(super) use kinds::{KindFacts, by_kind};
pub(super) use patch::apply;
pub(super) use scale::scale;
pub use setting::{ApiSetting, Denied, Share, Window};

use super::Platform;
use super::cluster::{Cluster, Hand, Refusal};
use asked::Asked;
use reply::Reply;

/// The API server as a client's service.
pub(super) fn client(platform: &Platform) -> kube::Client {
    let platform = platform.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let platform = platform.clone();
        async move { serve(&platform, request).await }
    });
    kube::Client::new(service, "default")
}

async fn serve(platform: &Platform, request: Request<Body>) -> io::Result<Response<reqwest::Body>> {
    let cluster = &platform.cluster;
    let (is_change, is_step) = (request.method() != Method::GET, is_step(&request));
    if is_step {
        cluster.step();
    }
    door::pass(cluster).await?;
    let reply = answer(platform, request).await.unwrap_or_else(|refusal| Reply::refused(&refusal));
    if is_step {
        cluster.step();
        door::way_back().await;
    }
    if is_change {
        door::back(cluster)?;
    }
    reply.sent(cluster.wall()).map_err(io::Error::other)
}

/// Whether it asks for a change that lasts: no review of rights, no dry run, no chat, and no Lease that is only renewed.
fn is_step(request: &Request<Body>) -> bool {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let passing = path.contains("selfsubjectaccessreviews") || path.contains("/proxy") || query.contains("dryRun");
    let renews = request.method() == Method::PATCH && path.contains("/leases/");
    request.method() != Method::GET && !passing && !renews
}

async fn answer(platform: &Platform, request: Request<Body>) -> Result<Reply, Refusal> {
    let cluster = &platform.cluster;
    door::mood(cluster)?;
    let asked = Asked::read(request).await?;
    rights::check(cluster, &asked)?;
    let place = &asked.place;
    if matches!(place.group.as_str(), "custom.metrics.k8s.io" | "external.metrics.k8s.io") {
        return platform.pipeline.metrics_api(&asked.target).map(|value| Reply::value(200, &value));
    }
    match (place.resource.as_str(), place.subresource.as_str()) {
        ("", _) => itself(cluster, &asked),
        ("pods" | "services", "proxy") => proxy::proxy(platform, asked).await,
        ("pods", "log") => proxy::log(cluster, &asked),
        ("selfsubjectaccessreviews", "") if asked.method == Method::POST => rights::review(cluster, &asked),
        _ => objects(cluster, &asked),
    }
}

/// What is asked of the server itself.
fn itself(cluster: &Cluster, asked: &Asked) -> Result<Reply, Refusal> {
    let place = &asked.place;
    match place.parts.first().map(String::as_str) {
        _ if asked.method != Method::GET => Err(asked.unknown()),
        Some("version") => Ok(discovery::version(cluster)),
        Some("api" | "apis") if !place.version.is_empty() => {
            let api_version = format!("{}/{}", place.group, place.version);
            Ok(discovery::resources(cluster, api_version.trim_start_matches('/')))
        }
        _ => Err(asked.unknown()),
    }
}

fn objects(cluster: &Cluster, asked: &Asked) -> Result<Reply, Refusal> {
    let place = &asked.place;
    let facts = kinds::by_plural(&place.group, &place.version, &place.resource);
    let Some(facts) = facts.filter(|facts| discovery::is_served(cluster, &facts.kind.api_version())) else {
        return Ok(discovery::not_there());
    };
    if !facts.is_namespaced && place.namespace.is_some() {
        return Ok(discovery::not_there());
    }
    match (&asked.method, place.name.as_str(), place.subresource.as_str()) {
        (&Method::GET, "", "") if asked.is("watch") => watch::open(cluster, facts, asked),
        (&Method::GET, "", "") => read::list(cluster, facts, asked),
        (&Method::GET, _, "") => read::get(cluster, facts, asked),
        (&Method::POST, "", "") => create(cluster, facts, asked),
        (&Method::PATCH, _, "" | "scale") => patch::patch(cluster, facts, asked),
        (&Method::DELETE, name, "") if !name.is_empty() => delete::asked(cluster, facts, asked),
        _ => Err(asked.unknown()),
    }
}

fn create(cluster: &Cluster, facts: &KindFacts, asked: &Asked) -> Result<Reply, Refusal> {
    asked.only(&["dryRun", "fieldManager"])?;
    let mut object = asked.json()?;
    if let Some(namespace) = &asked.place.namespace {
        object["metadata"]["namespace"] = namespace.as_str().into();
    }
    let made = admit(cluster, Hand::of(manager(asked)), facts, object, asked.is_dry())?;
    Ok(Reply::json(201, made.to_string()))
}

/// Field manager of a request; `unknown` where it names none and no user agent.
fn manager(asked: &Asked) -> &str {
    asked.query.get("fieldManager").map_or("unknown", String::as_str)
}

#[cfg(test)]
mod tests;
