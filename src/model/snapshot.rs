//! Snapshots of cluster objects, reduced to the fields that the checks read. The diagnostics of a bundle hold the
//! complete objects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
use serde::{Deserialize, Serialize};

use crate::units::Milli;

/// An HPA at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HpaSnapshot {
    /// Object name.
    pub(crate) name: String,
    /// Object uid.
    pub(crate) uid: String,
    /// creationTimestamp.
    pub(crate) created: Option<Timestamp>,
    /// metadata.generation (1.37 and later).
    pub(crate) generation: Option<i64>,
    /// status.observedGeneration.
    pub(crate) observed_generation: Option<i64>,
    /// sha256 of the spec with the API server's defaults: shows that the spec did not change during the run.
    pub(crate) spec_digest: String,
    /// The spec as the API server stores it; absent where it is that of the HPA's last record, and in bundles that were
    /// written before it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) spec: Option<Box<HorizontalPodAutoscalerSpec>>,
    /// spec.minReplicas, 1 when absent.
    pub(crate) min_replicas: i32,
    /// spec.maxReplicas.
    pub(crate) max_replicas: i32,
    /// status.currentReplicas.
    pub(crate) current_replicas: Option<i32>,
    /// status.desiredReplicas.
    pub desired_replicas: i32,
    /// status.lastScaleTime.
    pub(crate) last_scale_time: Option<Timestamp>,
    /// status.conditions, in order.
    pub(crate) conditions: Vec<ObjectCondition>,
    /// status.currentMetrics, in order.
    pub(crate) current_metrics: Vec<HpaMetricStatus>,
}

impl HpaSnapshot {
    /// The snapshot without a spec that the HPA's last record, `before`, has already: each spec is recorded once.
    #[must_use]
    pub(crate) fn without_repeated_spec(mut self, before: &Self) -> Self {
        if before.spec_digest == self.spec_digest {
            // A snapshot that repeats the whole record must be equal to it.
            let is_repeated = Self { spec: None, ..before.clone() } == Self { spec: None, ..self.clone() };
            self.spec = before.spec.clone().filter(|_| is_repeated);
        }
        self
    }
}

/// A condition of an object, with the strings of the API server. `HpaCondition` of the HPA model is the typed one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ObjectCondition {
    /// Type, for example ScalingActive.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// True, False or Unknown.
    pub(crate) status: String,
    /// Reason.
    pub(crate) reason: String,
    /// Message.
    pub(crate) message: String,
    /// lastTransitionTime.
    pub(crate) last_transition_time: Option<Timestamp>,
}

/// A ScaledObject of KEDA at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScaledObjectSnapshot {
    /// Object name.
    pub(crate) name: String,
    /// Object uid.
    pub(crate) uid: String,
    /// status.conditions, in order: Ready, Active, Fallback, Paused.
    pub(crate) conditions: Vec<ObjectCondition>,
}

impl ScaledObjectSnapshot {
    /// Whether its condition Fallback is True: KEDA serves a number that is not its query's value.
    #[must_use]
    pub(crate) fn is_falling_back(&self) -> bool {
        self.conditions.iter().any(|one| one.kind == "Fallback" && one.status == "True")
    }
}

/// One entry of status.currentMetrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HpaMetricStatus {
    /// Pods, Object or External; empty for a failed metric.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Metric name.
    pub(crate) name: String,
    /// current.value.
    pub(crate) value: Option<Milli>,
    /// current.averageValue.
    pub(crate) average_value: Option<Milli>,
}

/// The target workload at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadSnapshot {
    /// Deployment or StatefulSet.
    pub(crate) kind: String,
    /// Object name.
    pub(crate) name: String,
    /// Object uid.
    pub(crate) uid: String,
    /// metadata.generation.
    pub(crate) generation: Option<i64>,
    /// status.observedGeneration.
    pub(crate) observed_generation: Option<i64>,
    /// spec.replicas.
    pub spec_replicas: i32,
    /// status.replicas: pods that exist.
    pub replicas: i32,
    /// status.readyReplicas.
    pub ready_replicas: i32,
    /// spec.selector.matchLabels.
    pub(crate) selector: BTreeMap<String, String>,
    /// sha256 of the pod template: shows that the template did not change during the run.
    pub(crate) template_digest: String,
    /// terminationGracePeriodSeconds of the template.
    pub(crate) termination_grace_period_seconds: i64,
    /// Field managers of spec.replicas, in the order of managedFields.
    pub(crate) replicas_managers: Vec<ReplicasManager>,
}

/// A field manager of spec.replicas: an entry of managedFields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplicasManager {
    /// Manager name.
    pub(crate) manager: String,
    /// Apply or Update.
    pub(crate) operation: String,
    /// Subresource; empty for the object itself.
    pub(crate) subresource: String,
    /// Time of its last write. Writes through the scale subresource, such as the HPA's, have none (Kubernetes 1.37.2).
    pub(crate) time: Option<Timestamp>,
}

/// A pod at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSnapshot {
    /// Pod name.
    pub name: String,
    /// Pod uid.
    pub uid: String,
    /// creationTimestamp.
    pub(crate) created: Option<Timestamp>,
    /// status.phase.
    pub(crate) phase: String,
    /// The condition Ready is True.
    pub ready: bool,
    /// lastTransitionTime of the Ready condition.
    pub(crate) ready_since: Option<Timestamp>,
    /// deletionTimestamp is set.
    pub deleting: bool,
    /// spec.nodeName.
    pub(crate) node: Option<String>,
    /// Labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Controlling owner, `Kind/name`.
    pub(crate) owner: Option<String>,
    /// Extended resources that it holds while it serves: those of its containers and sidecars.
    pub(crate) extended_resources: BTreeMap<String, i64>,
    /// Names of its ResourceClaims (DRA).
    pub(crate) resource_claims: Vec<String>,
    /// Ids of the allocated devices (status.containerStatuses[].allocatedResourcesStatus).
    pub allocated_devices: Vec<String>,
    /// The same ids by the resource that they are of, or `claim:` and the name of a claim and its request; absent in
    /// records that were made before it was recorded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) devices_by_resource: BTreeMap<String, Vec<String>>,
    /// Reason and message of the scheduler or the kubelet, if the pod is not running.
    pub(crate) not_running: Option<NotRunningReason>,
    /// Container restarts, in sum.
    pub(crate) restarts: i32,
}

/// The reason why a pod is not running.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotRunningReason {
    /// Reason: Unschedulable, ImagePullBackOff, CrashLoopBackOff, ...
    pub(crate) reason: String,
    /// Message.
    pub(crate) message: String,
}

/// An object that was deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletedObject {
    /// Kind.
    pub(crate) kind: String,
    /// Name.
    pub(crate) name: String,
    /// Uid.
    pub(crate) uid: String,
}

/// A Kubernetes event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventSnapshot {
    /// `Kind/name` of the involved object.
    pub(crate) object: String,
    /// Uid of the involved object.
    pub(crate) uid: String,
    /// Normal or Warning.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Reason.
    pub reason: String,
    /// Message.
    pub message: String,
    /// Reporting component.
    pub(crate) component: String,
    /// Number of occurrences.
    pub(crate) count: i32,
    /// Time of the first occurrence.
    pub(crate) first_timestamp: Option<Timestamp>,
    /// Time of the last occurrence.
    pub(crate) last_timestamp: Option<Timestamp>,
}

/// A node at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSnapshot {
    /// Node name.
    pub(crate) name: String,
    /// The condition Ready is True.
    pub(crate) ready: bool,
    /// Allocatable extended resources.
    pub(crate) allocatable: BTreeMap<String, i64>,
}

/// The endpoints of the run's Service at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointsSnapshot {
    /// Service name.
    pub(crate) service: String,
    /// Names of the pods with ready endpoints, sorted.
    pub(crate) ready_pods: Vec<String>,
    /// The Service's selector.
    pub(crate) selector: BTreeMap<String, String>,
    /// The Service's sessionAffinity, None or ClientIP; absent until the Service is read, and in records of older
    /// releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session_affinity: Option<String>,
}
