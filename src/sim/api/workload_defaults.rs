//! Defaults of workloads and pods.

use serde_json::{Value, json};

use super::defaults::set_default;

/// Default of `terminationGracePeriodSeconds`.
const GRACE_PERIOD_S: u64 = 30;

pub(super) fn set_deployment_defaults(object: &mut Value) {
    let spec = &mut object["spec"];
    set_default(spec, "replicas", json!(1));
    set_default(spec, "revisionHistoryLimit", json!(10));
    set_default(spec, "progressDeadlineSeconds", json!(600));
    set_default(spec, "strategy", json!({}));
    set_default(&mut spec["strategy"], "type", json!("RollingUpdate"));
    if spec["strategy"]["type"] == "RollingUpdate" {
        set_default(&mut spec["strategy"], "rollingUpdate", json!({"maxUnavailable": "25%", "maxSurge": "25%"}));
    }
    set_pod_spec_defaults(&mut spec["template"]["spec"]);
}

pub(super) fn set_stateful_set_defaults(object: &mut Value) {
    let spec = &mut object["spec"];
    set_default(spec, "replicas", json!(1));
    set_default(spec, "revisionHistoryLimit", json!(10));
    set_default(spec, "podManagementPolicy", json!("OrderedReady"));
    set_default(spec, "updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
    let retained = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
    set_default(spec, "persistentVolumeClaimRetentionPolicy", retained);
    set_pod_spec_defaults(&mut spec["template"]["spec"]);
}

pub(super) fn set_pod_defaults(object: &mut Value) {
    let spec = &mut object["spec"];
    set_pod_spec_defaults(spec);
    let inits = spec["initContainers"].as_array().map_or(0, Vec::len);
    for at in 0..inits {
        set_request_defaults(&mut spec["initContainers"][at]);
    }
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        set_request_defaults(container);
    }
    object["status"] = json!({"phase": "Pending"});
}

/// A limit without a request becomes the request.
fn set_request_defaults(container: &mut Value) {
    let Some(limits) = container["resources"]["limits"].as_object().cloned() else { return };
    for (name, quantity) in limits {
        set_default(&mut container["resources"]["requests"], &name, quantity);
    }
}

fn set_pod_spec_defaults(spec: &mut Value) {
    set_default(spec, "restartPolicy", json!("Always"));
    set_default(spec, "terminationGracePeriodSeconds", json!(GRACE_PERIOD_S));
    set_default(spec, "dnsPolicy", json!("ClusterFirst"));
    set_default(spec, "schedulerName", json!("default-scheduler"));
    set_default(spec, "securityContext", json!({}));
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        set_default(container, "imagePullPolicy", json!("IfNotPresent"));
        set_default(container, "terminationMessagePath", json!("/dev/termination-log"));
        set_default(container, "terminationMessagePolicy", json!("File"));
        set_default(container, "resources", json!({}));
        for port in container["ports"].as_array_mut().into_iter().flatten() {
            set_default(port, "protocol", json!("TCP"));
        }
    }
}
