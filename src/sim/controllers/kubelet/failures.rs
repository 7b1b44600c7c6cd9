//! What a kubelet writes of a pod that does not run.

use serde_json::{Value, json};

use super::{KUBELET, container_statuses, update_status};
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::controllers::{condition, event};
use crate::units::HumanDuration;

/// The back-off of a container that ends by itself (kubelet, `containerBackOffPeriod` and `MaxContainerBackOff`).
const INITIAL_BACK_OFF_S: u64 = 10;
const MAX_BACK_OFF_S: u64 = 300;

/// The image cannot be pulled.
pub(super) fn report_image_pull_failure(cluster: &SimCluster, pod: &Value) {
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
    let why = format!("failed to pull and unpack image \"{image}\": failed to resolve reference: not found");
    let message = format!("Failed to pull image \"{image}\": {why}");
    event::record(cluster, KUBELET, pod, ("Warning", "Failed"), message);
    let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {why}");
    let statuses =
        container_statuses(pod, &json!({"waiting": {"reason": "ImagePullBackOff", "message": message}}), false);
    update_status(cluster, pod, |status| status["containerStatuses"] = statuses);
}

/// The readiness probe never passes. How long that is of interest: not at all.
pub(super) fn report_probe_failure(cluster: &SimCluster, pod: &Value) -> HumanDuration {
    let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    event::record(cluster, KUBELET, pod, ("Warning", "Unhealthy"), message);
    HumanDuration::default()
}

/// The containers have ended by themselves, `before` times before; when they end again.
pub(super) fn report_crash(cluster: &SimCluster, pod: &Value, before: u32) -> HumanDuration {
    let now = cluster.now();
    let wait = (INITIAL_BACK_OFF_S << before.min(10)).min(MAX_BACK_OFF_S);
    let container = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
    let place = format!(
        "pod={}_{}({})",
        metadata_text(pod, "name"),
        metadata_text(pod, "namespace"),
        metadata_text(pod, "uid")
    );
    let message = format!("back-off {wait}s restarting failed container={container} {place}");
    let ended = json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": now}});
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
    let mut statuses = container_statuses(pod, &waiting, false);
    for status in statuses.as_array_mut().into_iter().flatten() {
        status["lastState"] = ended.clone();
        status["restartCount"] = json!(before);
    }
    update_status(cluster, pod, |status| {
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "Ready", "False", "ContainersNotReady", "");
    });
    let message = format!("Back-off restarting failed container {container} in pod {}", metadata_text(pod, "name"));
    event::record(cluster, KUBELET, pod, ("Warning", "BackOff"), message);
    HumanDuration::from_secs(wait)
}
