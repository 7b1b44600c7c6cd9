//! The size of a target that was there before the run. The run's HPA sets it, on its way up and on its way down, and
//! leaves it where it is when it is removed; so the size is set back to what it was.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::json;

use super::apply::error_message;
use super::{FIELD_MANAGER, InstallError, Journal};
use crate::env::{RunEnv, api_for_object};
use crate::model::inventory::Inventory;
use crate::model::journal::{ChangeState, ObjectRef, RunChange};
use crate::model::scenario::Scenario;

/// Between two looks at the pods that are to go.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Writes down the size of a target that stands already. Before the HPA is made, so that it is set back after the HPA is
/// gone.
///
/// # Errors
/// The journal cannot be written.
pub fn record_target_scale(journal: &Journal, scenario: &Scenario, inventory: &Inventory) -> Result<(), InstallError> {
    let Some(standing) = &inventory.preflight.target else { return Ok(()) };
    let object = ObjectRef::scale_target(scenario);
    let change = journal.record_intent(RunChange::Scale { object, previous_replicas: standing.replicas })?;
    Ok(journal.record_step(change, ChangeState::Done { uid: None })?)
}

/// Sets the size back and waits until the surplus pods are gone. A target that is gone has no size.
pub(super) async fn restore(world: &RunEnv, object: &ObjectRef, replicas: i32) -> Result<(), InstallError> {
    let api = api_for_object(&world.kube, object);
    let Some(found) = get_target(&api, object).await? else { return Ok(()) };
    if spec_replicas(&found) != replicas {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let set = api.patch_scale(&object.name, &params, &patch).await;
        set.map_err(|e| object_error("set back the size of", object, &e))?;
    }
    // A pod that is going away counts no more in the target's status, and is there all the same.
    let labels: BTreeMap<String, String> =
        serde_json::from_value(found.data["spec"]["selector"]["matchLabels"].clone()).unwrap_or_default();
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Api<Pod> = Api::namespaced(world.kube.clone(), object.namespace.as_deref().unwrap_or_default());
    let params = ListParams::default().labels(&labels.join(","));
    while !labels.is_empty() {
        let list = pods.list_metadata(&params).await.map_err(|e| object_error("list the pods of", object, &e))?;
        if i32::try_from(list.items.len()).is_ok_and(|count| count <= replicas) {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// Whether the target has this size, or is gone.
pub(super) async fn is_restored(world: &RunEnv, object: &ObjectRef, replicas: i32) -> Result<bool, InstallError> {
    let found = get_target(&api_for_object(&world.kube, object), object).await?;
    Ok(found.is_none_or(|found| spec_replicas(&found) == replicas))
}

async fn get_target(api: &Api<DynamicObject>, object: &ObjectRef) -> Result<Option<DynamicObject>, InstallError> {
    api.get_opt(&object.name).await.map_err(|e| object_error("read", object, &e))
}

fn spec_replicas(found: &DynamicObject) -> i32 {
    found.data["spec"]["replicas"].as_i64().and_then(|size| i32::try_from(size).ok()).unwrap_or(1)
}

fn object_error(verb: &'static str, object: &ObjectRef, error: &kube::Error) -> InstallError {
    InstallError::Object { verb, object: object.to_string(), why: error_message(error) }
}
