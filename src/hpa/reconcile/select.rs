//! Which pods belong to the target: the selector has to be there, to be one, and to be nobody else's.

use super::{PodSelector, ReconcileInput, ReconcileOutput, ScaleSubresource, SelectorError};
use crate::hpa::condition::set;
use crate::hpa::{ConditionKind, ConditionStatus, HpaCondition, text};

/// SCHEMA, reconcile step 4. On failure its event and condition are already in `out`.
pub(super) fn select(
    input: &ReconcileInput,
    scale: &ScaleSubresource,
    out: &mut ReconcileOutput,
) -> Result<(), SelectorError> {
    let error = match (&scale.selector, &input.competing_hpa) {
        (PodSelector::Missing, _) => SelectorError::Missing,
        (PodSelector::Unparsable { why }, _) => SelectorError::Unparsable { why: why.clone() },
        (PodSelector::Parsed(selector), Some(other)) if !input.pods.is_empty() => {
            let own = format!("{}/{}", input.names.namespace, input.names.hpa);
            SelectorError::Ambiguous { selector: selector.clone(), hpas: [own, other.clone()] }
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
