//! Undo: reverts the changes of the journal, the last one first, and waits for each until its object is gone. After a failure
//! it continues with the others.

use k8s_openapi::Resource as _;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, Preconditions};

use super::apply::error_message;
use super::dry_run::describe_undo;
use super::ownership::RunObjects;
use super::pending_undo::{PendingUndo, pending_undos};
use super::{
    InstallError, Journal, adopt, deletion_blockers, foreign_objects, lease, orphans, release_workloads, releases,
    target_scale, volume_claims,
};
use crate::env::{HelmError, RunEnv, api_for_object};
use crate::model::journal::{ChangeState, NewRelease, ObjectRef, RUN_LABEL, RunChange};
use crate::model::resource_kind::SCALED_OBJECT;
use crate::units::HumanDuration;

/// Bound of a read that only completes an error message.
const BLOCKERS_TIMEOUT: HumanDuration = HumanDuration::from_secs(10);

/// How long to wait for an API server that does not respond: one that restarts is back within half a minute, and kube's
/// client retries refused connections for a minute.
const API_SERVER_TIMEOUT: HumanDuration = HumanDuration::from_secs(75);

/// Undoes the changes of the journal, within `bound` for each. The journal records each failure.
///
/// # Errors
/// The first change that could not be undone; the others were attempted nevertheless.
pub(crate) async fn undo(
    env: &RunEnv,
    journal: &Journal,
    bound: HumanDuration,
    on_progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), InstallError> {
    let (mut first, mut api_failure, mut is_target_restored) = (Ok(()), None, true);
    for pending in pending_undos(&journal.entries()) {
        on_progress(&describe_undo(&pending.change));
        api_failure = match api_failure {
            None => api_server_failure(env).await,
            known => known,
        };
        let attempt = match &api_failure {
            Some(reason) => Err(format!("the API server does not respond: {reason}")),
            // It shows which target was the run's, and another run must not start on what this one left.
            None if !is_target_restored && is_lease(&pending.change) => {
                Err("it stays until the target is restored".to_owned())
            }
            None => tokio::time::timeout(bound.to_std(), undo_with_retry(env, journal, &pending, bound))
                .await
                .map_err(|_| format!("not deleted within {bound}")),
        };
        let result = match attempt {
            Ok(result) => result,
            Err(message) => {
                let blockers =
                    if api_failure.is_none() { blockers_of_change(env, &pending.change).await } else { String::new() };
                let object = change_object(&pending.change);
                Err(InstallError::object_message("remove", &object, format!("{message}{blockers}")))
            }
        };
        is_target_restored &= result.is_ok() || !changes_target(&pending.change);
        let state = match &result {
            Ok(()) => ChangeState::Undone,
            Err(error) => ChangeState::UndoFailed { error: error.to_string() },
        };
        let written = journal.record_step(pending.number, state).map_err(InstallError::from);
        first = first.and(result).and(written);
    }
    first
}

/// Why the API server does not respond, if it does not. `undo` waits once for a cluster that is gone, and not again for each
/// change; an error response counts as a response.
async fn api_server_failure(env: &RunEnv) -> Option<String> {
    match tokio::time::timeout(API_SERVER_TIMEOUT.to_std(), env.kube.retrying.apiserver_version()).await {
        Ok(Ok(_) | Err(kube::Error::Api(_))) => None,
        Ok(Err(error)) => Some(error_message(&error)),
        Err(_) => Some(format!("no response within {API_SERVER_TIMEOUT}")),
    }
}

/// Undoes a change. helm does not wait for an API server that restarts, as our own requests do: after a failure of helm this
/// waits for the API server and runs helm once more.
async fn undo_with_retry(
    env: &RunEnv,
    journal: &Journal,
    pending: &PendingUndo,
    bound: HumanDuration,
) -> Result<(), InstallError> {
    match undo_change(env, journal, pending, bound).await {
        Err(InstallError::Helm(HelmError::Failed { .. })) if api_server_failure(env).await.is_none() => {
            undo_change(env, journal, pending, bound).await
        }
        result => result,
    }
}

async fn undo_change(
    env: &RunEnv,
    journal: &Journal,
    pending: &PendingUndo,
    bound: HumanDuration,
) -> Result<(), InstallError> {
    match &pending.change {
        RunChange::Create(object) => delete_object(env, journal, object, pending).await,
        RunChange::HelmInstall(installed) => {
            releases::uninstall(env, &installed.release, &pending.run, pending.is_outcome_unknown, bound).await?;
            release_workloads::await_gone(env, &installed.release).await?;
            orphans::remove(env, installed).await
        }
        RunChange::VolumeClaims(claims) => {
            let (namespace, set) = (claims.namespace.as_str(), claims.stateful_set.as_str());
            let since = lease::proven_since(env, journal, (namespace, StatefulSet::KIND, set), &pending.run).await?;
            volume_claims::remove(env, claims, since).await
        }
        RunChange::Scale { object, previous_replicas: replicas } => {
            let namespace = object.namespace.as_deref().unwrap_or_default();
            lease::proven_since(env, journal, (namespace, &object.kind, &object.name), &pending.run).await?;
            target_scale::restore(env, object, *replicas).await
        }
        RunChange::HelmUpgrade { release, previous_revision: revision } => {
            releases::roll_back(env, release, *revision, &pending.run).await
        }
        RunChange::Adopt { object, digest } => {
            if adopt::is_unchanged(env, object, digest).await? {
                return Ok(());
            }
            let message = "it was changed during the run".to_owned();
            Err(InstallError::object_message("find unchanged", object, message))
        }
    }
}

/// Deletes an object and waits until it is gone. Keeps an object of the same name that is not ours.
async fn delete_object(
    env: &RunEnv,
    journal: &Journal,
    object: &ObjectRef,
    pending: &PendingUndo,
) -> Result<(), InstallError> {
    let api = api_for_object(&env.kube.retrying, object);
    let remove_error = |e: &kube::Error| InstallError::object("remove", object, e);
    let Some(found) = api.get_opt(&object.name).await.map_err(|e| remove_error(&e))? else { return Ok(()) };
    if pending.is_unlabelled(&found) {
        let why = format!("it has lost the label {RUN_LABEL} of this run, so it may be in use by others");
        return Err(InstallError::object_message("remove", object, why));
    }
    if !pending.is_ours(&found) {
        return Ok(());
    }
    if object.kind == "Namespace" && found.metadata.deletion_timestamp.is_none() {
        let run = RunObjects::from_entries(&pending.run, &journal.entries());
        foreign_objects::ensure_none(env, object, &found, &run).await?;
    }
    let uid = found.metadata.uid.clone().unwrap_or_default();
    let preconditions = Preconditions { uid: Some(uid.clone()), resource_version: None };
    // The HPA of a ScaledObject goes first, and the wait for the ScaledObject is one for the HPA too.
    let params =
        if object.kind == SCALED_OBJECT.kind { DeleteParams::foreground() } else { DeleteParams::background() };
    let params = DeleteParams { preconditions: Some(preconditions), ..params };
    match api.delete(&object.name, &params).await {
        Ok(_) => {}
        // Gone, or replaced by another object meanwhile.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(e) => return Err(remove_error(&e)),
    }
    release_workloads::await_deletion(&api, &object.name, &uid).await.map_err(|e| remove_error(&e))
}

fn is_lease(change: &RunChange) -> bool {
    matches!(change, RunChange::Create(object) if object.kind == Lease::KIND)
}

/// Whether the change is one of the target that existed before the run, which the run's Lease marks.
fn changes_target(change: &RunChange) -> bool {
    matches!(change, RunChange::Scale { .. } | RunChange::VolumeClaims(_))
}

/// What blocks the deletion of a change's object, as far as the API server responds.
async fn blockers_of_change(env: &RunEnv, change: &RunChange) -> String {
    let RunChange::Create(object) = change else { return String::new() };
    tokio::time::timeout(BLOCKERS_TIMEOUT.to_std(), deletion_blockers::read_blockers(env, object))
        .await
        .unwrap_or_default()
}

fn change_object(change: &RunChange) -> String {
    match change {
        RunChange::Create(object) | RunChange::Adopt { object, .. } | RunChange::Scale { object, .. } => {
            object.to_string()
        }
        RunChange::HelmInstall(NewRelease { release, .. }) | RunChange::HelmUpgrade { release, .. } => {
            release.to_string()
        }
        RunChange::VolumeClaims(claims) => claims.to_string(),
    }
}
