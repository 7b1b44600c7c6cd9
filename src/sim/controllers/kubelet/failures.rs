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
    report_back_off(cluster, pod, restarts, back_off_s(restarts), ("Error", 1))
}

/// Reports that the containers were killed for their use of memory after `restarts` restarts; returns the time until they
/// start again. The first time they start again at once.
pub(super) fn report_killed(cluster: &SimCluster, pod: &Value, restarts: u32) -> HumanDuration {
    let ended = ("OOMKilled", 137);
    if let Some(earlier) = restarts.checked_sub(1) {
        return report_back_off(cluster, pod, restarts, back_off_s(earlier), ended);
    }
    let now = cluster.now();
    let statuses = container_statuses(pod, &terminated(&now, ended), false);
    update_status(cluster, pod, |status| {
        status["containerStatuses"] = statuses;
        set_unready(status, &now);
    });
    HumanDuration::from_secs(1)
}

/// Reports that the containers have started again, for the n-th time.
pub(super) fn report_restarted(cluster: &SimCluster, pod: &Value, restarts: u32) {
    let mut statuses = container_statuses(pod, &json!({"running": {"startedAt": cluster.now()}}), false);
    for (n, status) in statuses.as_array_mut().into_iter().flatten().enumerate() {
        let before = &pod["status"]["containerStatuses"][n];
        // A container that waits has its end in lastState already.
        if !before["state"]["terminated"].is_null() {
            status["lastState"] = before["state"].clone();
        }
        status["restartCount"] = json!(restarts);
    }
    update_status(cluster, pod, |status| status["containerStatuses"] = statuses);
}

/// How often the first container has started again.
pub(super) fn restart_count(pod: &Value) -> u32 {
    let count = pod["status"]["containerStatuses"][0]["restartCount"].as_u64();
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

fn back_off_s(crashes_before: u32) -> u64 {
    (INITIAL_BACK_OFF_S << crashes_before.min(10)).min(MAX_BACK_OFF_S)
}

/// The state of a container that has ended, by reason and exit code.
fn terminated(now: &str, (reason, exit_code): (&str, i32)) -> Value {
    json!({"terminated": {"exitCode": exit_code, "reason": reason, "finishedAt": now}})
}

fn set_unready(status: &mut Value, now: &str) {
    condition::set(status, now, "Ready", "False", "ContainersNotReady", "");
    condition::set(status, now, "ContainersReady", "False", "ContainersNotReady", "");
}

/// Reports that the containers have ended and wait for their next start; returns how long.
fn report_back_off(
    cluster: &SimCluster,
    pod: &Value,
    restarts: u32,
    back_off_s: u64,
    ended: (&str, i32),
) -> HumanDuration {
    let now = cluster.now();
    let container = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
    let pod_id = format!(
        "pod={}_{}({})",
        metadata_text(pod, "name"),
        metadata_text(pod, "namespace"),
        metadata_text(pod, "uid")
    );
    let message = format!("back-off {back_off_s}s restarting failed container={container} {pod_id}");
    let ended = terminated(&now, ended);
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
    let mut statuses = container_statuses(pod, &waiting, false);
    for status in statuses.as_array_mut().into_iter().flatten() {
        status["lastState"] = ended.clone();
        status["restartCount"] = json!(restarts);
    }
    update_status(cluster, pod, |status| {
        status["containerStatuses"] = statuses;
        set_unready(status, &now);
    });
    let message = format!("Back-off restarting failed container {container} in pod {}", metadata_text(pod, "name"));
    event::record(cluster, KUBELET, pod, ("Warning", "BackOff"), message);
    HumanDuration::from_secs(back_off_s)
}
