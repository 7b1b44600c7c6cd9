//! From all metrics of the spec, in order, to the largest proposal.

use super::{CurrentMetric, InvalidMetrics, ReconcileInput, ReconcileOutput, ReportedValue, ScaleSubresource};
use crate::hpa::condition::set;
use crate::hpa::{
    ConditionKind, ConditionStatus, HpaCondition, MetricError, MetricInput, Proposal, TargetType, Tolerance, Workload,
    metric_name, propose, text,
};

/// The largest proposal, and the name of its metric.
#[derive(Default)]
pub(super) struct LargestProposal {
    pub(super) replicas: i32,
    pub(super) name: String,
    /// Failures that did not stop the pass.
    pub(super) invalid: Option<InvalidMetrics>,
}

/// SCHEMA.md, reconcile step 5. Events, conditions and current metrics are stored in `out`. An error ends the pass: all
/// metrics failed, or some failed and the others recommend fewer than the current replicas.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `computeReplicasForMetrics`.
pub(super) fn measure(
    input: &ReconcileInput,
    scale: &ScaleSubresource,
    out: &mut ReconcileOutput,
) -> Result<LargestProposal, InvalidMetrics> {
    let workload = Workload {
        spec_replicas: scale.spec_replicas,
        status_replicas: scale.status_replicas,
        pods: &input.pods,
        tolerance: Tolerance::new(input.flags.tolerance, input.spec.behavior.as_ref()),
    };
    let mut best = LargestProposal::default();
    let mut failures = Vec::new();
    for metric in &input.spec.metrics {
        match propose(metric, &workload) {
            Ok(proposal) => {
                // A best of 0 is replaced even by another 0, so of several zeros the last metric gives the name.
                if best.replicas == 0 || proposal.replicas > best.replicas {
                    best.replicas = proposal.replicas;
                    best.name = metric_name(metric);
                }
                out.status.current_metrics.push(Some(current_metric(metric, proposal)));
            }
            Err(error) => {
                out.warn(failure_reason(metric), error.to_string());
                out.status.current_metrics.push(None);
                failures.push((metric, error));
            }
        }
    }
    handle_failures(best, failures, input.spec.metrics.len(), scale, out)
}

/// Decides whether the failures end the pass, and sets the condition `ScalingActive`.
fn handle_failures(
    mut best: LargestProposal,
    failures: Vec<(&MetricInput, MetricError)>,
    total: usize,
    scale: &ScaleSubresource,
    out: &mut ReconcileOutput,
) -> Result<LargestProposal, InvalidMetrics> {
    let invalid = failures.len();
    if let Some((metric, first)) = failures.into_iter().next() {
        let first_in_full = full_error(metric, &first);
        let failed = InvalidMetrics { invalid, total, first, first_in_full };
        if invalid == total || best.replicas < scale.spec_replicas {
            let message = format!("the HPA was unable to compute the replica count: {}", failed.first);
            set_scaling_active(out, ConditionStatus::False, failure_reason(metric), message);
            return Err(failed);
        }
        best.invalid = Some(failed);
    }
    let message = format!("the HPA was able to successfully calculate a replica count from {}", best.name);
    set_scaling_active(out, ConditionStatus::True, text::VALID_METRIC_FOUND, message);
    Ok(best)
}

fn set_scaling_active(out: &mut ReconcileOutput, status: ConditionStatus, reason: &str, message: String) {
    set(&mut out.status.conditions, HpaCondition::new(ConditionKind::ScalingActive, status, reason, message));
}

fn failure_reason(metric: &MetricInput) -> &'static str {
    match metric {
        MetricInput::Pods { .. } => "FailedGetPodsMetric",
        MetricInput::Object { .. } => "FailedGetObjectMetric",
        MetricInput::External { .. } => "FailedGetExternalMetric",
    }
}

/// The error with the controller's context before it.
fn full_error(metric: &MetricInput, error: &MetricError) -> String {
    let name = metric.name();
    let average = metric.target_type() == TargetType::AverageValue;
    match (metric, error) {
        (MetricInput::Pods { .. }, _) => format!("failed to get pods metric value: {error}"),
        (MetricInput::Object { .. }, MetricError::ObjectWithoutTarget) => {
            format!("failed to get object metric value: {error}")
        }
        (MetricInput::Object { .. }, _) if average => {
            format!("failed to get object metric value: failed to get {name} object metric: {error}")
        }
        (MetricInput::Object { .. }, _) => format!("failed to get object metric value: {error}"),
        (MetricInput::External { .. }, MetricError::ExternalWithoutTarget) => {
            format!("failed to get {name} external metric value: {error}")
        }
        (MetricInput::External { .. }, _) if average => {
            format!("failed to get {name} external metric value: failed to get {name} external metric: {error}")
        }
        (MetricInput::External { .. }, _) => {
            format!("failed to get {name} external metric value: failed to get external metric {name}: {error}")
        }
    }
}

fn current_metric(metric: &MetricInput, proposal: Proposal) -> CurrentMetric {
    let reported = match metric.target_type() {
        TargetType::Value => ReportedValue::Value(proposal.value_milli),
        TargetType::AverageValue => ReportedValue::AverageValue(proposal.value_milli),
    };
    CurrentMetric { kind: metric.kind(), name: metric.name().to_owned(), reported }
}
