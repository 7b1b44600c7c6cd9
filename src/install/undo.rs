//! The way back: every change of the journal undone, the last one first, and each looked for until it is gone. One
//! failure does not keep the others from being undone.

use kube::api::{DeleteParams, Preconditions};
use kube::core::DynamicObject;
use kube::runtime::wait::{await_condition, conditions};

use super::apply::words;
use super::{InstallError, Journal, adopt, orphans, releases, size, strangers, stuck, volumes};
use crate::record::journal::{Change, Entry, NewRelease, ObjectRef, RUN_LABEL, Step};
use crate::units::Span;
use crate::world::{HelmError, World, api_of};

/// Between two looks at an object that is to go, where no watch holds.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Bound of a question that only serves an error's text.
const QUESTION: Span = Span::from_secs(10);

/// How long an API server that does not answer is waited for: one that is started again is back within half a minute, and
/// is asked again for a minute where it refuses connections.
const SILENCE: Span = Span::from_secs(75);

/// One change that is to be undone.
struct Undoing {
    run: String,
    number: u32,
    change: Change,
    uid: Option<String>,
    /// Nothing tells how the try ended: a crash came in between, and what was started may still be at work.
    is_open: bool,
}

/// Undoes what the journal made. Within `bound` for each change; what could not be undone is in the journal.
///
/// # Errors
/// The first thing that could not be undone; the others were tried all the same.
pub async fn undo(
    world: &World,
    journal: &Journal,
    bound: Span,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), InstallError> {
    let (mut first, mut silence) = (Ok(()), None);
    for undoing in pending(&journal.entries()) {
        tell(&what(&undoing.change));
        silence = match silence {
            None => silent(world).await,
            known => known,
        };
        let why = match &silence {
            Some(why) => Err(format!("the API server does not answer: {why}")),
            None => tokio::time::timeout(bound.duration(), undo_heard(world, &undoing, bound))
                .await
                .map_err(|_| format!("not gone within {bound}")),
        };
        let result = match why {
            Ok(result) => result,
            Err(why) => {
                let more = if silence.is_none() { still_there(world, &undoing.change).await } else { String::new() };
                let why = format!("{why}{more}");
                Err(InstallError::Object { verb: "remove", object: name(&undoing.change), why })
            }
        };
        let step = match &result {
            Ok(()) => Step::Undone,
            Err(error) => Step::NotUndone { error: error.to_string() },
        };
        let written = journal.write(undoing.number, step).map_err(InstallError::from);
        first = first.and(result).and(written);
    }
    first
}

/// Why the API server does not answer, if it does not. A cluster that is gone is waited for once, and not again for each
/// change; any answer of its own is one.
async fn silent(world: &World) -> Option<String> {
    match tokio::time::timeout(SILENCE.duration(), world.kube.apiserver_version()).await {
        Ok(Ok(_) | Err(kube::Error::Api(_))) => None,
        Ok(Err(error)) => Some(words(&error)),
        Err(_) => Some(format!("nothing within {SILENCE}")),
    }
}

/// Changes without an end, newest first.
fn pending(entries: &[Entry]) -> Vec<Undoing> {
    let mut open: Vec<Undoing> = Vec::new();
    for entry in entries {
        match &entry.step {
            Step::Intended(change) => {
                let (run, change) = (entry.run.clone(), change.clone());
                open.push(Undoing { run, number: entry.change, change, uid: None, is_open: true });
            }
            Step::Undone => open.retain(|undoing| undoing.number != entry.change),
            Step::Done { uid } => {
                for undoing in open.iter_mut().filter(|undoing| undoing.number == entry.change) {
                    undoing.uid.clone_from(uid);
                    undoing.is_open = false;
                }
            }
            Step::Failed { .. } => {
                open.iter_mut().filter(|undoing| undoing.number == entry.change).for_each(|one| one.is_open = false);
            }
            Step::NotUndone { .. } => {}
        }
    }
    open.reverse();
    open
}

/// helm does not wait for an API server that starts again, as our own questions do: where helm failed, the server is waited
/// for, and helm is run once more.
async fn undo_heard(world: &World, undoing: &Undoing, bound: Span) -> Result<(), InstallError> {
    match undo_one(world, undoing, bound).await {
        Err(InstallError::Helm(HelmError::Failed { .. })) if silent(world).await.is_none() => {
            undo_one(world, undoing, bound).await
        }
        result => result,
    }
}

async fn undo_one(world: &World, undoing: &Undoing, bound: Span) -> Result<(), InstallError> {
    match &undoing.change {
        Change::Create(object) => delete(world, object, undoing).await,
        Change::HelmInstall(made) => {
            releases::uninstall(world, &made.release, &undoing.run, undoing.is_open, bound).await?;
            orphans::remove(world, made).await
        }
        Change::Volumes(claims) => volumes::remove(world, claims).await,
        Change::Scale { object, replicas } => size::restore(world, object, *replicas).await,
        Change::HelmUpgrade { release, revision } => Ok(world.helm.rollback(release, *revision).await?),
        Change::Adopt { object, digest } => {
            let now = adopt::digest_of(world, object).await?;
            if now == *digest {
                return Ok(());
            }
            let why = "it is not as it was before the run: somebody changed it meanwhile".to_owned();
            Err(InstallError::Object { verb: "find unchanged", object: object.to_string(), why })
        }
    }
}

/// Deletes an object and waits until it is gone. One of the same name that is not ours stays.
async fn delete(world: &World, object: &ObjectRef, undoing: &Undoing) -> Result<(), InstallError> {
    let api = api_of(&world.kube, object);
    let wrong = |e: &kube::Error| InstallError::Object { verb: "remove", object: object.to_string(), why: words(e) };
    let Some(found) = api.get_opt(&object.name).await.map_err(|e| wrong(&e))? else { return Ok(()) };
    if !is_ours(&found, undoing) {
        return Ok(());
    }
    if object.kind == "Namespace" {
        strangers::refuse(world, object, &undoing.run).await?;
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
        tokio::time::sleep(AGAIN).await;
    }
    Ok(())
}

/// Ours by uid; by our label where a crash came between the try and the server's answer. The label of another run is
/// not ours: it may be at work.
fn is_ours(found: &DynamicObject, undoing: &Undoing) -> bool {
    match &undoing.uid {
        Some(uid) => found.metadata.uid.as_ref() == Some(uid),
        None => found.metadata.labels.as_ref().and_then(|labels| labels.get(RUN_LABEL)) == Some(&undoing.run),
    }
}

/// What `undo` would do now, in its order and in words; nothing is changed.
///
/// # Errors
/// The cluster or helm cannot be asked.
pub async fn would_undo(world: &World, journal: &Journal) -> Result<Vec<String>, InstallError> {
    let mut all = Vec::new();
    for undoing in pending(&journal.entries()) {
        let is_there = match &undoing.change {
            Change::Create(object) => {
                let found = api_of(&world.kube, object).get_opt(&object.name).await;
                let found = found.map_err(|e| InstallError::Object {
                    verb: "read",
                    object: object.to_string(),
                    why: words(&e),
                })?;
                found.is_some_and(|found| is_ours(&found, &undoing))
            }
            Change::HelmInstall(made) => {
                releases::of_run(world, &made.release, &undoing.run).await?.is_some()
                    || !orphans::left(world, made).await?.is_empty()
            }
            Change::Volumes(claims) => !volumes::surplus(world, claims).await?.is_empty(),
            Change::Scale { object, replicas } => !size::is_so(world, object, *replicas).await?,
            Change::HelmUpgrade { .. } | Change::Adopt { .. } => true,
        };
        let idle = match &undoing.change {
            _ if is_there => "",
            Change::Scale { .. } => ": nothing to do, it has that size",
            _ => ": nothing to do, it is gone",
        };
        all.push(format!("{}{idle}", what(&undoing.change)));
    }
    Ok(all)
}

/// What keeps it, where the object itself says so and the API server answers.
async fn still_there(world: &World, change: &Change) -> String {
    let Change::Create(object) = change else { return String::new() };
    tokio::time::timeout(QUESTION.duration(), stuck::why(world, object)).await.unwrap_or_default()
}

fn name(change: &Change) -> String {
    match change {
        Change::Create(object) | Change::Adopt { object, .. } | Change::Scale { object, .. } => object.to_string(),
        Change::HelmInstall(NewRelease { release, .. }) | Change::HelmUpgrade { release, .. } => release.to_string(),
        Change::Volumes(claims) => claims.to_string(),
    }
}

/// What is about to be done, for people.
fn what(change: &Change) -> String {
    match change {
        Change::Create(object) => format!("deleting {object}"),
        Change::HelmInstall(NewRelease { release, .. }) => format!("uninstalling {release}"),
        Change::HelmUpgrade { release, revision } => format!("rolling {release} back to revision {revision}"),
        Change::Volumes(claims) => format!("deleting {claims}"),
        Change::Scale { object, replicas } => format!("setting {object} back to {replicas} replicas"),
        Change::Adopt { object, .. } => format!("comparing adopted {object}"),
    }
}
