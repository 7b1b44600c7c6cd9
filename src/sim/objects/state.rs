//! The state of an object in its life cycle.

use serde_json::Value;

pub(in crate::sim) fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Whether a pod is neither terminated nor being deleted.
pub(in crate::sim) fn is_active(pod: &Value) -> bool {
    !is_deleting(pod) && pod["status"]["phase"] != "Succeeded" && pod["status"]["phase"] != "Failed"
}

/// Whether a pod is Ready and not being deleted.
pub(in crate::sim) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
    ready && pod["metadata"]["deletionTimestamp"].is_null()
}
