//! What a run left in the cluster, found by its label alone: for a clean-up whose journal is lost.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams};
use kube::core::DynamicObject;

use super::InstallError;
use super::apply::error_message;
use crate::env::{RunEnv, api_for_kind};
use crate::model::journal::{ChangeState, JournalEntry, ObjectRef, RUN_LABEL, ReleaseRef, RunChange};
use crate::model::resource_kind::ResourceKind;

/// What a run makes, in the order in which it does; the releases come between the two groups.
const KINDS_BEFORE_RELEASES: [ResourceKind; 2] = [
    ResourceKind::new("", "v1", "Namespace", "namespaces"),
    ResourceKind::new("coordination.k8s.io", "v1", "Lease", "leases"),
];
const KINDS_AFTER_RELEASES: [ResourceKind; 2] = [
    ResourceKind::new("", "v1", "Service", "services"),
    ResourceKind::new("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
];

/// The journal that this run would have, as far as the cluster remembers it. A release that was upgraded carries no
/// label and is not among them.
///
/// # Errors
/// The API server does not let us look through all namespaces.
pub async fn find_leftovers(world: &RunEnv, run: &str) -> Result<Vec<JournalEntry>, InstallError> {
    let mut found = Vec::new();
    for kind in KINDS_BEFORE_RELEASES {
        found.extend(find_objects(world, kind, run).await?);
    }
    found.extend(
        find_releases(world, run).await?.into_iter().map(|release| (RunChange::HelmInstall(release.into()), None)),
    );
    for kind in KINDS_AFTER_RELEASES {
        found.extend(find_objects(world, kind, run).await?);
    }
    let entries = found.into_iter().zip(0..).flat_map(|((change, uid), number)| {
        let entry = |step| JournalEntry { run: run.to_owned(), change: number, at_ms: 0, state: step };
        [entry(ChangeState::Intended(change)), entry(ChangeState::Done { uid })]
    });
    Ok(entries.collect())
}

/// Runs that left something in the cluster, by their ids.
///
/// # Errors
/// The API server does not let us look through all namespaces.
pub async fn runs_with_leftovers(world: &RunEnv) -> Result<BTreeSet<String>, InstallError> {
    let mut all = BTreeSet::new();
    for kind in KINDS_BEFORE_RELEASES.into_iter().chain(KINDS_AFTER_RELEASES) {
        let list = list_labelled(world, kind, RUN_LABEL).await?;
        all.extend(list.into_iter().filter_map(|object| object.metadata.labels?.remove(RUN_LABEL)));
    }
    let secrets: Api<Secret> = Api::all(world.kube.clone());
    let list = secrets.list_metadata(&ListParams::default().labels(&format!("owner=helm,{RUN_LABEL}"))).await;
    let list = list.map_err(|e| list_error("Secret", &e))?;
    all.extend(list.items.into_iter().filter_map(|object| object.metadata.labels?.remove(RUN_LABEL)));
    Ok(all)
}

fn list_error(kind: &str, error: &kube::Error) -> InstallError {
    InstallError::Object { verb: "list", object: format!("{kind}s of all namespaces"), why: error_message(error) }
}

async fn list_labelled(world: &RunEnv, kind: ResourceKind, selector: &str) -> Result<Vec<DynamicObject>, InstallError> {
    let list = api_for_kind(&world.kube, &kind, None).list(&ListParams::default().labels(selector)).await;
    Ok(list.map_err(|e| list_error(kind.kind, &e))?.items)
}

async fn find_objects(
    world: &RunEnv,
    kind: ResourceKind,
    run: &str,
) -> Result<Vec<(RunChange, Option<String>)>, InstallError> {
    let list = list_labelled(world, kind, &format!("{RUN_LABEL}={run}")).await?;
    let change = |object: DynamicObject| {
        let reference = ObjectRef {
            api_version: kind.api_version(),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
            namespace: object.metadata.namespace,
            name: object.metadata.name.unwrap_or_default(),
        };
        (RunChange::Create(reference), object.metadata.uid)
    };
    Ok(list.into_iter().map(change).collect())
}

/// helm's own records (its default storage: Secrets, one a revision).
async fn find_releases(world: &RunEnv, run: &str) -> Result<Vec<ReleaseRef>, InstallError> {
    let api: Api<Secret> = Api::all(world.kube.clone());
    let params = ListParams::default().labels(&format!("owner=helm,{RUN_LABEL}={run}"));
    let list = api.list_metadata(&params).await.map_err(|e| list_error("Secret", &e))?;
    let mut all = Vec::new();
    for object in list.items {
        let Some(name) = object.metadata.labels.and_then(|mut labels| labels.remove("name")) else { continue };
        let release = ReleaseRef { name, namespace: object.metadata.namespace.unwrap_or_default() };
        if !all.contains(&release) {
            all.push(release);
        }
    }
    Ok(all)
}
