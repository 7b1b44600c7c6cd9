//! What the kubelet reports of failing pods.

use serde_json::{Value, json};

use super::pod_status::{KUBELET, container_statuses, update_status};
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::controllers::event;
use crate::sim::objects::condition;
use crate::units::HumanDuration;

/// The restart back-off of containers (kubelet, `containerBackOffPeriod` and `MaxContainerBackOff`).
const INITIAL_BACK_OFF_S: u64 = 10;
const MAX_BACK_OFF_S: u64 = 300;

pub(super) fn report_image_pull_failure(cluster: &SimCluster, pod: &Value) {
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
    let error = format!("failed to pull and unpack image \"{image}\": failed to resolve reference: not found");
    let message = format!("Failed to pull image \"{image}\": {error}");
    event::record(cluster, KUBELET, pod, ("Warning", "Failed"), message);
    let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {error}");
    let statuses =
        container_statuses(pod, &json!({"waiting": {"reason": "ImagePullBackOff", "message": message}}), false);
    update_status(cluster, pod, |status| status["containerStatuses"] = statuses);
}

/// Reports that the readiness probe fails. Returns no delay: there is no next step.
pub(super) fn report_probe_failure(cluster: &SimCluster, pod: &Value) -> HumanDuration {
    let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    event::record(cluster, KUBELET, pod, ("Warning", "Unhealthy"), message);
    HumanDuration::default()
}

/// Reports that the containers have crashed after `restarts` restarts; returns the time until the next crash.
pub(super) fn report_crash(cluster: &SimCluster, pod: &Value, restarts: u32) -> HumanDuration {
    let now = cluster.now();
    let back_off_s = (INITIAL_BACK_OFF_S << restarts.min(10)).min(MAX_BACK_OFF_S);
    let container = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
    let pod_id = format!(
        "pod={}_{}({})",
        metadata_text(pod, "name"),
        metadata_text(pod, "namespace"),
        metadata_text(pod, "uid")
    );
    let message = format!("back-off {back_off_s}s restarting failed container={container} {pod_id}");
    let ended = json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": now}});
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
    let mut statuses = container_statuses(pod, &waiting, false);
    for status in statuses.as_array_mut().into_iter().flatten() {
        status["lastState"] = ended.clone();
        status["restartCount"] = json!(restarts);
    }
    update_status(cluster, pod, |status| {
        status["containerStatuses"] = statuses;
        condition::set(status, &now, "Ready", "False", "ContainersNotReady", "");
    });
    let message = format!("Back-off restarting failed container {container} in pod {}", metadata_text(pod, "name"));
    event::record(cluster, KUBELET, pod, ("Warning", "BackOff"), message);
    HumanDuration::from_secs(back_off_s)
}
