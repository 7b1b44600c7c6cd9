//! What was seen: one observation is one state of one thing at one moment of the run's clock. Observations hold what
//! the checks read and no more; diagnostics hold the objects as they stood.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::reading::Reading;
use crate::units::Milli;

/// One observation, one line of timeline.jsonl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Number in the timeline, from 0: what a case cites.
    pub seq: u64,
    /// When we received it, milliseconds of the run's clock (monotonic).
    pub at_ms: u64,
    /// Its own time, where it carries one; whole seconds for Kubernetes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<Timestamp>,
    /// What was seen.
    #[serde(flatten)]
    pub seen: Seen,
}

/// The kinds of thing that are observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen {
    /// A phase of the run began or ended (ours).
    Phase(PhaseMark),
    /// The HPA, spec and status.
    Hpa(HpaSeen),
    /// The target workload.
    Workload(WorkloadSeen),
    /// A pod of the target's namespace.
    Pod(PodSeen),
    /// A pod is gone.
    PodGone(Gone),
    /// The HPA, the workload or another watched object is gone.
    ObjectGone(Gone),
    /// A Kubernetes event of the target's namespace.
    Event(EventSeen),
    /// A node.
    Node(NodeSeen),
    /// The endpoints of our Service.
    Endpoints(EndpointsSeen),
    /// The metric at one hop.
    Metric(Reading),
    /// The load at a moment (ours).
    Load(LoadSeen),
    /// A chat sent to one pod alone (ours).
    Probe(ProbeSeen),
    /// The API server's clock against ours.
    Skew(SkewSeen),
    /// A stretch of time in which a source could not be read.
    Gap(GapSeen),
    /// The run was interrupted from outside.
    Interrupted {
        /// The signal's name.
        signal: String,
    },
}

/// The phases of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Releases, service and target come up.
    Install,
    /// The metric is awaited at each hop.
    Metric,
    /// The HPA is applied and awaited.
    Autoscaler,
    /// No load: replicas must stay at min.
    Idle,
    /// Load: replicas must rise.
    Rise,
    /// Constant load: replicas must not fall.
    Hold,
    /// The load is gone: replicas must fall.
    Fall,
    /// What was made is removed.
    Cleanup,
}

impl Phase {
    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Metric => "metric",
            Self::Autoscaler => "autoscaler",
            Self::Idle => "idle",
            Self::Rise => "rise",
            Self::Hold => "hold",
            Self::Fall => "fall",
            Self::Cleanup => "cleanup",
        }
    }
}

/// Beginning or end of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseMark {
    /// The phase.
    pub phase: Phase,
    /// Which end of it.
    pub edge: Edge,
}

/// The two ends of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Edge {
    /// It began.
    Began,
    /// It ended.
    Ended,
}

/// The HPA as the API server showed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaSeen {
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
    pub min: i32,
    /// spec.maxReplicas.
    pub max: i32,
    /// status.currentReplicas.
    pub current: Option<i32>,
    /// status.desiredReplicas.
    pub desired: i32,
    /// status.lastScaleTime.
    pub last_scale: Option<Timestamp>,
    /// status.conditions in their order.
    pub conditions: Vec<Condition>,
    /// status.currentMetrics in their order.
    pub metrics: Vec<HpaMetric>,
}

/// A condition of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Condition {
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
    pub since: Option<Timestamp>,
}

/// One entry of status.currentMetrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HpaMetric {
    /// Pods, Object, External; empty for a failed metric.
    #[serde(rename = "type")]
    pub kind: String,
    /// Metric name.
    pub name: String,
    /// current.value.
    pub value: Option<Milli>,
    /// current.averageValue.
    pub average: Option<Milli>,
}

/// The target workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSeen {
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
    pub ready: i32,
    /// spec.selector.matchLabels.
    pub selector: BTreeMap<String, String>,
    /// sha256 of the pod template: shows that it stayed the same during the run.
    pub template_digest: String,
    /// terminationGracePeriodSeconds of the template.
    pub grace_s: i64,
    /// Field managers that own spec.replicas, in the order of managedFields.
    pub writers: Vec<Writer>,
}

/// A managedFields entry that owns spec.replicas.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Writer {
    /// Manager name.
    pub manager: String,
    /// Apply or Update.
    pub operation: String,
    /// Subresource, empty for the object itself.
    pub subresource: String,
    /// When it last wrote. Writes through the scale subresource, the HPA's, show none (seen with 1.37.2).
    pub at: Option<Timestamp>,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSeen {
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
    pub resources: BTreeMap<String, i64>,
    /// Names of its resource claims (DRA).
    pub claims: Vec<String>,
    /// Ids of the devices that the kubelet allocated (status.containerStatuses[].allocatedResourcesStatus).
    pub devices: Vec<String>,
    /// Why it is not running: the scheduler's or the kubelet's reason and message.
    pub trouble: Option<Trouble>,
    /// Container restarts, summed.
    pub restarts: i32,
}

/// Why a pod does not run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// Reason: Unschedulable, ImagePullBackOff, CrashLoopBackOff, ...
    pub reason: String,
    /// Message.
    pub message: String,
}

/// Something that is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gone {
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
pub struct EventSeen {
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
    pub first: Option<Timestamp>,
    /// Last time.
    pub last: Option<Timestamp>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeSeen {
    /// Node name.
    pub name: String,
    /// Ready condition is True.
    pub ready: bool,
    /// Allocatable extended resources.
    pub allocatable: BTreeMap<String, i64>,
}

/// Endpoints of our Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EndpointsSeen {
    /// Service name.
    pub service: String,
    /// Names of the pods that are ready endpoints, sorted.
    pub ready: Vec<String>,
    /// The Service's selector.
    pub selector: BTreeMap<String, String>,
}

/// The load at a moment; counters since its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadSeen {
    /// Requests in flight.
    pub in_flight: u64,
    /// Connections that were answered with a status line: what a NodePort has balanced.
    pub connections: u64,
    /// Requests that ended well.
    pub good: u64,
    /// Requests that ended otherwise, our own cancellations left out.
    pub failed: u64,
    /// Tokens of good requests.
    pub tokens: u64,
    /// Median time to first token of the good requests so far, microseconds.
    pub ttft_p50_us: u64,
}

/// One chat sent to one pod alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeSeen {
    /// Pod name.
    pub pod: String,
    /// When it was sent, milliseconds of the run's clock.
    pub began_ms: u64,
    /// What went wrong, if it did.
    pub error: Option<String>,
    /// The pod's own HTTP status, where it answered.
    pub status: Option<u16>,
    /// The API server or we could not carry the probe (rights, proxy): says nothing about the pod.
    pub not_carried: bool,
    /// Tokens of the answer.
    pub tokens: u64,
    /// `/api/ps`: bytes of the model.
    pub size: Option<u64>,
    /// `/api/ps`: bytes of the model in the accelerator's memory.
    pub size_vram: Option<u64>,
    /// `/api/ps`: digest of the model.
    pub model_digest: Option<String>,
}

/// The API server's clock minus ours lies in this interval, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkewSeen {
    /// Smallest possible difference.
    pub low_ms: i64,
    /// Largest possible difference.
    pub high_ms: i64,
}

/// A stretch of time in which a source could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GapSeen {
    /// The source: hpa, workload, pods, events, nodes, endpoints, api, clock; `observer` for a task of our own that broke.
    /// The hops of the metric tell in each reading whether they were readable.
    pub source: String,
    /// Since when, milliseconds of the run's clock; the gap ends with this observation.
    pub from_ms: u64,
    /// Why.
    pub why: String,
}
