//! Permissions in the cluster, as a role grants them.

use serde::{Deserialize, Serialize};

/// One permission, and whether the user has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PermissionCheck {
    /// The stage that needs it.
    #[serde(default)]
    pub stage: PermissionStage,
    /// Verb, for example create.
    pub verb: String,
    /// API group, empty for the core group.
    #[serde(default)]
    pub group: String,
    /// Resource, with its subresource if any: `pods/proxy`.
    pub resource: String,
    /// Namespace; empty for all namespaces and for cluster-scoped resources.
    pub namespace: String,
    /// Name of the only object that it is needed for; empty for any.
    #[serde(default)]
    pub resource_name: String,
    /// Its purpose; completes the phrase "needed to".
    pub purpose: String,
    /// The run cannot pass without this permission.
    pub required: bool,
    /// Result of the access review.
    pub allowed: bool,
}

/// The stages that need permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionStage {
    /// Reading the cluster's state (all that `plan` needs) and the hops of the metric.
    #[default]
    Read,
    /// Installing and uninstalling the charts.
    Install,
    /// The run: HPA, Service, load and observation.
    Run,
}

impl PermissionCheck {
    /// Describes the resource for messages: `rbac.authorization.k8s.io/roles x in namespace y`.
    #[must_use]
    pub fn describe_object(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!("{}/", self.group) };
        let name = if self.resource_name.is_empty() { String::new() } else { format!(" {}", self.resource_name) };
        let namespace =
            if self.namespace.is_empty() { String::new() } else { format!(" in namespace {}", self.namespace) };
        format!("{group}{}{name}{namespace}", self.resource)
    }
}
