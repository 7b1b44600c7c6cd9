//! What was seen: one observation is one state of one thing at one moment of the run's clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::reading::MetricReading;
pub use super::snapshot::{
    DeletedObject, EndpointsSnapshot, EventSnapshot, HpaMetricStatus, HpaSnapshot, NodeSnapshot, NotRunningReason,
    ObjectCondition, PodSnapshot, ReplicasManager, WorkloadSnapshot,
};

/// One observation, one line of timeline.jsonl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Number in the timeline, from 0: what a case cites.
    pub seq: u64,
    /// When we received it, milliseconds of the run's clock (monotonic).
    pub at_ms: u64,
    /// Its own time, where it carries one; whole seconds for Kubernetes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_time: Option<Timestamp>,
    /// What was seen.
    #[serde(flatten)]
    pub kind: ObservationKind,
}

/// The kinds of thing that are observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObservationKind {
    /// A phase of the run began or ended (ours).
    Phase(PhaseChange),
    /// The HPA, spec and status.
    Hpa(HpaSnapshot),
    /// The target workload.
    Workload(WorkloadSnapshot),
    /// A pod of the target's namespace.
    Pod(PodSnapshot),
    /// A pod is gone.
    PodDeleted(DeletedObject),
    /// The HPA, the workload or another watched object is gone.
    ObjectDeleted(DeletedObject),
    /// A Kubernetes event of the target's namespace.
    Event(EventSnapshot),
    /// A node.
    Node(NodeSnapshot),
    /// The endpoints of our Service.
    Endpoints(EndpointsSnapshot),
    /// The metric at one hop.
    Metric(MetricReading),
    /// The load at a moment (ours).
    Load(LoadSnapshot),
    /// A chat of our own: the first one, or one to a new pod alone.
    Probe(ProbeRecord),
    /// The API server's clock against ours.
    ClockSkew(ClockSkewRange),
    /// Which process leads the controller managers.
    Leader(LeaderSnapshot),
    /// A stretch of time in which a source could not be read.
    Gap(RecordedGap),
    /// The run was interrupted from outside.
    Interrupted {
        /// The signal's name.
        signal: String,
    },
    /// The run did not begin, and nothing was changed.
    NotStarted {
        /// Why.
        reason: String,
    },
}

/// The phases of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Releases, service and target come up.
    Install,
    /// The metric is awaited at each hop.
    Metric,
    /// The HPA is applied and awaited.
    Autoscaler,
    /// No load: replicas must stay at min.
    Baseline,
    /// Load: replicas must rise.
    ScaleUp,
    /// Constant load: replicas must not fall.
    Hold,
    /// The load is gone: replicas must fall.
    ScaleDown,
    /// What was made is removed.
    Cleanup,
}

impl Phase {
    /// The name for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Metric => "metric",
            Self::Autoscaler => "autoscaler",
            Self::Baseline => "baseline",
            Self::ScaleUp => "scale-up",
            Self::Hold => "hold",
            Self::ScaleDown => "scale-down",
            Self::Cleanup => "cleanup",
        }
    }
}

/// Beginning or end of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseChange {
    /// The phase.
    pub phase: Phase,
    /// Which end of it.
    pub edge: PhaseEdge,
}

/// The two ends of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PhaseEdge {
    /// It began.
    Began,
    /// It ended.
    Ended,
}

/// The load at a moment; counters since its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadSnapshot {
    /// Requests in flight.
    pub in_flight: u64,
    /// Connections that were answered with a status line: what a NodePort has balanced.
    pub answered_connections: u64,
    /// Requests that ended well.
    pub succeeded: u64,
    /// Requests that ended otherwise, our own cancellations left out.
    pub failed: u64,
    /// Those by kind (the names of `Outcome`), each with the first one's own words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, FailureCount>,
    /// Tokens of good requests.
    pub tokens: u64,
    /// Median time to first token of the good requests so far, microseconds.
    pub ttft_p50_us: u64,
}

/// Failed requests of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCount {
    /// How many.
    pub count: u64,
    /// What the server, or the system, said of the first one.
    pub example: String,
}

/// One chat sent to one pod alone, or the first chat of a run, which goes through the Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeRecord {
    /// Pod name; empty for the first chat.
    pub pod: String,
    /// When it was sent, milliseconds of the run's clock.
    pub began_ms: u64,
    /// What went wrong, if it did.
    pub error: Option<String>,
    /// The pod's own HTTP status, where it answered.
    pub status: Option<u16>,
    /// The API server or we could not carry the probe (rights, proxy): says nothing about the pod.
    pub not_delivered: bool,
    /// Tokens of the answer.
    pub tokens: u64,
    /// `/api/ps`: bytes of the model.
    pub model_size: Option<u64>,
    /// `/api/ps`: bytes of the model in the accelerator's memory.
    pub model_size_vram: Option<u64>,
    /// `/api/ps`: digest of the model.
    pub model_digest: Option<String>,
}

/// The API server's clock minus ours lies in this interval, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockSkewRange {
    /// Smallest possible difference.
    pub low_ms: i64,
    /// Largest possible difference.
    pub high_ms: i64,
}

/// The Lease of the controller manager: another holder is another process, which remembers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaderSnapshot {
    /// holderIdentity; another one after each start.
    pub holder: String,
    /// leaseTransitions.
    pub transitions: i32,
    /// renewTime, cut to the minute: shows that the Lease is in use.
    pub renewed: Option<Timestamp>,
}

/// A stretch of time in which a source could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedGap {
    /// The source: hpa, workload, pods, events, nodes, endpoints, leader, api, clock; `observer` for a task of our own that broke.
    /// The hops of the metric tell in each reading whether they were readable.
    pub source: String,
    /// Since when, milliseconds of the run's clock; the gap ends with this observation.
    pub from_ms: u64,
    /// Why.
    pub reason: String,
}
