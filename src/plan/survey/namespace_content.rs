//! Whether the run may list the content of the namespaces that it creates: it deletes one only if it knows what is in it.

use super::{SurveyError, cluster_error, permissions};
use crate::env::discover_namespaced_kinds;
use crate::model::inventory::Inventory;
use crate::plan::permissions as table;

/// Reviews the permissions for the missing namespaces. An account with all of them takes one review for each namespace.
pub(super) async fn review(
    client: &kube::Client,
    missing: &[String],
    inventory: &mut Inventory,
) -> Result<(), SurveyError> {
    if missing.is_empty() {
        return Ok(());
    }
    let kinds = discover_namespaced_kinds(client).await.map_err(cluster_error("the API groups"))?;
    inventory.preflight.undiscovered_kinds = kinds.unknown;
    for namespace in missing {
        let mut reviewed = permissions::review_access(client, table::content_permission(namespace)).await?;
        if reviewed.iter().any(|permission| !permission.allowed) {
            let by_kind = table::content_permissions_by_kind(namespace, &kinds.listable);
            reviewed = permissions::review_access(client, by_kind).await?;
        }
        inventory.permissions.extend(reviewed);
    }
    Ok(())
}
