//! The replicas of a target that existed before the run. The run's HPA changes them, and they stay when the HPA is deleted; so
//! the clean-up restores them.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::json;

use super::{FIELD_MANAGER, InstallError, Journal};
use crate::env::{RunEnv, api_for_object};
use crate::model::inventory::Inventory;
use crate::model::journal::{ChangeState, ObjectRef, RunChange};
use crate::model::scenario::Scenario;

/// Between two lists of the pods that the scale-down deletes.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Journals the replicas of an existing target. This precedes the HPA's creation, so that undo restores them after the HPA
/// is deleted. The size under an adopted HPA stays that HPA's.
///
/// # Errors
/// The journal cannot be written.
pub(crate) fn record_target_scale(
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
) -> Result<(), InstallError> {
    let Some(target) = inventory.preflight.target.as_ref().filter(|_| scenario.adopt.is_none()) else { return Ok(()) };
    let object = ObjectRef::scale_target(scenario);
    let change = journal.record_intent(RunChange::Scale { object, previous_replicas: target.replicas })?;
    Ok(journal.record_step(change, ChangeState::Done { uid: None })?)
}

/// Restores the replicas and waits until the surplus pods are gone. Does nothing if the target is gone.
pub(super) async fn restore(env: &RunEnv, object: &ObjectRef, replicas: i32) -> Result<(), InstallError> {
    let api = api_for_object(&env.kube.retrying, object);
    let Some(found) = get_target(&api, object).await? else { return Ok(()) };
    if spec_replicas(&found) != replicas {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let set = api.patch_scale(&object.name, &params, &patch).await;
        set.map_err(|e| InstallError::object("restore the replicas of", object, &e))?;
    }
    // The target's status does not count a terminating pod, which still exists.
    let labels: BTreeMap<String, String> =
        serde_json::from_value(found.data["spec"]["selector"]["matchLabels"].clone()).unwrap_or_default();
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Api<Pod> = Api::namespaced(env.kube.retrying.clone(), object.namespace.as_deref().unwrap_or_default());
    let params = ListParams::default().labels(&labels.join(","));
    while !labels.is_empty() {
        let list =
            pods.list_metadata(&params).await.map_err(|e| InstallError::object("list the pods of", object, &e))?;
        if i32::try_from(list.items.len()).is_ok_and(|count| count <= replicas) {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// Whether the target has these replicas, or is gone.
pub(super) async fn is_restored(env: &RunEnv, object: &ObjectRef, replicas: i32) -> Result<bool, InstallError> {
    let found = get_target(&api_for_object(&env.kube.retrying, object), object).await?;
    Ok(found.is_none_or(|found| spec_replicas(&found) == replicas))
}

async fn get_target(api: &Api<DynamicObject>, object: &ObjectRef) -> Result<Option<DynamicObject>, InstallError> {
    api.get_opt(&object.name).await.map_err(|e| InstallError::object("read", object, &e))
}

fn spec_replicas(found: &DynamicObject) -> i32 {
    found.data["spec"]["replicas"].as_i64().and_then(|replicas| i32::try_from(replicas).ok()).unwrap_or(1)
}
