//! Cluster → inventory. Changes nothing: it reads, and creates objects with dryRun=All.

mod adopted_hpa;
mod chart_values;
mod charts;
mod device_classes;
mod dry_run;
mod hpas;
mod images;
mod metrics_apis;
mod namespace_content;
mod nodes;
mod offline;
mod permissions;
mod preflight;
mod releases;
mod stores;

pub(crate) use adopted_hpa::read_adopted_hpa;
use k8s_openapi::Resource as _;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;

use super::adoption::is_adopted;
use super::{lease, permissions as table};
pub(crate) use offline::survey_offline;

use crate::env::{HelmError, RunEnv, read_cluster_uid};
use crate::error_chain::format_chain;
use crate::model::inventory::{Inventory, PreflightFindings};
use crate::model::scenario::{IfExists, Scenario};

/// A survey that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SurveyError {
    /// The API server does not respond, or rejects the request.
    #[error("could not read {resource} from the API server: {message}")]
    Cluster {
        /// The resource.
        resource: &'static str,
        /// The error of the request.
        message: String,
    },
    /// helm cannot read or render a chart.
    #[error("release {release}: {message}")]
    Chart {
        /// The release.
        release: String,
        /// helm's error.
        message: String,
    },
    /// helm fails.
    #[error(transparent)]
    Helm(#[from] HelmError),
}

fn cluster_error(resource: &'static str) -> impl Fn(kube::Error) -> SurveyError {
    move |e| SurveyError::Cluster { resource, message: format_chain(&e) }
}

/// Reads all that a plan depends on from the cluster and helm.
///
/// # Errors
/// The API server or helm fails. A part without read permission stays empty instead.
pub(crate) async fn survey(env: &RunEnv, scenario: &Scenario) -> Result<Inventory, SurveyError> {
    let version = env.kube.retrying.apiserver_version().await.map_err(cluster_error("the version"))?;
    let mut inventory = Inventory {
        kubernetes_version: version.git_version,
        hpa_served: is_hpa_served(&env.kube.retrying).await?,
        ..Inventory::before_survey(env.clock.wall_start())
    };
    if !inventory.hpa_served {
        // There is nothing to test.
        return Ok(inventory);
    }
    // Without the permission the bundle does not say which cluster it is of.
    inventory.cluster_uid = read_cluster_uid(&env.kube.retrying).await.ok().filter(|uid| !uid.is_empty());
    read_namespaces(&env.kube.retrying, scenario, &mut inventory).await?;
    let missing: Vec<String> =
        scenario.namespaces().into_iter().filter(|name| !inventory.existing_namespaces.contains(name)).collect();
    let documents = charts::render_charts(env, scenario, &mut inventory).await?;
    inventory.permissions =
        permissions::review_access(&env.kube.retrying, table::run_permissions(scenario, &missing)).await?;
    namespace_content::review(&env.kube.retrying, &missing, &mut inventory).await?;
    let is_denied = |inventory: &Inventory| inventory.permissions.iter().any(|one| one.required && !one.allowed);
    if is_denied(&inventory) {
        // The plan reports all missing permissions; further reads would fail with the first one. Which releases will be
        // adopted is unknown, so their permissions are not reviewed.
        let not_adopted = scenario.releases.iter().filter(|(_, release)| release.if_exists != IfExists::Adopt);
        let more = table::install_permissions(scenario, &inventory, not_adopted.map(|(name, _)| name));
        inventory.permissions.extend(permissions::review_access(&env.kube.retrying, more).await?);
        return Ok(inventory);
    }
    inventory.target_lease =
        lease::read(&env.kube.retrying, scenario).await.map_err(cluster_error("the target's Lease"))?;
    inventory.existing_hpas = hpas::read(&env.kube.retrying, scenario).await?;
    inventory.metrics_apis = metrics_apis::read(&env.kube.retrying).await?;
    nodes::read(&env.kube.retrying, &mut inventory).await;
    device_classes::read(&env.kube.retrying, &mut inventory).await;
    releases::read(env, scenario, &mut inventory).await?;
    let managed: Vec<_> = scenario.releases.keys().filter(|name| !is_adopted(scenario, &inventory, name)).collect();
    let mut more = table::install_permissions(scenario, &inventory, managed.iter().copied());
    more.extend(table::claim_permissions(&inventory));
    // The objects of an upgraded release exist already; only helm knows how it changes them.
    let new: Vec<_> = managed.into_iter().filter(|name| !inventory.existing_releases.contains_key(*name)).collect();
    let undiscovered_kinds = std::mem::take(&mut inventory.preflight.undiscovered_kinds);
    let findings = preflight::read(&env.kube.retrying, scenario, &inventory, &new).await;
    inventory.preflight = PreflightFindings { undiscovered_kinds, ..findings };
    inventory.preflight.target = preflight::read_target(&env.kube.retrying, scenario).await?;
    if inventory.preflight.target.is_some() {
        more.extend(table::scale_permissions(scenario));
    }
    inventory.permissions.extend(permissions::review_access(&env.kube.retrying, more).await?);
    if !is_denied(&inventory) {
        let dry_runs = dry_run::create_objects(&env.kube.retrying, scenario, &inventory, &documents, &new).await;
        inventory.preflight.rejected_objects = dry_runs.rejected;
        inventory.preflight.hpa_differences = dry_runs.hpa_differences;
    }
    Ok(inventory)
}

/// Whether autoscaling/v2 is served. A group that is not served (404) is no error.
async fn is_hpa_served(client: &kube::Client) -> Result<bool, SurveyError> {
    match client.list_api_group_resources(HorizontalPodAutoscaler::API_VERSION).await {
        Ok(list) => {
            Ok(list.resources.iter().any(|resource| resource.name == HorizontalPodAutoscaler::URL_PATH_SEGMENT))
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(e) => Err(cluster_error("autoscaling/v2")(e)),
    }
}

/// Reads the scenario's namespaces. A namespace without read permission counts as missing; then the permission to create it is
/// reviewed.
async fn read_namespaces(
    client: &kube::Client,
    scenario: &Scenario,
    inventory: &mut Inventory,
) -> Result<(), SurveyError> {
    let api: Api<Namespace> = Api::all(client.clone());
    for name in scenario.namespaces() {
        match api.get_opt(&name).await {
            Ok(Some(found)) => {
                if found.metadata.deletion_timestamp.is_some() {
                    inventory.terminating_namespaces.push(name.clone());
                }
                inventory.existing_namespaces.push(name);
            }
            Ok(None) => {}
            Err(kube::Error::Api(status)) if status.code == 403 => {}
            Err(e) => return Err(cluster_error("namespaces")(e)),
        }
    }
    Ok(())
}
