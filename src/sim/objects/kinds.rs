//! The kinds that the parts of the simulator read and write.

use k8s_openapi::api::{
    apps, autoscaling, batch, coordination, core, discovery, networking, node, policy, rbac, resource, scheduling,
    storage,
};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;

use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};

pub(in crate::sim) const POD: ResourceKind = ResourceKind::from_type::<core::v1::Pod>();
pub(in crate::sim) const NODE: ResourceKind = ResourceKind::from_type::<core::v1::Node>();
pub(in crate::sim) const NAMESPACE: ResourceKind = ResourceKind::from_type::<core::v1::Namespace>();
pub(in crate::sim) const SERVICE: ResourceKind = ResourceKind::from_type::<core::v1::Service>();
pub(in crate::sim) const EVENT: ResourceKind = ResourceKind::from_type::<core::v1::Event>();
pub(in crate::sim) const PERSISTENT_VOLUME_CLAIM: ResourceKind =
    ResourceKind::from_type::<core::v1::PersistentVolumeClaim>();
pub(in crate::sim) const DEPLOYMENT: ResourceKind = ResourceKind::from_type::<apps::v1::Deployment>();
pub(in crate::sim) const REPLICA_SET: ResourceKind = ResourceKind::from_type::<apps::v1::ReplicaSet>();
pub(in crate::sim) const STATEFUL_SET: ResourceKind = ResourceKind::from_type::<apps::v1::StatefulSet>();
pub(in crate::sim) const ENDPOINT_SLICE: ResourceKind = ResourceKind::from_type::<discovery::v1::EndpointSlice>();
pub(in crate::sim) const LEASE: ResourceKind = ResourceKind::from_type::<coordination::v1::Lease>();
pub(in crate::sim) const HPA: ResourceKind = ResourceKind::from_type::<autoscaling::v2::HorizontalPodAutoscaler>();
pub(in crate::sim) const API_SERVICE: ResourceKind = ResourceKind::from_type::<APIService>();
pub(in crate::sim) const STORAGE_CLASS: ResourceKind = ResourceKind::from_type::<storage::v1::StorageClass>();
pub(in crate::sim) const RUNTIME_CLASS: ResourceKind = ResourceKind::from_type::<node::v1::RuntimeClass>();
pub(in crate::sim) const PRIORITY_CLASS: ResourceKind = ResourceKind::from_type::<scheduling::v1::PriorityClass>();
pub(in crate::sim) const DEVICE_CLASS: ResourceKind = ResourceKind::from_type::<resource::v1::DeviceClass>();
pub(in crate::sim) const RESOURCE_SLICE: ResourceKind = ResourceKind::from_type::<resource::v1::ResourceSlice>();
pub(in crate::sim) const RESOURCE_CLAIM: ResourceKind = ResourceKind::from_type::<resource::v1::ResourceClaim>();
pub(in crate::sim) const RESOURCE_CLAIM_TEMPLATE: ResourceKind =
    ResourceKind::from_type::<resource::v1::ResourceClaimTemplate>();

/// The namespaced kinds, in the order in which the namespace controller deletes them.
pub(in crate::sim) const NAMESPACED_KINDS: [ResourceKind; 27] = [
    SCALED_OBJECT,
    DEPLOYMENT,
    STATEFUL_SET,
    ResourceKind::from_type::<apps::v1::DaemonSet>(),
    REPLICA_SET,
    ResourceKind::from_type::<apps::v1::ControllerRevision>(),
    ResourceKind::from_type::<batch::v1::CronJob>(),
    ResourceKind::from_type::<batch::v1::Job>(),
    HPA,
    POD,
    SERVICE,
    ENDPOINT_SLICE,
    PERSISTENT_VOLUME_CLAIM,
    ResourceKind::from_type::<core::v1::ConfigMap>(),
    ResourceKind::from_type::<core::v1::Secret>(),
    ResourceKind::from_type::<core::v1::ServiceAccount>(),
    ResourceKind::from_type::<core::v1::ResourceQuota>(),
    ResourceKind::from_type::<core::v1::LimitRange>(),
    ResourceKind::from_type::<networking::v1::Ingress>(),
    ResourceKind::from_type::<networking::v1::NetworkPolicy>(),
    RESOURCE_CLAIM,
    RESOURCE_CLAIM_TEMPLATE,
    ResourceKind::from_type::<rbac::v1::RoleBinding>(),
    ResourceKind::from_type::<rbac::v1::Role>(),
    ResourceKind::from_type::<policy::v1::PodDisruptionBudget>(),
    LEASE,
    EVENT,
];
