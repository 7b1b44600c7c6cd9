//! Kinds of objects that the harness lists.

/// A kind and its API resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceKind {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural resource name, as in API paths.
    pub plural: &'static str,
}

impl ResourceKind {
    /// A kind of an API group and version.
    #[must_use]
    pub const fn new(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { group, version, kind, plural }
    }

    /// apiVersion.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// Kinds whose foreign objects keep a namespace from being deleted. Objects with a controlling owner are covered by
/// their owner.
pub const PROTECTED_KINDS: [ResourceKind; 9] = [
    ResourceKind::new("apps", "v1", "Deployment", "deployments"),
    ResourceKind::new("apps", "v1", "StatefulSet", "statefulsets"),
    ResourceKind::new("apps", "v1", "DaemonSet", "daemonsets"),
    ResourceKind::new("batch", "v1", "Job", "jobs"),
    ResourceKind::new("batch", "v1", "CronJob", "cronjobs"),
    ResourceKind::new("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ResourceKind::new("", "v1", "Pod", "pods"),
    ResourceKind::new("", "v1", "Service", "services"),
    ResourceKind::new("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
];
