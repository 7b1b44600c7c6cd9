//! Kinds of objects that the harness lists.

use k8s_openapi::Resource;

/// A kind and its API resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResourceKind {
    /// API group, empty for the core group.
    pub(crate) group: &'static str,
    /// Version.
    pub(crate) version: &'static str,
    /// Kind.
    pub(crate) kind: &'static str,
    /// Plural resource name, as in API paths.
    pub(crate) plural: &'static str,
}

/// A ScaledObject of KEDA.
pub(crate) const SCALED_OBJECT: ResourceKind =
    ResourceKind { group: "keda.sh", version: "v1alpha1", kind: "ScaledObject", plural: "scaledobjects" };

impl ResourceKind {
    /// The kind of a Rust type.
    #[must_use]
    pub(crate) const fn from_type<K: Resource>() -> Self {
        Self { group: K::GROUP, version: K::VERSION, kind: K::KIND, plural: K::URL_PATH_SEGMENT }
    }

    /// apiVersion.
    #[must_use]
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}
