//! Objects and roles that a chart renders, as far as the preflight checks them.

use serde::{Deserialize, Serialize};

use super::journal::ObjectRef;

/// One rendered object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RenderedObject {
    /// apiVersion, for example apps/v1.
    pub(crate) api_version: String,
    /// kind.
    pub(crate) kind: String,
    /// Plural resource name from API discovery; absent if the cluster does not serve the kind.
    pub(crate) plural: Option<String>,
    /// Namespace; absent for cluster-scoped objects.
    pub(crate) namespace: Option<String>,
    /// Name.
    pub(crate) name: String,
}

impl std::fmt::Display for RenderedObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let namespace = self.namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}/"));
        write!(f, "{} {namespace}{}", self.kind, self.name)
    }
}

impl RenderedObject {
    /// A reference to the object; `None` if the cluster does not serve its kind.
    #[must_use]
    pub(crate) fn object_ref(&self) -> Option<ObjectRef> {
        Some(ObjectRef {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            plural: self.plural.clone()?,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        })
    }

    /// API group, empty for the core group.
    #[must_use]
    pub(crate) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// One verb on one resource that a rendered role grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RoleGrant {
    /// The role, for messages.
    pub(crate) role: String,
    /// Namespace of a Role; absent for a ClusterRole.
    pub(crate) namespace: Option<String>,
    /// API group.
    pub(crate) group: String,
    /// Resource.
    pub(crate) resource: String,
    /// Verb.
    pub(crate) verb: String,
    /// Name of the only object; empty for any.
    pub(crate) resource_name: String,
}

/// A role that a chart binds but does not render.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BoundRole {
    /// Role or ClusterRole.
    pub(crate) kind: String,
    /// Name of the role.
    pub(crate) role: String,
    /// Namespace of a RoleBinding; absent for a ClusterRoleBinding.
    pub(crate) namespace: Option<String>,
}
