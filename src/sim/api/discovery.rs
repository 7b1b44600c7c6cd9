//! What the API server tells of itself: its version, and the kinds that it serves.

use serde_json::{Value, json};

use super::response::ApiResponse;
use super::served_kinds::SERVED_KINDS;
use crate::sim::cluster::SimCluster;

const VERBS: [&str; 7] = ["create", "delete", "get", "list", "patch", "update", "watch"];

/// `/version`
pub(super) fn version(cluster: &SimCluster) -> ApiResponse {
    let version = &cluster.config().api.version;
    let mut numbers = version.trim_start_matches('v').split('.');
    ApiResponse::value(
        200,
        &json!({
            "major": numbers.next().unwrap_or_default(),
            "minor": numbers.next().unwrap_or_default(),
            "gitVersion": version,
            "gitCommit": "0000000000000000000000000000000000000000",
            "gitTreeState": "clean",
            "buildDate": "2026-08-13T00:00:00Z",
            "goVersion": "go1.26.0",
            "compiler": "gc",
            "platform": "linux/amd64",
        }),
    )
}

/// Whether this API version is served.
pub(super) fn is_served(cluster: &SimCluster, api_version: &str) -> bool {
    !cluster.config().api.unserved_versions.iter().any(|unserved| unserved == api_version)
}

/// The kinds of one API version.
pub(super) fn resources(cluster: &SimCluster, api_version: &str) -> ApiResponse {
    let of_version = SERVED_KINDS.iter().filter(|facts| facts.kind.api_version() == api_version);
    let resource = |facts: &super::ServedKind| {
        json!({
            "name": facts.kind.plural,
            "singularName": facts.kind.kind.to_lowercase(),
            "namespaced": facts.is_namespaced,
            "kind": facts.kind.kind,
            "verbs": VERBS,
        })
    };
    let all: Vec<Value> = of_version.map(resource).collect();
    if all.is_empty() || !is_served(cluster, api_version) {
        return path_not_found();
    }
    ApiResponse::value(
        200,
        &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": all}),
    )
}

/// What the API server answers at a path that it does not serve.
pub(super) fn path_not_found() -> ApiResponse {
    ApiResponse::text(404, "404 page not found\n")
}
