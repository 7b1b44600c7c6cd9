//! ScaleDown/NotEarly: a scale-down comes no earlier than b + window − sync period − skew − 1 s. b is the end of the
//! last span of at least one sync period in which every reading recommends more than the new size; where there is none, the
//! last status of the HPA whose value recommends more, which a pass wrote, if the metrics API served that value; and where
//! there is none, the last scale-up above that size. The controller applies the largest recommendation of the window (kubernetes
//! v1.37.2, pkg/controller/podautoscaler/horizontal.go), so an earlier scale-down violates the HPA's own spec: FAIL,
//! where the window is the spec's, no value can have been missed, and a doubled sync period does not explain it. A window
//! that is not longer than sync period and metric lag shows nothing either way: the case does not apply. INCONCLUSIVE where the
//! API server's clock is known so little that no scale-down would be early.

use crate::bounds::TimingModel;
use crate::hpa;
use crate::judge::check_result::{CheckResult, CheckStatus, format_ms};
use crate::judge::decisions;
use crate::judge::diagnosis::hpa_value;
use crate::judge::run_view::{RunView, SizeChange};
use crate::model::observation::HpaSnapshot;
use crate::model::plan::TermSource;
use crate::model::reading::ReadingResult;
use crate::model::run_records::RunRecords;

pub(super) fn evaluate<'v>(view: &'v RunView<'v>) -> CheckResult {
    let falls: Vec<_> = view.size_changes.iter().filter(|c| c.to < c.from && c.is_scale_write()).collect();
    if falls.is_empty() {
        return CheckResult::pending("no scale-down was seen");
    }
    let (mut reasons, mut cites) = (Vec::new(), Vec::new());
    for fall in falls {
        let result = evaluate_fall(view, fall);
        if !result.has_status(CheckStatus::Pass) {
            return result;
        }
        reasons.push(result.reason);
        cites.extend(result.cites);
    }
    CheckResult::pass(reasons.join("; ")).with_cites(cites)
}

/// A window so short that the metric's way to the controller hides it: an early scale-down looks like one in time.
pub(super) fn find_inapplicable(records: RunRecords<'_>) -> Option<String> {
    let times = TimingModel::new(records.scenario, records.inventory, hpa::behavior_times(records.scenario), 0);
    let unobservable_ms = times.unobservable_window_ms()?;
    Some(format!(
        "the scale-down window {} is not longer than sync period and metric lag together ({}), so an early scale-down cannot be distinguished from one in time",
        format_ms(times.down_window.ms),
        format_ms(unobservable_ms)
    ))
}

/// Evaluates one scale-down.
fn evaluate_fall<'v>(view: &'v RunView<'v>, fall: &'v SizeChange<'v>) -> CheckResult {
    let text = format!("{} → {}", fall.from, fall.to);
    let sync = view.times.assumptions.sync_period.ms();
    let by_metric =
        last_recommended_ms(view, fall, sync).map(|end| (end, "the metric last recommended more for a sync period"));
    let by_status = || last_status_ms(view, fall).map(|at| (at, "the value in the HPA's status last recommended more"));
    let by_scale_up = || last_rise_ms(view, fall).map(|rise| (rise, "the last scale-up above this size"));
    let Some((from, event)) = by_metric.or_else(by_status).or_else(by_scale_up) else {
        return CheckResult::inconclusive(format!(
            "{text}: in no span of a sync period before does the metric recommend more"
        ))
        .with_cites([fall.seq]);
    };
    let (after_ms, least) = (fall.at_ms.saturating_sub(from), view.times.earliest_scale_down_ms());
    let reason = format!(
        "{text} came {} after {event} (window {}, not before {})",
        format_ms(after_ms),
        format_ms(view.times.down_window.ms),
        format_ms(least)
    );
    if least == 0 {
        return CheckResult::inconclusive(format!(
            "{reason}; the API server's clock is known to {} only, so no scale-down would be too early",
            format_ms(view.times.clock_skew_ms)
        ))
        .with_cites([fall.seq]);
    }
    let readings = view.api_readings.iter().filter(|reading| reading.requested_ms == from).map(|reading| reading.seq);
    let statuses = view.our_hpa_snapshots().filter(|(o, _)| o.at_ms == from).map(|(o, _)| o.seq);
    let readings = readings.chain(statuses);
    let seqs: Vec<u64> = readings.chain(view.size_changes.iter().filter(|c| c.at_ms == from).map(|c| c.seq)).collect();
    // After a gap of the watch the change may have come as early as the gap began.
    let earliest_ms = view.earliest_ms("workload", fall.at_ms);
    if after_ms >= least && earliest_ms.saturating_sub(from) < least {
        let gap = format_ms(fall.at_ms - earliest_ms);
        return CheckResult::inconclusive(format!("{reason}; but the target was not read for {gap} before it"))
            .with_cites([fall.seq]);
    }
    let result = match after_ms >= least {
        true => evaluate_in_time(view, fall, least, reason),
        false => evaluate_early(view, fall, least, reason),
    };
    result.with_cites([fall.seq]).with_cites(seqs)
}

/// Evaluates a scale-down that is late enough by the readings. A gap in them could hide a later recommendation of more.
fn evaluate_in_time(view: &RunView<'_>, fall: &SizeChange<'_>, least: u64, reason: String) -> CheckResult {
    let gap_ms = longest_gap_ms(view, fall.at_ms.saturating_sub(least), fall.at_ms);
    if gap_ms > view.times.assumptions.sync_period.ms() {
        return CheckResult::inconclusive(format!(
            "{reason}; but the metric was not read for {} before it",
            format_ms(gap_ms)
        ));
    }
    CheckResult::pass(reason)
}

/// Evaluates a scale-down that is too early by the readings: a FAIL unless something explains it.
fn evaluate_early<'v>(view: &'v RunView<'v>, fall: &'v SizeChange<'v>, least: u64, reason: String) -> CheckResult {
    if view.times.down_window.source == TermSource::Assumed {
        return CheckResult::inconclusive(format!("{reason}; the window is assumed, and may be shorter"));
    }
    if view.may_miss_values() {
        return CheckResult::inconclusive(format!("{reason}; a value between two polls may explain it"));
    }
    let sync = view.times.assumptions.sync_period.ms();
    let after_ms = last_recommended_ms(view, fall, 2 * sync).map(|end| fall.at_ms.saturating_sub(end));
    if after_ms.is_none_or(|after_ms| after_ms >= least.saturating_sub(sync)) {
        return CheckResult::inconclusive(format!("{reason}; twice the assumed sync period explains it"));
    }
    // For example another tolerance, or pods that the controller observed earlier or later.
    if !decisions::is_inexplicable(view, fall) {
        return CheckResult::inconclusive(format!(
            "{reason}; another input or tolerance of the controller may explain it"
        ));
    }
    CheckResult::fail(reason)
}

/// When the HPA's status last had a value that certainly recommends more than the new size, and that the metrics API served to
/// this client too.
fn last_status_ms(view: &RunView<'_>, fall: &SizeChange<'_>) -> Option<u64> {
    let more = view.status_recommendations_in(0, fall.at_ms).filter(|(_, _, range)| range.smallest() > fall.to);
    let statuses = more.filter_map(|(seq, ..)| view.our_hpa_snapshots().rfind(|(o, _)| o.seq == seq));
    let served = |at_ms: u64, hpa: &HpaSnapshot| hpa_value::was_served(view, at_ms, hpa) == Some(true);
    statuses.rev().find(|(o, hpa)| served(o.at_ms, hpa)).map(|(o, _)| o.at_ms)
}

/// The longest gap between readings. An API that answers with an error is no gap: the controller gets no recommendation
/// then.
fn longest_gap_ms(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> u64 {
    view.longest_gap_ms(from_ms, to_ms, |reading| !matches!(reading.reading.result, ReadingResult::NotReadable(_)))
}

/// When the controller last scaled up above the new size, if the metric was read without gaps since then: that pass had
/// a recommendation above it, if only for a moment.
fn last_rise_ms(view: &RunView<'_>, fall: &SizeChange<'_>) -> Option<u64> {
    let own = |c: &SizeChange<'_>| view.confirming_status(c).is_some();
    let above = |c: &&SizeChange<'_>| c.to > c.from.max(fall.to) && c.at_ms < fall.at_ms && own(c);
    let rise_ms = view.earliest_ms("workload", view.size_changes.iter().rfind(above)?.at_ms);
    (longest_gap_ms(view, rise_ms, fall.at_ms) <= view.times.assumptions.sync_period.ms()).then_some(rise_ms)
}

/// The end of the last span of at least `least_ms` in which every reading recommends more than the new size.
fn last_recommended_ms(view: &RunView<'_>, fall: &SizeChange<'_>, least_ms: u64) -> Option<u64> {
    let readings: Vec<_> = view.api_readings_in(0, fall.at_ms).collect();
    let spans =
        view.spans_where(&readings, |reading| reading.recommendation().is_some_and(|replicas| replicas > fall.to));
    spans.into_iter().rev().find(|(from, to)| to - from >= least_ms).map(|(_, to)| to)
}
