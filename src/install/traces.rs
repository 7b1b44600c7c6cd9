//! What a run left in the cluster, found by its label alone: for a clean-up whose journal is lost.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams};
use kube::core::DynamicObject;

use super::InstallError;
use super::apply::words;
use crate::record::journal::{Change, Entry, ObjectRef, RUN_LABEL, ReleaseRef, Step};
use crate::record::kind::Kind;
use crate::world::{World, all_of};

/// What a run makes, in the order in which it does; the releases come between the two groups.
const BEFORE: [Kind; 2] =
    [Kind::of("", "v1", "Namespace", "namespaces"), Kind::of("coordination.k8s.io", "v1", "Lease", "leases")];
const AFTER: [Kind; 2] = [
    Kind::of("", "v1", "Service", "services"),
    Kind::of("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
];

/// The journal that this run would have, as far as the cluster remembers it. A release that was upgraded carries no
/// label and is not among them.
///
/// # Errors
/// The API server does not let us look through all namespaces.
pub async fn traces(world: &World, run: &str) -> Result<Vec<Entry>, InstallError> {
    let mut found = Vec::new();
    for kind in BEFORE {
        found.extend(objects(world, kind, run).await?);
    }
    found.extend(releases(world, run).await?.into_iter().map(|release| (Change::HelmInstall(release.into()), None)));
    for kind in AFTER {
        found.extend(objects(world, kind, run).await?);
    }
    let entries = found.into_iter().zip(0..).flat_map(|((change, uid), number)| {
        let entry = |step| Entry { run: run.to_owned(), change: number, at_ms: 0, step };
        [entry(Step::Intended(change)), entry(Step::Done { uid })]
    });
    Ok(entries.collect())
}

/// Runs that left something in the cluster, by their ids.
///
/// # Errors
/// The API server does not let us look through all namespaces.
pub async fn runs(world: &World) -> Result<BTreeSet<String>, InstallError> {
    let mut all = BTreeSet::new();
    for kind in BEFORE.into_iter().chain(AFTER) {
        let list = listed(world, kind, RUN_LABEL).await?;
        all.extend(list.into_iter().filter_map(|object| object.metadata.labels?.remove(RUN_LABEL)));
    }
    let secrets: Api<Secret> = Api::all(world.kube.clone());
    let list = secrets.list_metadata(&ListParams::default().labels(&format!("owner=helm,{RUN_LABEL}"))).await;
    let list = list.map_err(|e| unreadable("Secret", &e))?;
    all.extend(list.items.into_iter().filter_map(|object| object.metadata.labels?.remove(RUN_LABEL)));
    Ok(all)
}

fn unreadable(kind: &str, error: &kube::Error) -> InstallError {
    InstallError::Object { verb: "list", object: format!("{kind}s of all namespaces"), why: words(error) }
}

async fn listed(world: &World, kind: Kind, selector: &str) -> Result<Vec<DynamicObject>, InstallError> {
    let list = all_of(&world.kube, &kind, None).list(&ListParams::default().labels(selector)).await;
    Ok(list.map_err(|e| unreadable(kind.kind, &e))?.items)
}

async fn objects(world: &World, kind: Kind, run: &str) -> Result<Vec<(Change, Option<String>)>, InstallError> {
    let list = listed(world, kind, &format!("{RUN_LABEL}={run}")).await?;
    let change = |object: DynamicObject| {
        let reference = ObjectRef {
            api_version: kind.api_version(),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
            namespace: object.metadata.namespace,
            name: object.metadata.name.unwrap_or_default(),
        };
        (Change::Create(reference), object.metadata.uid)
    };
    Ok(list.into_iter().map(change).collect())
}

/// helm's own records (its default storage: Secrets, one a revision).
async fn releases(world: &World, run: &str) -> Result<Vec<ReleaseRef>, InstallError> {
    let api: Api<Secret> = Api::all(world.kube.clone());
    let params = ListParams::default().labels(&format!("owner=helm,{RUN_LABEL}={run}"));
    let list = api.list_metadata(&params).await.map_err(|e| unreadable("Secret", &e))?;
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
