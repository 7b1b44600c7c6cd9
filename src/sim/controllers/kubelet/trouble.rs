//! What a kubelet writes of a pod that does not run.

use serde_json::{Value, json};

use super::{KUBELET, containers, write};
use crate::sim::cluster::{Cluster, text};
use crate::sim::controllers::{condition, event};
use crate::units::Span;

/// The back-off of a container that ends by itself (kubelet, `containerBackOffPeriod` and `MaxContainerBackOff`).
const BACK_OFF_S: u64 = 10;
const MOST_S: u64 = 300;

/// The image cannot be pulled.
pub(super) fn no_image(cluster: &Cluster, pod: &Value) {
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
    let why = format!("failed to pull and unpack image \"{image}\": failed to resolve reference: not found");
    let message = format!("Failed to pull image \"{image}\": {why}");
    event::tell(cluster, KUBELET, pod, ("Warning", "Failed"), message);
    let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {why}");
    let statuses = containers(pod, &json!({"waiting": {"reason": "ImagePullBackOff", "message": message}}), false);
    write(cluster, pod, |status| status["containerStatuses"] = statuses);
}

/// The readiness probe never passes. How long that is of interest: not at all.
pub(super) fn unready(cluster: &Cluster, pod: &Value) -> Span {
    let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    event::tell(cluster, KUBELET, pod, ("Warning", "Unhealthy"), message);
    Span::default()
}

/// The containers have ended by themselves, `before` times before; when they end again.
pub(super) fn crash(cluster: &Cluster, pod: &Value, before: u32) -> Span {
    let now = cluster.now();
    let wait = (BACK_OFF_S << before.min(10)).min(MOST_S);
    let container = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
    let place = format!("pod={}_{}({})", text(pod, "name"), text(pod, "namespace"), text(pod, "uid"));
    let message = format!("back-off {wait}s restarting failed container={container} {place}");
    let ended = json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": now}});
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
    let mut statuses = containers(pod, &waiting, false);
    for status in statuses.as_array_mut().into_iter().flatten() {
        status["lastState"] = ended.clone();
        status["restartCount"] = json!(before);
    }
    write(cluster, pod, |status| {
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "Ready", "False", "ContainersNotReady", "");
    });
    let message = format!("Back-off restarting failed container {container} in pod {}", text(pod, "name"));
    event::tell(cluster, KUBELET, pod, ("Warning", "BackOff"), message);
    Span::from_secs(wait)
}
