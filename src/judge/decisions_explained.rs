//! Oracle/DecisionsExplained: every size that the autoscaler wrote lies in the set that its algorithm allows for what it
//! could have seen. What could have been served between two readings, what the pods may have been, when a pass was, the
//! flags that nobody can read and what a controller that began anew has forgotten are free variables, and staying is
//! always allowed. FAIL for a size outside min and max, a change faster than the spec's rate or inside the spec's window,
//! a change while ScalingActive is False, and a rise above the largest size that can be explained; whatever else is not
//! explained is a finding. Only the autoscaler's own writes are judged. Sources: hpa.md 1.1 to 1.8 and 6 of the
//! controller (Kubernetes 1.37.2).

mod allowed;
mod decision;
mod rate;
mod windows;

use super::by_the_autoscaler::confirmed;
use super::ruling::Ruling;
use super::view::{Asked, Noted, SizeChange, View};
use crate::bounds::SLACK;
use crate::hpa;
use crate::record::observation::{HpaSeen, Phase};

pub(super) use allowed::allowed;
use decision::Decision;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let own: Vec<&SizeChange<'_>> = view.changes.iter().filter(|change| confirmed(view, change).is_some()).collect();
    let (mut cites, mut findings) = (Vec::new(), Vec::new());
    for change in &own {
        let decision = Decision::of(view, change);
        for look in looks(view, &decision) {
            match look {
                Look::Clean => {}
                Look::Finding(text) => findings.push(format!("{decision}: {text}")),
                Look::Violation(text, _) if is_disturbed(view, change) => {
                    findings.push(format!("{decision}: {text}; but the target's size had been changed otherwise"));
                }
                Look::Violation(text, seqs) => {
                    return Ruling::broken(format!("{decision}: {text}")).cite([change.seq]).cite(seqs);
                }
            }
        }
        cites.push(change.seq);
    }
    if let Some((why, seq)) = hidden(view) {
        return Ruling::unclear(why).cite(cites).cite([seq]);
    }
    let text = match own.len() {
        0 => "the autoscaler changed no size".to_owned(),
        n => format!(
            "{n} changes of size keep min and max, rate, window and ScalingActive, and none rises above what the metric can have asked for"
        ),
    };
    let ruling = if is_over(view) { Ruling::holds(text) } else { Ruling::open(text) };
    findings.into_iter().fold(ruling.cite(cites), Ruling::finding)
}

/// What could hide a violation: a size that was changed unseen, or a change around which the HPA was not read, so that
/// nobody knows whose it was or whether scaling was active.
fn hidden(view: &View<'_>) -> Option<(String, u64)> {
    let unread = |change: &&SizeChange<'_>| {
        let decision = Decision::of(view, change);
        change.is_scale_write()
            && !decision.has_status()
            && view.is_blind("hpa", decision.since_ms, change.at_ms + SLACK.ms())
    };
    let unread = || view.changes.iter().find(unread).map(|change| (change, change.seq, "could not be read"));
    let untold = || {
        let mut told = view.changes.iter().filter_map(|change| Some((change, confirmed(view, change)?)));
        let untold = told.find(|(_, status)| is_untold(view, status));
        untold.map(|(change, status)| (change, status.0.seq, "does not say that it scaled"))
    };
    view.unseen_change().or_else(|| {
        let (change, seq, what) = unread().or_else(untold)?;
        Some((format!("the HPA {what} when the size went {} → {}", change.from, change.to), seq))
    })
}

/// The status of the pass that changed the size, which nobody missed, but which does not say so: its values may not be
/// what that pass went by.
fn is_untold(view: &View<'_>, (seen, status): &Noted<'_, HpaSeen>) -> bool {
    let before = view.our_hpa().take_while(|(o, _)| o.seq < seen.seq).last();
    let is_first = before.is_some_and(|(o, before)| {
        before.last_scale != status.last_scale && view.is_unbroken("hpa", o.at_ms, seen.at_ms)
    });
    is_first && !status.conditions.iter().any(|c| c.reason == hpa::SUCCEEDED_RESCALE)
}

/// True while the autoscaler has a size above min to take back, which it may do too early or too fast: a run that cannot
/// pass any more can still fail.
pub(super) fn is_at_stake(view: &View<'_>) -> bool {
    let ours = |change: &SizeChange<'_>| confirmed(view, change).is_some();
    let disturbed = view.unseen_change().is_some() || !view.changes.iter().all(ours);
    let large = view.size_at(view.now_ms()).is_some_and(|(_, workload)| workload.spec_replicas > view.min);
    large && !view.changes.is_empty() && !disturbed && !is_over(view)
}

/// No change that could be judged is awaited any more. Before the load has ended one always may come; after it the last
/// one is the fall to min.
fn is_over(view: &View<'_>) -> bool {
    let Some((began, ended)) = view.phase(Phase::Fall) else { return view.began(Phase::Cleanup).is_some() };
    let small = view.size_at(view.now_ms()).is_none_or(|(_, workload)| workload.spec_replicas <= view.min);
    let late = view.now_ms() >= began + view.times.fall().generous_ms();
    small || late || ended.is_some() || view.began(Phase::Cleanup).is_some()
}

/// True when nothing that could have been served, seen and tolerated explains a rise, or a fall within the window.
pub(super) fn is_inexplicable<'v>(view: &'v View<'v>, change: &'v SizeChange<'v>) -> bool {
    let decision = Decision::of(view, change);
    if decision.is_rise() {
        return matches!(too_large(view, &decision), Look::Violation(..));
    }
    let less = |asked: Asked| asked.least() > decision.to;
    less(decision.asked(view))
        || decision.reported(view).is_some_and(|(_, asked)| less(asked))
        || windows::is_early(view, &decision)
}

fn looks(view: &View<'_>, decision: &Decision<'_>) -> Vec<Look> {
    // From outside min and max the size is set back at once: no metric, no window, no rate (facts: hpa.md 1.1).
    if !(view.min..=view.max).contains(&decision.from) {
        return vec![outside_bounds(view, decision), not_set_back(view, decision)];
    }
    let mut all =
        vec![outside_bounds(view, decision), rate::look(view, decision), while_inactive(view, decision.change)];
    all.extend(if decision.is_rise() {
        [windows::risen_early(view, decision), too_large(view, decision), too_small_a_rise(view, decision)]
    } else {
        [windows::look(view, decision), windows::not_asked_for(view, decision), Look::Clean]
    });
    all
}

/// The size was changed by another hand before, or without being seen: the autoscaler's answer to that is not ours to
/// foretell.
fn is_disturbed(view: &View<'_>, change: &SizeChange<'_>) -> bool {
    let foreign = |past: &SizeChange<'_>| past.at_ms <= change.at_ms && confirmed(view, past).is_none();
    view.changes.iter().any(foreign) || view.unseen_change().is_some()
}

enum Look {
    Clean,
    Finding(String),
    Violation(String, Vec<u64>),
}

fn outside_bounds(view: &View<'_>, decision: &Decision<'_>) -> Look {
    if (view.min..=view.max).contains(&decision.to) {
        return Look::Clean;
    }
    Look::Violation(format!("outside minReplicas {} and maxReplicas {}", view.min, view.max), Vec::new())
}

/// A size outside min and max is set to the bound that it passes.
fn not_set_back(view: &View<'_>, decision: &Decision<'_>) -> Look {
    let bound = if decision.from > view.max { view.max } else { view.min };
    // From 0 the metrics decide, or nobody does.
    if decision.from == 0 || decision.to == bound {
        return Look::Clean;
    }
    Look::Finding(format!("from outside minReplicas {} and maxReplicas {} not to {bound}", view.min, view.max))
}

/// ScalingActive was False before the change, and the status of the pass that made it says the same.
fn while_inactive(view: &View<'_>, change: &SizeChange<'_>) -> Look {
    let inactive = |hpa: &HpaSeen| hpa.conditions.iter().any(|c| c.kind == "ScalingActive" && c.status == "False");
    let Some((status, after)) = confirmed(view, change) else { return Look::Clean };
    let before = view.our_hpa().filter(|(o, _)| o.at_ms + SLACK.ms() < change.at_ms).last();
    match before {
        Some((o, before)) if inactive(before) && inactive(after) => {
            Look::Violation("while ScalingActive was False".to_owned(), vec![o.seq, status.seq])
        }
        _ => Look::Clean,
    }
}

/// A rise above the largest size that the metric can have asked for: by all that could have been served around it, and
/// by the value that the status of that very pass reports.
fn too_large(view: &View<'_>, decision: &Decision<'_>) -> Look {
    let read = decision.asked(view);
    if decision.to > read.most() {
        let text = format!("above {}, the largest size that the readings around it can ask for", read.most());
        return Look::Violation(text, decision.readings(view));
    }
    match decision.reported(view) {
        // The legacy rules may raise a size to any earlier recommendation.
        Some((seq, asked))
            if decision.to > asked.most() && hpa::behavior_of(&view.records.scenario.hpa.spec).is_some() =>
        {
            let text = format!("above {}, the largest size for the value in the HPA's own status", asked.most());
            Look::Violation(text, vec![seq])
        }
        _ => Look::Clean,
    }
}

/// A rise that stops short of what was asked for, with nothing that stops it there.
fn too_small_a_rise(view: &View<'_>, decision: &Decision<'_>) -> Look {
    let Some(behavior) = hpa::behavior_of(&view.records.scenario.hpa.spec) else { return Look::Clean };
    let held_back = behavior.scale_up.stabilization_window_seconds.is_some_and(|window| window > 0);
    let asked = decision.reported(view).map_or_else(|| decision.asked(view), |(_, asked)| asked);
    let limited = decision.to == view.max || rate::limits(view, decision).contains(&decision.to);
    if held_back || limited || asked.holds(decision.to) {
        return Look::Clean;
    }
    Look::Finding("a size that the formula does not give for the metric".to_owned())
}
