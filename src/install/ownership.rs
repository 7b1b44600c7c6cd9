//! Whose an object in a namespace of the run is: the run's, the cluster's own, another object's, or foreign.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::Resource as _;
use k8s_openapi::api::apps::v1::StatefulSet;

use super::namespace_content::{ContentObject, NamespaceContent};
use crate::model::journal::{
    ChangeState, JournalEntry, NewRelease, RUN_LABEL, ReleaseRef, RunChange, target_lease_name,
};

/// The controllers that put the same objects into every namespace do so when the namespace is created.
const CREATED_WITH_NAMESPACE: SignedDuration = SignedDuration::from_secs(10);

/// The objects that Kubernetes itself puts into every namespace: kind and name. The ServiceAccount controller creates the first
/// again, the root CA publisher the second.
const OBJECTS_OF_EVERY_NAMESPACE: [(&str, &str); 2] =
    [("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")];

/// Annotations of a Secret with a token: the uid of its ServiceAccount, which takes it along.
const TOKEN_ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";

/// What a journal says of a run's objects.
#[derive(Debug)]
pub(super) struct RunObjects {
    /// Id of the run.
    pub(super) run: String,
    uids: BTreeSet<String>,
    releases: Vec<ReleaseRef>,
    /// Names of the Leases on the run's targets.
    leases: BTreeSet<String>,
}

impl RunObjects {
    /// The objects of the run of a journal.
    pub(super) fn from_entries(run: &str, entries: &[JournalEntry]) -> Self {
        let mut all =
            Self { run: run.to_owned(), uids: BTreeSet::new(), releases: Vec::new(), leases: BTreeSet::new() };
        for entry in entries.iter().filter(|entry| entry.run == run) {
            match &entry.state {
                ChangeState::Done { uid: Some(uid) } => drop(all.uids.insert(uid.clone())),
                ChangeState::Intended(RunChange::HelmInstall(NewRelease { release, .. })) => {
                    all.releases.push(release.clone());
                }
                ChangeState::Intended(RunChange::Create(object)) if object.kind == "Lease" => {
                    all.leases.insert(object.name.clone());
                }
                _ => {}
            }
        }
        all
    }

    /// The run's release that created an object, by helm's annotations. Of a hook, which has none, by the label that charts
    /// give their objects.
    pub(super) fn release_of(&self, object: &ContentObject) -> Option<&ReleaseRef> {
        let name = object.annotation("meta.helm.sh/release-name");
        let namespace = object.annotation("meta.helm.sh/release-namespace");
        let instance = object.label("app.kubernetes.io/instance");
        let is_hook = object.annotation("helm.sh/hook").is_some();
        self.releases.iter().find(|release| match (name, namespace) {
            (Some(name), Some(namespace)) => (name, namespace) == (release.name.as_str(), release.namespace.as_str()),
            _ => (is_hook || claim_set(object).is_some()) && instance == Some(release.name.as_str()),
        })
    }

    /// Whether the object is the run's by its own label or uid, or a claim of the run's target.
    fn contains(&self, object: &ContentObject) -> bool {
        object.label(RUN_LABEL) == Some(self.run.as_str())
            || self.uids.contains(object.uid())
            || claim_set(object).is_some_and(|stem| self.is_target_claim(stem))
    }

    /// Whether this is the stem, `TEMPLATE-SET`, of a claim of the target. The Lease on a StatefulSet is named after it.
    fn is_target_claim(&self, stem: &str) -> bool {
        let prefix = target_lease_name(StatefulSet::KIND, "");
        let mut sets = self.leases.iter().filter_map(|lease| lease.strip_prefix(&prefix));
        sets.any(|set| stem.strip_suffix(set).is_some_and(|template| template.len() > 1 && template.ends_with('-')))
    }
}

/// The name without its ordinal, `TEMPLATE-SET`, of a PersistentVolumeClaim as a StatefulSet creates it. Such a claim has no
/// owner reference.
fn claim_set(object: &ContentObject) -> Option<&str> {
    let (stem, ordinal) = object.name().rsplit_once('-')?;
    (object.is_core("PersistentVolumeClaim") && ordinal.parse::<u32>().is_ok()).then_some(stem)
}

/// The objects of a namespace that need a look beyond it, or keep it.
#[derive(Debug, Default)]
pub(super) struct Ownership<'a> {
    /// Objects that a release of the run created, unless a release of another user has its name now.
    pub(super) of_releases: Vec<(&'a ReleaseRef, &'a ContentObject)>,
    /// Objects that nothing of the run accounts for.
    pub(super) foreign: Vec<&'a ContentObject>,
    /// Objects whose owners are not in the namespace: garbage that Kubernetes is about to delete, or objects of an owner
    /// outside.
    pub(super) without_owner: Vec<&'a ContentObject>,
}

/// Sorts the objects of a namespace that was created at this time.
pub(super) fn classify<'a>(
    content: &'a NamespaceContent,
    run: &'a RunObjects,
    created: Option<Timestamp>,
) -> Ownership<'a> {
    let by_uid: BTreeMap<&str, &ContentObject> = content.objects.iter().map(|object| (object.uid(), object)).collect();
    let mut ownership = Ownership::default();
    // Objects whose owners decide, with these owners.
    let mut owned: Vec<(&ContentObject, Vec<&str>)> = Vec::new();
    let mut decided: BTreeSet<&str> = BTreeSet::new();
    for object in &content.objects {
        if object.metadata.deletion_timestamp.is_some() || run.contains(object) {
            decided.insert(object.uid());
            continue;
        }
        if let Some(owners) = owners(object, content, &by_uid, created) {
            if owners.iter().any(|owner| run.uids.contains(*owner)) {
                decided.insert(object.uid());
            } else if owners.iter().any(|owner| by_uid.contains_key(owner)) {
                owned.push((object, owners));
            } else {
                decided.insert(object.uid());
                ownership.without_owner.push(object);
            }
            continue;
        }
        decided.insert(object.uid());
        if let Some(release) = run.release_of(object) {
            ownership.of_releases.push((release, object));
        } else if !is_of_every_namespace(object) {
            ownership.foreign.push(object);
        }
    }
    // Owners that own each other belong to nothing else.
    ownership.foreign.extend(owned_in_a_circle(owned, decided));
    ownership
}

fn owned_in_a_circle<'a>(
    mut owned: Vec<(&'a ContentObject, Vec<&'a str>)>,
    mut decided: BTreeSet<&'a str>,
) -> impl Iterator<Item = &'a ContentObject> {
    loop {
        let before = owned.len();
        owned.retain(|(object, owners)| {
            let is_decided = owners.iter().any(|owner| decided.contains(owner));
            if is_decided {
                decided.insert(object.uid());
            }
            !is_decided
        });
        if owned.len() == before {
            return owned.into_iter().map(|(object, _)| object);
        }
    }
}

/// The uids of the objects that take this one along when they are deleted; `None` if it has no owner.
fn owners<'a>(
    object: &'a ContentObject,
    content: &'a NamespaceContent,
    by_uid: &BTreeMap<&str, &ContentObject>,
    created: Option<Timestamp>,
) -> Option<Vec<&'a str>> {
    let references = object.metadata.owner_references.as_deref().unwrap_or_default();
    if !references.is_empty() {
        return Some(references.iter().map(|reference| reference.uid.as_str()).collect());
    }
    // The endpoints controller deletes the Endpoints of a Service that is gone; they have its name.
    if object.is_core("Endpoints") {
        let services = content.objects.iter().filter(|other| other.is_core("Service") && other.name() == object.name());
        return Some(services.map(ContentObject::uid).collect());
    }
    let account = object.annotation(TOKEN_ACCOUNT_UID).filter(|_| object.is_core("Secret"))?;
    // An account of every namespace gets its Secrets with the namespace; a later one is a user's.
    let is_of_cluster = by_uid
        .get(account)
        .is_some_and(|account| is_of_every_namespace(account) || is_created_with_namespace(account, created));
    (!is_of_cluster || is_created_with_namespace(object, created)).then(|| vec![account])
}

fn is_of_every_namespace(object: &ContentObject) -> bool {
    OBJECTS_OF_EVERY_NAMESPACE.iter().any(|(kind, name)| object.is_core(kind) && object.name() == *name)
}

/// Whether the object is as old as its namespace.
pub(super) fn is_created_with_namespace(object: &ContentObject, created: Option<Timestamp>) -> bool {
    let object = object.metadata.creation_timestamp.as_ref().map(|time| time.0);
    object.zip(created).is_some_and(|(object, namespace)| object.duration_since(namespace) <= CREATED_WITH_NAMESPACE)
}
