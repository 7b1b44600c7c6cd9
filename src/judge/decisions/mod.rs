//! The decisions of the HPA controller, each compared with what its algorithm allows for its possible inputs
//! (kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go and replica_calculator.go). Several checks use this.

mod allowed_sizes;
mod scale_decision;
mod scaling_policies;
mod stabilization_windows;

use super::run_view::{RecommendationRange, RunView, SizeChange};
use crate::bounds::SLACK;
use crate::hpa;
use crate::model::observation::{HpaSnapshot, Phase};

pub(super) use allowed_sizes::compute_allowed;
pub(super) use scale_decision::ScaleDecision;

/// The result of one rule for one decision.
pub(super) enum DecisionCheck {
    Pass,
    Finding(String),
    /// The text, and the sequence numbers of the observations that show it.
    Violation(String, Vec<u64>),
}

/// True while replicas are above minReplicas and the controller may still scale down too early or too fast: a run that
/// cannot pass can still fail.
pub(super) fn can_still_fail(view: &RunView<'_>) -> bool {
    let is_own = |change: &SizeChange<'_>| view.confirming_status(change).is_some();
    let disturbed = view.find_unseen_change().is_some() || !view.size_changes.iter().all(is_own);
    let above_min =
        view.workload_at(view.now_ms()).is_some_and(|(_, workload)| workload.spec_replicas > view.min_replicas);
    above_min && !view.size_changes.is_empty() && !disturbed && !has_no_more_changes(view)
}

/// True when no further change is expected. Under load one may always come; after it the last one is the scale-down to
/// minReplicas.
pub(super) fn has_no_more_changes(view: &RunView<'_>) -> bool {
    let Some((began, ended)) = view.phase_span(Phase::ScaleDown) else {
        return view.phase_start(Phase::Cleanup).is_some();
    };
    let at_min =
        view.workload_at(view.now_ms()).is_none_or(|(_, workload)| workload.spec_replicas <= view.min_replicas);
    let bound = view.bound_with_restarts(view.times.scale_down(), began, view.now_ms());
    let late = view.now_ms() >= began + bound.lenient_ms();
    at_min || late || ended.is_some() || view.phase_start(Phase::Cleanup).is_some()
}

/// True when no possible input and tolerance explains a scale-up, or a scale-down inside the window.
pub(super) fn is_inexplicable<'v>(view: &'v RunView<'v>, change: &'v SizeChange<'v>) -> bool {
    let decision = ScaleDecision::new(view, change);
    if decision.is_scale_up() {
        return matches!(check_too_large(view, &decision), DecisionCheck::Violation(..));
    }
    let is_above = |range: RecommendationRange| range.smallest() > decision.to;
    is_above(decision.recommendation(view))
        || decision.status_recommendation(view).is_some_and(|(_, range)| is_above(range))
        || stabilization_windows::is_early(view, &decision)
}

pub(super) fn check_decision(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> Vec<DecisionCheck> {
    // From outside minReplicas and maxReplicas the controller sets the bound at once, without metric, window or
    // policies (kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler).
    if !(view.min_replicas..=view.max_replicas).contains(&decision.from) {
        return vec![check_replica_bounds(view, decision), check_return_to_bounds(view, decision)];
    }
    let mut checks = vec![
        check_replica_bounds(view, decision),
        scaling_policies::check_rate(view, decision),
        check_scaling_active(view, decision.change),
    ];
    checks.extend(if decision.is_scale_up() {
        [
            stabilization_windows::check_scale_up_window(view, decision),
            check_too_large(view, decision),
            check_too_small(view, decision),
        ]
    } else {
        [
            stabilization_windows::check_scale_down_window(view, decision),
            stabilization_windows::check_recommended(view, decision),
            DecisionCheck::Pass,
        ]
    });
    checks
}

fn check_replica_bounds(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    if (view.min_replicas..=view.max_replicas).contains(&decision.to) {
        return DecisionCheck::Pass;
    }
    DecisionCheck::Violation(
        format!("outside minReplicas {} and maxReplicas {}", view.min_replicas, view.max_replicas),
        Vec::new(),
    )
}

/// From outside minReplicas and maxReplicas the controller sets the bound that is exceeded.
fn check_return_to_bounds(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let bound = if decision.from > view.max_replicas { view.max_replicas } else { view.min_replicas };
    // At 0 the controller follows the metric, or is disabled (kubernetes v1.37.2,
    // pkg/controller/podautoscaler/horizontal.go).
    if decision.from == 0 || decision.to == bound {
        return DecisionCheck::Pass;
    }
    DecisionCheck::Finding(format!(
        "from outside minReplicas {} and maxReplicas {}, but not to {bound}",
        view.min_replicas, view.max_replicas
    ))
}

/// A change is a violation when ScalingActive was False before it and in the status of the pass that made it.
fn check_scaling_active(view: &RunView<'_>, change: &SizeChange<'_>) -> DecisionCheck {
    let inactive = |hpa: &HpaSnapshot| hpa.conditions.iter().any(|c| c.kind == "ScalingActive" && c.status == "False");
    let Some((status, after)) = view.confirming_status(change) else { return DecisionCheck::Pass };
    let before = view.our_hpa_before(change.at_ms.saturating_sub(SLACK.ms()));
    match before {
        Some((o, before)) if inactive(before) && inactive(after) => {
            DecisionCheck::Violation("while ScalingActive was False".to_owned(), vec![o.seq, status.seq])
        }
        _ => DecisionCheck::Pass,
    }
}

/// A scale-up must not exceed the largest possible recommendation, by the readings around it and by the value that the
/// status of the same pass reports.
fn check_too_large(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let by_readings = decision.recommendation(view);
    if decision.to > by_readings.largest() {
        let text =
            format!("above {}, the largest recommendation that the readings around it allow", by_readings.largest());
        return DecisionCheck::Violation(text, decision.reading_seqs(view));
    }
    match decision.status_recommendation(view) {
        // Without spec.behavior the controller may go back to any earlier recommendation.
        Some((seq, by_status))
            if decision.to > by_status.largest()
                && hpa::behavior_from_spec(&view.records.scenario.hpa.spec).is_some() =>
        {
            let text = format!(
                "above {}, the largest recommendation for the value in the HPA's own status",
                by_status.largest()
            );
            DecisionCheck::Violation(text, vec![seq])
        }
        _ => DecisionCheck::Pass,
    }
}

/// A scale-up below the recommendation, with no limit that explains it.
fn check_too_small(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let Some(behavior) = hpa::behavior_from_spec(&view.records.scenario.hpa.spec) else { return DecisionCheck::Pass };
    let is_stabilized = behavior.scale_up.stabilization_window_seconds.is_some_and(|window| window > 0);
    let range = decision.status_recommendation(view).map_or_else(|| decision.recommendation(view), |(_, range)| range);
    let limited =
        decision.to == view.max_replicas || scaling_policies::rate_limits(view, decision).contains(&decision.to);
    if is_stabilized || limited || range.contains(decision.to) {
        return DecisionCheck::Pass;
    }
    DecisionCheck::Finding("the metric does not recommend this size".to_owned())
}
