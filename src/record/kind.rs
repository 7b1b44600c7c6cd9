//! Kinds of objects that are asked for without being named one by one.

/// A kind as the API server serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural resource name, as in the URL.
    pub plural: &'static str,
}

impl Kind {
    /// A kind of this group and version.
    #[must_use]
    pub const fn of(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { group, version, kind, plural }
    }

    /// apiVersion.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// What somebody would miss in a namespace that is deleted. What a controller made goes with its owner.
pub const MISSED: [Kind; 9] = [
    Kind::of("apps", "v1", "Deployment", "deployments"),
    Kind::of("apps", "v1", "StatefulSet", "statefulsets"),
    Kind::of("apps", "v1", "DaemonSet", "daemonsets"),
    Kind::of("batch", "v1", "Job", "jobs"),
    Kind::of("batch", "v1", "CronJob", "cronjobs"),
    Kind::of("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    Kind::of("", "v1", "Pod", "pods"),
    Kind::of("", "v1", "Service", "services"),
    Kind::of("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
];
