//! What is kept of each object of the cluster: what the checks read, and no more. Diagnostics hold the objects as they
//! stood.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::units::Milli;

/// The HPA as the API server showed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaSnapshot {
    /// Object name.
    pub name: String,
    /// Object uid.
    pub uid: String,
    /// creationTimestamp.
    pub created: Option<Timestamp>,
    /// metadata.generation (1.37 and later).
    pub generation: Option<i64>,
    /// status.observedGeneration.
    pub observed_generation: Option<i64>,
    /// sha256 of the spec as the server defaulted it: shows that nobody edited it during the run.
    pub spec_digest: String,
    /// spec.minReplicas, 1 when absent.
    pub min_replicas: i32,
    /// spec.maxReplicas.
    pub max_replicas: i32,
    /// status.currentReplicas.
    pub current_replicas: Option<i32>,
    /// status.desiredReplicas.
    pub desired_replicas: i32,
    /// status.lastScaleTime.
    pub last_scale_time: Option<Timestamp>,
    /// status.conditions in their order.
    pub conditions: Vec<ObjectCondition>,
    /// status.currentMetrics in their order.
    pub current_metrics: Vec<HpaMetricStatus>,
}

/// A condition of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectCondition {
    /// Type, for example ScalingActive.
    #[serde(rename = "type")]
    pub kind: String,
    /// True, False or Unknown.
    pub status: String,
    /// Reason.
    pub reason: String,
    /// Message.
    pub message: String,
    /// lastTransitionTime.
    pub last_transition_time: Option<Timestamp>,
}

/// One entry of status.currentMetrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaMetricStatus {
    /// Pods, Object, External; empty for a failed metric.
    #[serde(rename = "type")]
    pub kind: String,
    /// Metric name.
    pub name: String,
    /// current.value.
    pub value: Option<Milli>,
    /// current.averageValue.
    pub average_value: Option<Milli>,
}

/// The target workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSnapshot {
    /// Deployment or StatefulSet.
    pub kind: String,
    /// Object name.
    pub name: String,
    /// Object uid.
    pub uid: String,
    /// metadata.generation.
    pub generation: Option<i64>,
    /// status.observedGeneration.
    pub observed_generation: Option<i64>,
    /// spec.replicas.
    pub spec_replicas: i32,
    /// status.replicas: pods made.
    pub replicas: i32,
    /// status.readyReplicas.
    pub ready_replicas: i32,
    /// spec.selector.matchLabels.
    pub selector: BTreeMap<String, String>,
    /// sha256 of the pod template: shows that it stayed the same during the run.
    pub template_digest: String,
    /// terminationGracePeriodSeconds of the template.
    pub termination_grace_period_seconds: i64,
    /// Field managers that own spec.replicas, in the order of managedFields.
    pub replicas_managers: Vec<ReplicasManager>,
}

/// A managedFields entry that owns spec.replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicasManager {
    /// Manager name.
    pub manager: String,
    /// Apply or Update.
    pub operation: String,
    /// Subresource, empty for the object itself.
    pub subresource: String,
    /// When it last wrote. Writes through the scale subresource, the HPA's, show none (seen with 1.37.2).
    pub time: Option<Timestamp>,
}

impl ReplicasManager {
    /// The field managers that own spec.replicas. An HPA's write shows as subresource `scale`, without a time.
    #[must_use]
    pub fn from_metadata(meta: &ObjectMeta) -> Vec<Self> {
        let owning = meta.managed_fields.iter().flatten().filter(|entry| {
            entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
        });
        owning
            .map(|entry| Self {
                manager: entry.manager.clone().unwrap_or_default(),
                operation: entry.operation.clone().unwrap_or_default(),
                subresource: entry.subresource.clone().unwrap_or_default(),
                time: entry.time.as_ref().map(|time| time.0),
            })
            .collect()
    }
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSnapshot {
    /// Pod name.
    pub name: String,
    /// Pod uid.
    pub uid: String,
    /// creationTimestamp.
    pub created: Option<Timestamp>,
    /// status.phase.
    pub phase: String,
    /// Ready condition is True.
    pub ready: bool,
    /// lastTransitionTime of the Ready condition.
    pub ready_since: Option<Timestamp>,
    /// A deletionTimestamp is set.
    pub deleting: bool,
    /// spec.nodeName.
    pub node: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Controlling owner, `Kind/name`.
    pub owner: Option<String>,
    /// Extended resources that its containers request, summed.
    pub extended_resources: BTreeMap<String, i64>,
    /// Names of its resource claims (DRA).
    pub resource_claims: Vec<String>,
    /// Ids of the devices that the kubelet allocated (status.containerStatuses[].allocatedResourcesStatus).
    pub allocated_devices: Vec<String>,
    /// Why it is not running: the scheduler's or the kubelet's reason and message.
    pub not_running: Option<NotRunningReason>,
    /// Container restarts, summed.
    pub restarts: i32,
}

/// Why a pod does not run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NotRunningReason {
    /// Reason: Unschedulable, ImagePullBackOff, CrashLoopBackOff, ...
    pub reason: String,
    /// Message.
    pub message: String,
}

/// Something that is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeletedObject {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
}

/// A Kubernetes event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventSnapshot {
    /// `Kind/name` of the object.
    pub object: String,
    /// Uid of the object.
    pub uid: String,
    /// Normal or Warning.
    #[serde(rename = "type")]
    pub kind: String,
    /// Reason.
    pub reason: String,
    /// Message.
    pub message: String,
    /// Reporting component.
    pub component: String,
    /// How often.
    pub count: i32,
    /// First time.
    pub first_timestamp: Option<Timestamp>,
    /// Last time.
    pub last_timestamp: Option<Timestamp>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeSnapshot {
    /// Node name.
    pub name: String,
    /// Ready condition is True.
    pub ready: bool,
    /// Allocatable extended resources.
    pub allocatable: BTreeMap<String, i64>,
}

/// Endpoints of our Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointsSnapshot {
    /// Service name.
    pub service: String,
    /// Names of the pods that are ready endpoints, sorted.
    pub ready_pods: Vec<String>,
    /// The Service's selector.
    pub selector: BTreeMap<String, String>,
}
