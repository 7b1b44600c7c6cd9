//! The write of new replicas to the scale, and its record in the logs.

use super::{
    DesiredReplicas, HpaEvent, HpaEventType, PassError, PutFailure, ReconcileInput, ReconcileOutput, ScaleSubresource,
};
use crate::hpa::condition::set;
use crate::hpa::log::record;
use crate::hpa::{ConditionKind, ConditionStatus, HpaCondition, text};

/// Largest number of PUTs in one pass: `retry.DefaultRetry` of client-go has 5 steps.
const MAX_PUTS: u32 = 5;

/// SCHEMA.md, reconcile steps 7 and 8.
pub(super) fn write(
    input: &ReconcileInput,
    scale: &ScaleSubresource,
    desired: &DesiredReplicas,
    out: &mut ReconcileOutput,
) {
    let (calls, failure) = put(&input.put_failures);
    out.scale_update_calls = calls;
    match failure {
        Some(text) => failed(input, desired, text, out),
        None => succeeded(input, scale, desired, out),
    }
}

/// The number of attempted PUTs, and the error text of the last one if it failed. Only conflicts are retried.
fn put(failures: &[PutFailure]) -> (u32, Option<&str>) {
    let mut failures = failures.iter();
    for call in 1..MAX_PUTS {
        match failures.next() {
            None => return (call, None),
            Some(PutFailure::Other(text)) => return (call, Some(text)),
            Some(PutFailure::Conflict(_)) => {}
        }
    }
    let last = failures.next().map(|failure| match failure {
        PutFailure::Other(text) | PutFailure::Conflict(text) => text.as_str(),
    });
    (MAX_PUTS, last)
}

fn failed(input: &ReconcileInput, desired: &DesiredReplicas, text: &str, out: &mut ReconcileOutput) {
    let DesiredReplicas { replicas, reason } = desired;
    out.warn(text::FAILED_RESCALE, format!("{}; error: {text}", text::new_size(*replicas, reason)));
    let message = format!("the HPA controller was unable to update the target scale: {text}");
    let (kind, status) = (ConditionKind::AbleToScale, ConditionStatus::False);
    set(&mut out.status.conditions, HpaCondition::new(kind, status, text::FAILED_UPDATE_SCALE, message));
    out.error = Some(PassError::NotRescaled { target: input.names.target(), text: text.to_owned() });
}

fn succeeded(input: &ReconcileInput, scale: &ScaleSubresource, desired: &DesiredReplicas, out: &mut ReconcileOutput) {
    let DesiredReplicas { replicas, reason } = desired;
    let message = text::updated_scale(*replicas);
    let (kind, status) = (ConditionKind::AbleToScale, ConditionStatus::True);
    set(&mut out.status.conditions, HpaCondition::new(kind, status, text::SUCCEEDED_RESCALE, message));
    out.events.push(HpaEvent {
        kind: HpaEventType::Normal,
        reason: text::SUCCESSFUL_RESCALE,
        message: text::new_size(*replicas, reason),
    });
    record_scale_event(input, scale.spec_replicas, *replicas, out);
    set(&mut out.status.conditions, scaled_to_zero_condition(input, scale.spec_replicas, *replicas));
    out.scale_written = Some(*replicas);
    out.status.desired_replicas = *replicas;
}

/// Records the change in the log of its direction; the controller does so only while `spec.behavior` is set.
fn record_scale_event(input: &ReconcileInput, before: i32, after: i32, out: &mut ReconcileOutput) {
    let Some(rules) = &input.spec.behavior else { return };
    let events = &mut out.logs.events;
    if after > before {
        record(&mut events.ups, after.wrapping_sub(before), rules.scale_up.longest_period());
    } else {
        record(&mut events.downs, before.wrapping_sub(after), rules.scale_down.longest_period());
    }
}

/// The condition `ScaledToZero`, which every successful write sets.
fn scaled_to_zero_condition(input: &ReconcileInput, before: i32, after: i32) -> HpaCondition {
    let to_zero = before > 0 && after == 0 && input.spec.min() == 0 && input.spec.has_object_or_external();
    let (status, reason, message) = if to_zero {
        (ConditionStatus::True, text::SCALED_TO_ZERO, "the HPA controller scaled the workload to zero")
    } else {
        (ConditionStatus::False, text::NOT_SCALED_TO_ZERO, "the HPA controller did not scale the workload to zero")
    };
    HpaCondition::new(ConditionKind::ScaledToZero, status, reason, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_conflicts_are_retried_and_the_fifth_is_the_last() {
        let conflicts = |n| vec![PutFailure::Conflict("busy".to_owned()); n];
        assert_eq!(put(&conflicts(0)), (1, None));
        assert_eq!(put(&conflicts(4)), (5, None));
        assert_eq!(put(&conflicts(5)), (5, Some("busy")));
        assert_eq!(put(&[PutFailure::Other("no".to_owned())]), (1, Some("no")));
    }
}
