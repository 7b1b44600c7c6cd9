//! Foreign objects in a namespace that the run created. Kubernetes deletes a namespace with all its content; another user may
//! have put something there meanwhile, of any kind. The run then keeps the namespace and names these objects. It keeps a
//! namespace whose content it does not know as well.

use std::time::Duration;

use jiff::Timestamp;
use kube::core::DynamicObject;

use super::InstallError;
use super::namespace_content::{ContentObject, NamespaceContent, read_content};
use super::ownership::{RunObjects, classify, is_created_with_namespace};
use super::releases::find_own_release;
use crate::env::{RunEnv, qualified_name};
use crate::model::journal::{ObjectRef, ReleaseRef};
use crate::units::HumanDuration;

/// How long to wait until Kubernetes has deleted what the run's objects owned, and lists no API group that went with them.
const SETTLE_TIMEOUT: HumanDuration = HumanDuration::from_secs(30);

/// Between two reads of the namespace meanwhile.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

/// Objects that a message names.
const MAX_NAMED: usize = 20;

/// A namespace of which every cluster has one, and which no run creates.
const DEFAULT_NAMESPACE: &str = "default";

/// Why a namespace stays.
#[derive(Debug, Default)]
struct NamespaceBlockers {
    foreign: Vec<String>,
    unknown: Vec<String>,
}

/// Checks that a namespace contains nothing but the run's objects and the cluster's own.
///
/// # Errors
/// The namespace contains a foreign object, or its content is not known.
pub(super) async fn ensure_none(
    env: &RunEnv,
    namespace: &ObjectRef,
    found: &DynamicObject,
    run: &RunObjects,
) -> Result<(), InstallError> {
    let until_ms = env.clock.now_ms() + SETTLE_TIMEOUT.ms();
    loop {
        let (blockers, is_settled) = find_blockers(env, namespace, found, run).await?;
        if is_settled || env.clock.now_ms() >= until_ms {
            let message = blockers.describe(&namespace.name);
            return message.map_or(Ok(()), |why| Err(InstallError::object_message("remove", namespace, why)));
        }
        tokio::time::sleep(SETTLE_INTERVAL).await;
    }
}

/// Why the namespace would stay if it were deleted now.
///
/// # Errors
/// The API server or helm fails.
pub(super) async fn describe_blockers(
    env: &RunEnv,
    namespace: &ObjectRef,
    found: &DynamicObject,
    run: &RunObjects,
) -> Result<Option<String>, InstallError> {
    Ok(find_blockers(env, namespace, found, run).await?.0.describe(&namespace.name))
}

/// Reads the namespace once. The second result is false if it may look different in a moment.
async fn find_blockers(
    env: &RunEnv,
    namespace: &ObjectRef,
    found: &DynamicObject,
    run: &RunObjects,
) -> Result<(NamespaceBlockers, bool), InstallError> {
    let created = found.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let content = read_content(&env.kube.retrying, &namespace.name).await;
    let ownership = classify(&content, run, created);
    let mut foreign = Vec::new();
    for object in &ownership.foreign {
        if !is_mirrored(env, object, created).await {
            foreign.push(describe(object));
        }
    }
    let mut replaced: Vec<(&ReleaseRef, bool)> = Vec::new();
    for (release, object) in &ownership.of_releases {
        let is_replaced = match replaced.iter().find(|(known, _)| known == release) {
            Some((_, is_replaced)) => *is_replaced,
            None => is_release_of_others(env, release, &run.run).await?,
        };
        replaced.push((release, is_replaced));
        if is_replaced {
            foreign.push(describe(object));
        }
    }
    let is_settled = !foreign.is_empty() || ownership.without_owner.is_empty() && content.undiscovered.is_empty();
    foreign.extend(ownership.without_owner.iter().map(|object| describe(object)));
    let NamespaceContent { undiscovered, unlisted, .. } = content;
    let unknown = undiscovered.into_iter().chain(unlisted).collect();
    Ok((NamespaceBlockers { foreign, unknown }, is_settled))
}

/// Whether a release of this name exists that the run did not install.
async fn is_release_of_others(env: &RunEnv, release: &ReleaseRef, run: &str) -> Result<bool, InstallError> {
    Ok(find_own_release(env, release, run).await?.is_none() && env.helm.status(release, None).await?.is_some())
}

/// Whether a controller of the cluster puts this object into every namespace: it came with its namespace, and the namespace
/// `default` has it too.
async fn is_mirrored(env: &RunEnv, object: &ContentObject, created: Option<Timestamp>) -> bool {
    if !is_created_with_namespace(object, created) {
        return false;
    }
    let api: kube::Api<DynamicObject> =
        kube::Api::namespaced_with(env.kube.retrying.clone(), DEFAULT_NAMESPACE, &object.kind);
    // Without the permission it is not known, and the object keeps the namespace.
    api.get_metadata_opt(object.name()).await.is_ok_and(|found| found.is_some())
}

/// Kind and name; the group of a kind that is not Kubernetes's own.
fn describe(object: &ContentObject) -> String {
    let is_custom = object.kind.group.contains('.') && !object.kind.group.ends_with(".k8s.io");
    let kind = if is_custom { qualified_name(&object.kind) } else { object.kind.kind.clone() };
    format!("{kind} {}", object.name())
}

impl NamespaceBlockers {
    fn describe(&self, namespace: &str) -> Option<String> {
        let yourself = format!("delete the namespace yourself: kubectl delete namespace {namespace}");
        let unknown = (!self.unknown.is_empty())
            .then(|| format!("its content is not known, as gpuhpa could not list {}", name_some(&self.unknown)));
        let foreign =
            (!self.foreign.is_empty()).then(|| format!("it contains foreign objects: {}", name_some(&self.foreign)));
        match (foreign, unknown) {
            (None, None) => None,
            (Some(foreign), unknown) => {
                let unknown = unknown.map_or(String::new(), |unknown| format!("; {unknown}"));
                Some(format!("{foreign}{unknown}. Move or delete them, then run clean again; or {yourself}"))
            }
            (None, Some(unknown)) => Some(format!(
                "{unknown}. Run clean again with an account that may list them, when the API server can; or look for \
                 objects of others there and {yourself}"
            )),
        }
    }
}

fn name_some(all: &[String]) -> String {
    let named = all.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = all.len().saturating_sub(MAX_NAMED);
    if more == 0 { named } else { format!("{named} and {more} more") }
}
