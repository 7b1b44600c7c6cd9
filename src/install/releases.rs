//! One helm release: installed, or upgraded where the scenario says so and it is there already.

use super::{InstallError, Journal, RUN_LABEL};
use crate::record::inventory::Inventory;
use crate::record::journal::Change;
use crate::record::scenario::{IfExists, Scenario};
use crate::world::{ReleaseArgs, World};

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
        None => (journal.intend(Change::HelmInstall(args.release.clone()))?, world.helm.install(&args).await),
    };
    Ok(journal.close(change, result, |()| None)??)
}
