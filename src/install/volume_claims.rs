//! The PersistentVolumeClaims of a StatefulSet. Kubernetes keeps them on a scale-down and when the StatefulSet is deleted. A
//! namespace that the run created takes them along; in an existing namespace the clean-up deletes those created during the
//! run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::Resource as _;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, DeleteParams, ListParams, Preconditions};
use kube::runtime::wait::{await_condition, conditions};

use super::{InstallError, Journal};
use crate::env::RunEnv;
use crate::model::inventory::Inventory;
use crate::model::journal::{ChangeState, RunChange, VolumeClaims};
use crate::model::scenario::Scenario;

/// Journals which PersistentVolumeClaims of the target exist before the run.
///
/// # Errors
/// They cannot be listed, or the journal cannot be written.
pub(crate) async fn record_volume_claims(
    env: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
) -> Result<(), InstallError> {
    let target = &scenario.hpa.spec.scale_target_ref;
    if target.kind != StatefulSet::KIND || !inventory.existing_namespaces.contains(&scenario.namespace) {
        return Ok(());
    }
    let templates = inventory.charts.values().flat_map(|chart| chart.volume_claim_templates.clone());
    let mut claims = VolumeClaims {
        namespace: scenario.namespace.clone(),
        stateful_set: target.name.clone(),
        templates: templates.collect(),
        existing: Vec::new(),
    };
    if let Some(existing) = get_stateful_set(env, &claims).await? {
        let templates = existing.spec.volume_claim_templates.unwrap_or_default();
        claims.templates.extend(templates.into_iter().filter_map(|template| template.metadata.name));
    }
    claims.templates.sort();
    claims.templates.dedup();
    claims.existing = list_claims(env, &claims).await?.into_iter().map(|claim| claim.name).collect();
    let change = journal.record_intent(RunChange::VolumeClaims(claims))?;
    Ok(journal.record_step(change, ChangeState::Done { uid: None })?)
}

/// Deletes the claims created during the run, and waits until they are gone. Keeps a claim that a pod of the StatefulSet
/// still needs at its current replicas.
pub(super) async fn remove(env: &RunEnv, claims: &VolumeClaims, since: Option<Timestamp>) -> Result<(), InstallError> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(env.kube.retrying.clone(), &claims.namespace);
    for (name, uid) in find_surplus(env, claims, since).await? {
        let object = format!("PersistentVolumeClaim {}/{name}", claims.namespace);
        let preconditions = Some(Preconditions { uid: Some(uid.clone()), resource_version: None });
        match api.delete(&name, &DeleteParams { preconditions, ..DeleteParams::background() }).await {
            Ok(_) => {}
            // Gone, or replaced by another object meanwhile.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => continue,
            Err(e) => return Err(InstallError::object("remove", &object, &e)),
        }
        await_condition(api.clone(), &name, conditions::is_deleted(&uid))
            .await
            .map_err(|e| InstallError::object_message("remove", &object, e.to_string()))?;
    }
    Ok(())
}

/// Names and uids of the claims created during the run that the StatefulSet does not need. A claim that is older than `since`
/// is not of the run, whatever the journal says.
pub(super) async fn find_surplus(
    env: &RunEnv,
    claims: &VolumeClaims,
    since: Option<Timestamp>,
) -> Result<Vec<(String, String)>, InstallError> {
    let ordinals_end = |set: StatefulSet| {
        set.spec.ordinals.and_then(|ordinals| ordinals.start).unwrap_or(0) + set.spec.replicas.unwrap_or(1)
    };
    let end = get_stateful_set(env, claims).await?.map_or(0, ordinals_end);
    let existing: BTreeSet<&String> = claims.existing.iter().collect();
    let found = list_claims(env, claims).await?.into_iter();
    let is_of_run = |claim: &SetClaim| since.is_none_or(|since| claim.created.is_some_and(|created| created >= since));
    let found = found.filter(|claim| claim.ordinal >= end && !existing.contains(&claim.name) && is_of_run(claim));
    Ok(found.map(|claim| (claim.name, claim.uid)).collect())
}

async fn get_stateful_set(env: &RunEnv, claims: &VolumeClaims) -> Result<Option<StatefulSet>, InstallError> {
    let api: Api<StatefulSet> = Api::namespaced(env.kube.retrying.clone(), &claims.namespace);
    let found = api.get_opt(&claims.stateful_set).await;
    let object = format!("StatefulSet {}/{}", claims.namespace, claims.stateful_set);
    found.map_err(|e| InstallError::object("read", &object, &e))
}

/// A claim of the StatefulSet.
struct SetClaim {
    ordinal: i32,
    name: String,
    uid: String,
    created: Option<Timestamp>,
}

/// Claims of the StatefulSet, by their names, `TEMPLATE-SET-ORDINAL`.
async fn list_claims(env: &RunEnv, claims: &VolumeClaims) -> Result<Vec<SetClaim>, InstallError> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(env.kube.retrying.clone(), &claims.namespace);
    let object = format!("PersistentVolumeClaims of namespace {}", claims.namespace);
    let list = api.list(&ListParams::default()).await.map_err(|e| InstallError::object("list", &object, &e))?;
    let of_set = |claim: PersistentVolumeClaim| {
        let (name, uid) = (claim.metadata.name?, claim.metadata.uid?);
        let ordinal = claims
            .templates
            .iter()
            .find_map(|template| name.strip_prefix(&format!("{template}-{}-", claims.stateful_set))?.parse().ok())?;
        let created = claim.metadata.creation_timestamp.map(|time| time.0);
        Some(SetClaim { ordinal, name, uid, created })
    };
    Ok(list.items.into_iter().filter_map(of_set).collect())
}
