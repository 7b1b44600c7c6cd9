//! The scale subresource.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError};

/// Whether the kind has a scale subresource.
pub(super) fn has_scale(kind: &ResourceKind) -> bool {
    matches!(kind.kind, "Deployment" | "StatefulSet" | "ReplicaSet")
}

/// Sets the replicas of a workload; `manager` is a [`FieldManager::update_scale`].
///
/// # Errors
/// The workload does not exist, or has no scale subresource.
pub(in crate::sim) fn update_scale(
    cluster: &SimCluster,
    manager: FieldManager<'_>,
    kind: &ResourceKind,
    namespace: &str,
    name: &str,
    replicas: i64,
) -> Result<Arc<Value>, StatusError> {
    if !has_scale(kind) {
        return Err(StatusError::new(404, "NotFound", "the server could not find the requested resource"));
    }
    cluster.update(manager, kind, namespace, name, |object| object["spec"]["replicas"] = json!(replicas))
}

/// Returns the autoscaling/v1 Scale of a workload.
pub(super) fn scale_object(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let labels = object["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
    let labels: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": object["status"]["replicas"].as_i64().unwrap_or(0), "selector": labels.join(",")},
    })
}
