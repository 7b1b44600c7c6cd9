//! The releases that are there already, and whose they are.

use super::SurveyError;
use crate::env::{HelmError, ReleaseArgs, RunEnv};
use crate::model::inventory::{ExistingRelease, Inventory};
use crate::model::journal::{RUN_LABEL, ReleaseRef};
use crate::model::scenario::Scenario;

pub(super) async fn read(world: &RunEnv, scenario: &Scenario, inventory: &mut Inventory) -> Result<(), SurveyError> {
    for (name, release) in &scenario.releases {
        let release = ReleaseArgs::from_scenario(name, release, scenario, Vec::new()).release;
        let hidden = |right: &crate::model::inventory::PermissionCheck| {
            right.resource == "secrets" && right.namespace == release.namespace && !right.allowed
        };
        if inventory.permissions.iter().any(hidden) {
            continue;
        }
        if let Some(existing) = world.helm.status(&release, None).await? {
            let by_run = is_by_run(world, &release).await?;
            inventory.existing_releases.insert(name.clone(), ExistingRelease { made_by_run: by_run, ..existing });
        }
    }
    for api in inventory.metrics_apis.values_mut() {
        let Some((namespace, name)) = api.release.as_ref().and_then(|release| release.split_once('/')) else {
            continue;
        };
        let release = ReleaseRef { name: name.to_owned(), namespace: namespace.to_owned() };
        // It may lie in a namespace of somebody else's, whose releases we may not see: then it is his.
        api.made_by_run = is_by_run(world, &release).await.unwrap_or(false);
    }
    Ok(())
}

/// Whether a run of gpuhpa made the release: helm keeps our label on its record.
async fn is_by_run(world: &RunEnv, release: &ReleaseRef) -> Result<bool, HelmError> {
    Ok(world.helm.status(release, Some(RUN_LABEL)).await?.is_some())
}
