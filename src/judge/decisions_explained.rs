//! Oracle/DecisionsExplained: every size that the autoscaler wrote lies in the set that its algorithm allows for what it
//! could have seen. What could have been served between two readings, what the pods may have been, when a pass was, the
//! flags that nobody can read and what a controller that began anew has forgotten are free variables, and staying is
//! always allowed. FAIL for a size outside min and max, a change faster than the spec's rate or inside the spec's window,
//! a change while ScalingActive is False, and a rise above the largest size that can be explained; whatever else is not
//! explained is a finding. Only the autoscaler's own writes are judged. Sources: hpa.md 1.1 to 1.8 and 6 of the
//! controller (Kubernetes 1.37.2).

mod allowed_sizes;
mod scale_decision;
mod scaling_policies;
mod stabilization_windows;

use super::by_the_autoscaler::confirming_status;
use super::check_result::CheckResult;
use super::run_view::{ObservedItem, RecommendationRange, RunView, SizeChange};
use crate::bounds::SLACK;
use crate::hpa;
use crate::model::observation::{HpaSnapshot, Phase};

pub(super) use allowed_sizes::compute_allowed;
use scale_decision::ScaleDecision;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let own: Vec<&SizeChange<'_>> =
        view.size_changes.iter().filter(|change| confirming_status(view, change).is_some()).collect();
    let (mut cites, mut findings) = (Vec::new(), Vec::new());
    for change in &own {
        let decision = ScaleDecision::new(view, change);
        for look in check_decision(view, &decision) {
            match look {
                DecisionCheck::Pass => {}
                DecisionCheck::Finding(text) => findings.push(format!("{decision}: {text}")),
                DecisionCheck::Violation(text, _) if is_disturbed(view, change) => {
                    findings.push(format!("{decision}: {text}; but the target's size had been changed otherwise"));
                }
                DecisionCheck::Violation(text, seqs) => {
                    return CheckResult::fail(format!("{decision}: {text}")).with_cites([change.seq]).with_cites(seqs);
                }
            }
        }
        cites.push(change.seq);
    }
    if let Some((why, seq)) = find_hidden_change(view) {
        return CheckResult::inconclusive(why).with_cites(cites).with_cites([seq]);
    }
    let text = match own.len() {
        0 => "the autoscaler changed no size".to_owned(),
        n => format!(
            "{n} changes of size keep min and max, rate, window and ScalingActive, and none rises above what the metric can have asked for"
        ),
    };
    let ruling = if has_no_more_changes(view) { CheckResult::pass(text) } else { CheckResult::pending(text) };
    findings.into_iter().fold(ruling.with_cites(cites), CheckResult::with_finding)
}

/// What could hide a violation: a size that was changed unseen, or a change around which the HPA was not read, so that
/// nobody knows whose it was or whether scaling was active.
fn find_hidden_change(view: &RunView<'_>) -> Option<(String, u64)> {
    let unread = |change: &&SizeChange<'_>| {
        let decision = ScaleDecision::new(view, change);
        change.is_scale_write()
            && !decision.has_status()
            && view.has_gap("hpa", decision.earliest_ms, change.at_ms + SLACK.ms())
    };
    let unread = || view.size_changes.iter().find(unread).map(|change| (change, change.seq, "could not be read"));
    let untold = || {
        let mut told = view.size_changes.iter().filter_map(|change| Some((change, confirming_status(view, change)?)));
        let untold = told.find(|(_, status)| lacks_rescale_condition(view, status));
        untold.map(|(change, status)| (change, status.0.seq, "does not say that it scaled"))
    };
    view.find_unseen_change().or_else(|| {
        let (change, seq, what) = unread().or_else(untold)?;
        Some((format!("the HPA {what} when the size went {} → {}", change.from, change.to), seq))
    })
}

/// The status of the pass that changed the size, which nobody missed, but which does not say so: its values may not be
/// what that pass went by.
fn lacks_rescale_condition(view: &RunView<'_>, (seen, status): &ObservedItem<'_, HpaSnapshot>) -> bool {
    let before = view.our_hpa_snapshots().take_while(|(o, _)| o.seq < seen.seq).last();
    let is_first = before.is_some_and(|(o, before)| {
        before.last_scale_time != status.last_scale_time && view.is_gapless("hpa", o.at_ms, seen.at_ms)
    });
    is_first && !status.conditions.iter().any(|c| c.reason == hpa::SUCCEEDED_RESCALE)
}

/// True while the autoscaler has a size above min to take back, which it may do too early or too fast: a run that cannot
/// pass any more can still fail.
pub(super) fn can_still_fail(view: &RunView<'_>) -> bool {
    let ours = |change: &SizeChange<'_>| confirming_status(view, change).is_some();
    let disturbed = view.find_unseen_change().is_some() || !view.size_changes.iter().all(ours);
    let large = view.workload_at(view.now_ms()).is_some_and(|(_, workload)| workload.spec_replicas > view.min_replicas);
    large && !view.size_changes.is_empty() && !disturbed && !has_no_more_changes(view)
}

/// No change that could be judged is awaited any more. Before the load has ended one always may come; after it the last
/// one is the fall to min.
fn has_no_more_changes(view: &RunView<'_>) -> bool {
    let Some((began, ended)) = view.phase_span(Phase::ScaleDown) else {
        return view.phase_start(Phase::Cleanup).is_some();
    };
    let small = view.workload_at(view.now_ms()).is_none_or(|(_, workload)| workload.spec_replicas <= view.min_replicas);
    let late = view.now_ms() >= began + view.times.scale_down().lenient_ms();
    small || late || ended.is_some() || view.phase_start(Phase::Cleanup).is_some()
}

/// True when nothing that could have been served, seen and tolerated explains a rise, or a fall within the window.
pub(super) fn is_inexplicable<'v>(view: &'v RunView<'v>, change: &'v SizeChange<'v>) -> bool {
    let decision = ScaleDecision::new(view, change);
    if decision.is_scale_up() {
        return matches!(check_too_large(view, &decision), DecisionCheck::Violation(..));
    }
    let less = |asked: RecommendationRange| asked.smallest() > decision.to;
    less(decision.recommendation(view))
        || decision.status_recommendation(view).is_some_and(|(_, asked)| less(asked))
        || stabilization_windows::is_early(view, &decision)
}

fn check_decision(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> Vec<DecisionCheck> {
    // From outside min and max the size is set back at once: no metric, no window, no rate (facts: hpa.md 1.1).
    if !(view.min_replicas..=view.max_replicas).contains(&decision.from) {
        return vec![check_replica_bounds(view, decision), check_return_to_bounds(view, decision)];
    }
    let mut all = vec![
        check_replica_bounds(view, decision),
        scaling_policies::check_rate(view, decision),
        check_scaling_active(view, decision.change),
    ];
    all.extend(if decision.is_scale_up() {
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
    all
}

/// The size was changed by another hand before, or without being seen: the autoscaler's answer to that is not ours to
/// foretell.
fn is_disturbed(view: &RunView<'_>, change: &SizeChange<'_>) -> bool {
    let foreign = |past: &SizeChange<'_>| past.at_ms <= change.at_ms && confirming_status(view, past).is_none();
    view.size_changes.iter().any(foreign) || view.find_unseen_change().is_some()
}

enum DecisionCheck {
    Pass,
    Finding(String),
    Violation(String, Vec<u64>),
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

/// A size outside min and max is set to the bound that it passes.
fn check_return_to_bounds(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let bound = if decision.from > view.max_replicas { view.max_replicas } else { view.min_replicas };
    // From 0 the metrics decide, or nobody does.
    if decision.from == 0 || decision.to == bound {
        return DecisionCheck::Pass;
    }
    DecisionCheck::Finding(format!(
        "from outside minReplicas {} and maxReplicas {} not to {bound}",
        view.min_replicas, view.max_replicas
    ))
}

/// ScalingActive was False before the change, and the status of the pass that made it says the same.
fn check_scaling_active(view: &RunView<'_>, change: &SizeChange<'_>) -> DecisionCheck {
    let inactive = |hpa: &HpaSnapshot| hpa.conditions.iter().any(|c| c.kind == "ScalingActive" && c.status == "False");
    let Some((status, after)) = confirming_status(view, change) else { return DecisionCheck::Pass };
    let before = view.our_hpa_snapshots().filter(|(o, _)| o.at_ms + SLACK.ms() < change.at_ms).last();
    match before {
        Some((o, before)) if inactive(before) && inactive(after) => {
            DecisionCheck::Violation("while ScalingActive was False".to_owned(), vec![o.seq, status.seq])
        }
        _ => DecisionCheck::Pass,
    }
}

/// A rise above the largest size that the metric can have asked for: by all that could have been served around it, and
/// by the value that the status of that very pass reports.
fn check_too_large(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let read = decision.recommendation(view);
    if decision.to > read.largest() {
        let text = format!("above {}, the largest size that the readings around it can ask for", read.largest());
        return DecisionCheck::Violation(text, decision.reading_seqs(view));
    }
    match decision.status_recommendation(view) {
        // The legacy rules may raise a size to any earlier recommendation.
        Some((seq, asked))
            if decision.to > asked.largest() && hpa::behavior_from_spec(&view.records.scenario.hpa.spec).is_some() =>
        {
            let text = format!("above {}, the largest size for the value in the HPA's own status", asked.largest());
            DecisionCheck::Violation(text, vec![seq])
        }
        _ => DecisionCheck::Pass,
    }
}

/// A rise that stops short of what was asked for, with nothing that stops it there.
fn check_too_small(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let Some(behavior) = hpa::behavior_from_spec(&view.records.scenario.hpa.spec) else { return DecisionCheck::Pass };
    let held_back = behavior.scale_up.stabilization_window_seconds.is_some_and(|window| window > 0);
    let asked = decision.status_recommendation(view).map_or_else(|| decision.recommendation(view), |(_, asked)| asked);
    let limited =
        decision.to == view.max_replicas || scaling_policies::rate_limits(view, decision).contains(&decision.to);
    if held_back || limited || asked.contains(decision.to) {
        return DecisionCheck::Pass;
    }
    DecisionCheck::Finding("a size that the formula does not give for the metric".to_owned())
}
