//! The spec's rate: how far one pass may go from the size that it found, with the changes that it remembers.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::DecisionCheck;
use super::scale_decision::ScaleDecision;
use crate::bounds::SLACK;
use crate::hpa::{self, Behavior, LogSlot, ScaleEvents};
use crate::judge::by_the_autoscaler::confirming_status;
use crate::judge::run_view::{RunView, SizeChange};

/// Which of the changes are taken to be remembered, and how old.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RateHistory {
    /// Only what surely is, each as old as it can be.
    Certain,
    /// All that may be, each as young as it can be.
    Possible,
}

/// A change faster than the rate allows, whatever is remembered.
pub(super) fn check_rate(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let limits = rate_limits(view, decision);
    let (least, most) = (*limits.start(), *limits.end());
    let (too_far, limit) =
        if decision.is_scale_up() { (decision.to > most, most) } else { (decision.to < least, least) };
    if too_far {
        return DecisionCheck::Violation(format!("faster than the spec's rate, which allows {limit}"), Vec::new());
    }
    DecisionCheck::Pass
}

/// The limits that the rate can have had: for a rise the largest size, for a fall the smallest.
pub(super) fn rate_limits(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> RangeInclusive<i32> {
    let up = decision.is_scale_up();
    let Some(behavior) = hpa::behavior_from_spec(&view.records.scenario.hpa.spec) else {
        // Without behavior a rise at most doubles, and a fall has no rate.
        let limit = if up { hpa::legacy_rate_limit(decision.from) } else { i32::MIN };
        return limit..=limit;
    };
    let rules = if up { &behavior.scale_up } else { &behavior.scale_down };
    let reach =
        decision.at_ms().saturating_sub(decision.earliest_ms) + duration_ms(longest_period(&behavior)) + SLACK.ms();
    let since = decision.earliest_ms.saturating_sub(reach);
    if view.has_unseen_change(since, decision.at_ms()) {
        return i32::MIN..=i32::MAX;
    }
    let limit = |ups: RateHistory, downs: RateHistory| {
        let log = |up, memory| scale_events(view, decision, &behavior, up, memory);
        let events = ScaleEvents { ups: log(true, ups), downs: log(false, downs) };
        match up {
            true => hpa::rate_limit_up(decision.from, rules, &events).max(decision.from),
            false => hpa::rate_limit_down(decision.from, rules, &events).min(decision.from),
        }
    };
    // A rise that is remembered lowers both limits, a fall raises them (hpa.md 1.6: start = spec - added + removed).
    limit(RateHistory::Possible, RateHistory::Certain)..=limit(RateHistory::Certain, RateHistory::Possible)
}

fn scale_events(
    view: &RunView<'_>,
    decision: &ScaleDecision<'_>,
    behavior: &Behavior,
    up: bool,
    memory: RateHistory,
) -> Vec<LogSlot> {
    // Of a change older than the longest period of its own direction the slot may have been used again.
    let kept = if up { behavior.scale_up.longest_period() } else { behavior.scale_down.longest_period() };
    let earlier = view.size_changes.iter().filter(|past| past.seq < decision.change.seq && (past.to > past.from) == up);
    // What is older than every period counts for nothing.
    let oldest = decision.earliest_ms.saturating_sub(duration_ms(longest_period(behavior)) + SLACK.ms());
    let earlier = earlier.filter(|past| past.at_ms >= oldest);
    let remembered = |past: &&SizeChange<'_>| match memory {
        RateHistory::Certain => {
            confirming_status(view, past).is_some() && !view.may_controller_have_restarted(past.at_ms, decision.at_ms())
        }
        RateHistory::Possible => past.is_scale_write(),
    };
    let age = |past: &SizeChange<'_>| match memory {
        RateHistory::Certain => {
            decision.at_ms().saturating_sub(view.earliest_ms("workload", past.at_ms).saturating_sub(SLACK.ms()))
        }
        RateHistory::Possible => decision.earliest_ms.saturating_sub(past.at_ms),
    };
    let logged =
        |past: &SizeChange<'_>| LogSlot { age: Duration::from_millis(age(past)), count: (past.to - past.from).abs() };
    let all = earlier.filter(remembered).map(logged);
    all.filter(|logged| memory == RateHistory::Possible || logged.age <= kept).collect()
}

fn longest_period(behavior: &Behavior) -> Duration {
    behavior.scale_up.longest_period().max(behavior.scale_down.longest_period())
}

fn duration_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
