//! The kinds that the controllers read and write.

use crate::record::kind::Kind;

pub(super) const POD: Kind = Kind::of("", "v1", "Pod", "pods");
pub(super) const NODE: Kind = Kind::of("", "v1", "Node", "nodes");
pub(super) const NAMESPACE: Kind = Kind::of("", "v1", "Namespace", "namespaces");
pub(super) const SERVICE: Kind = Kind::of("", "v1", "Service", "services");
pub(super) const EVENT: Kind = Kind::of("", "v1", "Event", "events");
pub(super) const CLAIM: Kind = Kind::of("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
pub(super) const DEPLOYMENT: Kind = Kind::of("apps", "v1", "Deployment", "deployments");
pub(super) const REPLICA_SET: Kind = Kind::of("apps", "v1", "ReplicaSet", "replicasets");
pub(super) const STATEFUL_SET: Kind = Kind::of("apps", "v1", "StatefulSet", "statefulsets");
pub(super) const SLICE: Kind = Kind::of("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
pub(super) const LEASE: Kind = Kind::of("coordination.k8s.io", "v1", "Lease", "leases");
pub(super) const HPA: Kind = Kind::of("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
pub(super) const API_SERVICE: Kind = Kind::of("apiregistration.k8s.io", "v1", "APIService", "apiservices");
pub(super) const STORAGE_CLASS: Kind = Kind::of("storage.k8s.io", "v1", "StorageClass", "storageclasses");
pub(super) const RUNTIME_CLASS: Kind = Kind::of("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses");
pub(super) const PRIORITY_CLASS: Kind = Kind::of("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses");

/// What can lie in a namespace, in the order in which it is deleted with it.
pub(super) const NAMESPACED: [Kind; 26] = [
    DEPLOYMENT,
    STATEFUL_SET,
    Kind::of("apps", "v1", "DaemonSet", "daemonsets"),
    REPLICA_SET,
    Kind::of("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Kind::of("batch", "v1", "CronJob", "cronjobs"),
    Kind::of("batch", "v1", "Job", "jobs"),
    HPA,
    POD,
    SERVICE,
    SLICE,
    CLAIM,
    Kind::of("", "v1", "ConfigMap", "configmaps"),
    Kind::of("", "v1", "Secret", "secrets"),
    Kind::of("", "v1", "ServiceAccount", "serviceaccounts"),
    Kind::of("", "v1", "ResourceQuota", "resourcequotas"),
    Kind::of("", "v1", "LimitRange", "limitranges"),
    Kind::of("networking.k8s.io", "v1", "Ingress", "ingresses"),
    Kind::of("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    Kind::of("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims"),
    Kind::of("resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates"),
    Kind::of("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    Kind::of("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    Kind::of("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    LEASE,
    EVENT,
];
