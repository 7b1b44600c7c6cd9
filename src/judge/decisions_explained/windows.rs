//! The stabilization windows: within them the controller goes by the largest recommendation on the way down, and by the
//! smallest on the way up (hpa.md 1.5, 1.6). A recommendation is certain where the status of a pass reports its value,
//! and where everything that could have been served for a whole sync period asked for it. A controller that begins anew
//! first remembers the size that it finds, so it never is earlier than one that remembers all.

use std::ops::Range;

use super::Look;
use super::decision::Decision;
use crate::hpa::{self, Behavior};
use crate::judge::ruling::seconds;
use crate::judge::view::{Asked, View};

/// How a status is called as a ground.
const STATUS: &str = "the value in the HPA's own status";

/// A recommendation that a pass certainly made: until when at the latest before the change, and what shows it.
struct Certain {
    age_ms: u64,
    by: &'static str,
    cites: Vec<u64>,
}

/// A fall inside the scale-down window that the spec states.
pub(super) fn look(view: &View<'_>, decision: &Decision<'_>) -> Look {
    let Some(window_ms) = behavior(view).and_then(|b| b.scale_down.stabilization_window_seconds).map(ms) else {
        // The controller's flag, which cannot be read.
        return Look::Clean;
    };
    let more = |asked: Asked| asked.least() > decision.to;
    inside(view, decision, window_ms, "scale-down", "more", more)
}

/// True when a fall certainly lies inside the window that the spec states, whatever the unread flags are.
pub(super) fn is_early(view: &View<'_>, decision: &Decision<'_>) -> bool {
    matches!(look(view, decision), Look::Violation(..))
}

/// A rise inside the scale-up window: without one in the spec there is none.
pub(super) fn risen_early(view: &View<'_>, decision: &Decision<'_>) -> Look {
    let window = behavior(view).and_then(|b| b.scale_up.stabilization_window_seconds).unwrap_or(0);
    if window == 0 {
        return Look::Clean;
    }
    let less = |asked: Asked| asked.most() < decision.to;
    inside(view, decision, ms(window), "scale-up", "less", less)
}

fn inside(
    view: &View<'_>,
    decision: &Decision<'_>,
    window_ms: u64,
    window: &str,
    what: &str,
    is: impl Fn(Asked) -> bool,
) -> Look {
    let text = |found: &Certain| {
        format!(
            "inside the {window} window of {}: {} asked for {what} at most {} before",
            seconds(window_ms),
            found.by,
            seconds(found.age_ms)
        )
    };
    let sync = view.times.assumed.sync_period.ms();
    if let Some(found) =
        by_status(view, decision, window_ms, &is).or_else(|| by_span(view, decision, window_ms, 2 * sync, &is))
    {
        return Look::Violation(text(&found), found.cites);
    }
    by_span(view, decision, window_ms, sync, &is).map_or(Look::Clean, |found| {
        Look::Finding(format!("{}; twice the assumed sync period explains it", text(&found)))
    })
}

/// The status of a pass inside the window, the deciding one included.
fn by_status(view: &View<'_>, decision: &Decision<'_>, window_ms: u64, is: impl Fn(Asked) -> bool) -> Option<Certain> {
    if let Some((seq, _)) = decision.reported(view).filter(|(_, asked)| window_ms > 0 && is(*asked)) {
        return Some(Certain { age_ms: 0, by: STATUS, cites: vec![seq] });
    }
    let from = decision.at_ms().saturating_sub(window_ms);
    let age = |since: u64| decision.at_ms().saturating_sub(since);
    let mut found =
        view.reported_in(from, decision.told_ms()).filter(|(_, since, asked)| age(*since) < window_ms && is(*asked));
    let (seq, since, _) = found.next_back()?;
    Some(Certain { age_ms: age(since), by: STATUS, cites: vec![seq] })
}

/// A span of at least `need_ms` in which whatever could have been served asked for it, and so the pass in it: the oldest
/// that it can have been lies `need_ms` before the span's end.
fn by_span(
    view: &View<'_>,
    decision: &Decision<'_>,
    window_ms: u64,
    need_ms: u64,
    is: impl Fn(Asked) -> bool,
) -> Option<Certain> {
    let from = decision.at_ms().saturating_sub(window_ms);
    let readings = view.readings_over(from.saturating_sub(need_ms), decision.at_ms());
    let mut end: Option<usize> = None;
    for reading in readings.rev() {
        if !is(view.asked_between(reading)) {
            end = None;
            continue;
        }
        let last = *end.get_or_insert(reading);
        let (began, ended) = span(view, reading..last + 1)?;
        let ended = ended.min(decision.at_ms());
        let age_ms = decision.at_ms().saturating_sub(ended.saturating_sub(need_ms));
        if ended.saturating_sub(began) >= need_ms && age_ms < window_ms {
            let cites = view.served.get(reading..=last)?.iter().map(|served| served.seq).collect();
            return Some(Certain { age_ms, by: "every value that could have been served for a sync period", cites });
        }
    }
    None
}

/// From the answer to the first of these readings to the question after the last.
fn span(view: &View<'_>, readings: Range<usize>) -> Option<(u64, u64)> {
    Some((view.served.get(readings.start)?.at_ms, view.served.get(readings.end)?.asked_ms))
}

/// A fall to a size that nothing within the window asked for, and that neither min nor the rate explains.
pub(super) fn not_asked_for(view: &View<'_>, decision: &Decision<'_>) -> Look {
    let made_ms = view.hpa_intended().map_or(0, |(_, made_ms)| made_ms);
    let stated = behavior(view).and_then(|b| b.scale_down.stabilization_window_seconds);
    let sync = view.times.assumed.sync_period.ms();
    let from = stated.map_or(made_ms, |window| decision.since_ms.saturating_sub(ms(window) + 2 * sync));
    let limited = decision.to == view.min || super::rate::limits(view, decision).contains(&decision.to);
    let covered = view.served.first().is_some_and(|first| first.asked_ms <= from);
    let read =
        || view.readings_over(from, decision.at_ms()).any(|reading| view.asked_between(reading).holds(decision.to));
    let reported = || view.reported_in(from, decision.told_ms()).any(|(_, _, asked)| asked.holds(decision.to));
    if limited || !covered || read() || reported() {
        return Look::Clean;
    }
    Look::Finding("a size that the formula does not give for the metric".to_owned())
}

fn behavior(view: &View<'_>) -> Option<Behavior> {
    hpa::behavior_of(&view.records.scenario.hpa.spec)
}

fn ms(seconds: i32) -> u64 {
    u64::try_from(seconds).unwrap_or(0) * 1000
}
