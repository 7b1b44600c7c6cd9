//! The volume claims of a StatefulSet. Kubernetes leaves them when it scales down and when it is deleted. In a namespace
//! that the run made they go with it; in one that was there before, those that came with the run are removed.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, DeleteParams, ListParams, Preconditions};
use kube::runtime::wait::{await_condition, conditions};

use super::apply::error_message;
use super::{InstallError, Journal};
use crate::env::RunEnv;
use crate::model::inventory::Inventory;
use crate::model::journal::{ChangeState, RunChange, VolumeClaims};
use crate::model::scenario::Scenario;

/// Writes down which claims of the target are there before the run.
///
/// # Errors
/// The API server does not list them, or the journal cannot be written.
pub async fn record_volume_claims(
    world: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
) -> Result<(), InstallError> {
    let target = &scenario.hpa.spec.scale_target_ref;
    if target.kind != "StatefulSet" || !inventory.existing_namespaces.contains(&scenario.namespace) {
        return Ok(());
    }
    let rendered = inventory.charts.values().flat_map(|chart| chart.volume_claim_templates.clone());
    let mut claims = VolumeClaims {
        namespace: scenario.namespace.clone(),
        stateful_set: target.name.clone(),
        templates: rendered.collect(),
        existing: Vec::new(),
    };
    if let Some(standing) = get_stateful_set(world, &claims).await? {
        let templates = standing.spec.volume_claim_templates.unwrap_or_default();
        claims.templates.extend(templates.into_iter().filter_map(|one| one.metadata.name));
    }
    claims.templates.sort();
    claims.templates.dedup();
    claims.existing = list_claims(world, &claims).await?.into_iter().map(|(_, name, _)| name).collect();
    let change = journal.record_intent(RunChange::VolumeClaims(claims))?;
    Ok(journal.record_step(change, ChangeState::Done { uid: None })?)
}

/// Removes the claims that came with the run, and waits until they are gone. One that a pod of the StatefulSet has,
/// because it stands and is that large, stays.
pub(super) async fn remove(world: &RunEnv, claims: &VolumeClaims) -> Result<(), InstallError> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(world.kube.clone(), &claims.namespace);
    for (name, uid) in find_surplus(world, claims).await? {
        let wrong = |why: String| InstallError::Object {
            verb: "remove",
            object: format!("PersistentVolumeClaim {}/{name}", claims.namespace),
            why,
        };
        let preconditions = Some(Preconditions { uid: Some(uid.clone()), resource_version: None });
        match api.delete(&name, &DeleteParams { preconditions, ..DeleteParams::background() }).await {
            Ok(_) => {}
            // Gone, or replaced by another one meanwhile.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => continue,
            Err(e) => return Err(wrong(error_message(&e))),
        }
        await_condition(api.clone(), &name, conditions::is_deleted(&uid)).await.map_err(|e| wrong(e.to_string()))?;
    }
    Ok(())
}

/// Names and uids of the claims that came with the run and that no standing StatefulSet needs.
pub(super) async fn find_surplus(world: &RunEnv, claims: &VolumeClaims) -> Result<Vec<(String, String)>, InstallError> {
    let end = |set: StatefulSet| {
        set.spec.ordinals.and_then(|ordinals| ordinals.start).unwrap_or(0) + set.spec.replicas.unwrap_or(1)
    };
    let end = get_stateful_set(world, claims).await?.map_or(0, end);
    let before: BTreeSet<&String> = claims.existing.iter().collect();
    let found = list_claims(world, claims).await?.into_iter();
    let found = found.filter(|(ordinal, name, _)| *ordinal >= end && !before.contains(name));
    Ok(found.map(|(_, name, uid)| (name, uid)).collect())
}

async fn get_stateful_set(world: &RunEnv, claims: &VolumeClaims) -> Result<Option<StatefulSet>, InstallError> {
    let api: Api<StatefulSet> = Api::namespaced(world.kube.clone(), &claims.namespace);
    let found = api.get_opt(&claims.stateful_set).await;
    let object = format!("StatefulSet {}/{}", claims.namespace, claims.stateful_set);
    found.map_err(|e| InstallError::Object { verb: "read", object, why: error_message(&e) })
}

/// Claims of the StatefulSet by their names, `TEMPLATE-SET-ORDINAL`: ordinal, name and uid.
async fn list_claims(world: &RunEnv, claims: &VolumeClaims) -> Result<Vec<(i32, String, String)>, InstallError> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(world.kube.clone(), &claims.namespace);
    let list = api.list(&ListParams::default()).await.map_err(|e| InstallError::Object {
        verb: "list",
        object: format!("PersistentVolumeClaims of namespace {}", claims.namespace),
        why: error_message(&e),
    })?;
    let of_set = |claim: PersistentVolumeClaim| {
        let (name, uid) = (claim.metadata.name?, claim.metadata.uid?);
        let ordinal = claims
            .templates
            .iter()
            .find_map(|template| name.strip_prefix(&format!("{template}-{}-", claims.stateful_set))?.parse().ok())?;
        Some((ordinal, name, uid))
    };
    Ok(list.items.into_iter().filter_map(of_set).collect())
}
