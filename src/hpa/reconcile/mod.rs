//! One pass of the controller over one HPA: scale, metrics, desired replicas, write, status.
//!
//! Timers, queues and skipped passes are not modelled. Time does not advance during a pass, so entries that it records
//! have age 0. In the real controller they are microseconds old, which makes a difference only for a stabilization
//! window of 0 in the first pass.

mod decide;
mod input;
mod measure;
mod output;
mod pass_error;
mod select;
mod write;

pub use input::{ControllerFlags, HpaNames, HpaSpec, PodSelector, PutFailure, ReconcileInput, ScaleSubresource};
pub use output::{CurrentMetric, HpaStatus, ReconcileOutput, ReportedValue};
pub(crate) use output::{HpaEvent, HpaEventType};
pub(crate) use pass_error::{InvalidMetrics, PassError, SelectorError};

use std::time::Duration;

use decide::decide;
use write::write;

use super::condition::set;
use super::{ConditionKind, ConditionStatus, HpaCondition, LogSlot, text};

/// The desired replicas, and the reason for the event.
struct DesiredReplicas {
    replicas: i32,
    reason: String,
}

/// The next step that the current replicas require, before any metric is read.
enum PassState {
    /// A user scaled the target to 0: the HPA is disabled.
    Disabled,
    /// The replicas are outside min and max: correct them without metrics, stabilization and limits.
    Enforce(DesiredReplicas),
    /// Compute the replicas from the metrics.
    Measure,
}

pub(crate) const ABOVE_MAX: &str = "Current number of replicas above Spec.MaxReplicas";
pub(crate) const BELOW_MIN: &str = "Current number of replicas below Spec.MinReplicas";

/// Runs one pass.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `reconcileAutoscaler`; SCHEMA.md, reconcile.
pub fn reconcile(input: &ReconcileInput) -> ReconcileOutput {
    let mut out = ReconcileOutput {
        status: input.status.clone(),
        scale_written: None,
        scale_update_calls: 0,
        error: None,
        events: Vec::new(),
        logs: input.logs.clone(),
    };
    match &input.scale {
        Ok(scale) => with_scale(input, scale, &mut out),
        Err(text) => without_scale(input, text, &mut out),
    }
    out
}

/// SCHEMA.md, reconcile step 1: only a condition changes.
fn without_scale(input: &ReconcileInput, text: &str, out: &mut ReconcileOutput) {
    out.warn(text::FAILED_GET_SCALE, text);
    let message = format!("the HPA controller was unable to get the target's current scale: {text}");
    let condition =
        HpaCondition::new(ConditionKind::AbleToScale, ConditionStatus::False, text::FAILED_GET_SCALE, message);
    set(&mut out.status.conditions, condition);
    out.error = Some(PassError::ScaleNotRead { target: input.names.target(), text: text.to_owned() });
}

/// SCHEMA.md, reconcile steps 2 to 8.
fn with_scale(input: &ReconcileInput, scale: &ScaleSubresource, out: &mut ReconcileOutput) {
    out.status.current_replicas = scale.spec_replicas;
    out.status.current_metrics.clear();
    let message = "the HPA controller was able to get the target's current scale";
    let condition =
        HpaCondition::new(ConditionKind::AbleToScale, ConditionStatus::True, text::SUCCEEDED_GET_SCALE, message);
    set(&mut out.status.conditions, condition);
    if out.logs.recommendations.is_empty() {
        out.logs.recommendations.push(LogSlot { age: Duration::ZERO, count: scale.spec_replicas });
    }
    let desired = match pass_state(input, scale) {
        PassState::Disabled => {
            disable(out);
            None
        }
        PassState::Enforce(desired) => Some(desired),
        PassState::Measure => match decide(input, scale, out) {
            Ok(desired) => Some(desired),
            Err(error) => {
                out.error = Some(error);
                return;
            }
        },
    };
    match desired {
        Some(desired) if desired.replicas != scale.spec_replicas => write(input, scale, &desired, out),
        _ => out.status.desired_replicas = scale.spec_replicas,
    }
}

/// SCHEMA.md, reconcile step 3.
fn pass_state(input: &ReconcileInput, scale: &ScaleSubresource) -> PassState {
    let min = input.spec.min();
    let enforce = |replicas, reason: &str| PassState::Enforce(DesiredReplicas { replicas, reason: reason.to_owned() });
    if scale.spec_replicas == 0 {
        let may_leave_zero = min != 0 || input.spec.has_object_or_external();
        if scaled_to_zero(input) && may_leave_zero { PassState::Measure } else { PassState::Disabled }
    } else if scale.spec_replicas > input.spec.max_replicas {
        enforce(input.spec.max_replicas, ABOVE_MAX)
    } else if scale.spec_replicas < min {
        enforce(min, BELOW_MIN)
    } else {
        PassState::Measure
    }
}

/// Whether the controller scaled the target to 0, by the status before the pass.
fn scaled_to_zero(input: &ReconcileInput) -> bool {
    let is_true = |condition: &HpaCondition| {
        condition.kind == ConditionKind::ScaledToZero && condition.status == ConditionStatus::True
    };
    input.status.conditions.iter().any(is_true)
}

fn disable(out: &mut ReconcileOutput) {
    let message = "scaling is disabled since the replica count of the target is zero";
    let condition =
        HpaCondition::new(ConditionKind::ScalingActive, ConditionStatus::False, text::SCALING_DISABLED, message);
    set(&mut out.status.conditions, condition);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::hpa::{HpaLogs, MetricInput, PodPhase, PodState, PodsMetric};

    /// A pass over two ready pods with this sample each, for a target of 1, 1 to 10 replicas, and one old
    /// recommendation.
    fn pass(sample_milli: i64) -> ReconcileOutput {
        let pod = |name: &str| PodState { name: name.into(), phase: PodPhase::Running, ready: true, deleting: false };
        let sample = |name: &str| (name.to_owned(), sample_milli);
        let metric = MetricInput::Pods {
            metric: PodsMetric { name: "gpu".into() },
            target_average_value_milli: 1000,
            samples_milli: Ok(BTreeMap::from([sample("a"), sample("b")])),
        };
        let old = LogSlot { age: Duration::from_secs(3600), count: 2 };
        reconcile(&ReconcileInput {
            names: HpaNames {
                namespace: "default".into(),
                hpa: "llm".into(),
                target_kind: "Deployment".into(),
                target_name: "llm".into(),
            },
            spec: HpaSpec { min_replicas: None, max_replicas: 10, behavior: None, metrics: vec![metric] },
            status: HpaStatus::default(),
            flags: ControllerFlags::default(),
            scale: Ok(ScaleSubresource {
                spec_replicas: 2,
                status_replicas: 2,
                selector: PodSelector::Parsed("app=llm".into()),
            }),
            pods: vec![pod("a"), pod("b")],
            competing_hpa: None,
            put_failures: Vec::new(),
            logs: HpaLogs { recommendations: vec![old], ..HpaLogs::default() },
        })
    }

    #[test]
    fn a_huge_value_scales_down_to_min() {
        let out = pass(i64::MAX / 2);
        assert_eq!(out.scale_written, Some(1));
        let messages: Vec<&str> = out.events.iter().map(|event| event.message.as_str()).collect();
        assert_eq!(messages, ["New size: 1; reason: All metrics below target"]);
    }

    #[test]
    fn a_large_value_scales_up() {
        let out = pass(1500);
        assert_eq!(out.scale_written, Some(3));
        assert_eq!(out.status.desired_replicas, 3);
        assert_eq!(out.logs.recommendations, [LogSlot { age: Duration::ZERO, count: 3 }]);
    }
}
