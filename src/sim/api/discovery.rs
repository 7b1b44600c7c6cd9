//! What the API server tells of itself: its version, and the kinds that it serves.

use serde_json::{Value, json};

use super::kinds::KINDS;
use super::reply::Reply;
use crate::sim::cluster::Cluster;

const VERBS: [&str; 7] = ["create", "delete", "get", "list", "patch", "update", "watch"];

/// `/version`
pub(super) fn version(cluster: &Cluster) -> Reply {
    let version = &cluster.setting().api.version;
    let mut numbers = version.trim_start_matches('v').split('.');
    Reply::value(
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
pub(super) fn is_served(cluster: &Cluster, api_version: &str) -> bool {
    !cluster.setting().api.unserved.iter().any(|unserved| unserved == api_version)
}

/// The kinds of one API version.
pub(super) fn resources(cluster: &Cluster, api_version: &str) -> Reply {
    let of_version = KINDS.iter().filter(|facts| facts.kind.api_version() == api_version);
    let resource = |facts: &super::KindFacts| {
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
        return not_there();
    }
    Reply::value(
        200,
        &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": all}),
    )
}

/// What the API server answers at a path that it does not serve.
pub(super) fn not_there() -> Reply {
    Reply::text(404, "404 page not found\n")
}
