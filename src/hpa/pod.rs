//! A pod as far as the controller looks at it for Pods, Object and External metrics.

use serde::Deserialize;

/// The phase in a pod's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum PodPhase {
    /// Accepted, but not all containers run yet.
    Pending,
    /// Bound to a node, with at least one container running or starting.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, at least one badly.
    Failed,
    /// The node cannot be asked.
    Unknown,
}

/// One pod that the scale's selector matches, whoever owns it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodState {
    /// The pod's name, by which samples of a Pods metric are matched.
    pub name: String,
    /// The phase in its status.
    pub phase: PodPhase,
    /// Whether its Ready condition is True; False, Unknown and no condition are equal here.
    pub ready: bool,
    /// Whether it has a deletionTimestamp.
    #[serde(default)]
    pub deleting: bool,
}

impl PodState {
    /// Whether a Value target counts this pod: Running and ready, and deleting makes no difference.
    ///
    /// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go` (`getReadyPodsCount`); SCHEMA,
    /// `object_value` step 4.
    pub fn counts_as_ready(&self) -> bool {
        self.phase == PodPhase::Running && self.ready
    }
}
