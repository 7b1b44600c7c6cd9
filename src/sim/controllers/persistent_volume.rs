//! The persistent volume controller: binds claims whose StorageClass exists; the others stay Pending.

use serde_json::{Value, json};

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::event;
use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::objects::kinds::{PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS};

const DEFAULT_CLASS_ANNOTATION: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) fn sync(context: &mut ControllerContext, namespace: &str, name: &str) {
    let cluster = &context.cluster;
    let Some(claim) = cluster.get(&PERSISTENT_VOLUME_CLAIM, namespace, name) else { return };
    if claim["status"]["phase"] == "Bound" {
        return;
    }
    let Some(class) = storage_class(cluster, &claim) else {
        let (reason, message) = match claim["spec"]["storageClassName"].as_str().filter(|class| !class.is_empty()) {
            Some(class) => ("ProvisioningFailed", format!("storageclass.storage.k8s.io \"{class}\" not found")),
            None => {
                let message = "no persistent volumes available for this claim and no storage class is set";
                ("FailedBinding", message.to_owned())
            }
        };
        // The error is NotFound: the claim is deleted.
        let _ = cluster.update(
            FieldManager::update_status(CONTROLLER_MANAGER),
            &PERSISTENT_VOLUME_CLAIM,
            namespace,
            name,
            |claim| {
                claim["status"]["phase"] = json!("Pending");
            },
        );
        let kind = if reason == "FailedBinding" { "Normal" } else { "Warning" };
        return event::record(cluster, "persistentvolume-controller", &claim, (kind, reason), message);
    };
    let volume = format!("pvc-{}", metadata_text(&claim, "uid"));
    let bound =
        cluster.update(FieldManager::update(CONTROLLER_MANAGER), &PERSISTENT_VOLUME_CLAIM, namespace, name, |claim| {
            claim["spec"]["volumeName"] = json!(volume);
            claim["spec"]["storageClassName"] = json!(class);
        });
    // Cannot fail: the claim has just been updated.
    let _ = bound.and_then(|_| {
        cluster.update(
            FieldManager::update_status(CONTROLLER_MANAGER),
            &PERSISTENT_VOLUME_CLAIM,
            namespace,
            name,
            |claim| {
                claim["status"] = json!({"phase": "Bound", "accessModes": claim["spec"]["accessModes"],
                "capacity": claim["spec"]["resources"]["requests"]});
            },
        )
    });
}

/// The StorageClass of a claim: the one it names, or the default.
fn storage_class(cluster: &SimCluster, claim: &Value) -> Option<String> {
    match claim["spec"]["storageClassName"].as_str() {
        Some(name) => cluster.get(&STORAGE_CLASS, "", name).map(|_| name.to_owned()),
        None => {
            let classes = cluster.list(&STORAGE_CLASS, None);
            let default =
                classes.iter().find(|class| class["metadata"]["annotations"][DEFAULT_CLASS_ANNOTATION] == "true");
            default.map(|class| metadata_text(class, "name"))
        }
    }
}
