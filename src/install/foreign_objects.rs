//! A namespace takes all that is in it along when it is deleted. One that a run made may hold more by then: another's
//! release, another's workload. Such a namespace stays, and what it holds is named.

use kube::api::{ListParams, ObjectMeta};

use super::InstallError;
use super::apply::error_message;
use crate::env::{RunEnv, api_for_kind};
use crate::model::journal::{ObjectRef, RUN_LABEL};
use crate::model::resource_kind::PROTECTED_KINDS;

/// # Errors
/// The namespace holds something that this run did not make, or may not be looked into.
pub(super) async fn ensure_none(world: &RunEnv, namespace: &ObjectRef, run: &str) -> Result<(), InstallError> {
    let wrong = |why: String| InstallError::Object { verb: "remove", object: namespace.to_string(), why };
    let mut all = Vec::new();
    for missed in PROTECTED_KINDS {
        let kind = missed.kind;
        let list =
            match api_for_kind(&world.kube, &missed, Some(&namespace.name)).list_metadata(&ListParams::default()).await
            {
                Ok(list) => list.items,
                // Not served here, so nobody has one.
                Err(kube::Error::Api(status)) if status.code == 404 => continue,
                Err(e) => {
                    return Err(wrong(format!(
                        "it could not be seen whether it holds another's {kind}: {}",
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
    Err(wrong(format!(
        "it holds what this run did not make: {}. Move or delete that, then run clean again; or delete the namespace yourself",
        all.join(", ")
    )))
}

/// A claim that a StatefulSet made from its template has no owner, and a name that ends in the pod's ordinal. Whose it is,
/// its StatefulSet says, which is looked at itself; where that is gone, it was the run's own.
fn is_from_claim_template(kind: &str, metadata: &ObjectMeta) -> bool {
    let ordinal = metadata.name.as_deref().and_then(|name| name.rsplit('-').next()).unwrap_or_default();
    kind == "PersistentVolumeClaim" && ordinal.parse::<u32>().is_ok()
}
