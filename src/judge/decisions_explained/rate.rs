//! The spec's rate: how far one pass may go from the size that it found, with the changes that it remembers.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Look;
use super::decision::Decision;
use crate::bounds::SLACK;
use crate::hpa::{self, Behavior, Logged, ScaleEvents};
use crate::judge::by_the_autoscaler::confirmed;
use crate::judge::view::{SizeChange, View};

/// Which of the changes are taken to be remembered, and how old.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// Only what surely is, each as old as it can be.
    Sure,
    /// All that may be, each as young as it can be.
    Possible,
}

/// A change faster than the rate allows, whatever is remembered.
pub(super) fn look(view: &View<'_>, decision: &Decision<'_>) -> Look {
    let limits = limits(view, decision);
    let (least, most) = (*limits.start(), *limits.end());
    let (too_far, limit) = if decision.is_rise() { (decision.to > most, most) } else { (decision.to < least, least) };
    if too_far {
        return Look::Violation(format!("faster than the spec's rate, which allows {limit}"), Vec::new());
    }
    Look::Clean
}

/// The limits that the rate can have had: for a rise the largest size, for a fall the smallest.
pub(super) fn limits(view: &View<'_>, decision: &Decision<'_>) -> RangeInclusive<i32> {
    let up = decision.is_rise();
    let Some(behavior) = hpa::behavior_of(&view.records.scenario.hpa.spec) else {
        // Without behavior a rise at most doubles, and a fall has no rate.
        let limit = if up { hpa::legacy_rate_limit(decision.from) } else { i32::MIN };
        return limit..=limit;
    };
    let rules = if up { &behavior.scale_up } else { &behavior.scale_down };
    let reach = decision.at_ms().saturating_sub(decision.since_ms) + ms(longest(&behavior)) + SLACK.ms();
    let since = decision.since_ms.saturating_sub(reach);
    if view.change_unseen_in(since, decision.at_ms()) {
        return i32::MIN..=i32::MAX;
    }
    let limit = |ups: Memory, downs: Memory| {
        let log = |up, memory| log(view, decision, &behavior, up, memory);
        let events = ScaleEvents { ups: log(true, ups), downs: log(false, downs) };
        match up {
            true => hpa::rate_limit_up(decision.from, rules, &events).max(decision.from),
            false => hpa::rate_limit_down(decision.from, rules, &events).min(decision.from),
        }
    };
    // A rise that is remembered lowers both limits, a fall raises them (hpa.md 1.6: start = spec - added + removed).
    limit(Memory::Possible, Memory::Sure)..=limit(Memory::Sure, Memory::Possible)
}

fn log(view: &View<'_>, decision: &Decision<'_>, behavior: &Behavior, up: bool, memory: Memory) -> Vec<Logged> {
    // Of a change older than the longest period of its own direction the slot may have been used again.
    let kept = if up { behavior.scale_up.longest_period() } else { behavior.scale_down.longest_period() };
    let earlier = view.changes.iter().filter(|past| past.seq < decision.change.seq && (past.to > past.from) == up);
    // What is older than every period counts for nothing.
    let oldest = decision.since_ms.saturating_sub(ms(longest(behavior)) + SLACK.ms());
    let earlier = earlier.filter(|past| past.at_ms >= oldest);
    let remembered = |past: &&SizeChange<'_>| match memory {
        Memory::Sure => confirmed(view, past).is_some() && !view.may_have_restarted(past.at_ms, decision.at_ms()),
        Memory::Possible => past.is_scale_write(),
    };
    let age = |past: &SizeChange<'_>| match memory {
        Memory::Sure => {
            decision.at_ms().saturating_sub(view.came_ms("workload", past.at_ms).saturating_sub(SLACK.ms()))
        }
        Memory::Possible => decision.since_ms.saturating_sub(past.at_ms),
    };
    let logged =
        |past: &SizeChange<'_>| Logged { age: Duration::from_millis(age(past)), count: (past.to - past.from).abs() };
    let all = earlier.filter(remembered).map(logged);
    all.filter(|logged| memory == Memory::Possible || logged.age <= kept).collect()
}

fn longest(behavior: &Behavior) -> Duration {
    behavior.scale_up.longest_period().max(behavior.scale_down.longest_period())
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
