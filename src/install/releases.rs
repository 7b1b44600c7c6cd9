//! One helm release: installed, or upgraded if it exists and the scenario says `ifExists: upgrade`.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams};

use super::{InstallError, Journal};
use crate::env::{ReleaseArgs, RunEnv};
use crate::model::inventory::{ExistingRelease, Inventory};
use crate::model::journal::{NewRelease, ObjectRef, RUN_LABEL, ReleaseRef, RunChange, UPGRADE_LABEL};
use crate::model::rendered::RenderedObject;
use crate::model::scenario::{IfExists, Scenario};
use crate::units::HumanDuration;

/// How long to wait for a helm process that outlived its run. An install without `--wait` sends the objects and ends;
/// measured: one to two seconds.
const ORPHAN_TIMEOUT: HumanDuration = HumanDuration::from_secs(15);

/// Between two reads of the release.
const POLL_INTERVAL: HumanDuration = HumanDuration::from_ms(500);

pub(super) async fn install(
    env: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    name: &str,
    run: &str,
) -> Result<(), InstallError> {
    let Some(release) = scenario.releases.get(name) else { return Ok(()) };
    let args = ReleaseArgs::from_scenario(name, release, scenario, vec![(RUN_LABEL.to_owned(), run.to_owned())]);
    let existing = inventory.existing_releases.get(name).filter(|_| release.if_exists == IfExists::Upgrade);
    let (change, result) = match existing {
        Some(existing) => {
            let args = ReleaseArgs { labels: vec![(UPGRADE_LABEL.to_owned(), run.to_owned())], ..args.clone() };
            let upgrade =
                RunChange::HelmUpgrade { release: args.release.clone(), previous_revision: existing.revision };
            (journal.record_intent(upgrade)?, env.helm.upgrade(&args).await)
        }
        None => {
            let new_release = NewRelease {
                outside_objects: objects_outside_namespace(inventory, name, &args.release),
                release: args.release.clone(),
            };
            (journal.record_intent(RunChange::HelmInstall(new_release))?, env.helm.install(&args).await)
        }
    };
    Ok(journal.record_result(change, result, |()| None)??)
}

/// Objects of the chart outside of the release's namespace.
fn objects_outside_namespace(inventory: &Inventory, name: &str, release: &ReleaseRef) -> Vec<ObjectRef> {
    let objects = inventory.charts.get(name).map(|chart| &chart.objects).into_iter().flatten();
    let outside = objects.filter(|object| object.namespace.as_ref() != Some(&release.namespace));
    outside.filter_map(RenderedObject::object_ref).collect()
}

/// The release, if this run installed it: helm keeps our label on its own record.
pub(super) async fn find_own_release(
    env: &RunEnv,
    release: &ReleaseRef,
    run: &str,
) -> Result<Option<ExistingRelease>, InstallError> {
    let selector = format!("{RUN_LABEL}={run}");
    Ok(env.helm.status(release, Some(&selector)).await?)
}

/// Uninstalls a release of this run. Keeps a release of the same name without our label. If a crash hid the result of the
/// install (`is_outcome_unknown`), its helm process may still run: this waits for it, or it would create objects after the
/// uninstall.
pub(super) async fn uninstall(
    env: &RunEnv,
    release: &ReleaseRef,
    run: &str,
    is_outcome_unknown: bool,
    bound: HumanDuration,
) -> Result<(), InstallError> {
    let until = env.clock.now_ms() + if is_outcome_unknown { ORPHAN_TIMEOUT.ms() } else { 0 };
    let mut found = find_own_release(env, release, run).await?;
    while found.as_ref().is_none_or(|found| found.status.starts_with("pending")) && env.clock.now_ms() < until {
        tokio::time::sleep(POLL_INTERVAL.to_std()).await;
        found = find_own_release(env, release, run).await?;
    }
    match found {
        Some(_) => Ok(env.helm.uninstall(release, bound).await?),
        None => Ok(()),
    }
}

/// Rolls a release that this run upgraded back to its revision before the run. A release without our label on one of its
/// revisions is not changed.
pub(super) async fn roll_back(
    env: &RunEnv,
    release: &ReleaseRef,
    revision: i64,
    run: &str,
) -> Result<(), InstallError> {
    let records: Api<Secret> = Api::namespaced(env.kube.retrying.clone(), &release.namespace);
    let selector = format!("owner=helm,name={},{UPGRADE_LABEL}={run}", release.name);
    let list = records.list_metadata(&ListParams::default().labels(&selector)).await;
    let list = list.map_err(|e| InstallError::object("list the records of", release, &e))?;
    if !list.items.is_empty() {
        return Ok(env.helm.rollback(release, revision).await?);
    }
    match env.helm.status(release, None).await? {
        Some(found) if found.revision != revision => {
            let ReleaseRef { name, namespace } = release;
            let why = format!(
                "its revision {} has no label of run {run}, so it may not be the run's. If it is: helm rollback {name} \
                 {revision} --namespace {namespace}",
                found.revision
            );
            Err(InstallError::object_message("roll back", release, why))
        }
        // The upgrade stored no revision, or the release is gone.
        Some(_) | None => Ok(()),
    }
}
