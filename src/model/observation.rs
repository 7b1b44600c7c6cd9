//! Observations: the state of one object at one time of the run's clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::reading::MetricReading;
pub(crate) use super::snapshot::{
    DeletedObject, EndpointsSnapshot, EventSnapshot, HpaMetricStatus, HpaSnapshot, NodeSnapshot, NotRunningReason,
    ObjectCondition, ReplicasManager, ScaledObjectSnapshot,
};
pub use super::snapshot::{PodSnapshot, WorkloadSnapshot};

/// One observation: one line of timeline.jsonl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "ObservationLine")]
pub struct Observation {
    /// Number in the timeline, from 0. Cases cite observations by it.
    pub seq: u64,
    /// When the harness received it, milliseconds of the run's clock (monotonic).
    pub at_ms: u64,
    /// Time that its source gave it, if any. Kubernetes gives whole seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_time: Option<Timestamp>,
    /// What was observed.
    #[serde(flatten)]
    pub kind: ObservationKind,
}

/// A line of timeline.jsonl as it is read: with the keys that no observation has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ObservationLine {
    seq: u64,
    at_ms: u64,
    #[serde(default)]
    source_time: Option<Timestamp>,
    #[serde(flatten)]
    kind: ObservationKind,
    #[serde(flatten)]
    unknown: UnknownKeys,
}

impl TryFrom<ObservationLine> for Observation {
    type Error = String;

    fn try_from(line: ObservationLine) -> Result<Self, String> {
        let ObservationLine { seq, at_ms, source_time, kind, unknown } = line;
        unknown.refuse()?;
        Ok(Self { seq, at_ms, source_time, kind })
    }
}

/// The keys of a line that are none of its record's: a stranger wrote them.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct UnknownKeys(BTreeMap<String, serde::de::IgnoredAny>);

impl UnknownKeys {
    pub(super) fn refuse(&self) -> Result<(), String> {
        self.0.keys().next().map_or(Ok(()), |key| Err(format!("unknown field `{key}`")))
    }
}

/// The kinds of observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ObservationKind {
    /// A phase of the run began or ended.
    Phase(PhaseChange),
    /// The HPA, spec and status.
    Hpa(HpaSnapshot),
    /// The ScaledObject of which KEDA has made the HPA.
    ScaledObject(ScaledObjectSnapshot),
    /// The target workload.
    Workload(WorkloadSnapshot),
    /// A pod of the target's namespace.
    Pod(PodSnapshot),
    /// A pod was deleted.
    PodDeleted(DeletedObject),
    /// The HPA, the workload or another watched object was deleted.
    ObjectDeleted(DeletedObject),
    /// A Kubernetes event of the target's namespace.
    Event(EventSnapshot),
    /// A node.
    Node(NodeSnapshot),
    /// The endpoints of the run's Service.
    Endpoints(EndpointsSnapshot),
    /// The metric at one hop.
    Metric(MetricReading),
    /// The load's counters.
    Load(LoadSnapshot),
    /// A probe chat: the warm-up chat through the Service, or a direct chat to a new pod.
    Probe(ProbeRecord),
    /// The difference between the API server's clock and the harness's.
    ClockSkew(ClockSkewRange),
    /// The leader of the kube-controller-manager instances.
    Leader(LeaderSnapshot),
    /// A time in which a source could not be read.
    Gap(RecordedGap),
    /// A signal interrupted the run.
    Interrupted {
        /// Name of the signal.
        signal: String,
    },
    /// The run did not start; it changed nothing.
    NotStarted {
        /// The reason.
        reason: String,
    },
}

/// The phases of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Install releases and Service; wait for the target.
    Install,
    /// Wait until each hop serves the metric.
    Metric,
    /// Apply the HPA and wait until it is active.
    Autoscaler,
    /// No load: replicas must stay at minReplicas.
    Baseline,
    /// Load: replicas must increase.
    ScaleUp,
    /// Constant load: replicas must not decrease.
    Hold,
    /// No load any more: replicas must return to minReplicas.
    ScaleDown,
    /// Undo every change.
    Cleanup,
}

impl Phase {
    /// The name in evidence and messages.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
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

/// The beginning or the end of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseChange {
    /// The phase.
    pub phase: Phase,
    /// Whether it began or ended.
    pub edge: PhaseEdge,
}

/// Whether a phase began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PhaseEdge {
    /// It began.
    Began,
    /// It ended.
    Ended,
}

/// The load's state at one time. Counters start at the beginning of the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadSnapshot {
    /// Requests in flight.
    pub in_flight: u64,
    /// Connections with a response status: a Service has assigned each of them to a pod.
    pub answered_connections: u64,
    /// Succeeded requests.
    pub succeeded: u64,
    /// Failed requests, without those that the harness cancelled.
    pub failed: u64,
    /// Failed requests by outcome, named as in [`RequestOutcome::as_str`](super::load::RequestOutcome::as_str).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, FailureCount>,
    /// Tokens of succeeded requests.
    pub tokens: u64,
    /// Median time to first token of the succeeded requests so far, microseconds.
    pub ttft_p50_us: u64,
    /// The sum of the times to first token of the succeeded requests so far, microseconds; absent in records that were
    /// made before it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_sum_us: Option<u64>,
}

/// Failed requests with one outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureCount {
    /// Their number.
    pub count: u64,
    /// Error message of the first one.
    pub example: String,
}

/// A probe chat: a direct chat to one pod, or the run's warm-up chat through the Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeRecord {
    /// Pod name; empty for the warm-up chat.
    pub pod: String,
    /// When it was sent, milliseconds of the run's clock.
    pub began_ms: u64,
    /// Error message, if it failed.
    pub error: Option<String>,
    /// HTTP status of the pod, if it answered.
    pub status: Option<u16>,
    /// The probe did not reach the pod (missing permission, proxy error), so it shows nothing about the pod.
    pub not_delivered: bool,
    /// Tokens of the response.
    pub tokens: u64,
    /// Bytes of the loaded model, if the server states them. `modelSize` in format 2.
    #[serde(alias = "modelSize")]
    pub model_bytes: Option<u64>,
    /// Bytes of it in accelerator memory, if the server states them. `modelSizeVram` in format 2.
    #[serde(alias = "modelSizeVram")]
    pub model_accelerator_bytes: Option<u64>,
    /// Why the server could not be asked where the model is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement_error: Option<String>,
    /// Digest of the loaded model, if the server states it.
    pub model_digest: Option<String>,
    /// The remote host that served the model instead of the pod, with the model's name there, if the server states it:
    /// such a chat shows nothing about the pod's accelerator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_model: Option<String>,
    /// The devices that the resource claims (DRA) of the pod have, or of the target's pods for the first chat; absent for
    /// pods without claims, or where the claims could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claimed_devices: Vec<ClaimedDevice>,
}

/// A device that is allocated to a ResourceClaim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimedDevice {
    /// Name of the claim.
    pub claim: String,
    /// DeviceClass of the request; empty if the claim has no request of the result's name.
    pub device_class: String,
    /// DRA driver.
    pub driver: String,
    /// Pool of the driver, mostly the node.
    pub pool: String,
    /// Device in the pool.
    pub device: String,
}

/// The range of the API server's clock minus the harness's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClockSkewRange {
    /// Smallest possible difference, milliseconds.
    pub(crate) low_ms: i64,
    /// Largest possible difference, milliseconds.
    pub(crate) high_ms: i64,
}

/// The leader election Lease of kube-controller-manager. A new holder is a new process, which starts with empty HPA
/// logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaderSnapshot {
    /// holderIdentity; a new value after each start.
    pub(crate) holder: String,
    /// leaseTransitions.
    pub(crate) transitions: i32,
    /// renewTime, truncated to the minute: shows that the Lease is in use.
    pub(crate) renewed: Option<Timestamp>,
}

/// Reason of a gap of the source `clock`. Our clock is monotonic, so only the other one can step.
pub(crate) const CLOCK_STEP: &str =
    "the API server's clock stepped, or API servers behind one address have different clocks";

/// A time in which a source could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedGap {
    /// The source: hpa, workload, pods, events, nodes, endpoints, leader, api or clock; `observer` if a task of the
    /// harness failed. The metric's hops are no sources: each reading says whether its hop was readable.
    pub(crate) source: String,
    /// Start of the gap, milliseconds of the run's clock. The gap ends at this observation's `atMs`.
    pub(crate) from_ms: u64,
    /// The reason.
    pub(crate) reason: String,
}
