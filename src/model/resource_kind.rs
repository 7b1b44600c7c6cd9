//! Kinds of objects that the harness lists.

use k8s_openapi::Resource;
use k8s_openapi::api::{apps, autoscaling, batch, core};

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

/// Kinds whose foreign objects keep a namespace from being deleted. Objects with a controlling owner are covered by
/// their owner.
pub(crate) const PROTECTED_KINDS: [ResourceKind; 9] = [
    ResourceKind::from_type::<apps::v1::Deployment>(),
    ResourceKind::from_type::<apps::v1::StatefulSet>(),
    ResourceKind::from_type::<apps::v1::DaemonSet>(),
    ResourceKind::from_type::<batch::v1::Job>(),
    ResourceKind::from_type::<batch::v1::CronJob>(),
    ResourceKind::from_type::<autoscaling::v2::HorizontalPodAutoscaler>(),
    ResourceKind::from_type::<core::v1::Pod>(),
    ResourceKind::from_type::<core::v1::Service>(),
    ResourceKind::from_type::<core::v1::PersistentVolumeClaim>(),
];
