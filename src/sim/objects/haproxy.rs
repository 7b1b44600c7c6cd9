//! HAProxy as a sidecar of a pod, of the rig's image (ci/rig/images/haproxy.cfg): it passes chats from its own port to the
//! server, and serves its Prometheus page on another. What another image is configured to do is not known.

use serde_json::Value;

const IMAGE: &str = "rig.local/haproxy";
/// The port that it forwards to the server.
pub(in crate::sim) const PORT: u64 = 11435;
/// The port of its page.
pub(in crate::sim) const METRICS_PORT: u64 = 8405;
/// Name of its backend, and of the backend's only server.
pub(in crate::sim) const BACKEND: (&str, &str) = ("ollama", "local");

/// Whether a container of `initContainers` is one: it has the image, and runs on.
pub(in crate::sim) fn is_sidecar(container: &Value) -> bool {
    let image = container["image"].as_str().unwrap_or_default();
    container["restartPolicy"] == "Always" && image.split(':').next() == Some(IMAGE)
}

pub(in crate::sim) fn has_sidecar(pod: &Value) -> bool {
    pod["spec"]["initContainers"].as_array().into_iter().flatten().any(is_sidecar)
}
