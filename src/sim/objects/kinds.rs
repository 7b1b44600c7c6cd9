//! The kinds that the parts of the simulator read and write.

use crate::model::resource_kind::ResourceKind;

pub(in crate::sim) const POD: ResourceKind = ResourceKind::new("", "v1", "Pod", "pods");
pub(in crate::sim) const NODE: ResourceKind = ResourceKind::new("", "v1", "Node", "nodes");
pub(in crate::sim) const NAMESPACE: ResourceKind = ResourceKind::new("", "v1", "Namespace", "namespaces");
pub(in crate::sim) const SERVICE: ResourceKind = ResourceKind::new("", "v1", "Service", "services");
pub(in crate::sim) const EVENT: ResourceKind = ResourceKind::new("", "v1", "Event", "events");
pub(in crate::sim) const PERSISTENT_VOLUME_CLAIM: ResourceKind =
    ResourceKind::new("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
pub(in crate::sim) const DEPLOYMENT: ResourceKind = ResourceKind::new("apps", "v1", "Deployment", "deployments");
pub(in crate::sim) const REPLICA_SET: ResourceKind = ResourceKind::new("apps", "v1", "ReplicaSet", "replicasets");
pub(in crate::sim) const STATEFUL_SET: ResourceKind = ResourceKind::new("apps", "v1", "StatefulSet", "statefulsets");
pub(in crate::sim) const ENDPOINT_SLICE: ResourceKind =
    ResourceKind::new("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
pub(in crate::sim) const LEASE: ResourceKind = ResourceKind::new("coordination.k8s.io", "v1", "Lease", "leases");
pub(in crate::sim) const HPA: ResourceKind =
    ResourceKind::new("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
pub(in crate::sim) const API_SERVICE: ResourceKind =
    ResourceKind::new("apiregistration.k8s.io", "v1", "APIService", "apiservices");
pub(in crate::sim) const STORAGE_CLASS: ResourceKind =
    ResourceKind::new("storage.k8s.io", "v1", "StorageClass", "storageclasses");
pub(in crate::sim) const RUNTIME_CLASS: ResourceKind =
    ResourceKind::new("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses");
pub(in crate::sim) const PRIORITY_CLASS: ResourceKind =
    ResourceKind::new("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses");

/// The namespaced kinds, in the order in which the namespace controller deletes them.
pub(in crate::sim) const NAMESPACED_KINDS: [ResourceKind; 26] = [
    DEPLOYMENT,
    STATEFUL_SET,
    ResourceKind::new("apps", "v1", "DaemonSet", "daemonsets"),
    REPLICA_SET,
    ResourceKind::new("apps", "v1", "ControllerRevision", "controllerrevisions"),
    ResourceKind::new("batch", "v1", "CronJob", "cronjobs"),
    ResourceKind::new("batch", "v1", "Job", "jobs"),
    HPA,
    POD,
    SERVICE,
    ENDPOINT_SLICE,
    PERSISTENT_VOLUME_CLAIM,
    ResourceKind::new("", "v1", "ConfigMap", "configmaps"),
    ResourceKind::new("", "v1", "Secret", "secrets"),
    ResourceKind::new("", "v1", "ServiceAccount", "serviceaccounts"),
    ResourceKind::new("", "v1", "ResourceQuota", "resourcequotas"),
    ResourceKind::new("", "v1", "LimitRange", "limitranges"),
    ResourceKind::new("networking.k8s.io", "v1", "Ingress", "ingresses"),
    ResourceKind::new("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    ResourceKind::new("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims"),
    ResourceKind::new("resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates"),
    ResourceKind::new("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    ResourceKind::new("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    ResourceKind::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    LEASE,
    EVENT,
];
