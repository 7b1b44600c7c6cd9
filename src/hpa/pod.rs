//! Pods, reduced to the fields that the controller reads for Pods, Object and External metrics.

use serde::Deserialize;

/// The phase in a pod's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum PodPhase {
    /// Accepted; not all containers run yet.
    Pending,
    /// Bound to a node, with at least one container running or starting.
    Running,
    /// All containers terminated successfully.
    Succeeded,
    /// All containers terminated, at least one in failure.
    Failed,
    /// The node does not report the state.
    Unknown,
}

/// A pod that the scale's selector matches, with any owner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodState {
    /// Name; samples of a Pods metric are matched by it.
    pub(crate) name: String,
    /// status.phase.
    pub(crate) phase: PodPhase,
    /// Whether the condition Ready is True; False, Unknown and no condition are the same here.
    pub(crate) ready: bool,
    /// Whether deletionTimestamp is set.
    #[serde(default)]
    pub(crate) deleting: bool,
}

impl PodState {
    /// Whether a Value target counts this pod: it is Running and ready. Deleting pods count too.
    ///
    /// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go` (`getReadyPodsCount`); SCHEMA.md,
    /// `object_value` step 4.
    pub(crate) fn counts_as_ready(&self) -> bool {
        self.phase == PodPhase::Running && self.ready
    }
}
