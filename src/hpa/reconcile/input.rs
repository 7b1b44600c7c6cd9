//! Input of one pass: the HPA, its target, the controller's flags and logs, and the API server's responses to writes.

use std::time::Duration;

use super::output::HpaStatus;
use crate::hpa::{Behavior, HpaLogs, MetricInput, PodState};

/// The input of one pass over one HPA.
#[derive(Debug, Clone, PartialEq)]
pub struct ReconcileInput {
    /// Names for texts.
    pub names: HpaNames,
    /// The HPA's spec, with the responses of the metrics APIs.
    pub spec: HpaSpec,
    /// The HPA's status before the pass.
    pub status: HpaStatus,
    /// The controller's flags.
    pub flags: ControllerFlags,
    /// The scale of the target, or the error text of its GET.
    pub scale: Result<ScaleSubresource, String>,
    /// All pods that the scale's selector matches.
    pub pods: Vec<PodState>,
    /// Another HPA (`namespace/name`) whose target's selector matches one of these pods.
    pub competing_hpa: Option<String>,
    /// Failures of the first PUTs of the scale, in order; later PUTs succeed.
    pub put_failures: Vec<PutFailure>,
    /// The controller's logs of this HPA, with ages as of this pass.
    pub logs: HpaLogs,
}

/// Names in the controller's texts.
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
    /// The target as in errors: `KIND/NAMESPACE/NAME`.
    pub(super) fn target(&self) -> String {
        format!("{}/{}/{}", self.target_kind, self.namespace, self.target_name)
    }
}

/// The fields of an autoscaling/v2 HPA spec that a pass reads.
#[derive(Debug, Clone, PartialEq)]
pub struct HpaSpec {
    /// `minReplicas`; `None` means 1.
    pub min_replicas: Option<i32>,
    /// `maxReplicas`.
    pub max_replicas: i32,
    /// `behavior` with defaults; `None` selects the legacy algorithm.
    pub behavior: Option<Behavior>,
    /// `metrics`, in order; the API server guarantees at least one.
    pub metrics: Vec<MetricInput>,
}

impl HpaSpec {
    /// `minReplicas` with its default.
    pub(super) fn min(&self) -> i32 {
        self.min_replicas.unwrap_or(1)
    }

    /// Whether any metric exists without pods, so that the HPA can scale up from 0.
    pub(super) fn has_object_or_external(&self) -> bool {
        self.metrics.iter().any(|metric| !matches!(metric, MetricInput::Pods { .. }))
    }
}

/// The flags of kube-controller-manager that affect decisions.
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

/// `status.selector` of the scale, parsed by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodSelector {
    /// The selector is empty.
    Missing,
    /// The selector cannot be parsed.
    Unparsable {
        /// The parser's error text.
        error: String,
    },
    /// A valid label selector, as text.
    Parsed(String),
}

/// A failure of a PUT of the scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutFailure {
    /// A conflict of resource versions, with its text. The controller retries, up to 5 PUTs in all.
    Conflict(String),
    /// Any other failure, with its text. The controller does not retry.
    Other(String),
}
