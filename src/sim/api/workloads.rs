//! What the API server fills into workloads and pods.

use serde_json::{Value, json};

use super::defaults::default;

/// Seconds that a pod has to end, where nothing else is stated.
const GRACE_S: u64 = 30;

pub(super) fn deployment(object: &mut Value) {
    let spec = &mut object["spec"];
    default(spec, "replicas", json!(1));
    default(spec, "revisionHistoryLimit", json!(10));
    default(spec, "progressDeadlineSeconds", json!(600));
    default(spec, "strategy", json!({}));
    default(&mut spec["strategy"], "type", json!("RollingUpdate"));
    if spec["strategy"]["type"] == "RollingUpdate" {
        default(&mut spec["strategy"], "rollingUpdate", json!({"maxUnavailable": "25%", "maxSurge": "25%"}));
    }
    template(&mut spec["template"]["spec"]);
}

pub(super) fn stateful_set(object: &mut Value) {
    let spec = &mut object["spec"];
    default(spec, "replicas", json!(1));
    default(spec, "revisionHistoryLimit", json!(10));
    default(spec, "podManagementPolicy", json!("OrderedReady"));
    default(spec, "updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
    let retained = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
    default(spec, "persistentVolumeClaimRetentionPolicy", retained);
    template(&mut spec["template"]["spec"]);
}

pub(super) fn pod(object: &mut Value) {
    let spec = &mut object["spec"];
    template(spec);
    let inits = spec["initContainers"].as_array().map_or(0, Vec::len);
    for at in 0..inits {
        requests(&mut spec["initContainers"][at]);
    }
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        requests(container);
    }
    object["status"] = json!({"phase": "Pending"});
}

/// What has a limit and no request is requested as far as the limit.
fn requests(container: &mut Value) {
    let Some(limits) = container["resources"]["limits"].as_object().cloned() else { return };
    for (name, quantity) in limits {
        default(&mut container["resources"]["requests"], &name, quantity);
    }
}

fn template(spec: &mut Value) {
    default(spec, "restartPolicy", json!("Always"));
    default(spec, "terminationGracePeriodSeconds", json!(GRACE_S));
    default(spec, "dnsPolicy", json!("ClusterFirst"));
    default(spec, "schedulerName", json!("default-scheduler"));
    default(spec, "securityContext", json!({}));
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        default(container, "imagePullPolicy", json!("IfNotPresent"));
        default(container, "terminationMessagePath", json!("/dev/termination-log"));
        default(container, "terminationMessagePolicy", json!("File"));
        default(container, "resources", json!({}));
        for port in container["ports"].as_array_mut().into_iter().flatten() {
            default(port, "protocol", json!("TCP"));
        }
    }
}
