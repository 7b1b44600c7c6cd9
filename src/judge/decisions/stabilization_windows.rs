//! The stabilization windows: within them the controller applies the largest recommendation on scale-down, and the
//! smallest on scale-up (kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go). A recommendation is certain
//! where the status of a pass reports its value, and where every value that could have been served for a whole sync
//! period gives it. A restarted controller first records the current size as a recommendation, so it never scales
//! earlier than one that remembers everything.

use std::ops::Range;

use super::DecisionCheck;
use super::scale_decision::ScaleDecision;
use crate::hpa::{self, Behavior};
use crate::judge::check_result::format_ms;
use crate::judge::run_view::{RecommendationRange, RunView};

const STATUS_SOURCE: &str = "the value in the HPA's own status";

/// A recommendation that a pass certainly made.
struct CertainRecommendation {
    /// Its largest possible age at the change, milliseconds.
    age_ms: u64,
    /// What shows it, for the text.
    source: &'static str,
    cites: Vec<u64>,
}

/// A scale-down must not come inside the scale-down window of the spec.
pub(super) fn check_scale_down_window(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let Some(window_ms) = behavior(view).and_then(|b| b.scale_down.stabilization_window_seconds).map(seconds_to_ms)
    else {
        // The controller's flag, which no API serves.
        return DecisionCheck::Pass;
    };
    let is_more = |range: RecommendationRange| range.smallest() > decision.to;
    check_window(view, decision, window_ms, "scale-down", "more", is_more)
}

/// True when a scale-down certainly lies inside the window of the spec, whatever the controller's flags are.
pub(super) fn is_early(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> bool {
    matches!(check_scale_down_window(view, decision), DecisionCheck::Violation(..))
}

/// A scale-up must not come inside the scale-up window of the spec.
pub(super) fn check_scale_up_window(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let window = behavior(view).and_then(|b| b.scale_up.stabilization_window_seconds).unwrap_or(0);
    if window == 0 {
        return DecisionCheck::Pass;
    }
    let is_less = |range: RecommendationRange| range.largest() < decision.to;
    check_window(view, decision, seconds_to_ms(window), "scale-up", "less", is_less)
}

fn check_window(
    view: &RunView<'_>,
    decision: &ScaleDecision<'_>,
    window_ms: u64,
    window: &str,
    direction: &str,
    is: impl Fn(RecommendationRange) -> bool,
) -> DecisionCheck {
    let text = |found: &CertainRecommendation| {
        format!(
            "inside the {window} window of {}: {} recommended {direction} at most {} before",
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

/// Finds the status of a pass inside the window, the deciding pass included.
fn find_by_status(
    view: &RunView<'_>,
    decision: &ScaleDecision<'_>,
    window_ms: u64,
    is: impl Fn(RecommendationRange) -> bool,
) -> Option<CertainRecommendation> {
    if let Some((seq, _)) = decision.status_recommendation(view).filter(|(_, range)| window_ms > 0 && is(*range)) {
        return Some(CertainRecommendation { age_ms: 0, source: STATUS_SOURCE, cites: vec![seq] });
    }
    let from = decision.at_ms().saturating_sub(window_ms);
    let age = |since: u64| decision.at_ms().saturating_sub(since);
    let mut found = view
        .status_recommendations_in(from, decision.last_status_ms())
        .filter(|(_, since, range)| age(*since) < window_ms && is(*range));
    let (seq, since, _) = found.next_back()?;
    Some(CertainRecommendation { age_ms: age(since), source: STATUS_SOURCE, cites: vec![seq] })
}

/// Finds a span of at least `need_ms` in which every possible value gives the recommendation. A pass lies in it, no
/// earlier than `need_ms` before its end.
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
    for index in readings.rev() {
        if !is(view.recommendation_between(index)) {
            end = None;
            continue;
        }
        let last = *end.get_or_insert(index);
        let (began, ended) = reading_span(view, index..last + 1)?;
        let ended = ended.min(decision.at_ms());
        let age_ms = decision.at_ms().saturating_sub(ended.saturating_sub(need_ms));
        if ended.saturating_sub(began) >= need_ms && age_ms < window_ms {
            let cites = view.api_readings.get(index..=last)?.iter().map(|reading| reading.seq).collect();
            return Some(CertainRecommendation { age_ms, source: "every possible value for a sync period", cites });
        }
    }
    None
}

/// From the response of the first of these readings to the request after the last.
fn reading_span(view: &RunView<'_>, readings: Range<usize>) -> Option<(u64, u64)> {
    Some((view.api_readings.get(readings.start)?.received_ms, view.api_readings.get(readings.end)?.requested_ms))
}

/// A scale-down to a size that is no recommendation within the window, nor a limit by minReplicas or the policies.
pub(super) fn check_recommended(view: &RunView<'_>, decision: &ScaleDecision<'_>) -> DecisionCheck {
    let made_ms = view.hpa_creation().map_or(0, |(_, made_ms)| made_ms);
    let window = behavior(view).and_then(|b| b.scale_down.stabilization_window_seconds);
    let sync = view.times.assumptions.sync_period.ms();
    let from = window.map_or(made_ms, |window| decision.earliest_ms.saturating_sub(seconds_to_ms(window) + 2 * sync));
    let limited =
        decision.to == view.min_replicas || super::scaling_policies::rate_limits(view, decision).contains(&decision.to);
    let covered = view.api_readings.first().is_some_and(|first| first.requested_ms <= from);
    let by_readings = || {
        view.reading_indices(from, decision.at_ms())
            .any(|index| view.recommendation_between(index).contains(decision.to))
    };
    let by_status = || {
        view.status_recommendations_in(from, decision.last_status_ms()).any(|(_, _, range)| range.contains(decision.to))
    };
    if limited || !covered || by_readings() || by_status() {
        return DecisionCheck::Pass;
    }
    DecisionCheck::Finding("the metric does not recommend this size".to_owned())
}

fn behavior(view: &RunView<'_>) -> Option<Behavior> {
    hpa::behavior_from_spec(&view.records.scenario.hpa.spec)
}

fn seconds_to_ms(seconds: i32) -> u64 {
    u64::try_from(seconds).unwrap_or(0) * 1000
}
