//! Plan → cluster. Each change is journalled before it is attempted, with the data that its undo needs; undo goes through the
//! journal in reverse order and waits until each object is gone. Existing objects are never changed.

mod adopt;
mod apply;
mod deletion_blockers;
mod dry_run;
mod endpoint;
mod foreign_objects;
mod journal;
mod journal_limits;
mod lease;
mod leftovers;
mod namespace_content;
mod orphans;
mod ownership;
mod pending_undo;
mod release_workloads;
mod releases;
mod target_scale;
mod undo;
mod volume_claims;

pub(crate) use adopt::adopt_hpa;
pub(crate) use dry_run::dry_run_undo;
pub(crate) use endpoint::create_endpoint;
pub use journal::{Journal, read_journal};
pub use lease::is_run_active;
pub(crate) use lease::{acquire_lease, renew_lease};
pub use leftovers::find_leftovers;
pub(crate) use leftovers::runs_with_leftovers;
pub(crate) use target_scale::record_target_scale;
pub(crate) use undo::undo;
pub(crate) use volume_claims::record_volume_claims;

use std::fmt::Display;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ObjectMeta;
use serde_json::json;

use crate::env::{BundleError, HelmError, RunEnv};
use crate::model::inventory::Inventory;
use crate::model::journal::{ObjectRef, RUN_LABEL};
use crate::model::plan::Plan;
use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};
use crate::model::scenario::Scenario;

/// Field manager of server-side apply.
pub(crate) const FIELD_MANAGER: &str = "gpuhpa";

/// A change to the cluster that failed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A request for an object failed.
    #[error("could not {verb} {object}: {message}")]
    Object {
        /// The verb, for example create, apply or read.
        verb: &'static str,
        /// The object.
        object: String,
        /// The API server's message.
        message: String,
    },
    /// An object that the run creates exists already, and does not belong to this run.
    #[error("could not create {object}: {message}")]
    AlreadyExists {
        /// The object.
        object: String,
        /// The API server's message.
        message: String,
    },
    /// helm failed.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// The target does not exist after the releases were installed.
    #[error("the scenario's target {0} does not exist; check hpa.spec.scaleTargetRef and the release that contains it")]
    TargetNotFound(String),
    /// Another run acquired the target's Lease first.
    #[error(
        "another run holds the {0} of the target. Wait until it ends; gpuhpa plan shows which run it is, and whether it still renews the Lease"
    )]
    LeaseHeld(String),
    /// The load has no address.
    #[error("no address for the load: {0}")]
    NoAddress(String),
    /// The journal could not be written; without it nothing is changed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl InstallError {
    fn object(verb: &'static str, object: &dyn Display, error: &kube::Error) -> Self {
        Self::object_message(verb, object, apply::error_message(error))
    }

    fn object_message(verb: &'static str, object: &dyn Display, message: String) -> Self {
        Self::Object { verb, object: object.to_string(), message }
    }
}

/// Creates the missing namespaces.
///
/// # Errors
/// The API server rejects one, or the journal cannot be written.
pub(crate) async fn create_namespaces(
    env: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    run: &str,
) -> Result<(), InstallError> {
    let mut names = scenario.namespaces();
    names.sort();
    for name in names.into_iter().filter(|name| !inventory.existing_namespaces.contains(name)) {
        let object = ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            plural: "namespaces".to_owned(),
            namespace: None,
            name: name.clone(),
        };
        let namespace = Namespace { metadata: run_metadata(&name, run), ..Namespace::default() };
        apply::write_object(env, journal, apply::WriteMethod::Create, object, &namespace).await?;
    }
    Ok(())
}

/// Installs the releases, or adopts them.
///
/// # Errors
/// helm fails, or the journal cannot be written.
pub(crate) async fn install_releases(
    env: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    run: &str,
    adopted: impl Fn(&str) -> bool,
) -> Result<(), InstallError> {
    for name in scenario.releases.keys() {
        if adopted(name) {
            adopt::adopt_release(env, journal, scenario, inventory, name).await?;
        } else {
            releases::install(env, journal, scenario, inventory, name, run).await?;
        }
    }
    Ok(())
}

/// Applies the HPA.
///
/// # Errors
/// The API server rejects it, or the journal cannot be written.
pub(crate) async fn apply_hpa(
    env: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    plan: &Plan,
) -> Result<(), InstallError> {
    let object = ObjectRef::in_scenario(scenario, &ResourceKind::from_type::<HorizontalPodAutoscaler>(), &plan.hpa);
    let hpa = HorizontalPodAutoscaler {
        metadata: run_metadata(&plan.hpa, &plan.run),
        spec: scenario.hpa.spec.clone(),
        ..HorizontalPodAutoscaler::default()
    };
    apply::write_object(env, journal, apply::WriteMethod::Apply, object, &hpa).await
}

/// Applies the scenario's ScaledObject, if it has one. KEDA then creates the HPA, and gives it the labels of the ScaledObject.
///
/// # Errors
/// The API server rejects it, or the journal cannot be written.
pub(crate) async fn apply_scaled_object(
    env: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    plan: &Plan,
) -> Result<(), InstallError> {
    let Some(scaled_object) = &scenario.scaled_object else { return Ok(()) };
    let name = &plan.service;
    let object = ObjectRef::in_scenario(scenario, &SCALED_OBJECT, name);
    let content = json!({"metadata": run_metadata(name, &plan.run), "spec": scaled_object.spec});
    apply::write_object(env, journal, apply::WriteMethod::Apply, object, &content).await
}

/// Name and labels of each object that a run creates.
fn run_metadata(name: &str, run: &str) -> ObjectMeta {
    let labels = [("app.kubernetes.io/managed-by", "gpuhpa"), (RUN_LABEL, run)];
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests;
