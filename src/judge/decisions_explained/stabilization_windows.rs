//! The stabilization windows: within them the controller goes by the largest recommendation on the way down, and by the
//! smallest on the way up (hpa.md 1.5, 1.6). A recommendation is certain where the status of a pass reports its value,
//! and where everything that could have been served for a whole sync period asked for it. A controller that begins anew
//! first remembers the size that it finds, so it never is earlier than one that remembers all.

use std::ops::Range;

use super::DecisionCheck;
use super::scale_decision::ScaleDecision;
use crate::hpa::{self, Behavior};
use crate::judge::check_result::format_ms;
use crate::judge::run_view::{RecommendationRange, RunView};

/// How a status is called as a ground.
const STATUS_SOURCE: &str = "the value in the HPA's own status";

/// A recommendation that a pass certainly made: until when at the latest before the change, and what shows it.
struct CertainRecommendation {
    age_ms: u64,
    source: &'static str,
    cites: Vec<u64>,
}

/// A fall inside the scale-down window that the spec states.
pub(super) fn check_scale_down_window(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let Some(window_ms) = behavior(view).and_then(|b| b.scale_down.stabilization_window_seconds).map(seconds_to_ms)
    else {
        // The controller's flag, which cannot be read.
        return DecisionCheck::Pass;
    };
    let more = |asked: RecommendationRange| asked.smallest() > decision.to;
    check_window(view, decision, window_ms, "scale-down", "more", more)
}

/// True when a fall certainly lies inside the window that the spec states, whatever the unread flags are.
pub(super) fn is_early(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> bool {
    matches!(check_scale_down_window(view, decision), DecisionCheck::Violation(..))
}

/// A rise inside the scale-up window: without one in the spec there is none.
pub(super) fn check_scale_up_window(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let window = behavior(view).and_then(|b| b.scale_up.stabilization_window_seconds).unwrap_or(0);
    if window == 0 {
        return DecisionCheck::Pass;
    }
    let less = |asked: RecommendationRange| asked.largest() < decision.to;
    check_window(view, decision, seconds_to_ms(window), "scale-up", "less", less)
}

fn check_window(
    view: &RunView<'_>,
    decision: &ScaleDecision<'_>,
    window_ms: u64,
    window: &str,
    what: &str,
    is: impl Fn(RecommendationRange) -> bool,
) -> DecisionCheck {
    let text = |found: &CertainRecommendation| {
        format!(
            "inside the {window} window of {}: {} asked for {what} at most {} before",
            format_ms(window_ms),
            found.source,
            format_ms(found.age_ms)
        )
    };
    let sync = view.times.assumptions.sync_period.ms();
    if let Some(found) = find_by_status(view, decision, window_ms, &is)
        .or_else(|| find_by_readings(view, decision, window_ms, 2 * sync, &is))
    {
        return DecisionCheck::Violation(text(&found), found.cites);
    }
    find_by_readings(view, decision, window_ms, sync, &is).map_or(DecisionCheck::Pass, |found| {
        DecisionCheck::Finding(format!("{}; twice the assumed sync period explains it", text(&found)))
    })
}

/// The status of a pass inside the window, the deciding one included.
fn find_by_status(
    view: &RunView<'_>,
    decision: &ScaleDecision<'_>,
    window_ms: u64,
    is: impl Fn(RecommendationRange) -> bool,
) -> Option<CertainRecommendation> {
    if let Some((seq, _)) = decision.status_recommendation(view).filter(|(_, asked)| window_ms > 0 && is(*asked)) {
        return Some(CertainRecommendation { age_ms: 0, source: STATUS_SOURCE, cites: vec![seq] });
    }
    let from = decision.at_ms().saturating_sub(window_ms);
    let age = |since: u64| decision.at_ms().saturating_sub(since);
    let mut found = view
        .status_recommendations_in(from, decision.last_status_ms())
        .filter(|(_, since, asked)| age(*since) < window_ms && is(*asked));
    let (seq, since, _) = found.next_back()?;
    Some(CertainRecommendation { age_ms: age(since), source: STATUS_SOURCE, cites: vec![seq] })
}

/// A span of at least `need_ms` in which whatever could have been served asked for it, and so the pass in it: the oldest
/// that it can have been lies `need_ms` before the span's end.
fn find_by_readings(
    view: &RunView<'_>,
    decision: &ScaleDecision<'_>,
    window_ms: u64,
    need_ms: u64,
    is: impl Fn(RecommendationRange) -> bool,
) -> Option<CertainRecommendation> {
    let from = decision.at_ms().saturating_sub(window_ms);
    let readings = view.reading_indices(from.saturating_sub(need_ms), decision.at_ms());
    let mut end: Option<usize> = None;
    for reading in readings.rev() {
        if !is(view.recommendation_between(reading)) {
            end = None;
            continue;
        }
        let last = *end.get_or_insert(reading);
        let (began, ended) = reading_span(view, reading..last + 1)?;
        let ended = ended.min(decision.at_ms());
        let age_ms = decision.at_ms().saturating_sub(ended.saturating_sub(need_ms));
        if ended.saturating_sub(began) >= need_ms && age_ms < window_ms {
            let cites = view.api_readings.get(reading..=last)?.iter().map(|served| served.seq).collect();
            return Some(CertainRecommendation {
                age_ms,
                source: "every value that could have been served for a sync period",
                cites,
            });
        }
    }
    None
}

/// From the answer to the first of these readings to the question after the last.
fn reading_span(view: &RunView<'_>, readings: Range<usize>) -> Option<(u64, u64)> {
    Some((view.api_readings.get(readings.start)?.received_ms, view.api_readings.get(readings.end)?.requested_ms))
}

/// A fall to a size that nothing within the window asked for, and that neither min nor the rate explains.
pub(super) fn check_recommended(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let made_ms = view.hpa_creation().map_or(0, |(_, made_ms)| made_ms);
    let stated = behavior(view).and_then(|b| b.scale_down.stabilization_window_seconds);
    let sync = view.times.assumptions.sync_period.ms();
    let from = stated.map_or(made_ms, |window| decision.earliest_ms.saturating_sub(seconds_to_ms(window) + 2 * sync));
    let limited =
        decision.to == view.min_replicas || super::scaling_policies::rate_limits(view, decision).contains(&decision.to);
    let covered = view.api_readings.first().is_some_and(|first| first.requested_ms <= from);
    let read = || {
        view.reading_indices(from, decision.at_ms())
            .any(|reading| view.recommendation_between(reading).contains(decision.to))
    };
    let reported = || {
        view.status_recommendations_in(from, decision.last_status_ms()).any(|(_, _, asked)| asked.contains(decision.to))
    };
    if limited || !covered || read() || reported() {
        return DecisionCheck::Pass;
    }
    DecisionCheck::Finding("a size that the formula does not give for the metric".to_owned())
}

fn behavior(view: &RunView<'_>) -> Option<Behavior> {
    hpa::behavior_from_spec(&view.records.scenario.hpa.spec)
}

fn seconds_to_ms(seconds: i32) -> u64 {
    u64::try_from(seconds).unwrap_or(0) * 1000
}
