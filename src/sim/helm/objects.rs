//! What a release consists of, in the cluster: made as helm 4 makes it, by server-side apply under its own name, and marked.

use std::time::Duration;

use serde_json::{Value, json};

use super::metadata_text;
use crate::model::journal::ReleaseRef;
use crate::sim::api;
use crate::sim::cluster::SimCluster;

/// Makes an object, or changes the one that the release has already.
///
/// # Errors
/// The API server refuses it, or it is another's; in the words of helm.
pub(super) fn apply(cluster: &SimCluster, release: &ReleaseRef, document: &Value) -> Result<(), String> {
    let (api_version, kind) = (string_field(document, "apiVersion"), string_field(document, "kind"));
    let facts = api::find_by_kind(api_version, kind)
        .ok_or_else(|| format!("no matches for kind \"{kind}\" in version \"{api_version}\""))?;
    let mut object = document.clone();
    let annotations = &mut object["metadata"]["annotations"];
    if annotations.is_null() {
        *annotations = json!({});
    }
    annotations["meta.helm.sh/release-name"] = json!(release.name);
    annotations["meta.helm.sh/release-namespace"] = json!(release.namespace);
    let (namespace, name) = (metadata_text(&object, "namespace"), metadata_text(&object, "name"));
    let there = cluster.get(&facts.kind, &namespace, &name);
    let is_other =
        |there: &Value| there["metadata"]["annotations"]["meta.helm.sh/release-name"] != release.name.as_str();
    if there.is_some_and(|there| is_other(&there)) {
        return Err(format!(
            "Unable to continue with install: {kind} \"{name}\" in namespace \"{namespace}\" exists and cannot be imported into the current release: invalid ownership metadata"
        ));
    }
    api::apply(cluster, "helm", facts, object).map(drop).map_err(|e| e.message)
}

/// Deletes an object and waits until it is gone, and with a workload its pods (`--cascade foreground --wait`).
pub(super) async fn delete(cluster: &SimCluster, document: &Value) {
    let Some(facts) = api::find_by_kind(string_field(document, "apiVersion"), string_field(document, "kind")) else {
        return;
    };
    let (namespace, name) = (metadata_text(document, "namespace"), metadata_text(document, "name"));
    // Gone already is as good.
    let _ = match facts.kind.kind {
        "Deployment" | "StatefulSet" => api::delete_in_foreground(cluster, &facts.kind, &namespace, &name),
        _ => api::delete(cluster, &facts.kind, &namespace, &name, None),
    };
    let mut told = cluster.change_signal();
    while cluster.get(&facts.kind, &namespace, &name).is_some() {
        // helm asks again every two seconds; a change of anything is looked at sooner here.
        let _ = tokio::time::timeout(Duration::from_secs(2), told.changed()).await;
    }
}

fn string_field<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name].as_str().unwrap_or_default()
}
