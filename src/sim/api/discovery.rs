//! Version and discovery.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::response::ApiResponse;
use super::served_kinds::SERVED_KINDS;
use crate::model::resource_kind::SCALED_OBJECT;
use crate::sim::cluster::SimCluster;
use crate::sim::objects::keda;
use crate::sim::objects::kinds::API_SERVICE;

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
    let is_missing = api_version == SCALED_OBJECT.api_version() && !keda::is_installed(cluster);
    !is_missing && !cluster.config().api.unserved_versions.iter().any(|unserved| unserved == api_version)
}

/// Lists the versions of the core group.
pub(super) fn core_versions() -> ApiResponse {
    ApiResponse::value(200, &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))
}

/// Lists the groups with their versions: those that the API server serves itself, and those of the APIServices.
pub(super) fn groups(cluster: &SimCluster) -> ApiResponse {
    let served = SERVED_KINDS.iter().map(|served| served.kind.api_version());
    let aggregated = cluster.list(&API_SERVICE, None).into_iter().map(|service| api_version_of(&service));
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for api_version in served.chain(aggregated).filter(|version| is_served(cluster, version)) {
        if let Some((group, _)) = api_version.split_once('/') {
            groups.entry(group.to_owned()).or_default().insert(api_version);
        }
    }
    let version = |api_version: &String| json!({"groupVersion": api_version, "version": api_version.rsplit('/').next().unwrap_or_default()});
    let group = |(name, versions): (String, BTreeSet<String>)| {
        let all: Vec<Value> = versions.iter().map(version).collect();
        json!({"name": name, "versions": all, "preferredVersion": all.first()})
    };
    let groups: Vec<Value> = groups.into_iter().map(group).collect();
    ApiResponse::value(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

fn api_version_of(api_service: &Value) -> String {
    let text = |field: &str| api_service["spec"][field].as_str().unwrap_or_default();
    format!("{}/{}", text("group"), text("version"))
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
