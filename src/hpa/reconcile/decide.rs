//! From the largest proposal to the desired replicas and their reason.

use super::measure::{LargestProposal, measure};
use super::select::select;
use super::{BELOW_MIN, DesiredReplicas, PassError, ReconcileInput, ReconcileOutput, ScaleSubresource, scaled_to_zero};
use crate::hpa::condition::set;
use crate::hpa::{Size, Sizing, behavior, legacy, text};

/// SCHEMA.md, reconcile steps 4 to 6. An error ends the pass; failures that do not end it are stored in `out.error`.
pub(super) fn decide(
    input: &ReconcileInput,
    scale: &ScaleSubresource,
    out: &mut ReconcileOutput,
) -> Result<DesiredReplicas, PassError> {
    let target = || input.names.target();
    if let Err(cause) = select(input, scale, out) {
        out.warn(text::FAILED_COMPUTE_METRICS_REPLICAS, cause.to_string());
        return Err(PassError::NotSelected { target: target(), cause });
    }
    match measure(input, scale, out) {
        Ok(best) => Ok(desired_replicas(input, scale, best, out)),
        Err(cause) => {
            out.warn(text::FAILED_COMPUTE_METRICS_REPLICAS, cause.to_string());
            Err(PassError::NotComputed { target: target(), cause })
        }
    }
}

/// SCHEMA.md, reconcile step 6. The reason depends on the proposal, the replicas also on stabilization and limits.
fn desired_replicas(
    input: &ReconcileInput,
    scale: &ScaleSubresource,
    best: LargestProposal,
    out: &mut ReconcileOutput,
) -> DesiredReplicas {
    let current = scale.spec_replicas;
    let proposal = best.replicas.max(0);
    let mut reason = if proposal > current {
        format!("{} above target", best.name)
    } else if proposal < current {
        "All metrics below target".to_owned()
    } else {
        String::new()
    };
    out.error = best.invalid.map(PassError::SomeInvalid);
    let size = stabilize_and_limit(input, current, proposal, out);
    for condition in size.conditions() {
        set(&mut out.status.conditions, condition);
    }
    out.logs.recommendations = size.recommendations;
    let min = input.spec.min();
    let mut replicas = size.desired_replicas;
    if current == 0 && min != 0 && scaled_to_zero(input) && replicas < min {
        replicas = min;
        if reason.is_empty() {
            BELOW_MIN.clone_into(&mut reason);
        }
    }
    DesiredReplicas { replicas, reason }
}

fn stabilize_and_limit(input: &ReconcileInput, current_replicas: i32, proposal: i32, out: &ReconcileOutput) -> Size {
    let sizing = Sizing {
        current_replicas,
        proposal,
        min_replicas: input.spec.min(),
        max_replicas: input.spec.max_replicas,
        downscale_stabilization: input.flags.downscale_stabilization,
        recommendations: &out.logs.recommendations,
    };
    match &input.spec.behavior {
        Some(rules) => behavior(&sizing, rules, &out.logs.events),
        None => legacy(&sizing),
    }
}
