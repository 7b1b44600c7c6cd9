//! A right in the cluster, as a role grants it.

use serde::{Deserialize, Serialize};

/// One right, and whether we hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionCheck {
    /// The part of the work that needs it.
    #[serde(default)]
    pub stage: PermissionStage,
    /// Verb, for example create.
    pub verb: String,
    /// API group, empty for the core group.
    #[serde(default)]
    pub group: String,
    /// Resource, with its subresource where it has one: `pods/proxy`.
    pub resource: String,
    /// Namespace, empty for all of them and for what has none.
    pub namespace: String,
    /// Name of the only object that it is needed for, empty for any.
    #[serde(default)]
    pub resource_name: String,
    /// What it is needed for; reads after "needed to".
    pub purpose: String,
    /// The run cannot pass without it.
    pub required: bool,
    /// The API server allows it.
    pub allowed: bool,
}

/// The parts of the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionStage {
    /// Reading what is there: all that `plan` needs, and the hops of the metric.
    #[default]
    Read,
    /// Installing the charts, and removing them.
    Install,
    /// The run itself: HPA, Service, load, observation.
    Run,
}

impl PermissionCheck {
    /// Where and on what, for people: `rbac.authorization.k8s.io/roles x in namespace y`.
    #[must_use]
    pub fn describe_object(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!("{}/", self.group) };
        let name = if self.resource_name.is_empty() { String::new() } else { format!(" {}", self.resource_name) };
        let place = if self.namespace.is_empty() { String::new() } else { format!(" in namespace {}", self.namespace) };
        format!("{group}{}{name}{place}", self.resource)
    }
}
