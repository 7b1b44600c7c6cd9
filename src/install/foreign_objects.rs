//! Foreign objects in a namespace that the run created. Kubernetes deletes a namespace with all its content; another user may
//! have installed a release or a workload there meanwhile. The run then keeps the namespace and names these objects.

use k8s_openapi::Resource as _;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{ListParams, ObjectMeta};

use super::InstallError;
use super::apply::error_message;
use crate::env::{RunEnv, api_for_kind};
use crate::model::journal::{ObjectRef, RUN_LABEL};
use crate::model::resource_kind::PROTECTED_KINDS;

/// Checks that a namespace contains no foreign objects.
///
/// # Errors
/// The namespace contains a foreign object, or its content cannot be listed.
pub(super) async fn ensure_none(env: &RunEnv, namespace: &ObjectRef, run: &str) -> Result<(), InstallError> {
    let remove_error = |message: String| InstallError::object_message("remove", namespace, message);
    let mut all = Vec::new();
    for resource_kind in PROTECTED_KINDS {
        let kind = resource_kind.kind;
        let list = match api_for_kind(&env.kube.retrying, &resource_kind, Some(&namespace.name))
            .list_metadata(&ListParams::default())
            .await
        {
            Ok(list) => list.items,
            // The cluster does not serve this kind.
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            Err(e) => {
                return Err(remove_error(format!(
                    "could not list foreign objects of kind {kind}: {}",
                    error_message(&e)
                )));
            }
        };
        let foreign = list.into_iter().map(|object| object.metadata).filter(|metadata| {
            let ours = metadata.labels.as_ref().and_then(|labels| labels.get(RUN_LABEL)).is_some_and(|id| id == run);
            let owned = metadata.owner_references.as_ref().is_some_and(|owners| !owners.is_empty());
            !ours && !owned && !is_from_claim_template(kind, metadata) && metadata.deletion_timestamp.is_none()
        });
        all.extend(foreign.map(|metadata| format!("{kind} {}", metadata.name.unwrap_or_default())));
    }
    if all.is_empty() {
        return Ok(());
    }
    Err(remove_error(format!(
        "it contains foreign objects: {}. Move or delete them, then run clean again; or delete the namespace yourself",
        all.join(", ")
    )))
}

/// Whether a StatefulSet created this PersistentVolumeClaim from a template: it has no owner reference, and a name that ends
/// in the pod's ordinal. A foreign StatefulSet is found itself; without one, the claim belonged to the run's own.
fn is_from_claim_template(kind: &str, metadata: &ObjectMeta) -> bool {
    let ordinal = metadata.name.as_deref().and_then(|name| name.rsplit('-').next()).unwrap_or_default();
    kind == PersistentVolumeClaim::KIND && ordinal.parse::<u32>().is_ok()
}
