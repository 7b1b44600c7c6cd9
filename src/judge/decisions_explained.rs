//! Oracle/DecisionsExplained: no change of size breaks the HPA's own contract. Five violations are FAIL: a size outside
//! min and max, a change faster than the spec's rate, a fall or rise inside the spec's window, a change while
//! ScalingActive is False, and a rise above the largest size that the readings explain. Only the autoscaler's own
//! writes are judged. Sources: hpa.md 1.5 and 1.6 of the controller (Kubernetes 1.37.2).

use std::time::Duration;

use super::by_the_autoscaler::confirmed;
use super::not_early;
use super::ruling::{Ruling, State, seconds};
use super::view::{SizeChange, TOGETHER_MS, View};
use crate::bounds::SLACK;
use crate::hpa::{self, Logged, ScaleEvents};
use crate::record::observation::{HpaSeen, Phase};

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let own: Vec<&SizeChange<'_>> = view.changes.iter().filter(|change| confirmed(view, change).is_some()).collect();
    let (mut cites, mut findings) = (Vec::new(), Vec::new());
    for (n, change) in own.iter().enumerate() {
        for look in looks(view, change, &own[..n]) {
            match look {
                Look::Clean => {}
                Look::Finding(text) => findings.push(text),
                Look::Violation(text, _) if is_disturbed(view, change) => {
                    findings.push(format!(
                        "{} → {}: {text}; but the target's size had been changed otherwise",
                        change.from, change.to
                    ));
                }
                Look::Violation(text, seqs) => {
                    return Ruling::broken(format!("{} → {}: {text}", change.from, change.to))
                        .cite([change.seq])
                        .cite(seqs);
                }
            }
        }
        cites.push(change.seq);
    }
    let fallen = view.phase(Phase::Fall).is_some_and(|(_, ended)| ended.is_some());
    let ended = fallen || view.began(Phase::Cleanup).is_some();
    let text = match own.len() {
        0 => "the autoscaler changed no size".to_owned(),
        n => format!(
            "{n} changes of size keep min and max, rate, window and ScalingActive, and none rises above what the readings ask for"
        ),
    };
    // More changes may come until the run is over.
    let ruling = if ended { Ruling::holds(text) } else { Ruling::open(text) };
    findings.into_iter().fold(ruling.cite(cites), Ruling::finding)
}

fn looks(view: &View<'_>, change: &SizeChange<'_>, earlier: &[&SizeChange<'_>]) -> Vec<Look> {
    // From outside min and max the size is set back at once: no metric, no window, no rate (facts: hpa.md 1.1).
    if !(view.min..=view.max).contains(&change.from) {
        return vec![outside_bounds(view, change)];
    }
    vec![
        outside_bounds(view, change),
        too_fast(view, change, earlier),
        inside_window(view, change),
        while_inactive(view, change),
        unexplained(view, change),
    ]
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

fn outside_bounds(view: &View<'_>, change: &SizeChange<'_>) -> Look {
    if (view.min..=view.max).contains(&change.to) {
        return Look::Clean;
    }
    Look::Violation(format!("outside minReplicas {} and maxReplicas {}", view.min, view.max), Vec::new())
}

/// Against the rate limit, with each earlier change taken as old as it can be: two times of whole seconds.
fn too_fast(view: &View<'_>, change: &SizeChange<'_>, earlier: &[&SizeChange<'_>]) -> Look {
    let age = |past: &&SizeChange<'_>| Duration::from_millis(change.at_ms.saturating_sub(past.at_ms) + SLACK.ms());
    let log = |up: bool| -> Vec<Logged> {
        let same_way = earlier.iter().filter(|past| (past.to > past.from) == up);
        same_way.map(|past| Logged { age: age(past), count: (past.to - past.from).abs() }).collect()
    };
    let events = ScaleEvents { ups: log(true), downs: log(false) };
    let behavior = hpa::behavior_of(&view.records.scenario.hpa.spec);
    let up = change.to > change.from;
    let limit = match (&behavior, up) {
        (Some(behavior), true) => hpa::rate_limit_up(change.from, &behavior.scale_up, &events).max(change.from),
        (Some(behavior), false) => hpa::rate_limit_down(change.from, &behavior.scale_down, &events).min(change.from),
        (None, true) => hpa::legacy_rate_limit(change.from),
        (None, false) => i32::MIN,
    };
    if (up && change.to > limit) || (!up && change.to < limit) {
        return Look::Violation(format!("faster than the spec's rate, which allows {limit}"), Vec::new());
    }
    Look::Clean
}

/// A fall inside the scale-down window, or a rise inside the scale-up window.
fn inside_window(view: &View<'_>, change: &SizeChange<'_>) -> Look {
    if change.to < change.from {
        let ruling = not_early::one(view, change);
        return match ruling.state {
            State::Broken => Look::Violation(format!("inside the scale-down window: {}", ruling.reason), ruling.cites),
            State::Unclear => Look::Finding(ruling.reason),
            _ => Look::Clean,
        };
    }
    risen_early(view, change)
}

/// A rise against the scale-up window, in which the smallest recommendation counts.
fn risen_early(view: &View<'_>, change: &SizeChange<'_>) -> Look {
    let behavior = hpa::behavior_of(&view.records.scenario.hpa.spec);
    let window = behavior.map_or(Duration::ZERO, |b| b.scale_up.window(Duration::ZERO));
    let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    let sync = view.times.assumed.sync_period.ms();
    let readings: Vec<_> = view.served_in(0, change.at_ms).collect();
    let lower = view.spans(&readings, |served| served.asks().is_some_and(|asks| asks < change.to));
    // Too early for this sync period?
    let early = |period: u64| {
        let (_, ended) = lower.iter().rev().find(|(from, to)| to - from >= period)?;
        let after = change.at_ms.saturating_sub(*ended);
        (after < window_ms.saturating_sub(period + view.times.skew_ms + 1000)).then_some(after)
    };
    let Some(after) = early(sync) else { return Look::Clean };
    let text =
        format!("inside the scale-up window of {} s: {after} ms before, the metric asked for less", window.as_secs());
    if early(2 * sync).is_some() && !view.may_miss_values() {
        return Look::Violation(text, Vec::new());
    }
    Look::Finding(format!(
        "{} → {}: {text}; a value between two polls or twice the assumed sync period may explain it",
        change.from, change.to
    ))
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

/// A rise above the largest size that any reading around it asks for.
fn unexplained(view: &View<'_>, change: &SizeChange<'_>) -> Look {
    if change.to < change.from {
        return Look::Clean;
    }
    let legacy = hpa::behavior_of(&view.records.scenario.hpa.spec).is_none();
    // The legacy rules may raise a size to any recommendation of the window.
    let memory = if legacy { view.times.window.ms } else { 0 };
    let from = change.at_ms.saturating_sub(memory + view.times.assumed.sync_period.ms() + SLACK.ms());
    let near: Vec<_> = view.served_in(from, change.at_ms + SLACK.ms()).collect();
    let pass = change.at_ms.saturating_sub(view.times.assumed.sync_period.ms() + SLACK.ms());
    let blind = view.blind_ms(pass, change.at_ms, |served| served.asks_from(change.from).is_some());
    let Some(largest) = near.iter().filter_map(|served| served.asks_from(change.from)).max() else {
        return Look::Finding(format!("{} → {}: the metric was not read around this change", change.from, change.to));
    };
    if change.to <= largest {
        return Look::Clean;
    }
    if !near.iter().all(|served| served.knows_its_pods()) {
        return Look::Finding(format!(
            "{} → {}: not all pods of the target were seen around this change",
            change.from, change.to
        ));
    }
    if blind > TOGETHER_MS {
        return Look::Finding(format!(
            "{} → {}: the metric was not read for {} before this change",
            change.from,
            change.to,
            seconds(blind)
        ));
    }
    let text = format!("above {largest}, the largest size that the readings around it ask for");
    if view.may_miss_values() {
        return Look::Finding(format!(
            "{} → {}: {text}; a value between two polls may explain it",
            change.from, change.to
        ));
    }
    Look::Violation(text, near.iter().map(|served| served.seq).collect())
}
