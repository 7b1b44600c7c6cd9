//! What the API server fills in, as far as anything here reads it.

use serde_json::{Value, json};

use super::admit::invalid;
use super::{admission, ports, workloads};
use crate::record::kind::Kind;
use crate::sim::cluster::{Cluster, Refusal, text};

/// # Errors
/// What is stated is not valid, or not free any more.
pub(super) fn fill(cluster: &Cluster, kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    // Reported, not asked for: what a client says of it is dropped. Nodes report themselves.
    if let Some(fields) = object.as_object_mut().filter(|_| kind.kind != "Node") {
        fields.shift_remove("status");
    }
    match (kind.group, kind.kind) {
        ("", "Namespace") => namespace(object),
        ("", "Service") => return ports::service(cluster, kind, object),
        ("", "Pod") => workloads::pod(object),
        ("", "PersistentVolumeClaim") => claim(cluster, object),
        ("", "ResourceQuota") => admission::quota(cluster, object),
        ("apps", "Deployment") => workloads::deployment(object),
        ("apps", "StatefulSet") => workloads::stateful_set(object),
        ("autoscaling", "HorizontalPodAutoscaler") => return autoscaler(kind, object),
        _ => {}
    }
    Ok(())
}

/// Sets a field where it is not stated.
pub(super) fn default(object: &mut Value, field: &str, value: Value) {
    if object[field].is_null() {
        object[field] = value;
    }
}

fn namespace(object: &mut Value) {
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(text(object, "name"));
    default(&mut object["spec"], "finalizers", json!(["kubernetes"]));
    object["status"] = json!({"phase": "Active"});
}

fn claim(cluster: &Cluster, object: &mut Value) {
    const CLASS: Kind = Kind::of("storage.k8s.io", "v1", "StorageClass", "storageclasses");
    const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
    if object["spec"]["storageClassName"].is_null() {
        let classes = cluster.list(&CLASS, None);
        let class = classes.iter().find(|class| class["metadata"]["annotations"][DEFAULT] == "true");
        if let Some(class) = class {
            object["spec"]["storageClassName"] = json!(text(class, "name"));
        }
    }
    default(&mut object["spec"], "volumeMode", json!("Filesystem"));
    object["status"] = json!({"phase": "Pending"});
}

fn autoscaler(kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    let name = text(object, "name");
    let spec = &mut object["spec"];
    default(spec, "minReplicas", json!(1));
    let (min, max) = (spec["minReplicas"].as_i64(), spec["maxReplicas"].as_i64());
    if max.unwrap_or(0) < 1 {
        return Err(invalid(kind, &name, "spec.maxReplicas: Invalid value: 0: must be greater than 0"));
    }
    if let Some(max) = max.filter(|max| Some(*max) < min) {
        let why = format!("spec.maxReplicas: Invalid value: {max}: must be greater than or equal to `minReplicas`");
        return Err(invalid(kind, &name, &why));
    }
    if !spec["behavior"].is_null() {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
        let up = &mut spec["behavior"]["scaleUp"];
        default(up, "stabilizationWindowSeconds", json!(0));
        default(up, "selectPolicy", json!("Max"));
        default(up, "policies", json!([pods, percent]));
        let down = &mut spec["behavior"]["scaleDown"];
        default(down, "selectPolicy", json!("Max"));
        default(down, "policies", json!([percent]));
    }
    object["status"] = json!({"currentMetrics": null, "desiredReplicas": 0});
    Ok(())
}
