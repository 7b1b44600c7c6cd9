//! What a pass could have decided, told in numbers for the report.

use super::scale_decision::ScaleDecision;
use super::scaling_policies;
use crate::judge::by_the_autoscaler::confirming_status;
use crate::judge::run_view::{RecommendationRange, RunView, SizeChange};
use crate::model::prediction::AllowedReplicas;

/// What could have been decided when the size was changed; `None` when the autoscaler did not.
pub(in crate::judge) fn compute_allowed(view: &RunView<'_>, change: &SizeChange<'_>) -> Option<AllowedReplicas> {
    confirming_status(view, change)?;
    let decision = ScaleDecision::new(view, change);
    let limits = scaling_policies::rate_limits(view, &decision);
    let limit = if decision.is_scale_up() { *limits.end() } else { *limits.start() };
    Some(AllowedReplicas {
        by_readings: to_size_range(decision.recommendation(view)),
        by_status: decision.status_recommendation(view).map(|(_, asked)| to_size_range(asked)),
        rate_limit: known_size(limit),
    })
}

fn to_size_range(asked: RecommendationRange) -> [Option<i32>; 2] {
    [known_size(asked.smallest()), known_size(asked.largest())]
}

/// A size, unless it is the end of all numbers, which stands for "anything".
fn known_size(size: i32) -> Option<i32> {
    (size != i32::MIN && size != i32::MAX).then_some(size)
}
