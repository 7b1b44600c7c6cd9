//! The kinds that are served.

use crate::record::kind::Kind;

/// A kind, and whether its objects lie in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct KindFacts {
    pub(in crate::sim) kind: Kind,
    pub(in crate::sim) is_namespaced: bool,
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// What is touched by a run, by helm and by the controllers.
pub(in crate::sim) const KINDS: [KindFacts; 38] = [
    global("", "v1", "Namespace", "namespaces"),
    global("", "v1", "Node", "nodes"),
    global("", "v1", "PersistentVolume", "persistentvolumes"),
    within("", "v1", "ConfigMap", "configmaps"),
    within("", "v1", "Event", "events"),
    within("", "v1", "LimitRange", "limitranges"),
    within("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    within("", "v1", "Pod", "pods"),
    within("", "v1", "ResourceQuota", "resourcequotas"),
    within("", "v1", "Secret", "secrets"),
    within("", "v1", "Service", "services"),
    within("", "v1", "ServiceAccount", "serviceaccounts"),
    within("apps", "v1", "DaemonSet", "daemonsets"),
    within("apps", "v1", "Deployment", "deployments"),
    within("apps", "v1", "ReplicaSet", "replicasets"),
    within("apps", "v1", "StatefulSet", "statefulsets"),
    within("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    within("batch", "v1", "CronJob", "cronjobs"),
    within("batch", "v1", "Job", "jobs"),
    within("coordination.k8s.io", "v1", "Lease", "leases"),
    within("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    within("networking.k8s.io", "v1", "Ingress", "ingresses"),
    within("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    within("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    within("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims"),
    within("resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates"),
    global("resource.k8s.io", "v1", "DeviceClass", "deviceclasses"),
    global("resource.k8s.io", "v1", "ResourceSlice", "resourceslices"),
    within(RBAC, "v1", "Role", "roles"),
    within(RBAC, "v1", "RoleBinding", "rolebindings"),
    global(RBAC, "v1", "ClusterRole", "clusterroles"),
    global(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings"),
    global("apiregistration.k8s.io", "v1", "APIService", "apiservices"),
    global("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses"),
    global("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
    global("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
    global("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments"),
    global("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
];

const fn within(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> KindFacts {
    KindFacts { kind: Kind::of(group, version, kind, plural), is_namespaced: true }
}

const fn global(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> KindFacts {
    KindFacts { kind: Kind::of(group, version, kind, plural), is_namespaced: false }
}

/// The kind of an object.
pub(in crate::sim) fn by_kind(api_version: &str, kind: &str) -> Option<&'static KindFacts> {
    KINDS.iter().find(|facts| facts.kind.kind == kind && facts.kind.api_version() == api_version)
}

/// The kind of a path.
pub(super) fn by_plural(group: &str, version: &str, plural: &str) -> Option<&'static KindFacts> {
    KINDS.iter().find(|facts| (facts.kind.group, facts.kind.version, facts.kind.plural) == (group, version, plural))
}
