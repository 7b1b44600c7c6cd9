//! The journal: each change to the cluster, written before it is tried, with how to undo it.

use serde::{Deserialize, Serialize};

use super::scenario::Scenario;

/// Label on everything that a run makes, helm's records included; its value is the run's id.
pub const RUN_LABEL: &str = "gpuhpa.dev/run";

/// One line of journal.jsonl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalEntry {
    /// The run that makes the changes: what it makes carries this in its label.
    pub run: String,
    /// Number of the change, from 0; the lines of one change share it.
    pub change: u32,
    /// Milliseconds of the run's clock.
    pub at_ms: u64,
    /// What this line says about the change.
    #[serde(flatten)]
    pub state: ChangeState,
}

/// The life of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChangeState {
    /// About to be tried.
    Intended(RunChange),
    /// Done; for objects with the uid that the server gave.
    Done {
        /// Uid of the object that was made, where there is one.
        #[serde(default)]
        uid: Option<String>,
    },
    /// Tried, and failed; it may be half done.
    Failed {
        /// The error.
        error: String,
    },
    /// Undone, and seen to be gone.
    Undone,
    /// Could not be undone.
    UndoFailed {
        /// The error.
        error: String,
    },
}

/// A change to the cluster. Undoing it is written here too, so that a journal alone is enough to clean up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RunChange {
    /// An object is made; undone by deleting it (by uid, once known).
    Create(ObjectRef),
    /// `helm install`; undone by `helm uninstall`.
    HelmInstall(NewRelease),
    /// `helm upgrade`; undone by `helm rollback` to this revision.
    HelmUpgrade {
        /// The release.
        release: ReleaseRef,
        /// Revision before the upgrade.
        previous_revision: i64,
    },
    /// A StatefulSet will make volume claims; undone by deleting those that were not there before.
    VolumeClaims(VolumeClaims),
    /// A target that stands already is scaled; undone by setting its size back.
    Scale {
        /// The target.
        object: ObjectRef,
        /// spec.replicas before the run.
        previous_replicas: i32,
    },
    /// Something is used as it stands; nothing to undo, its digest must stay.
    Adopt {
        /// The object.
        object: ObjectRef,
        /// sha256 of identity, labels, annotations, spec and data.
        digest: String,
    },
}

/// The volume claims of a StatefulSet in a namespace that was there before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeClaims {
    /// Namespace.
    pub namespace: String,
    /// Name of the StatefulSet.
    pub stateful_set: String,
    /// Names of its volumeClaimTemplates.
    pub templates: Vec<String>,
    /// Names of the claims that were there before the run.
    pub existing: Vec<String>,
}

impl std::fmt::Display for VolumeClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the new volume claims of StatefulSet {}/{}", self.namespace, self.stateful_set)
    }
}

/// An object of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// apiVersion.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Plural resource name, as in the URL.
    pub plural: String,
    /// Namespace, for namespaced kinds.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl ObjectRef {
    /// The scenario's target.
    #[must_use]
    pub fn scale_target(scenario: &Scenario) -> Self {
        let target = &scenario.hpa.spec.scale_target_ref;
        Self {
            api_version: "apps/v1".to_owned(),
            kind: target.kind.clone(),
            plural: format!("{}s", target.kind.to_lowercase()),
            namespace: Some(scenario.namespace.clone()),
            name: target.name.clone(),
        }
    }
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A helm release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRef {
    /// Release name.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
}

/// A helm release that the run makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRelease {
    /// The release.
    #[serde(flatten)]
    pub release: ReleaseRef,
    /// What its chart makes outside of the release's namespace, where helm's own record lies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside_objects: Vec<ObjectRef>,
}

impl From<ReleaseRef> for NewRelease {
    /// One of whose chart nothing is known.
    fn from(release: ReleaseRef) -> Self {
        Self { release, outside_objects: Vec::new() }
    }
}

impl std::fmt::Display for ReleaseRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "helm release {}/{}", self.namespace, self.name)
    }
}
