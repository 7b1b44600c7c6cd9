//! One helm release: installed, or upgraded where the scenario says so and it is there already.

use super::{InstallError, Journal};
use crate::record::inventory::{ExistingRelease, Inventory};
use crate::record::journal::{Change, NewRelease, ObjectRef, RUN_LABEL, ReleaseRef};
use crate::record::rendered::RenderedObject;
use crate::record::scenario::{IfExists, Scenario};
use crate::units::Span;
use crate::world::{ReleaseArgs, World};

/// How long a helm that outlived its run is waited for. An install without `--wait` sends the objects and ends; seen:
/// one to two seconds.
const ORPHAN: Span = Span::from_secs(15);

/// Between two looks at it.
const AGAIN: Span = Span::from_ms(500);

pub(super) async fn install(
    world: &World,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    name: &str,
    run: &str,
) -> Result<(), InstallError> {
    let Some(release) = scenario.releases.get(name) else { return Ok(()) };
    let args = ReleaseArgs::of(name, release, scenario, vec![(RUN_LABEL.to_owned(), run.to_owned())]);
    let existing = inventory.releases.get(name).filter(|_| release.if_exists == IfExists::Upgrade);
    let (change, result) = match existing {
        Some(existing) => {
            let upgrade = Change::HelmUpgrade { release: args.release.clone(), revision: existing.revision };
            (journal.intend(upgrade)?, world.helm.upgrade(&args).await)
        }
        None => {
            let made = NewRelease { beyond: beyond(inventory, name, &args.release), release: args.release.clone() };
            (journal.intend(Change::HelmInstall(made))?, world.helm.install(&args).await)
        }
    };
    Ok(journal.close(change, result, |()| None)??)
}

/// What the chart makes outside of the release's namespace.
fn beyond(inventory: &Inventory, name: &str, release: &ReleaseRef) -> Vec<ObjectRef> {
    let objects = inventory.charts.get(name).map(|chart| &chart.objects).into_iter().flatten();
    let outside = objects.filter(|object| object.namespace.as_ref() != Some(&release.namespace));
    outside.filter_map(RenderedObject::reference).collect()
}

/// The release, if it was made by this run: helm keeps our label on its own record.
pub(super) async fn of_run(
    world: &World,
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
    world: &World,
    release: &ReleaseRef,
    run: &str,
    is_open: bool,
    bound: Span,
) -> Result<(), InstallError> {
    let until = world.clock.now_ms() + if is_open { ORPHAN.ms() } else { 0 };
    let mut found = of_run(world, release, run).await?;
    while found.as_ref().is_none_or(|found| found.status.starts_with("pending")) && world.clock.now_ms() < until {
        tokio::time::sleep(AGAIN.duration()).await;
        found = of_run(world, release, run).await?;
    }
    match found {
        Some(_) => Ok(world.helm.uninstall(release, bound).await?),
        None => Ok(()),
    }
}
