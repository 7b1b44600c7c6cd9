//! The kinds that the API server serves.

use k8s_openapi::api::{
    apps, authorization, autoscaling, batch, coordination, core, discovery, networking, node, policy, rbac, resource,
    scheduling, storage,
};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope, Resource};

use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};

/// A kind and its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct ServedKind {
    pub(in crate::sim) kind: ResourceKind,
    pub(in crate::sim) is_namespaced: bool,
}

/// The kinds that a run, helm and the controllers read or write.
pub(in crate::sim) const SERVED_KINDS: [ServedKind; 39] = [
    cluster_scoped::<core::v1::Namespace>(),
    cluster_scoped::<core::v1::Node>(),
    cluster_scoped::<core::v1::PersistentVolume>(),
    namespaced::<core::v1::ConfigMap>(),
    namespaced::<core::v1::Event>(),
    namespaced::<core::v1::LimitRange>(),
    namespaced::<core::v1::PersistentVolumeClaim>(),
    namespaced::<core::v1::Pod>(),
    namespaced::<core::v1::ResourceQuota>(),
    namespaced::<core::v1::Secret>(),
    namespaced::<core::v1::Service>(),
    namespaced::<core::v1::ServiceAccount>(),
    namespaced::<apps::v1::DaemonSet>(),
    namespaced::<apps::v1::Deployment>(),
    namespaced::<apps::v1::ReplicaSet>(),
    namespaced::<apps::v1::StatefulSet>(),
    namespaced::<autoscaling::v2::HorizontalPodAutoscaler>(),
    namespaced::<batch::v1::CronJob>(),
    namespaced::<batch::v1::Job>(),
    namespaced::<coordination::v1::Lease>(),
    namespaced::<discovery::v1::EndpointSlice>(),
    namespaced::<networking::v1::Ingress>(),
    namespaced::<networking::v1::NetworkPolicy>(),
    namespaced::<policy::v1::PodDisruptionBudget>(),
    namespaced::<resource::v1::ResourceClaim>(),
    namespaced::<resource::v1::ResourceClaimTemplate>(),
    cluster_scoped::<resource::v1::DeviceClass>(),
    cluster_scoped::<resource::v1::ResourceSlice>(),
    namespaced::<rbac::v1::Role>(),
    namespaced::<rbac::v1::RoleBinding>(),
    cluster_scoped::<rbac::v1::ClusterRole>(),
    cluster_scoped::<rbac::v1::ClusterRoleBinding>(),
    cluster_scoped::<APIService>(),
    cluster_scoped::<node::v1::RuntimeClass>(),
    cluster_scoped::<scheduling::v1::PriorityClass>(),
    cluster_scoped::<storage::v1::StorageClass>(),
    cluster_scoped::<storage::v1::VolumeAttachment>(),
    cluster_scoped::<authorization::v1::SelfSubjectAccessReview>(),
    // Of a CustomResourceDefinition, where KEDA is installed.
    ServedKind { kind: SCALED_OBJECT, is_namespaced: true },
];

const fn namespaced<K: Resource<Scope = NamespaceResourceScope>>() -> ServedKind {
    ServedKind { kind: ResourceKind::from_type::<K>(), is_namespaced: true }
}

const fn cluster_scoped<K: Resource<Scope = ClusterResourceScope>>() -> ServedKind {
    ServedKind { kind: ResourceKind::from_type::<K>(), is_namespaced: false }
}

pub(in crate::sim) fn find_by_kind(api_version: &str, kind: &str) -> Option<&'static ServedKind> {
    SERVED_KINDS.iter().find(|served| served.kind.kind == kind && served.kind.api_version() == api_version)
}

pub(super) fn find_by_plural(group: &str, version: &str, plural: &str) -> Option<&'static ServedKind> {
    SERVED_KINDS
        .iter()
        .find(|served| (served.kind.group, served.kind.version, served.kind.plural) == (group, version, plural))
}
