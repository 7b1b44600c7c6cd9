//! Leftovers of a run, found by its label: for a clean-up without a journal.

use std::collections::BTreeSet;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use kube::api::{Api, ListParams};
use kube::core::DynamicObject;

use super::InstallError;
use crate::env::{RunEnv, api_for_kind};
use crate::model::journal::{ChangeState, JournalEntry, ObjectRef, RUN_LABEL, ReleaseRef, RunChange};
use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};

/// Kinds of the objects that a run creates, in their order; it installs the releases between the two groups.
const KINDS_BEFORE_RELEASES: [ResourceKind; 2] =
    [ResourceKind::from_type::<Namespace>(), ResourceKind::from_type::<Lease>()];
const KINDS_AFTER_RELEASES: [ResourceKind; 2] =
    [ResourceKind::from_type::<Service>(), ResourceKind::from_type::<HorizontalPodAutoscaler>()];

/// Reconstructs the journal of a run from the objects with its label. An upgraded release has no such label and is not found.
///
/// # Errors
/// We may not list objects of all namespaces.
pub async fn find_leftovers(env: &RunEnv, run: &str) -> Result<Vec<JournalEntry>, InstallError> {
    let mut found = Vec::new();
    for kind in KINDS_BEFORE_RELEASES {
        found.extend(find_objects(env, kind, run).await?);
    }
    found.extend(
        find_releases(env, run).await?.into_iter().map(|release| (RunChange::HelmInstall(release.into()), None)),
    );
    for kind in KINDS_AFTER_RELEASES {
        found.extend(find_objects(env, kind, run).await?);
    }
    // Last, and so removed first: KEDA creates the HPA of a ScaledObject again.
    if is_keda_served(env).await? {
        found.extend(find_objects(env, SCALED_OBJECT, run).await?);
    }
    let entries = found.into_iter().zip(0..).flat_map(|((change, uid), number)| {
        let entry = |state| JournalEntry { run: run.to_owned(), change: number, at_ms: 0, state };
        [entry(ChangeState::Intended(change)), entry(ChangeState::Done { uid })]
    });
    Ok(entries.collect())
}

/// Ids of the runs with leftovers in the cluster.
///
/// # Errors
/// We may not list objects of all namespaces.
pub(crate) async fn runs_with_leftovers(env: &RunEnv) -> Result<BTreeSet<String>, InstallError> {
    let mut all = BTreeSet::new();
    let keda = is_keda_served(env).await?.then_some(SCALED_OBJECT);
    for kind in KINDS_BEFORE_RELEASES.into_iter().chain(KINDS_AFTER_RELEASES).chain(keda) {
        let list = list_labelled(env, kind, RUN_LABEL).await?;
        all.extend(list.into_iter().filter_map(|object| object.metadata.labels?.remove(RUN_LABEL)));
    }
    let secrets: Api<Secret> = Api::all(env.kube.retrying.clone());
    let list = secrets.list_metadata(&ListParams::default().labels(&format!("owner=helm,{RUN_LABEL}"))).await;
    let list = list.map_err(|e| list_error("Secret", &e))?;
    all.extend(list.items.into_iter().filter_map(|object| object.metadata.labels?.remove(RUN_LABEL)));
    Ok(all)
}

/// Whether the API server serves ScaledObjects.
async fn is_keda_served(env: &RunEnv) -> Result<bool, InstallError> {
    match env.kube.retrying.list_api_group_resources(&SCALED_OBJECT.api_version()).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(e) => Err(InstallError::object("read", &"the API group keda.sh", &e)),
    }
}

fn list_error(kind: &str, error: &kube::Error) -> InstallError {
    InstallError::object("list", &format!("{kind}s of all namespaces"), error)
}

async fn list_labelled(env: &RunEnv, kind: ResourceKind, selector: &str) -> Result<Vec<DynamicObject>, InstallError> {
    let list = api_for_kind(&env.kube.retrying, &kind, None).list(&ListParams::default().labels(selector)).await;
    Ok(list.map_err(|e| list_error(kind.kind, &e))?.items)
}

async fn find_objects(
    env: &RunEnv,
    kind: ResourceKind,
    run: &str,
) -> Result<Vec<(RunChange, Option<String>)>, InstallError> {
    let list = list_labelled(env, kind, &format!("{RUN_LABEL}={run}")).await?;
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

/// Releases of the run, from helm's own records (its default storage: Secrets, one per revision).
async fn find_releases(env: &RunEnv, run: &str) -> Result<Vec<ReleaseRef>, InstallError> {
    let api: Api<Secret> = Api::all(env.kube.retrying.clone());
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
