//! Selection of the target's pods: the selector must exist, be valid, and select no pods of another HPA's target.

use super::{PodSelector, ReconcileInput, ReconcileOutput, ScaleSubresource, SelectorError};
use crate::hpa::condition::set;
use crate::hpa::{ConditionKind, ConditionStatus, HpaCondition, text};

/// SCHEMA.md, reconcile step 4. On failure, `out` already has the event and the condition.
pub(super) fn select(
    input: &ReconcileInput,
    scale: &ScaleSubresource,
    out: &mut ReconcileOutput,
) -> Result<(), SelectorError> {
    let error = match (&scale.selector, &input.competing_hpa) {
        (PodSelector::Missing, _) => SelectorError::Missing,
        (PodSelector::Unparsable { error }, _) => SelectorError::Unparsable { error: error.clone() },
        (PodSelector::Parsed(selector), Some(other)) if !input.pods.is_empty() => {
            let hpa = format!("{}/{}", input.names.namespace, input.names.hpa);
            SelectorError::Ambiguous { selector: selector.clone(), hpas: [hpa, other.clone()] }
        }
        (PodSelector::Parsed(_), _) => return Ok(()),
    };
    let (event, reason, message) = match &error {
        SelectorError::Missing => {
            (text::SELECTOR_REQUIRED, text::INVALID_SELECTOR, "the HPA target's scale is missing a selector".to_owned())
        }
        SelectorError::Unparsable { .. } => (text::INVALID_SELECTOR, text::INVALID_SELECTOR, error.to_string()),
        SelectorError::Ambiguous { .. } => (text::AMBIGUOUS_SELECTOR, text::AMBIGUOUS_SELECTOR, error.to_string()),
    };
    out.warn(event, error.to_string());
    let condition = HpaCondition::new(ConditionKind::ScalingActive, ConditionStatus::False, reason, message);
    set(&mut out.status.conditions, condition);
    Err(error)
}
