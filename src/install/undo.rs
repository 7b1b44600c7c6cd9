//! Undo: reverts the changes of the journal, the last one first, and waits for each until its object is gone. After a failure
//! it continues with the others.

use kube::api::{DeleteParams, Preconditions};
use kube::core::DynamicObject;
use kube::runtime::wait::{await_condition, conditions};

use super::apply::error_message;
use super::{
    InstallError, Journal, adopt, deletion_blockers, foreign_objects, orphans, releases, target_scale, volume_claims,
};
use crate::env::{HelmError, RunEnv, api_for_object};
use crate::model::journal::{ChangeState, JournalEntry, NewRelease, ObjectRef, RUN_LABEL, RunChange};
use crate::units::HumanDuration;

/// Between two reads of an object under deletion, if the watch fails.
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Bound of a read that only completes an error message.
const BLOCKERS_TIMEOUT: HumanDuration = HumanDuration::from_secs(10);

/// How long to wait for an API server that does not respond: one that restarts is back within half a minute, and kube's
/// client retries refused connections for a minute.
const API_SERVER_TIMEOUT: HumanDuration = HumanDuration::from_secs(75);

/// A change to undo.
struct PendingUndo {
    run: String,
    number: u32,
    change: RunChange,
    uid: Option<String>,
    /// The journal has no result of the change: the run crashed before it, and a helm process may still be active.
    is_outcome_unknown: bool,
}

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
    let (mut first, mut api_failure) = (Ok(()), None);
    for pending in pending_undos(&journal.entries()) {
        on_progress(&describe_undo(&pending.change));
        api_failure = match api_failure {
            None => api_server_failure(env).await,
            known => known,
        };
        let attempt = match &api_failure {
            Some(reason) => Err(format!("the API server does not respond: {reason}")),
            None => tokio::time::timeout(bound.to_std(), undo_with_retry(env, &pending, bound))
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

/// Changes that are not undone, newest first.
fn pending_undos(entries: &[JournalEntry]) -> Vec<PendingUndo> {
    let mut open: Vec<PendingUndo> = Vec::new();
    for entry in entries {
        match &entry.state {
            ChangeState::Intended(change) => {
                let (run, change) = (entry.run.clone(), change.clone());
                open.push(PendingUndo { run, number: entry.change, change, uid: None, is_outcome_unknown: true });
            }
            ChangeState::Undone => open.retain(|pending| pending.number != entry.change),
            ChangeState::Done { uid } => {
                for pending in open.iter_mut().filter(|pending| pending.number == entry.change) {
                    pending.uid.clone_from(uid);
                    pending.is_outcome_unknown = false;
                }
            }
            ChangeState::Failed { .. } => {
                open.iter_mut()
                    .filter(|pending| pending.number == entry.change)
                    .for_each(|pending| pending.is_outcome_unknown = false);
            }
            ChangeState::UndoFailed { .. } => {}
        }
    }
    open.reverse();
    open
}

/// Undoes a change. helm does not wait for an API server that restarts, as our own requests do: after a failure of helm this
/// waits for the API server and runs helm once more.
async fn undo_with_retry(env: &RunEnv, pending: &PendingUndo, bound: HumanDuration) -> Result<(), InstallError> {
    match undo_change(env, pending, bound).await {
        Err(InstallError::Helm(HelmError::Failed { .. })) if api_server_failure(env).await.is_none() => {
            undo_change(env, pending, bound).await
        }
        result => result,
    }
}

async fn undo_change(env: &RunEnv, pending: &PendingUndo, bound: HumanDuration) -> Result<(), InstallError> {
    match &pending.change {
        RunChange::Create(object) => delete_object(env, object, pending).await,
        RunChange::HelmInstall(installed) => {
            releases::uninstall(env, &installed.release, &pending.run, pending.is_outcome_unknown, bound).await?;
            orphans::remove(env, installed).await
        }
        RunChange::VolumeClaims(claims) => volume_claims::remove(env, claims).await,
        RunChange::Scale { object, previous_replicas: replicas } => target_scale::restore(env, object, *replicas).await,
        RunChange::HelmUpgrade { release, previous_revision: revision } => {
            Ok(env.helm.rollback(release, *revision).await?)
        }
        RunChange::Adopt { object, digest } => {
            let now = adopt::read_digest(env, object).await?;
            if now == *digest {
                return Ok(());
            }
            let message = "it was changed during the run".to_owned();
            Err(InstallError::object_message("find unchanged", object, message))
        }
    }
}

/// Deletes an object and waits until it is gone. Keeps an object of the same name that is not ours.
async fn delete_object(env: &RunEnv, object: &ObjectRef, pending: &PendingUndo) -> Result<(), InstallError> {
    let api = api_for_object(&env.kube.retrying, object);
    let remove_error = |e: &kube::Error| InstallError::object("remove", object, e);
    let Some(found) = api.get_opt(&object.name).await.map_err(|e| remove_error(&e))? else { return Ok(()) };
    if !is_ours(&found, pending) {
        return Ok(());
    }
    if object.kind == "Namespace" {
        foreign_objects::ensure_none(env, object, &pending.run).await?;
    }
    let uid = found.metadata.uid.clone().unwrap_or_default();
    let preconditions = Preconditions { uid: Some(uid.clone()), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    match api.delete(&object.name, &params).await {
        Ok(_) => {}
        // Gone, or replaced by another object meanwhile.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(e) => return Err(remove_error(&e)),
    }
    // A watch that breaks off is no result: read the object.
    while await_condition(api.clone(), &object.name, conditions::is_deleted(&uid)).await.is_err() {
        let found = api.get_metadata_opt(&object.name).await.map_err(|e| remove_error(&e))?;
        if found.is_none_or(|found| found.metadata.uid.as_ref() != Some(&uid)) {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// Whether this run created the object: by uid, or by the run's label if a crash hid the API server's response. The label of
/// another run is not ours: that run may be active.
fn is_ours(found: &DynamicObject, pending: &PendingUndo) -> bool {
    match &pending.uid {
        Some(uid) => found.metadata.uid.as_ref() == Some(uid),
        None => found.metadata.labels.as_ref().and_then(|labels| labels.get(RUN_LABEL)) == Some(&pending.run),
    }
}

/// Describes what `undo` would do now, in its order; changes nothing.
///
/// # Errors
/// The API server or helm fails.
pub(crate) async fn dry_run_undo(env: &RunEnv, journal: &Journal) -> Result<Vec<String>, InstallError> {
    let mut all = Vec::new();
    for pending in pending_undos(&journal.entries()) {
        let is_needed = match &pending.change {
            RunChange::Create(object) => {
                let found = api_for_object(&env.kube.retrying, object).get_opt(&object.name).await;
                let found = found.map_err(|e| InstallError::object("read", object, &e))?;
                found.is_some_and(|found| is_ours(&found, &pending))
            }
            RunChange::HelmInstall(installed) => {
                releases::find_own_release(env, &installed.release, &pending.run).await?.is_some()
                    || !orphans::find(env, installed).await?.is_empty()
            }
            RunChange::VolumeClaims(claims) => !volume_claims::find_surplus(env, claims).await?.is_empty(),
            RunChange::Scale { object, previous_replicas: replicas } => {
                !target_scale::is_restored(env, object, *replicas).await?
            }
            RunChange::HelmUpgrade { .. } | RunChange::Adopt { .. } => true,
        };
        let note = match &pending.change {
            _ if is_needed => "",
            RunChange::Scale { .. } => ": nothing to do, it has these replicas",
            _ => ": nothing to do, it is gone",
        };
        all.push(format!("{}{note}", describe_undo(&pending.change)));
    }
    Ok(all)
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

/// What the undo of a change does, for progress output.
fn describe_undo(change: &RunChange) -> String {
    match change {
        RunChange::Create(object) => format!("deleting {object}"),
        RunChange::HelmInstall(NewRelease { release, .. }) => format!("uninstalling {release}"),
        RunChange::HelmUpgrade { release, previous_revision: revision } => {
            format!("rolling {release} back to revision {revision}")
        }
        RunChange::VolumeClaims(claims) => format!("deleting {claims}"),
        RunChange::Scale { object, previous_replicas: replicas } => {
            format!("setting {object} back to {replicas} replicas")
        }
        RunChange::Adopt { object, .. } => format!("comparing adopted {object}"),
    }
}
