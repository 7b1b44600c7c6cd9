//! Plan → cluster. Every change is journalled before it is tried, with how to undo it; undoing goes backwards through
//! the journal and looks whether each thing is really gone. What was there before is never changed.

mod adopt;
mod apply;
mod deletion_blockers;
mod endpoint;
mod foreign_objects;
mod journal;
mod lease;
mod leftovers;
mod orphans;
mod releases;
mod target_scale;
mod undo;
mod volume_claims;

pub use endpoint::create_endpoint;
pub use journal::{Journal, read_journal};
pub use lease::{acquire_lease, is_run_active, renew_lease};
pub use leftovers::{find_leftovers, runs_with_leftovers};
pub use target_scale::record_target_scale;
pub use undo::{dry_run_undo, undo};
pub use volume_claims::record_volume_claims;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ObjectMeta;

use crate::env::{BundleError, HelmError, RunEnv};
use crate::model::inventory::Inventory;
use crate::model::journal::{ObjectRef, RUN_LABEL, RunChange};
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;

/// Field manager of server-side apply.
pub const FIELD_MANAGER: &str = "gpuhpa";

/// A change that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The API server refused an object.
    #[error("could not {verb} {object}: {why}")]
    Object {
        /// create, apply or read.
        verb: &'static str,
        /// The object.
        object: String,
        /// Its words.
        why: String,
    },
    /// An object that is to be made is there already, and not of this run.
    #[error("could not create {object}: {why}")]
    AlreadyExists {
        /// The object.
        object: String,
        /// The API server's words.
        why: String,
    },
    /// helm failed.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// The target is not there after the releases were installed.
    #[error("the scenario's target {0} does not exist; check hpa.spec.scaleTargetRef and the release that makes it")]
    TargetNotFound(String),
    /// Another run is at work on the same target, and was quicker.
    #[error(
        "another run has claimed the target just now: {0} is there. Wait until it ends; gpuhpa plan says which run it is, and whether it still renews its claim"
    )]
    LeaseHeld(String),
    /// There is no address for the load.
    #[error("no address for the load: {0}")]
    NoAddress(String),
    /// The journal could not be written: nothing is changed without it.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Makes the namespaces that are missing.
///
/// # Errors
/// The API server refuses one, or the journal cannot be written.
pub async fn create_namespaces(
    world: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    run: &str,
) -> Result<(), InstallError> {
    let mut names = vec![scenario.namespace.clone()];
    names.extend(scenario.releases.values().filter_map(|release| release.namespace.clone()));
    names.sort();
    names.dedup();
    for name in names.into_iter().filter(|name| !inventory.existing_namespaces.contains(name)) {
        let object = ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            plural: "namespaces".to_owned(),
            namespace: None,
            name: name.clone(),
        };
        let namespace = Namespace { metadata: run_metadata(&name, run), ..Namespace::default() };
        apply::write_object(world, journal, apply::WriteMethod::Create, object, &namespace).await?;
    }
    Ok(())
}

/// Installs the releases, or adopts them.
///
/// # Errors
/// helm fails, or the journal cannot be written.
pub async fn install_releases(
    world: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    run: &str,
    adopted: impl Fn(&str) -> bool,
) -> Result<(), InstallError> {
    for name in scenario.releases.keys() {
        if adopted(name) {
            adopt::adopt_release(world, journal, scenario, inventory, name).await?;
        } else {
            releases::install(world, journal, scenario, inventory, name, run).await?;
        }
    }
    Ok(())
}

/// Applies the HPA.
///
/// # Errors
/// The API server refuses it, or the journal cannot be written.
pub async fn apply_hpa(
    world: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    plan: &Plan,
) -> Result<(), InstallError> {
    let object = ObjectRef {
        api_version: "autoscaling/v2".to_owned(),
        kind: "HorizontalPodAutoscaler".to_owned(),
        plural: "horizontalpodautoscalers".to_owned(),
        namespace: Some(scenario.namespace.clone()),
        name: plan.hpa.clone(),
    };
    let hpa = HorizontalPodAutoscaler {
        metadata: run_metadata(&plan.hpa, &plan.run),
        spec: scenario.hpa.spec.clone(),
        ..HorizontalPodAutoscaler::default()
    };
    apply::write_object(world, journal, apply::WriteMethod::Apply, object, &hpa).await
}

/// Name and labels of everything that a run makes.
fn run_metadata(name: &str, run: &str) -> ObjectMeta {
    let labels = [("app.kubernetes.io/managed-by", "gpuhpa"), (RUN_LABEL, run)];
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
        ..ObjectMeta::default()
    }
}

/// The journal's word for a change that was only adopted.
fn adopt_change(object: ObjectRef, digest: String) -> RunChange {
    RunChange::Adopt { object, digest }
}

#[cfg(test)]
mod tests;
