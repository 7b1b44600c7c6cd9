//! One helm release: installed, or upgraded where the scenario says so and it is there already.

use super::{InstallError, Journal};
use crate::env::{ReleaseArgs, RunEnv};
use crate::model::inventory::{ExistingRelease, Inventory};
use crate::model::journal::{NewRelease, ObjectRef, RUN_LABEL, ReleaseRef, RunChange};
use crate::model::rendered::RenderedObject;
use crate::model::scenario::{IfExists, Scenario};
use crate::units::HumanDuration;

/// How long a helm that outlived its run is waited for. An install without `--wait` sends the objects and ends; seen:
/// one to two seconds.
const ORPHAN_TIMEOUT: HumanDuration = HumanDuration::from_secs(15);

/// Between two looks at it.
const POLL_INTERVAL: HumanDuration = HumanDuration::from_ms(500);

pub(super) async fn install(
    world: &RunEnv,
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
            let upgrade =
                RunChange::HelmUpgrade { release: args.release.clone(), previous_revision: existing.revision };
            (journal.record_intent(upgrade)?, world.helm.upgrade(&args).await)
        }
        None => {
            let made = NewRelease {
                outside_objects: objects_outside_namespace(inventory, name, &args.release),
                release: args.release.clone(),
            };
            (journal.record_intent(RunChange::HelmInstall(made))?, world.helm.install(&args).await)
        }
    };
    Ok(journal.record_result(change, result, |()| None)??)
}

/// What the chart makes outside of the release's namespace.
fn objects_outside_namespace(inventory: &Inventory, name: &str, release: &ReleaseRef) -> Vec<ObjectRef> {
    let objects = inventory.charts.get(name).map(|chart| &chart.objects).into_iter().flatten();
    let outside = objects.filter(|object| object.namespace.as_ref() != Some(&release.namespace));
    outside.filter_map(RenderedObject::object_ref).collect()
}

/// The release, if it was made by this run: helm keeps our label on its own record.
pub(super) async fn find_own_release(
    world: &RunEnv,
    release: &ReleaseRef,
    run: &str,
) -> Result<Option<ExistingRelease>, InstallError> {
    let selector = format!("{RUN_LABEL}={run}");
    Ok(world.helm.status(release, Some(&selector)).await?)
}

/// Uninstalls what this run installed. A release of the same name that is another's stays. Where a crash left open how
/// the install ended, a helm process of then may still be at work: it is waited for, or it would go on making objects
/// after the uninstall.
pub(super) async fn uninstall(
    world: &RunEnv,
    release: &ReleaseRef,
    run: &str,
    is_open: bool,
    bound: HumanDuration,
) -> Result<(), InstallError> {
    let until = world.clock.now_ms() + if is_open { ORPHAN_TIMEOUT.ms() } else { 0 };
    let mut found = find_own_release(world, release, run).await?;
    while found.as_ref().is_none_or(|found| found.status.starts_with("pending")) && world.clock.now_ms() < until {
        tokio::time::sleep(POLL_INTERVAL.to_std()).await;
        found = find_own_release(world, release, run).await?;
    }
    match found {
        Some(_) => Ok(world.helm.uninstall(release, bound).await?),
        None => Ok(()),
    }
}
