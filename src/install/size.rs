//! The size of a target that was there before the run. The run's HPA sets it, on its way up and on its way down, and
//! leaves it where it is when it is removed; so the size is set back to what it was.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::json;

use super::apply::words;
use super::{FIELD_MANAGER, InstallError, Journal};
use crate::record::inventory::Inventory;
use crate::record::journal::{Change, ObjectRef, Step};
use crate::record::scenario::Scenario;
use crate::world::{World, api_of};

/// Between two looks at the pods that are to go.
const AGAIN: Duration = Duration::from_millis(500);

/// Writes down the size of a target that stands already. Before the HPA is made, so that it is set back after the HPA is
/// gone.
///
/// # Errors
/// The journal cannot be written.
pub fn size(journal: &Journal, scenario: &Scenario, inventory: &Inventory) -> Result<(), InstallError> {
    let Some(standing) = &inventory.foresight.target else { return Ok(()) };
    let object = ObjectRef::target(scenario);
    let change = journal.intend(Change::Scale { object, replicas: standing.replicas })?;
    Ok(journal.write(change, Step::Done { uid: None })?)
}

/// Sets the size back and waits until the surplus pods are gone. A target that is gone has no size.
pub(super) async fn restore(world: &World, object: &ObjectRef, replicas: i32) -> Result<(), InstallError> {
    let api = api_of(&world.kube, object);
    let Some(found) = standing(&api, object).await? else { return Ok(()) };
    if size_of(&found) != replicas {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let set = api.patch_scale(&object.name, &params, &patch).await;
        set.map_err(|e| wrong("set back the size of", object, &e))?;
    }
    // A pod that is going away counts no more in the target's status, and is there all the same.
    let labels: BTreeMap<String, String> =
        serde_json::from_value(found.data["spec"]["selector"]["matchLabels"].clone()).unwrap_or_default();
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Api<Pod> = Api::namespaced(world.kube.clone(), object.namespace.as_deref().unwrap_or_default());
    let params = ListParams::default().labels(&labels.join(","));
    while !labels.is_empty() {
        let list = pods.list_metadata(&params).await.map_err(|e| wrong("list the pods of", object, &e))?;
        if i32::try_from(list.items.len()).is_ok_and(|count| count <= replicas) {
            break;
        }
        tokio::time::sleep(AGAIN).await;
    }
    Ok(())
}

/// Whether the target has this size, or is gone.
pub(super) async fn is_so(world: &World, object: &ObjectRef, replicas: i32) -> Result<bool, InstallError> {
    let found = standing(&api_of(&world.kube, object), object).await?;
    Ok(found.is_none_or(|found| size_of(&found) == replicas))
}

async fn standing(api: &Api<DynamicObject>, object: &ObjectRef) -> Result<Option<DynamicObject>, InstallError> {
    api.get_opt(&object.name).await.map_err(|e| wrong("read", object, &e))
}

fn size_of(found: &DynamicObject) -> i32 {
    found.data["spec"]["replicas"].as_i64().and_then(|size| i32::try_from(size).ok()).unwrap_or(1)
}

fn wrong(verb: &'static str, object: &ObjectRef, error: &kube::Error) -> InstallError {
    InstallError::Object { verb, object: object.to_string(), why: words(error) }
}
