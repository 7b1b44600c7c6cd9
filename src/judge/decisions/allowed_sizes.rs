//! The sizes that a pass could have decided on, for the report.

use super::scale_decision::ScaleDecision;
use super::scaling_policies;
use crate::judge::run_view::{RecommendationRange, RunView, SizeChange};
use crate::model::prediction::AllowedReplicas;

/// Computes the allowed sizes of a change; `None` when the HPA controller did not make it.
pub(in crate::judge) fn compute_allowed(view: &RunView<'_>, change: &SizeChange<'_>) -> Option<AllowedReplicas> {
    view.confirming_status(change)?;
    let decision = ScaleDecision::new(view, change);
    let limits = scaling_policies::rate_limits(view, &decision);
    let limit = if decision.is_scale_up() { *limits.end() } else { *limits.start() };
    Some(AllowedReplicas {
        by_readings: to_size_range(decision.recommendation(view)),
        by_status: decision.status_recommendation(view).map(|(_, range)| to_size_range(range)),
        rate_limit: known_size(limit),
    })
}

fn to_size_range(range: RecommendationRange) -> [Option<i32>; 2] {
    [known_size(range.smallest()), known_size(range.largest())]
}

/// The size, unless it is `i32::MIN` or `i32::MAX`, which mean "unlimited".
fn known_size(size: i32) -> Option<i32> {
    (size != i32::MIN && size != i32::MAX).then_some(size)
}
