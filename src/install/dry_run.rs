//! What `undo` would do, without doing it.

use k8s_openapi::Resource as _;
use k8s_openapi::api::apps::v1::StatefulSet;

use super::ownership::RunObjects;
use super::pending_undo::pending_undos;
use super::{InstallError, Journal, foreign_objects, lease, orphans, releases, target_scale, volume_claims};
use crate::env::{RunEnv, api_for_object};
use crate::model::journal::{NewRelease, RunChange};

/// Describes what `undo` would do now, in its order; changes nothing.
///
/// # Errors
/// The API server or helm fails.
pub(crate) async fn dry_run_undo(env: &RunEnv, journal: &Journal) -> Result<Vec<String>, InstallError> {
    let mut all = Vec::new();
    let entries = journal.entries();
    for pending in pending_undos(&entries) {
        let mut blockers = None;
        let is_needed = match &pending.change {
            RunChange::Create(object) => {
                let found = api_for_object(&env.kube.retrying, object).get_opt(&object.name).await;
                let found = found.map_err(|e| InstallError::object("read", object, &e))?;
                let found = found.filter(|found| pending.is_ours(found));
                if let Some(found) = found.as_ref().filter(|_| object.kind == "Namespace") {
                    let run = RunObjects::from_entries(&pending.run, &entries);
                    blockers = foreign_objects::describe_blockers(env, object, found, &run).await?;
                }
                found.is_some()
            }
            RunChange::HelmInstall(installed) => {
                releases::find_own_release(env, &installed.release, &pending.run).await?.is_some()
                    || !orphans::find(env, installed).await?.is_empty()
            }
            RunChange::VolumeClaims(claims) => {
                let (namespace, set) = (claims.namespace.as_str(), claims.stateful_set.as_str());
                match lease::proven_since(env, journal, (namespace, StatefulSet::KIND, set), &pending.run).await {
                    Ok(since) => !volume_claims::find_surplus(env, claims, since).await?.is_empty(),
                    Err(e) => {
                        blockers = Some(e.to_string());
                        false
                    }
                }
            }
            RunChange::Scale { object, previous_replicas: replicas } => {
                let namespace = object.namespace.as_deref().unwrap_or_default();
                let target = (namespace, object.kind.as_str(), object.name.as_str());
                match lease::proven_since(env, journal, target, &pending.run).await {
                    Ok(_) => !target_scale::is_restored(env, object, *replicas).await?,
                    Err(e) => {
                        blockers = Some(e.to_string());
                        false
                    }
                }
            }
            RunChange::HelmUpgrade { .. } | RunChange::Adopt { .. } => true,
        };
        let note = match (blockers, &pending.change) {
            (Some(why), _) => format!(": not possible now: {why}"),
            _ if is_needed => String::new(),
            (None, RunChange::Scale { .. }) => ": nothing to do, it has these replicas".to_owned(),
            (None, _) => ": nothing to do, it is gone".to_owned(),
        };
        all.push(format!("{}{note}", describe_undo(&pending.change)));
    }
    Ok(all)
}

/// What the undo of a change does, for progress output.
pub(super) fn describe_undo(change: &RunChange) -> String {
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
