//! The way back: every change of the journal undone, the last one first, and each looked for until it is gone. One
//! failure does not keep the others from being undone.

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

/// Between two looks at an object that is to go, where no watch holds.
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Bound of a question that only serves an error's text.
const BLOCKERS_TIMEOUT: HumanDuration = HumanDuration::from_secs(10);

/// How long an API server that does not answer is waited for: one that is started again is back within half a minute, and
/// is asked again for a minute where it refuses connections.
const API_SERVER_TIMEOUT: HumanDuration = HumanDuration::from_secs(75);

/// One change that is to be undone.
struct PendingUndo {
    run: String,
    number: u32,
    change: RunChange,
    uid: Option<String>,
    /// Nothing tells how the try ended: a crash came in between, and what was started may still be at work.
    is_outcome_unknown: bool,
}

/// Undoes what the journal made. Within `bound` for each change; what could not be undone is in the journal.
///
/// # Errors
/// The first thing that could not be undone; the others were tried all the same.
pub async fn undo(
    world: &RunEnv,
    journal: &Journal,
    bound: HumanDuration,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), InstallError> {
    let (mut first, mut silence) = (Ok(()), None);
    for undoing in pending_undos(&journal.entries()) {
        tell(&describe_undo(&undoing.change));
        silence = match silence {
            None => api_server_failure(world).await,
            known => known,
        };
        let why = match &silence {
            Some(why) => Err(format!("the API server does not answer: {why}")),
            None => tokio::time::timeout(bound.to_std(), undo_with_retry(world, &undoing, bound))
                .await
                .map_err(|_| format!("not gone within {bound}")),
        };
        let result = match why {
            Ok(result) => result,
            Err(why) => {
                let more =
                    if silence.is_none() { blockers_of_change(world, &undoing.change).await } else { String::new() };
                let why = format!("{why}{more}");
                Err(InstallError::Object { verb: "remove", object: change_object(&undoing.change), why })
            }
        };
        let step = match &result {
            Ok(()) => ChangeState::Undone,
            Err(error) => ChangeState::UndoFailed { error: error.to_string() },
        };
        let written = journal.record_step(undoing.number, step).map_err(InstallError::from);
        first = first.and(result).and(written);
    }
    first
}

/// Why the API server does not answer, if it does not. A cluster that is gone is waited for once, and not again for each
/// change; any answer of its own is one.
async fn api_server_failure(world: &RunEnv) -> Option<String> {
    match tokio::time::timeout(API_SERVER_TIMEOUT.to_std(), world.kube.apiserver_version()).await {
        Ok(Ok(_) | Err(kube::Error::Api(_))) => None,
        Ok(Err(error)) => Some(error_message(&error)),
        Err(_) => Some(format!("nothing within {API_SERVER_TIMEOUT}")),
    }
}

/// Changes without an end, newest first.
fn pending_undos(entries: &[JournalEntry]) -> Vec<PendingUndo> {
    let mut open: Vec<PendingUndo> = Vec::new();
    for entry in entries {
        match &entry.state {
            ChangeState::Intended(change) => {
                let (run, change) = (entry.run.clone(), change.clone());
                open.push(PendingUndo { run, number: entry.change, change, uid: None, is_outcome_unknown: true });
            }
            ChangeState::Undone => open.retain(|undoing| undoing.number != entry.change),
            ChangeState::Done { uid } => {
                for undoing in open.iter_mut().filter(|undoing| undoing.number == entry.change) {
                    undoing.uid.clone_from(uid);
                    undoing.is_outcome_unknown = false;
                }
            }
            ChangeState::Failed { .. } => {
                open.iter_mut()
                    .filter(|undoing| undoing.number == entry.change)
                    .for_each(|one| one.is_outcome_unknown = false);
            }
            ChangeState::UndoFailed { .. } => {}
        }
    }
    open.reverse();
    open
}

/// helm does not wait for an API server that starts again, as our own questions do: where helm failed, the server is waited
/// for, and helm is run once more.
async fn undo_with_retry(world: &RunEnv, undoing: &PendingUndo, bound: HumanDuration) -> Result<(), InstallError> {
    match undo_change(world, undoing, bound).await {
        Err(InstallError::Helm(HelmError::Failed { .. })) if api_server_failure(world).await.is_none() => {
            undo_change(world, undoing, bound).await
        }
        result => result,
    }
}

async fn undo_change(world: &RunEnv, undoing: &PendingUndo, bound: HumanDuration) -> Result<(), InstallError> {
    match &undoing.change {
        RunChange::Create(object) => delete_object(world, object, undoing).await,
        RunChange::HelmInstall(made) => {
            releases::uninstall(world, &made.release, &undoing.run, undoing.is_outcome_unknown, bound).await?;
            orphans::remove(world, made).await
        }
        RunChange::VolumeClaims(claims) => volume_claims::remove(world, claims).await,
        RunChange::Scale { object, previous_replicas: replicas } => {
            target_scale::restore(world, object, *replicas).await
        }
        RunChange::HelmUpgrade { release, previous_revision: revision } => {
            Ok(world.helm.rollback(release, *revision).await?)
        }
        RunChange::Adopt { object, digest } => {
            let now = adopt::read_digest(world, object).await?;
            if now == *digest {
                return Ok(());
            }
            let why = "it is not as it was before the run: somebody changed it meanwhile".to_owned();
            Err(InstallError::Object { verb: "find unchanged", object: object.to_string(), why })
        }
    }
}

/// Deletes an object and waits until it is gone. One of the same name that is not ours stays.
async fn delete_object(world: &RunEnv, object: &ObjectRef, undoing: &PendingUndo) -> Result<(), InstallError> {
    let api = api_for_object(&world.kube, object);
    let wrong =
        |e: &kube::Error| InstallError::Object { verb: "remove", object: object.to_string(), why: error_message(e) };
    let Some(found) = api.get_opt(&object.name).await.map_err(|e| wrong(&e))? else { return Ok(()) };
    if !is_ours(&found, undoing) {
        return Ok(());
    }
    if object.kind == "Namespace" {
        foreign_objects::ensure_none(world, object, &undoing.run).await?;
    }
    let uid = found.metadata.uid.clone().unwrap_or_default();
    let preconditions = Preconditions { uid: Some(uid.clone()), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    match api.delete(&object.name, &params).await {
        Ok(_) => {}
        // Gone, or replaced by another one meanwhile.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(e) => return Err(wrong(&e)),
    }
    // A watch that breaks off says nothing of the object; whether the API server can be asked at all does the question.
    while await_condition(api.clone(), &object.name, conditions::is_deleted(&uid)).await.is_err() {
        let found = api.get_metadata_opt(&object.name).await.map_err(|e| wrong(&e))?;
        if found.is_none_or(|found| found.metadata.uid.as_ref() != Some(&uid)) {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// Ours by uid; by our label where a crash came between the try and the server's answer. The label of another run is
/// not ours: it may be at work.
fn is_ours(found: &DynamicObject, undoing: &PendingUndo) -> bool {
    match &undoing.uid {
        Some(uid) => found.metadata.uid.as_ref() == Some(uid),
        None => found.metadata.labels.as_ref().and_then(|labels| labels.get(RUN_LABEL)) == Some(&undoing.run),
    }
}

/// What `undo` would do now, in its order and in words; nothing is changed.
///
/// # Errors
/// The cluster or helm cannot be asked.
pub async fn dry_run_undo(world: &RunEnv, journal: &Journal) -> Result<Vec<String>, InstallError> {
    let mut all = Vec::new();
    for undoing in pending_undos(&journal.entries()) {
        let is_there = match &undoing.change {
            RunChange::Create(object) => {
                let found = api_for_object(&world.kube, object).get_opt(&object.name).await;
                let found = found.map_err(|e| InstallError::Object {
                    verb: "read",
                    object: object.to_string(),
                    why: error_message(&e),
                })?;
                found.is_some_and(|found| is_ours(&found, &undoing))
            }
            RunChange::HelmInstall(made) => {
                releases::find_own_release(world, &made.release, &undoing.run).await?.is_some()
                    || !orphans::find(world, made).await?.is_empty()
            }
            RunChange::VolumeClaims(claims) => !volume_claims::find_surplus(world, claims).await?.is_empty(),
            RunChange::Scale { object, previous_replicas: replicas } => {
                !target_scale::is_restored(world, object, *replicas).await?
            }
            RunChange::HelmUpgrade { .. } | RunChange::Adopt { .. } => true,
        };
        let idle = match &undoing.change {
            _ if is_there => "",
            RunChange::Scale { .. } => ": nothing to do, it has that size",
            _ => ": nothing to do, it is gone",
        };
        all.push(format!("{}{idle}", describe_undo(&undoing.change)));
    }
    Ok(all)
}

/// What keeps it, where the object itself says so and the API server answers.
async fn blockers_of_change(world: &RunEnv, change: &RunChange) -> String {
    let RunChange::Create(object) = change else { return String::new() };
    tokio::time::timeout(BLOCKERS_TIMEOUT.to_std(), deletion_blockers::read_blockers(world, object))
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

/// What is about to be done, for people.
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
