//! Faults of the HPA controller.

use super::state::HpaControllerState;
use crate::hpa::{
    ConditionKind, HpaEvent, HpaEventType, LogSlot, ReconcileInput, ReconcileOutput, SUCCEEDED_RESCALE,
    SUCCESSFUL_RESCALE, new_size, updated_scale,
};
use crate::sim::config::HpaFault;

/// Applies a fault to the input of a pass.
pub(super) fn alter_input(fault: HpaFault, input: &mut ReconcileInput) {
    match fault {
        HpaFault::StabilizationPercent(percent) => {
            input.flags.downscale_stabilization = input.flags.downscale_stabilization * percent.unsigned_abs() / 100;
            let window = input.spec.behavior.as_mut().and_then(|b| b.scale_down.stabilization_window_seconds.as_mut());
            if let Some(seconds) = window {
                *seconds = *seconds * percent / 100;
            }
        }
        HpaFault::ExceedsMax(by) => input.spec.max_replicas += by,
        _ => {}
    }
}

/// Applies a fault to the output of a pass.
pub(super) fn alter_output(
    fault: HpaFault,
    input: &ReconcileInput,
    state: &HpaControllerState,
    now_ms: u64,
    out: &mut ReconcileOutput,
) {
    let Ok(scale) = &input.scale else { return };
    let current = scale.spec_replicas;
    let scale_written = out.scale_written;
    match fault {
        HpaFault::NeverScalesDown if scale_written.is_some_and(|size| size < current) => {
            suppress_scale(input, current, out)
        }
        HpaFault::NeverScalesUp if scale_written.is_some_and(|size| size > current) => {
            suppress_scale(input, current, out)
        }
        HpaFault::ExceedsMax(_) if scale_written.is_some_and(|size| size > current) => {
            force_scale(out, input.spec.max_replicas, &format!("{} above target", first_metric_name(input)));
        }
        HpaFault::SpuriousScaleUp(after) if state.first_scale_up_ms.is_none() => {
            let is_due = state.first_pass_ms.is_some_and(|first| first + after.ms() <= now_ms);
            if is_due {
                // The stabilization window keeps it like any other recommendation.
                out.logs.recommendations.push(LogSlot { age: std::time::Duration::ZERO, count: current + 1 });
                force_scale(out, current + 1, "cpu resource utilization (percentage of request) above target");
            }
        }
        HpaFault::FlapsAfter(after)
            if state.first_scale_up_ms.is_some_and(|scaled_up| scaled_up + after.ms() <= now_ms) =>
        {
            if state.passes.is_multiple_of(2) && current > 1 {
                force_scale(out, current - 1, "All metrics below target");
            } else if !state.passes.is_multiple_of(2) && current < input.spec.max_replicas {
                force_scale(out, current + 1, &format!("{} above target", first_metric_name(input)));
            }
        }
        _ => {}
    }
}

fn first_metric_name(input: &ReconcileInput) -> String {
    input.spec.metrics.first().map(crate::hpa::metric_name).unwrap_or_default()
}

/// Drops the scale of a pass, with its condition and events.
fn suppress_scale(input: &ReconcileInput, current: i32, out: &mut ReconcileOutput) {
    out.scale_written = None;
    out.status.desired_replicas = current;
    out.status.conditions.clone_from(&input.status.conditions);
    out.events.clear();
}

/// Replaces the scale of a pass, with the usual condition and event.
fn force_scale(out: &mut ReconcileOutput, size: i32, reason: &str) {
    out.scale_written = Some(size);
    out.status.desired_replicas = size;
    let able_to_scale = out.status.conditions.iter_mut().find(|condition| condition.kind == ConditionKind::AbleToScale);
    if let Some(able_to_scale) = able_to_scale {
        able_to_scale.reason = SUCCEEDED_RESCALE.to_owned();
        able_to_scale.message = updated_scale(size);
    }
    out.events.retain(|event| event.reason != SUCCESSFUL_RESCALE);
    out.events.push(HpaEvent {
        kind: HpaEventType::Normal,
        reason: SUCCESSFUL_RESCALE,
        message: new_size(size, reason),
    });
}
