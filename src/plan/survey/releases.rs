//! Existing releases, and whether a run of gpuhpa installed them.

use super::SurveyError;
use crate::env::{HelmError, ReleaseArgs, RunEnv};
use crate::model::inventory::{ExistingRelease, Inventory};
use crate::model::journal::{RUN_LABEL, ReleaseRef};
use crate::model::scenario::Scenario;

pub(super) async fn read(env: &RunEnv, scenario: &Scenario, inventory: &mut Inventory) -> Result<(), SurveyError> {
    for (name, release) in &scenario.releases {
        let release = ReleaseArgs::from_scenario(name, release, scenario, Vec::new()).release;
        let is_hidden = |permission: &crate::model::inventory::PermissionCheck| {
            permission.resource == "secrets" && permission.namespace == release.namespace && !permission.allowed
        };
        if inventory.permissions.iter().any(is_hidden) {
            continue;
        }
        if let Some(existing) = env.helm.status(&release, None).await? {
            let made_by_run = is_by_run(env, &release).await?;
            inventory.existing_releases.insert(name.clone(), ExistingRelease { made_by_run, ..existing });
        }
    }
    for api in inventory.metrics_apis.values_mut() {
        let Some((namespace, name)) = api.release.as_ref().and_then(|release| release.split_once('/')) else {
            continue;
        };
        let release = ReleaseRef { name: name.to_owned(), namespace: namespace.to_owned() };
        // Without permission to list the releases of its namespace: not ours.
        api.made_by_run = is_by_run(env, &release).await.unwrap_or(false);
    }
    Ok(())
}

/// Whether a run of gpuhpa installed the release: helm keeps our label on its record.
async fn is_by_run(env: &RunEnv, release: &ReleaseRef) -> Result<bool, HelmError> {
    Ok(env.helm.status(release, Some(RUN_LABEL)).await?.is_some())
}
