//! Version and discovery.

use serde_json::{Value, json};

use super::response::ApiResponse;
use super::served_kinds::SERVED_KINDS;
use crate::sim::cluster::SimCluster;

const VERBS: [&str; 7] = ["create", "delete", "get", "list", "patch", "update", "watch"];

/// Responds to `/version`.
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

pub(super) fn is_served(cluster: &SimCluster, api_version: &str) -> bool {
    !cluster.config().api.unserved_versions.iter().any(|unserved| unserved == api_version)
}

/// Lists the resources of one API version.
pub(super) fn resources(cluster: &SimCluster, api_version: &str) -> ApiResponse {
    let of_version = SERVED_KINDS.iter().filter(|served| served.kind.api_version() == api_version);
    let resource = |served: &super::ServedKind| {
        json!({
            "name": served.kind.plural,
            "singularName": served.kind.kind.to_lowercase(),
            "namespaced": served.is_namespaced,
            "kind": served.kind.kind,
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

/// The API server's response to a path that it does not serve.
pub(super) fn path_not_found() -> ApiResponse {
    ApiResponse::text(404, "404 page not found\n")
}
