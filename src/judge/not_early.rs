//! ScaleDown/NotEarly: the fall comes no earlier than b + window − sync − skew − 1 s, b being the end of the last span
//! of at least one sync period in which every value that could have been served asked for more than the new size; where
//! there is none, b is when the autoscaler last rose above that size.
//! The controller keeps the largest recommendation of the window (Kubernetes 1.37.2,
//! pkg/controller/podautoscaler/horizontal.go), so an earlier fall breaks the HPA's own spec: FAIL, where the window is
//! the spec's, no value can have been missed, and twice the sync period does not explain it.

use super::by_the_autoscaler::confirming_status;
use super::check_result::{CheckResult, CheckStatus, format_ms};
use super::decisions_explained;
use super::run_view::{RunView, SizeChange};
use crate::model::plan::TermSource;
use crate::model::reading::ReadingResult;

pub(super) fn evaluate<'v>(view: &'v RunView<'v>) -> CheckResult {
    let window = view.times.down_window.ms;
    let blind = view.times.assumptions.sync_period.ms() + view.times.metric_lag().total_ms();
    if window <= blind {
        return CheckResult::inconclusive(format!(
            "the scale-down window {} is not longer than sync period and lag together ({}), so an early fall cannot be told from a timely one",
            format_ms(window),
            format_ms(blind)
        ));
    }
    let falls: Vec<_> = view.size_changes.iter().filter(|c| c.to < c.from && c.is_scale_write()).collect();
    if falls.is_empty() {
        return CheckResult::pending("no fall was seen");
    }
    let (mut words, mut cites) = (Vec::new(), Vec::new());
    for fall in falls {
        let ruling = evaluate_fall(view, fall);
        if !ruling.has_status(CheckStatus::Pass) {
            return ruling;
        }
        words.push(ruling.reason);
        cites.extend(ruling.cites);
    }
    CheckResult::pass(words.join("; ")).with_cites(cites)
}

/// One fall against the window.
fn evaluate_fall<'v>(view: &'v RunView<'v>, fall: &'v SizeChange<'v>) -> CheckResult {
    let text = format!("{} → {}", fall.from, fall.to);
    let sync = view.times.assumptions.sync_period.ms();
    let asked = last_recommended_ms(view, fall, sync)
        .map(|ended| (ended, "the metric had last asked for more for a whole sync period"));
    let risen = || last_rise_ms(view, fall).map(|risen| (risen, "the autoscaler itself had last asked for more"));
    let Some((ended, what)) = asked.or_else(risen) else {
        return CheckResult::inconclusive(format!("{text}: no span of a sync period before it asked for more"))
            .with_cites([fall.seq]);
    };
    let (after, least) = (fall.at_ms.saturating_sub(ended), view.times.earliest_scale_down_ms());
    let words = format!(
        "{text} came {} after {what} (window {}, not before {})",
        format_ms(after),
        format_ms(view.times.down_window.ms),
        format_ms(least)
    );
    let shown = view.api_readings.iter().filter(|s| s.requested_ms == ended).map(|served| served.seq);
    let seqs: Vec<u64> = shown.chain(view.size_changes.iter().filter(|c| c.at_ms == ended).map(|c| c.seq)).collect();
    // After a gap of the watch it may have come as long before it was seen.
    let came = view.earliest_ms("workload", fall.at_ms);
    if after >= least && came.saturating_sub(ended) < least {
        let blind = format_ms(fall.at_ms - came);
        return CheckResult::inconclusive(format!("{words}; but the target was not read for {blind} before it"))
            .with_cites([fall.seq]);
    }
    let ruling = match after >= least {
        true => evaluate_in_time(view, fall, least, words),
        false => evaluate_early(view, fall, least, words),
    };
    ruling.with_cites([fall.seq]).with_cites(seqs)
}

/// Late enough by what was read; a stretch in which nothing was read could hide that it asked for more until later.
fn evaluate_in_time(view: &RunView<'_>, fall: &SizeChange<'_>, least: u64, words: String) -> CheckResult {
    let blind = longest_gap_ms(view, fall.at_ms.saturating_sub(least), fall.at_ms);
    if blind > view.times.assumptions.sync_period.ms() {
        return CheckResult::inconclusive(format!(
            "{words}; but the metric was not read for {} before it",
            format_ms(blind)
        ));
    }
    CheckResult::pass(words)
}

/// Too early by what was read: does anything explain it?
fn evaluate_early<'v>(view: &'v RunView<'v>, fall: &'v SizeChange<'v>, least: u64, words: String) -> CheckResult {
    if view.times.down_window.source == TermSource::Assumed {
        return CheckResult::inconclusive(format!("{words}; the window is assumed, and may be shorter"));
    }
    if view.may_miss_values() {
        return CheckResult::inconclusive(format!("{words}; a value between two polls may explain it"));
    }
    let sync = view.times.assumptions.sync_period.ms();
    let since = last_recommended_ms(view, fall, 2 * sync).map(|ended| fall.at_ms.saturating_sub(ended));
    if since.is_none_or(|since| since >= least.saturating_sub(sync)) {
        return CheckResult::inconclusive(format!("{words}; twice the assumed sync period explains it"));
    }
    // Another tolerance, pods that were seen a little earlier or later than the controller saw them.
    if !decisions_explained::is_inexplicable(view, fall) {
        return CheckResult::inconclusive(format!(
            "{words}; what the controller can have seen and tolerated besides may explain it"
        ));
    }
    CheckResult::fail(words)
}

/// The longest stretch in which nothing was read. An API that fails is read: it asks the controller for nothing.
fn longest_gap_ms(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> u64 {
    view.longest_gap_ms(from_ms, to_ms, |served| !matches!(served.reading.result, ReadingResult::NotReadable(_)))
}

/// When the autoscaler last rose above the new size, if the metric was read ever since: its pass asked for more, if only
/// for a moment.
fn last_rise_ms(view: &RunView<'_>, fall: &SizeChange<'_>) -> Option<u64> {
    let own = |c: &SizeChange<'_>| confirming_status(view, c).is_some();
    let above = |c: &&SizeChange<'_>| c.to > c.from.max(fall.to) && c.at_ms < fall.at_ms && own(c);
    let risen = view.earliest_ms("workload", view.size_changes.iter().rfind(above)?.at_ms);
    (longest_gap_ms(view, risen, fall.at_ms) <= view.times.assumptions.sync_period.ms()).then_some(risen)
}

/// The end of the last span, at least so long, in which every reading asked for more than the new size.
fn last_recommended_ms(view: &RunView<'_>, fall: &SizeChange<'_>, least_ms: u64) -> Option<u64> {
    let readings: Vec<_> = view.api_readings_in(0, fall.at_ms).collect();
    let spans = view.spans_where(&readings, |served| served.recommendation().is_some_and(|asks| asks > fall.to));
    spans.into_iter().rev().find(|(from, to)| to - from >= least_ms).map(|(_, to)| to)
}
