//! The kinds that the API server serves.

use crate::model::resource_kind::ResourceKind;

/// A kind and its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct ServedKind {
    pub(in crate::sim) kind: ResourceKind,
    pub(in crate::sim) is_namespaced: bool,
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// The kinds that a run, helm and the controllers read or write.
pub(in crate::sim) const SERVED_KINDS: [ServedKind; 38] = [
    cluster_scoped("", "v1", "Namespace", "namespaces"),
    cluster_scoped("", "v1", "Node", "nodes"),
    cluster_scoped("", "v1", "PersistentVolume", "persistentvolumes"),
    namespaced("", "v1", "ConfigMap", "configmaps"),
    namespaced("", "v1", "Event", "events"),
    namespaced("", "v1", "LimitRange", "limitranges"),
    namespaced("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    namespaced("", "v1", "Pod", "pods"),
    namespaced("", "v1", "ResourceQuota", "resourcequotas"),
    namespaced("", "v1", "Secret", "secrets"),
    namespaced("", "v1", "Service", "services"),
    namespaced("", "v1", "ServiceAccount", "serviceaccounts"),
    namespaced("apps", "v1", "DaemonSet", "daemonsets"),
    namespaced("apps", "v1", "Deployment", "deployments"),
    namespaced("apps", "v1", "ReplicaSet", "replicasets"),
    namespaced("apps", "v1", "StatefulSet", "statefulsets"),
    namespaced("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    namespaced("batch", "v1", "CronJob", "cronjobs"),
    namespaced("batch", "v1", "Job", "jobs"),
    namespaced("coordination.k8s.io", "v1", "Lease", "leases"),
    namespaced("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    namespaced("networking.k8s.io", "v1", "Ingress", "ingresses"),
    namespaced("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    namespaced("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    namespaced("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims"),
    namespaced("resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates"),
    cluster_scoped("resource.k8s.io", "v1", "DeviceClass", "deviceclasses"),
    cluster_scoped("resource.k8s.io", "v1", "ResourceSlice", "resourceslices"),
    namespaced(RBAC, "v1", "Role", "roles"),
    namespaced(RBAC, "v1", "RoleBinding", "rolebindings"),
    cluster_scoped(RBAC, "v1", "ClusterRole", "clusterroles"),
    cluster_scoped(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings"),
    cluster_scoped("apiregistration.k8s.io", "v1", "APIService", "apiservices"),
    cluster_scoped("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses"),
    cluster_scoped("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
    cluster_scoped("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
    cluster_scoped("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments"),
    cluster_scoped("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
];

const fn namespaced(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> ServedKind {
    ServedKind { kind: ResourceKind::new(group, version, kind, plural), is_namespaced: true }
}

const fn cluster_scoped(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> ServedKind {
    ServedKind { kind: ResourceKind::new(group, version, kind, plural), is_namespaced: false }
}

pub(in crate::sim) fn find_by_kind(api_version: &str, kind: &str) -> Option<&'static ServedKind> {
    SERVED_KINDS.iter().find(|served| served.kind.kind == kind && served.kind.api_version() == api_version)
}

pub(super) fn find_by_plural(group: &str, version: &str, plural: &str) -> Option<&'static ServedKind> {
    SERVED_KINDS
        .iter()
        .find(|served| (served.kind.group, served.kind.version, served.kind.plural) == (group, version, plural))
}
