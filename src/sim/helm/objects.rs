//! Creates and deletes the objects of a release as helm 4 does: by server-side apply as field manager `helm`, with
//! annotations that name the release.

use std::time::Duration;

use serde_json::{Value, json};

use crate::model::journal::ReleaseRef;
use crate::sim::api;
use crate::sim::cluster::{SimCluster, metadata_text};

/// Creates an object, or updates the one of the release.
///
/// # Errors
/// If the API server rejects it, or the object belongs to another release; the message is helm's.
pub(super) fn apply(cluster: &SimCluster, release: &ReleaseRef, document: &Value) -> Result<(), String> {
    let (api_version, kind) = (string_field(document, "apiVersion"), string_field(document, "kind"));
    let served_kind = api::find_by_kind(api_version, kind)
        .ok_or_else(|| format!("no matches for kind \"{kind}\" in version \"{api_version}\""))?;
    let mut object = document.clone();
    let annotations = &mut object["metadata"]["annotations"];
    if annotations.is_null() {
        *annotations = json!({});
    }
    annotations["meta.helm.sh/release-name"] = json!(release.name);
    annotations["meta.helm.sh/release-namespace"] = json!(release.namespace);
    let (namespace, name) = (metadata_text(&object, "namespace"), metadata_text(&object, "name"));
    let existing = cluster.get(&served_kind.kind, &namespace, &name);
    let is_foreign =
        |object: &Value| object["metadata"]["annotations"]["meta.helm.sh/release-name"] != release.name.as_str();
    if existing.is_some_and(|existing| is_foreign(&existing)) {
        return Err(format!(
            "Unable to continue with install: {kind} \"{name}\" in namespace \"{namespace}\" exists and cannot be imported into the current release: invalid ownership metadata"
        ));
    }
    api::apply(cluster, "helm", served_kind, object).map(drop).map_err(|e| e.message)
}

/// Deletes an object and waits until it is gone; for a workload, until its pods are gone (`--cascade foreground
/// --wait`).
pub(super) async fn delete(cluster: &SimCluster, document: &Value) {
    let Some(served_kind) = api::find_by_kind(string_field(document, "apiVersion"), string_field(document, "kind"))
    else {
        return;
    };
    let (namespace, name) = (metadata_text(document, "namespace"), metadata_text(document, "name"));
    // Ignores the error: the object may be gone already.
    let _ = match served_kind.kind.kind {
        "Deployment" | "StatefulSet" => api::delete_in_foreground(cluster, &served_kind.kind, &namespace, &name),
        _ => api::delete(cluster, &served_kind.kind, &namespace, &name, None),
    };
    let mut changes = cluster.change_signal();
    while cluster.get(&served_kind.kind, &namespace, &name).is_some() {
        // helm polls every 2 s; a change in the cluster ends the wait early.
        let _ = tokio::time::timeout(Duration::from_secs(2), changes.changed()).await;
    }
}

fn string_field<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name].as_str().unwrap_or_default()
}
