//! The journal: every change of the cluster and how to undo it, written before the change is made.

use serde::{Deserialize, Serialize};

use super::observation::UnknownKeys;
use super::resource_kind::ResourceKind;
use super::scenario::Scenario;

/// Label of every object that a run creates, helm's release Secrets included. Its value is the run id.
pub(crate) const RUN_LABEL: &str = "gpuhpa.dev/run";

/// Label of helm's record of a release that existed before the run and that the run upgraded. Not [`RUN_LABEL`]: a release
/// with that one is the run's own, and is uninstalled.
pub(crate) const UPGRADE_LABEL: &str = "gpuhpa.dev/upgraded-by-run";

/// Name of the Lease on a target: one per target.
#[must_use]
pub(crate) fn target_lease_name(kind: &str, name: &str) -> String {
    format!("gpuhpa-{}-{name}", kind.to_lowercase())
}

/// One line of journal.jsonl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "JournalLine")]
pub struct JournalEntry {
    /// Id of the run; the value of [`RUN_LABEL`] on the objects that it creates.
    pub(crate) run: String,
    /// Number of the change, from 0. All lines about one change have the same number.
    pub(crate) change: u32,
    /// Milliseconds of the run's clock.
    pub(crate) at_ms: u64,
    /// State of the change.
    #[serde(flatten)]
    pub(crate) state: ChangeState,
}

/// A line of journal.jsonl as it is read: with the keys that no entry has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JournalLine {
    run: String,
    change: u32,
    at_ms: u64,
    #[serde(flatten)]
    state: ChangeState,
    #[serde(flatten)]
    unknown: UnknownKeys,
}

impl TryFrom<JournalLine> for JournalEntry {
    type Error = String;

    fn try_from(line: JournalLine) -> Result<Self, String> {
        let JournalLine { run, change, at_ms, state, unknown } = line;
        unknown.refuse()?;
        Ok(Self { run, change, at_ms, state })
    }
}

/// The states of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum ChangeState {
    /// The change is about to be made.
    Intended(RunChange),
    /// The change was made.
    Done {
        /// Uid of the created object; absent for changes that create no single object.
        #[serde(default)]
        uid: Option<String>,
    },
    /// The change failed; it may be partly made.
    Failed {
        /// Error message.
        error: String,
    },
    /// The change was undone, and the harness confirmed it.
    Undone,
    /// The change could not be undone.
    UndoFailed {
        /// Error message.
        error: String,
    },
}

/// A change of the cluster, with everything that undoing it needs: a journal alone is enough to clean up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(crate) enum RunChange {
    /// The run creates an object. Undo: delete it, by uid once the uid is known.
    Create(ObjectRef),
    /// `helm install`. Undo: `helm uninstall`.
    HelmInstall(NewRelease),
    /// `helm upgrade`. Undo: `helm rollback` to the previous revision.
    HelmUpgrade {
        /// The release.
        release: ReleaseRef,
        /// Revision before the upgrade.
        previous_revision: i64,
    },
    /// A StatefulSet creates PersistentVolumeClaims. Undo: delete those that did not exist before the run.
    VolumeClaims(VolumeClaims),
    /// The HPA scales an existing target. Undo: restore spec.replicas.
    Scale {
        /// The target.
        object: ObjectRef,
        /// spec.replicas before the run.
        previous_replicas: i32,
    },
    /// The run uses an existing object unchanged. Nothing to undo; the object's digest must stay the same.
    Adopt {
        /// The object.
        object: ObjectRef,
        /// sha256 of identity, labels, annotations, spec and data.
        digest: String,
    },
}

/// The PersistentVolumeClaims of a StatefulSet in a namespace that existed before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VolumeClaims {
    /// Namespace.
    pub(crate) namespace: String,
    /// Name of the StatefulSet.
    pub(crate) stateful_set: String,
    /// Names of its volumeClaimTemplates.
    pub(crate) templates: Vec<String>,
    /// Names of the PersistentVolumeClaims that existed before the run.
    pub(crate) existing: Vec<String>,
}

impl std::fmt::Display for VolumeClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersistentVolumeClaims created for StatefulSet {}/{}", self.namespace, self.stateful_set)
    }
}

/// A reference to an object of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ObjectRef {
    /// apiVersion.
    pub(crate) api_version: String,
    /// Kind.
    pub(crate) kind: String,
    /// Plural resource name, as in API paths.
    pub(crate) plural: String,
    /// Namespace; absent for cluster-scoped objects.
    pub(crate) namespace: Option<String>,
    /// Name.
    pub(crate) name: String,
}

impl ObjectRef {
    /// The target of the scenario's HPA.
    #[must_use]
    pub(crate) fn scale_target(scenario: &Scenario) -> Self {
        let target = &scenario.hpa.spec.scale_target_ref;
        Self {
            api_version: "apps/v1".to_owned(),
            kind: target.kind.clone(),
            plural: format!("{}s", target.kind.to_lowercase()),
            namespace: Some(scenario.namespace.clone()),
            name: target.name.clone(),
        }
    }

    /// The object of a kind with this name in the scenario's namespace.
    #[must_use]
    pub(crate) fn in_scenario(scenario: &Scenario, kind: &ResourceKind, name: &str) -> Self {
        Self {
            api_version: kind.api_version(),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
            namespace: Some(scenario.namespace.clone()),
            name: name.to_owned(),
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

/// A reference to a helm release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRef {
    /// Release name.
    pub(crate) name: String,
    /// Namespace of the release.
    pub(crate) namespace: String,
}

/// A helm release that the run installs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewRelease {
    /// The release.
    #[serde(flatten)]
    pub(crate) release: ReleaseRef,
    /// Objects that the chart creates outside of the release's namespace. If that namespace is deleted first, helm's
    /// release Secret is lost, and `helm uninstall` cannot remove them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) outside_objects: Vec<ObjectRef>,
}

impl From<ReleaseRef> for NewRelease {
    /// A release of a chart that was not rendered.
    fn from(release: ReleaseRef) -> Self {
        Self { release, outside_objects: Vec::new() }
    }
}

impl std::fmt::Display for ReleaseRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "helm release {}/{}", self.namespace, self.name)
    }
}
