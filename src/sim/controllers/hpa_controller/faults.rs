//! An HPA controller that does not do what it should.

use super::{HpaControllerState, HpaFault};
use crate::hpa::{
    ConditionKind, HpaEvent, HpaEventType, LogSlot, ReconcileInput, ReconcileOutput, SUCCEEDED_RESCALE,
    SUCCESSFUL_RESCALE, new_size, updated_scale,
};

/// What is wrong with what a pass reads.
pub(super) fn alter_input(behaves: HpaFault, input: &mut ReconcileInput) {
    match behaves {
        HpaFault::StabilizationPercent(percent) => {
            input.flags.downscale_stabilization = input.flags.downscale_stabilization * percent.unsigned_abs() / 100;
            let stated = input.spec.behavior.as_mut().and_then(|b| b.scale_down.stabilization_window_seconds.as_mut());
            if let Some(seconds) = stated {
                *seconds = *seconds * percent / 100;
            }
        }
        HpaFault::ExceedsMax(by) => input.spec.max_replicas += by,
        _ => {}
    }
}

/// What is wrong with what a pass does.
pub(super) fn alter_output(
    behaves: HpaFault,
    input: &ReconcileInput,
    memory: &HpaControllerState,
    now_ms: u64,
    out: &mut ReconcileOutput,
) {
    let Ok(scale) = &input.scale else { return };
    let found = scale.spec_replicas;
    let written = out.scale_written;
    match behaves {
        HpaFault::NeverScalesDown if written.is_some_and(|size| size < found) => suppress_scale(input, found, out),
        HpaFault::NeverScalesUp if written.is_some_and(|size| size > found) => suppress_scale(input, found, out),
        HpaFault::ExceedsMax(_) if written.is_some_and(|size| size > found) => {
            force_scale(out, input.spec.max_replicas, &format!("{} above target", first_metric_name(input)));
        }
        HpaFault::SpuriousScaleUp(after) if memory.first_scale_up_ms.is_none() => {
            let waited = memory.first_pass_ms.is_some_and(|first| first + after.ms() <= now_ms);
            if waited {
                // A recommendation like any other: the window holds it.
                out.logs.recommendations.push(LogSlot { age: std::time::Duration::ZERO, count: found + 1 });
                force_scale(out, found + 1, "cpu resource utilization (percentage of request) above target");
            }
        }
        HpaFault::FlapsAfter(after) if memory.first_scale_up_ms.is_some_and(|rose| rose + after.ms() <= now_ms) => {
            if memory.passes.is_multiple_of(2) && found > 1 {
                force_scale(out, found - 1, "All metrics below target");
            } else if !memory.passes.is_multiple_of(2) && found < input.spec.max_replicas {
                force_scale(out, found + 1, &format!("{} above target", first_metric_name(input)));
            }
        }
        _ => {}
    }
}

fn first_metric_name(input: &ReconcileInput) -> String {
    input.spec.metrics.first().map(crate::hpa::metric_name).unwrap_or_default()
}

/// Leaves the size as it was found.
fn suppress_scale(input: &ReconcileInput, found: i32, out: &mut ReconcileOutput) {
    out.scale_written = None;
    out.status.desired_replicas = found;
    out.status.conditions.clone_from(&input.status.conditions);
    out.events.clear();
}

/// Writes a size of its own, and says so as it always does.
fn force_scale(out: &mut ReconcileOutput, size: i32, reason: &str) {
    out.scale_written = Some(size);
    out.status.desired_replicas = size;
    let able = out.status.conditions.iter_mut().find(|condition| condition.kind == ConditionKind::AbleToScale);
    if let Some(able) = able {
        able.reason = SUCCEEDED_RESCALE.to_owned();
        able.message = updated_scale(size);
    }
    out.events.retain(|event| event.reason != SUCCESSFUL_RESCALE);
    out.events.push(HpaEvent {
        kind: HpaEventType::Normal,
        reason: SUCCESSFUL_RESCALE,
        message: new_size(size, reason),
    });
}
