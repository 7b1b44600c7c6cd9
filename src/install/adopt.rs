//! Adopted objects: used by the run and not changed by it. Their digests are journalled before the run and compared after it.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::core::DynamicObject;
use serde_json::{Map, Value};

use super::{InstallError, Journal};
use crate::env::{RunEnv, api_for_object};
use crate::model::inventory::Inventory;
use crate::model::journal::{ChangeState, ObjectRef, RunChange};
use crate::model::manifest::sha256_hex;
use crate::model::plan::Plan;
use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};
use crate::model::scenario::Scenario;

/// Adopts the objects of a release that the run depends on: the target, and the APIServices that the release serves.
pub(super) async fn adopt_release(
    env: &RunEnv,
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
    // An adopted HPA sets the size as before, and after, the run.
    let scope = if scenario.adopt.is_some() { DigestScope::WithoutSize } else { DigestScope::Whole };
    for object in objects {
        adopt_object(env, journal, object, scope).await?;
    }
    Ok(())
}

/// Adopts the HPA that the run did not apply: first the ScaledObject that controls one that exists, then the HPA itself, whose
/// journal entry begins the time in which it is judged. Without the HPA it adopts nothing.
///
/// # Errors
/// An object cannot be read, or the journal cannot be written.
pub(crate) async fn adopt_hpa(
    env: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    plan: &Plan,
) -> Result<(), InstallError> {
    let hpa = ObjectRef::in_scenario(scenario, &ResourceKind::from_type::<HorizontalPodAutoscaler>(), &plan.hpa);
    let found = api_for_object(&env.kube.retrying, &hpa).get_opt(&hpa.name).await;
    if found.map_err(|e| InstallError::object("read", &hpa, &e))?.is_none() {
        return Ok(());
    }
    if let Some(owner) = inventory.adopted_hpa.as_ref().and_then(|adopted| adopted.scaled_object.as_ref()) {
        adopt_object(env, journal, ObjectRef::in_scenario(scenario, &SCALED_OBJECT, &owner.name), DigestScope::Whole)
            .await?;
    }
    adopt_object(env, journal, hpa, DigestScope::Whole).await
}

async fn adopt_object(
    env: &RunEnv,
    journal: &Journal,
    object: ObjectRef,
    scope: DigestScope,
) -> Result<(), InstallError> {
    let digest = object_digest(&read_object(env, &object).await?, scope);
    let change = journal.record_intent(RunChange::Adopt { object, digest })?;
    Ok(journal.record_step(change, ChangeState::Done { uid: None })?)
}

/// What the digest of an adopted object covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DigestScope {
    /// All that a client writes.
    Whole,
    /// The same without spec.replicas.
    WithoutSize,
}

/// Whether an adopted object has this digest in the cluster, in one of the two scopes.
pub(super) async fn is_unchanged(env: &RunEnv, object: &ObjectRef, digest: &str) -> Result<bool, InstallError> {
    let found = read_object(env, object).await?;
    Ok([DigestScope::Whole, DigestScope::WithoutSize].iter().any(|scope| object_digest(&found, *scope) == digest))
}

async fn read_object(env: &RunEnv, object: &ObjectRef) -> Result<DynamicObject, InstallError> {
    let found = api_for_object(&env.kube.retrying, object).get(&object.name).await;
    found.map_err(|e| InstallError::object("read", object, &e))
}

/// sha256 over identity, labels, annotations, spec and data. Fields that the API server maintains (managedFields,
/// resourceVersion, generation, status) change without an edit and are left out.
fn object_digest(object: &DynamicObject, scope: DigestScope) -> String {
    let mut fields = Map::new();
    let metadata = serde_json::to_value(&object.metadata).unwrap_or_default();
    for field in ["name", "namespace", "uid", "labels", "annotations"] {
        fields.insert(field.to_owned(), metadata[field].clone());
    }
    if let Value::Object(data) = &object.data {
        fields.extend(data.iter().filter(|(name, _)| *name != "status").map(|(k, v)| (k.clone(), v.clone())));
    }
    if let Some(Value::Object(spec)) = fields.get_mut("spec").filter(|_| scope == DigestScope::WithoutSize) {
        spec.shift_remove("replicas");
    }
    let sorted: std::collections::BTreeMap<_, _> = fields.into_iter().collect();
    let bytes = serde_json::to_vec(&sorted).unwrap_or_default();
    sha256_hex(&bytes)
}
