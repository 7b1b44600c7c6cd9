//! What one pass reads: the HPA, its target, the controller's flags and memory, and how the API server answers writes.

use std::time::Duration;

use super::output::HpaStatus;
use crate::hpa::{Behavior, HpaLogs, MetricInput, PodState};

/// All that one pass over one HPA reads.
#[derive(Debug, Clone, PartialEq)]
pub struct ReconcileInput {
    /// The names that texts print.
    pub names: HpaNames,
    /// The HPA's spec with the answers of the metrics APIs.
    pub spec: HpaSpec,
    /// The HPA's status before the pass.
    pub status: HpaStatus,
    /// The controller's flags.
    pub flags: ControllerFlags,
    /// The scale of the target, or the text with which its GET failed.
    pub scale: Result<ScaleSubresource, String>,
    /// Every pod that the scale's selector matches.
    pub pods: Vec<PodState>,
    /// Another HPA (`namespace/name`) whose target's selector matches one of these pods.
    pub competing_hpa: Option<String>,
    /// How the first PUTs of the scale fail, in order; every PUT after them succeeds.
    pub put_failures: Vec<PutFailure>,
    /// What the controller remembers of this HPA, with ages as of this pass.
    pub logs: HpaLogs,
}

/// The names that texts print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HpaNames {
    /// The namespace of the HPA and its target.
    pub namespace: String,
    /// The HPA's name.
    pub hpa: String,
    /// The kind of the scale target.
    pub target_kind: String,
    /// The name of the scale target.
    pub target_name: String,
}

impl HpaNames {
    /// The target as errors name it: `KIND/NAMESPACE/NAME`.
    pub(super) fn target(&self) -> String {
        format!("{}/{}/{}", self.target_kind, self.namespace, self.target_name)
    }
}

/// The spec of an autoscaling/v2 HPA, as far as a pass reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct HpaSpec {
    /// `minReplicas`; `None` means 1.
    pub min_replicas: Option<i32>,
    /// `maxReplicas`.
    pub max_replicas: i32,
    /// `behavior`, defaulted; `None` is the legacy algorithm.
    pub behavior: Option<Behavior>,
    /// `metrics`, in order; the API server sees to it that there is at least one.
    pub metrics: Vec<MetricInput>,
}

impl HpaSpec {
    /// The lower bound that counts.
    pub(super) fn min(&self) -> i32 {
        self.min_replicas.unwrap_or(1)
    }

    /// Whether some metric can be read without pods, so that the size 0 can be left again.
    pub(super) fn has_object_or_external(&self) -> bool {
        self.metrics.iter().any(|metric| !matches!(metric, MetricInput::Pods { .. }))
    }
}

/// The controller manager's flags that decide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControllerFlags {
    /// `--horizontal-pod-autoscaler-tolerance`, a fraction.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    pub downscale_stabilization: Duration,
}

impl Default for ControllerFlags {
    /// 10 % and 5 minutes.
    fn default() -> Self {
        Self { tolerance: 0.1, downscale_stabilization: Duration::from_secs(300) }
    }
}

/// The scale subresource of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleSubresource {
    /// `spec.replicas`.
    pub spec_replicas: i32,
    /// `status.replicas`.
    pub status_replicas: i32,
    /// `status.selector`.
    pub selector: PodSelector,
}

/// The text of `status.selector`, parsed or not. Parsing is left to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodSelector {
    /// It is empty.
    Missing,
    /// It is no label selector.
    Unparsable {
        /// The parser's own words.
        why: String,
    },
    /// It is a label selector, in its own words.
    Parsed(String),
}

/// Why a PUT of the scale failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutFailure {
    /// A conflict of resource versions, with its text: it is tried again, up to 5 PUTs in all.
    Conflict(String),
    /// Anything else, with its text: it is not tried again.
    Other(String),
}
