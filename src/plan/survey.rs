//! Cluster → inventory. Changes nothing: it reads, and offers objects with dryRun=All.

mod charts;
mod dry_run;
mod foresight;
mod hpas;
mod metrics_apis;
mod nodes;
mod releases;
mod rights;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;

pub(super) use metrics_apis::METRICS_APIS;

use super::{changes, claim, rights as table};
use crate::causes::chain;
use crate::record::inventory::Inventory;
use crate::record::scenario::{IfExists, Scenario};
use crate::world::{HelmError, World};

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

fn cluster(what: &'static str) -> impl Fn(kube::Error) -> SurveyError {
    move |e| SurveyError::Cluster { what, why: chain(&e) }
}

/// Asks the cluster and helm for everything that a plan rests on.
///
/// # Errors
/// The API server or helm cannot be asked at all. A part that may not be read is left empty instead.
pub async fn survey(world: &World, scenario: &Scenario) -> Result<Inventory, SurveyError> {
    let version = world.kube.apiserver_version().await.map_err(cluster("its version"))?;
    let mut inventory = Inventory {
        started: world.clock.started(),
        kubernetes: version.git_version,
        gpuhpa: env!("CARGO_PKG_VERSION").to_owned(),
        hpa_served: hpa_served(&world.kube).await?,
        ..Inventory::default()
    };
    if !inventory.hpa_served {
        // There is nothing to be tested; what else is asked would only run into that.
        return Ok(inventory);
    }
    read_namespaces(&world.kube, scenario, &mut inventory).await?;
    let missing: Vec<String> =
        changes::namespaces(scenario).into_iter().filter(|name| !inventory.namespaces.contains(name)).collect();
    let documents = charts::render(world, scenario, &mut inventory).await?;
    inventory.rights = rights::ask(&world.kube, table::own(scenario, &missing)).await?;
    let lacks = |inventory: &Inventory| inventory.rights.iter().any(|right| right.required && !right.allowed);
    if lacks(&inventory) {
        // The plan refuses and names them all; asking on would only run into the first one. What would be adopted is
        // not known, and not asked about.
        let certain = scenario.releases.iter().filter(|(_, release)| release.if_exists != IfExists::Adopt);
        let more = table::installing(scenario, &inventory, certain.map(|(name, _)| name));
        inventory.rights.extend(rights::ask(&world.kube, more).await?);
        return Ok(inventory);
    }
    inventory.claim = claim::read(&world.kube, scenario).await.map_err(cluster("the target's Lease"))?;
    inventory.hpas = hpas::read(&world.kube, scenario).await?;
    inventory.metrics_apis = metrics_apis::read(&world.kube).await?;
    nodes::read(&world.kube, &mut inventory).await;
    releases::read(world, scenario, &mut inventory).await?;
    let ours: Vec<_> = scenario.releases.keys().filter(|name| !super::is_adopted(scenario, &inventory, name)).collect();
    let mut more = table::installing(scenario, &inventory, ours.iter().copied());
    // One that is upgraded stands already; what would become of its objects is helm's to say.
    let new: Vec<_> = ours.into_iter().filter(|name| !inventory.releases.contains_key(*name)).collect();
    inventory.foresight = foresight::look(&world.kube, scenario, &inventory, &new).await;
    inventory.foresight.target = foresight::target(&world.kube, scenario).await?;
    if inventory.foresight.target.is_some() {
        more.extend(table::standing(scenario));
    }
    inventory.rights.extend(rights::ask(&world.kube, more).await?);
    if !lacks(&inventory) {
        inventory.foresight.refused = dry_run::refused(&world.kube, scenario, &inventory, &documents, &new).await;
    }
    Ok(inventory)
}

/// Whether autoscaling/v2 is served. A group that is not there at all is an answer, not an error.
async fn hpa_served(client: &kube::Client) -> Result<bool, SurveyError> {
    match client.list_api_group_resources("autoscaling/v2").await {
        Ok(list) => Ok(list.resources.iter().any(|resource| resource.name == "horizontalpodautoscalers")),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(e) => Err(cluster("autoscaling/v2")(e)),
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
    for name in changes::namespaces(scenario) {
        match api.get_opt(&name).await {
            Ok(Some(found)) => {
                if found.metadata.deletion_timestamp.is_some() {
                    inventory.leaving.push(name.clone());
                }
                inventory.namespaces.push(name);
            }
            Ok(None) => {}
            Err(kube::Error::Api(status)) if status.code == 403 => {}
            Err(e) => return Err(cluster("its namespaces")(e)),
        }
    }
    Ok(())
}
