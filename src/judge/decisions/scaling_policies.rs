//! The spec's scaling policies: how far one pass may change the size, given the scale events that the controller
//! remembers.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::DecisionCheck;
use super::scale_decision::ScaleDecision;
use crate::bounds::SLACK;
use crate::hpa::{self, Behavior, LogSlot, ScaleEvents};
use crate::judge::run_view::{CountedChanges, RunView};

/// Which earlier changes the controller is assumed to remember, and their age.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RateHistory {
    /// Only those that it certainly remembers, each as old as possible.
    Certain,
    /// All that it may remember, each as young as possible.
    Possible,
}

/// A change must not exceed the scaling policies, whatever the controller remembers.
pub(super) fn check_rate(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let limits = rate_limits(view, decision);
    let (lowest, highest) = (*limits.start(), *limits.end());
    let (too_far, limit) =
        if decision.is_scale_up() { (decision.to > highest, highest) } else { (decision.to < lowest, lowest) };
    if too_far {
        return DecisionCheck::Violation(
            format!("faster than the spec's scaling policies, which allow {limit}"),
            Vec::new(),
        );
    }
    DecisionCheck::Pass
}

/// The range of the limit that the policies may have set: for a scale-up the largest allowed size, for a scale-down the
/// smallest.
pub(super) fn rate_limits(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> RangeInclusive<i32> {
    let up = decision.is_scale_up();
    let Some(behavior) = hpa::behavior_from_spec(&view.records.scenario.hpa.spec) else {
        // Without spec.behavior a scale-up has a fixed limit, and a scale-down has none.
        let limit = if up { hpa::legacy_rate_limit(decision.from) } else { i32::MIN };
        return limit..=limit;
    };
    let rules = if up { &behavior.scale_up } else { &behavior.scale_down };
    let history_ms =
        decision.at_ms().saturating_sub(decision.earliest_ms) + duration_ms(longest_period(&behavior)) + SLACK.ms();
    let since = decision.earliest_ms.saturating_sub(history_ms);
    if view.has_unseen_change(since, decision.at_ms()) {
        return i32::MIN..=i32::MAX;
    }
    let limit = |ups: RateHistory, downs: RateHistory| {
        let log = |up, history| scale_events(view, decision, &behavior, up, history);
        let events = ScaleEvents { ups: log(true, ups), downs: log(false, downs) };
        match up {
            true => hpa::rate_limit_up(decision.from, rules, &events).max(decision.from),
            false => hpa::rate_limit_down(decision.from, rules, &events).min(decision.from),
        }
    };
    // The policies start from spec.replicas - added + removed, so a remembered scale-up lowers both limits and a
    // scale-down raises them (kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go,
    // calculateScaleUpLimitWithScalingRules).
    limit(RateHistory::Possible, RateHistory::Certain)..=limit(RateHistory::Certain, RateHistory::Possible)
}

/// The earlier changes in one direction, as the policies of the decision see them: one slot for the changes that are younger than
/// the shortest period, and one for each longer period with the changes that only it includes.
fn scale_events(
    view: &RunView<'_>,
    decision: &ScaleDecision<'_>,
    behavior: &Behavior,
    up: bool,
    history: RateHistory,
) -> Vec<LogSlot> {
    let rules = if decision.is_scale_up() { &behavior.scale_up } else { &behavior.scale_down };
    // The controller may reuse the log slot of a change that is older than the longest period of its direction.
    let kept_for = if up { behavior.scale_up.longest_period() } else { behavior.scale_down.longest_period() };
    let periods: BTreeSet<Duration> = rules.policies.iter().map(|policy| policy.period()).collect();
    let end = view.size_changes.partition_point(|past| past.seq < decision.change.seq);
    let counted = match history {
        RateHistory::Certain => CountedChanges::Confirmed,
        RateHistory::Possible => CountedChanges::Written,
    };
    let remembered_since = match history {
        // The longer ago, the more likely a restart since then.
        RateHistory::Certain => {
            view.size_changes.partition_point(|past| view.may_controller_have_restarted(past.at_ms, decision.at_ms()))
        }
        RateHistory::Possible => 0,
    };
    let first_within = |period: Duration| match history {
        RateHistory::Certain => {
            let oldest_ms = duration_ms(period).saturating_sub(1).min(duration_ms(kept_for));
            view.first_change_made_since(decision.at_ms().saturating_sub(oldest_ms))
        }
        RateHistory::Possible => {
            decision.earliest_ms.checked_sub(duration_ms(period)).map_or(0, |since| view.first_change_after(since))
        }
    };
    let (mut slots, mut age, mut younger) = (Vec::new(), Duration::ZERO, 0);
    // No change is younger than a period of 0.
    for period in periods.into_iter().filter(|period| !period.is_zero()) {
        let within = view.changed_replicas(up, counted, first_within(period).max(remembered_since)..end);
        slots.push(LogSlot { age, count: i32::try_from(within - younger).unwrap_or(i32::MAX) });
        (age, younger) = (period, within);
    }
    slots
}

fn longest_period(behavior: &Behavior) -> Duration {
    behavior.scale_up.longest_period().max(behavior.scale_down.longest_period())
}

fn duration_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
