//! Cluster → inventory. Changes nothing: it reads, and offers objects with dryRun=All.

mod charts;
mod dry_run;
mod hpas;
mod metrics_apis;
mod nodes;
mod permissions;
mod preflight;
mod releases;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;

pub(super) use metrics_apis::METRICS_APIS;

use super::{changes, lease, permissions as table};
use crate::env::{HelmError, RunEnv};
use crate::error_chain::format_chain;
use crate::model::inventory::Inventory;
use crate::model::scenario::{IfExists, Scenario};

/// The cluster or helm could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The API server does not answer, or refuses us.
    #[error("the API server could not be asked for {what}: {why}")]
    Cluster {
        /// What was asked.
        what: &'static str,
        /// Its words.
        why: String,
    },
    /// helm does not run, or cannot read a chart.
    #[error("release {release}: {why}")]
    Chart {
        /// The release.
        release: String,
        /// Why.
        why: String,
    },
    /// helm does not run at all.
    #[error(transparent)]
    Helm(#[from] HelmError),
}

fn cluster_error(what: &'static str) -> impl Fn(kube::Error) -> SurveyError {
    move |e| SurveyError::Cluster { what, why: format_chain(&e) }
}

/// Asks the cluster and helm for everything that a plan rests on.
///
/// # Errors
/// The API server or helm cannot be asked at all. A part that may not be read is left empty instead.
pub async fn survey(world: &RunEnv, scenario: &Scenario) -> Result<Inventory, SurveyError> {
    let version = world.kube.apiserver_version().await.map_err(cluster_error("its version"))?;
    let mut inventory = Inventory {
        started: world.clock.wall_start(),
        kubernetes_version: version.git_version,
        gpuhpa_version: env!("CARGO_PKG_VERSION").to_owned(),
        hpa_served: is_hpa_served(&world.kube).await?,
        ..Inventory::default()
    };
    if !inventory.hpa_served {
        // There is nothing to be tested; what else is asked would only run into that.
        return Ok(inventory);
    }
    read_namespaces(&world.kube, scenario, &mut inventory).await?;
    let missing: Vec<String> = changes::scenario_namespaces(scenario)
        .into_iter()
        .filter(|name| !inventory.existing_namespaces.contains(name))
        .collect();
    let documents = charts::render_charts(world, scenario, &mut inventory).await?;
    inventory.permissions = permissions::review_access(&world.kube, table::run_permissions(scenario, &missing)).await?;
    let lacks = |inventory: &Inventory| inventory.permissions.iter().any(|right| right.required && !right.allowed);
    if lacks(&inventory) {
        // The plan refuses and names them all; asking on would only run into the first one. What would be adopted is
        // not known, and not asked about.
        let certain = scenario.releases.iter().filter(|(_, release)| release.if_exists != IfExists::Adopt);
        let more = table::install_permissions(scenario, &inventory, certain.map(|(name, _)| name));
        inventory.permissions.extend(permissions::review_access(&world.kube, more).await?);
        return Ok(inventory);
    }
    inventory.target_lease = lease::read(&world.kube, scenario).await.map_err(cluster_error("the target's Lease"))?;
    inventory.existing_hpas = hpas::read(&world.kube, scenario).await?;
    inventory.metrics_apis = metrics_apis::read(&world.kube).await?;
    nodes::read(&world.kube, &mut inventory).await;
    releases::read(world, scenario, &mut inventory).await?;
    let ours: Vec<_> = scenario.releases.keys().filter(|name| !super::is_adopted(scenario, &inventory, name)).collect();
    let mut more = table::install_permissions(scenario, &inventory, ours.iter().copied());
    // One that is upgraded stands already; what would become of its objects is helm's to say.
    let new: Vec<_> = ours.into_iter().filter(|name| !inventory.existing_releases.contains_key(*name)).collect();
    inventory.preflight = preflight::read(&world.kube, scenario, &inventory, &new).await;
    inventory.preflight.target = preflight::read_target(&world.kube, scenario).await?;
    if inventory.preflight.target.is_some() {
        more.extend(table::scale_permissions(scenario));
    }
    inventory.permissions.extend(permissions::review_access(&world.kube, more).await?);
    if !lacks(&inventory) {
        inventory.preflight.rejected_objects =
            dry_run::find_refused(&world.kube, scenario, &inventory, &documents, &new).await;
    }
    Ok(inventory)
}

/// Whether autoscaling/v2 is served. A group that is not there at all is an answer, not an error.
async fn is_hpa_served(client: &kube::Client) -> Result<bool, SurveyError> {
    match client.list_api_group_resources("autoscaling/v2").await {
        Ok(list) => Ok(list.resources.iter().any(|resource| resource.name == "horizontalpodautoscalers")),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(e) => Err(cluster_error("autoscaling/v2")(e)),
    }
}

/// The scenario's namespaces that are there. One that may not be looked at counts as missing; the right to make it is
/// asked about then.
async fn read_namespaces(
    client: &kube::Client,
    scenario: &Scenario,
    inventory: &mut Inventory,
) -> Result<(), SurveyError> {
    let api: Api<Namespace> = Api::all(client.clone());
    for name in changes::scenario_namespaces(scenario) {
        match api.get_opt(&name).await {
            Ok(Some(found)) => {
                if found.metadata.deletion_timestamp.is_some() {
                    inventory.terminating_namespaces.push(name.clone());
                }
                inventory.existing_namespaces.push(name);
            }
            Ok(None) => {}
            Err(kube::Error::Api(status)) if status.code == 403 => {}
            Err(e) => return Err(cluster_error("its namespaces")(e)),
        }
    }
    Ok(())
}
