//! What is used as it stands: its digest is written down before the run, and compared after it.

use kube::core::DynamicObject;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::apply::error_message;
use super::{InstallError, Journal, adopt_change};
use crate::env::{RunEnv, api_for_object};
use crate::model::inventory::Inventory;
use crate::model::journal::{ChangeState, ObjectRef};
use crate::model::scenario::Scenario;

/// Adopts the objects of a release that the run leans on: the target, or the APIService that it serves.
pub(super) async fn adopt_release(
    world: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    name: &str,
) -> Result<(), InstallError> {
    let chart = inventory.charts.get(name);
    let mut objects = Vec::new();
    if chart.is_some_and(|chart| chart.target_resources.is_some()) {
        objects.push(ObjectRef::scale_target(scenario));
    }
    for service in chart.map(|chart| chart.api_services.clone()).unwrap_or_default() {
        objects.push(ObjectRef {
            api_version: "apiregistration.k8s.io/v1".to_owned(),
            kind: "APIService".to_owned(),
            plural: "apiservices".to_owned(),
            namespace: None,
            name: service,
        });
    }
    for object in objects {
        let digest = read_digest(world, &object).await?;
        let change = journal.record_intent(adopt_change(object, digest))?;
        journal.record_step(change, ChangeState::Done { uid: None })?;
    }
    Ok(())
}

/// Digest of an object as it stands in the cluster.
pub(super) async fn read_digest(world: &RunEnv, object: &ObjectRef) -> Result<String, InstallError> {
    let found = api_for_object(&world.kube, object).get(&object.name).await;
    let found =
        found.map_err(|e| InstallError::Object { verb: "read", object: object.to_string(), why: error_message(&e) })?;
    Ok(object_digest(&found))
}

/// sha256 over identity, labels, annotations, spec and data: what an owner would call the object. Bookkeeping of the
/// API server (managedFields, resourceVersion, generation, status) changes by itself and is left out.
fn object_digest(object: &DynamicObject) -> String {
    let mut kept = Map::new();
    let metadata = serde_json::to_value(&object.metadata).unwrap_or_default();
    for field in ["name", "namespace", "uid", "labels", "annotations"] {
        kept.insert(field.to_owned(), metadata[field].clone());
    }
    if let Value::Object(fields) = &object.data {
        kept.extend(fields.iter().filter(|(name, _)| *name != "status").map(|(k, v)| (k.clone(), v.clone())));
    }
    let sorted: std::collections::BTreeMap<_, _> = kept.into_iter().collect();
    let bytes = serde_json::to_vec(&sorted).unwrap_or_default();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
