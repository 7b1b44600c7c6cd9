//! The API server's defaults, as far as the simulator or gpuhpa reads them.

use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::{Value, json};

use super::create::invalid_error;
use super::{admission, claim_defaults, hpa_spec_change, service_defaults, workload_defaults};
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{SimCluster, StatusError, metadata_text};

/// # Errors
/// A field is invalid or missing, or a requested node port is taken.
pub(super) fn set_defaults(cluster: &SimCluster, kind: &ResourceKind, object: &mut Value) -> Result<(), StatusError> {
    // The API server resets the status that a client sends. Nodes are created by their kubelets, with a status.
    if let Some(fields) = object.as_object_mut().filter(|_| kind.kind != "Node") {
        fields.shift_remove("status");
    }
    match (kind.group, kind.kind) {
        ("", "Namespace") => set_namespace_defaults(object),
        ("", "Service") => return service_defaults::set_service_defaults(cluster, kind, object),
        ("", "Pod") => workload_defaults::set_pod_defaults(object),
        ("", "PersistentVolumeClaim") => set_pvc_defaults(cluster, object),
        ("", "ResourceQuota") => admission::set_quota_status(cluster, object),
        ("resource.k8s.io", "ResourceClaim" | "ResourceClaimTemplate") => {
            return claim_defaults::set_claim_defaults(kind, object);
        }
        ("apps", "Deployment") => workload_defaults::set_deployment_defaults(object),
        ("apps", "StatefulSet") => workload_defaults::set_stateful_set_defaults(object),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            hpa_spec_change::apply(cluster, object);
            return set_hpa_defaults(kind, object);
        }
        _ => {}
    }
    Ok(())
}

/// Sets a field that is absent or null.
pub(super) fn set_default(object: &mut Value, field: &str, value: Value) {
    if object[field].is_null() {
        object[field] = value;
    }
}

fn set_namespace_defaults(object: &mut Value) {
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(metadata_text(object, "name"));
    set_default(&mut object["spec"], "finalizers", json!(["kubernetes"]));
    object["status"] = json!({"phase": "Active"});
}

fn set_pvc_defaults(cluster: &SimCluster, object: &mut Value) {
    const CLASS: ResourceKind = ResourceKind::from_type::<StorageClass>();
    const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
    if object["spec"]["storageClassName"].is_null() {
        let classes = cluster.list(&CLASS, None);
        let class = classes.iter().find(|class| class["metadata"]["annotations"][DEFAULT] == "true");
        if let Some(class) = class {
            object["spec"]["storageClassName"] = json!(metadata_text(class, "name"));
        }
    }
    set_default(&mut object["spec"], "volumeMode", json!("Filesystem"));
    object["status"] = json!({"phase": "Pending"});
}

fn set_hpa_defaults(kind: &ResourceKind, object: &mut Value) -> Result<(), StatusError> {
    let name = metadata_text(object, "name");
    let spec = &mut object["spec"];
    set_default(spec, "minReplicas", json!(1));
    let (min, max) = (spec["minReplicas"].as_i64(), spec["maxReplicas"].as_i64());
    if max.unwrap_or(0) < 1 {
        return Err(invalid_error(kind, &name, "spec.maxReplicas: Invalid value: 0: must be greater than 0"));
    }
    if let Some(max) = max.filter(|max| Some(*max) < min) {
        let message = format!("spec.maxReplicas: Invalid value: {max}: must be greater than or equal to `minReplicas`");
        return Err(invalid_error(kind, &name, &message));
    }
    if !spec["behavior"].is_null() {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
        let up = &mut spec["behavior"]["scaleUp"];
        set_default(up, "stabilizationWindowSeconds", json!(0));
        set_default(up, "selectPolicy", json!("Max"));
        set_default(up, "policies", json!([pods, percent]));
        let down = &mut spec["behavior"]["scaleDown"];
        set_default(down, "selectPolicy", json!("Max"));
        set_default(down, "policies", json!([percent]));
    }
    object["status"] = json!({"currentMetrics": null, "desiredReplicas": 0});
    Ok(())
}
