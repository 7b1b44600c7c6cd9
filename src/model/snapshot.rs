//! Snapshots of cluster objects, reduced to the fields that the checks read. The diagnostics of a bundle hold the
//! complete objects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::units::Milli;

/// An HPA at one time.
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
    /// sha256 of the spec with the API server's defaults: shows that the spec did not change during the run.
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
    /// status.conditions, in order.
    pub conditions: Vec<ObjectCondition>,
    /// status.currentMetrics, in order.
    pub current_metrics: Vec<HpaMetricStatus>,
}

/// A condition of an object, with the strings of the API server. `HpaCondition` of the HPA model is the typed one.
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
    /// Pods, Object or External; empty for a failed metric.
    #[serde(rename = "type")]
    pub kind: String,
    /// Metric name.
    pub name: String,
    /// current.value.
    pub value: Option<Milli>,
    /// current.averageValue.
    pub average_value: Option<Milli>,
}

/// The target workload at one time.
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
    /// status.replicas: pods that exist.
    pub replicas: i32,
    /// status.readyReplicas.
    pub ready_replicas: i32,
    /// spec.selector.matchLabels.
    pub selector: BTreeMap<String, String>,
    /// sha256 of the pod template: shows that the template did not change during the run.
    pub template_digest: String,
    /// terminationGracePeriodSeconds of the template.
    pub termination_grace_period_seconds: i64,
    /// Field managers of spec.replicas, in the order of managedFields.
    pub replicas_managers: Vec<ReplicasManager>,
}

/// A field manager of spec.replicas: an entry of managedFields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicasManager {
    /// Manager name.
    pub manager: String,
    /// Apply or Update.
    pub operation: String,
    /// Subresource; empty for the object itself.
    pub subresource: String,
    /// Time of its last write. Writes through the scale subresource, such as the HPA's, have none (Kubernetes 1.37.2).
    pub time: Option<Timestamp>,
}

/// A pod at one time.
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
    /// The condition Ready is True.
    pub ready: bool,
    /// lastTransitionTime of the Ready condition.
    pub ready_since: Option<Timestamp>,
    /// deletionTimestamp is set.
    pub deleting: bool,
    /// spec.nodeName.
    pub node: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Controlling owner, `Kind/name`.
    pub owner: Option<String>,
    /// Extended resources that it holds while it serves: those of its containers and sidecars.
    pub extended_resources: BTreeMap<String, i64>,
    /// Names of its ResourceClaims (DRA).
    pub resource_claims: Vec<String>,
    /// Ids of the allocated devices (status.containerStatuses[].allocatedResourcesStatus).
    pub allocated_devices: Vec<String>,
    /// Reason and message of the scheduler or the kubelet, if the pod is not running.
    pub not_running: Option<NotRunningReason>,
    /// Container restarts, in sum.
    pub restarts: i32,
}

/// The reason why a pod is not running.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NotRunningReason {
    /// Reason: Unschedulable, ImagePullBackOff, CrashLoopBackOff, ...
    pub reason: String,
    /// Message.
    pub message: String,
}

/// An object that was deleted.
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
    /// `Kind/name` of the involved object.
    pub object: String,
    /// Uid of the involved object.
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
    /// Number of occurrences.
    pub count: i32,
    /// Time of the first occurrence.
    pub first_timestamp: Option<Timestamp>,
    /// Time of the last occurrence.
    pub last_timestamp: Option<Timestamp>,
}

/// A node at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeSnapshot {
    /// Node name.
    pub name: String,
    /// The condition Ready is True.
    pub ready: bool,
    /// Allocatable extended resources.
    pub allocatable: BTreeMap<String, i64>,
}

/// The endpoints of the run's Service at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointsSnapshot {
    /// Service name.
    pub service: String,
    /// Names of the pods with ready endpoints, sorted.
    pub ready_pods: Vec<String>,
    /// The Service's selector.
    pub selector: BTreeMap<String, String>,
}
