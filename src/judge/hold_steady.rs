//! Hold/Steady: under constant load, for at least the scale-down window and one lag on end in which the metric was served,
//! the size does not fall below what the metric asks for. A fall that the metric did not ask for: FAIL. A load that broke
//! off, or that nobody answered: INCONCLUSIVE.

use super::check_result::{CheckResult, format_ms};
use super::decisions_explained;
use super::double_average;
use super::replicas_rise;
use super::run_view::{MAX_READING_GAP_MS, RunView, SizeChange};
use crate::bounds::SLACK;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some((began, end)) = view.load_span() else {
        return CheckResult::pending("the load has not begun");
    };
    let Some((seq, reached, _)) = replicas_rise::expected_size_reached(view, began) else {
        return CheckResult::pending(format!("{} replicas are not reached", view.expected_replicas));
    };
    let mut findings = Vec::new();
    for fall in view.size_changes.iter().filter(|c| c.to < c.from && (reached..=end).contains(&c.at_ms)) {
        match evaluate_fall(view, fall) {
            Ok(finding) => findings.push(finding),
            Err(ruling) => return ruling.with_cites([fall.seq]),
        }
    }
    let (held, bound) = (view.longest_measured_ms(reached, end), view.times.hold());
    let lowest =
        view.workloads.iter().filter(|(o, _)| (reached..=end).contains(&o.at_ms)).map(|(_, w)| w.spec_replicas);
    let lowest = lowest.min().unwrap_or(view.expected_replicas);
    let away = view.metric_absent_ms(reached, end);
    let without = if away > 0 {
        format!(" on end; the metric was away for {}, in which the autoscaler could not act", format_ms(away))
    } else {
        String::new()
    };
    let text = format!("under load the size was at least {lowest} for {} (needed {bound}){without}", format_ms(held));
    // Less than the bound before the metric went away, and the bound once more after it.
    let ruling = if held < bound.total_ms() && view.is_under_load() && end - reached < 2 * bound.total_ms() + away {
        CheckResult::pending(text)
    } else if held < bound.total_ms() {
        CheckResult::inconclusive(text)
    } else if let Some(why) = find_load_interruption(view, reached, end) {
        CheckResult::inconclusive(format!("the load was not constant: {why}"))
    } else {
        CheckResult::pass(text)
    };
    let last = view.workload_at(end).map(|(seq, _)| seq);
    findings.into_iter().fold(ruling.with_cites([seq]).with_cites(last), CheckResult::with_finding)
}

/// A fall under load: a finding where the metric asked for it.
fn evaluate_fall(view: &RunView<'_>, fall: &SizeChange<'_>) -> Result<String, CheckResult> {
    let text = format!("replicas fell {} → {} under load, written by {}", fall.from, fall.to, fall.describe_writer());
    if !fall.is_scale_write() {
        return Err(CheckResult::inconclusive(text));
    }
    let mut asks = readings_before(view, fall).filter_map(super::ApiReading::recommendation);
    if asks.any(|asks| asks <= fall.to) {
        if fall.to < view.expected_replicas {
            let why = double_average::describe(view).unwrap_or_else(|| "so the load did not hold".to_owned());
            return Err(CheckResult::inconclusive(format!("{text}; the metric had asked for it, {why}")));
        }
        return Ok(format!("{text}; the metric had asked for it"));
    }
    let blind = view.longest_gap_ms(pass_start_ms(view, fall), fall.at_ms, |served| served.recommendation().is_some());
    if blind > MAX_READING_GAP_MS {
        return Err(CheckResult::inconclusive(format!(
            "{text}; the metric was not read for {} before it",
            format_ms(blind)
        )));
    }
    if !decisions_explained::is_inexplicable(view, fall) {
        let why =
            "every reading before asked for more, but what was served between them or another tolerance may explain it";
        return Err(CheckResult::inconclusive(format!("{text}; {why}")));
    }
    let seqs: Vec<u64> = readings_before(view, fall).map(|served| served.seq).collect();
    Err(CheckResult::fail(format!("{text}, though every reading before asked for more")).with_cites(seqs))
}

/// Since when the readings may be what the pass of this fall saw. What it saw earlier can only hold the size up.
fn pass_start_ms(view: &RunView<'_>, fall: &SizeChange<'_>) -> u64 {
    fall.at_ms.saturating_sub(view.times.assumptions.sync_period.ms() + SLACK.ms())
}

/// Readings that the pass of this fall may have seen.
fn readings_before<'v, 'a>(
    view: &'v RunView<'a>,
    fall: &SizeChange<'_>,
) -> impl Iterator<Item = &'v super::ApiReading<'a>> {
    view.api_readings_in(pass_start_ms(view, fall), fall.at_ms)
}

/// Why the load was none, or not the same all the time.
fn find_load_interruption(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> Option<String> {
    if let Some(why) = view.records.client_bound {
        return Some(why.to_owned());
    }
    let loads = || view.loads.iter().filter(|(o, _)| (from_ms..=to_ms).contains(&o.at_ms));
    let last = loads().next_back().map(|(_, load)| *load);
    // A long answer ends well after the hold, maybe; its connection is there from its first token on.
    match last {
        Some(load) if load.succeeded == 0 && load.failed > 0 => {
            return Some(format!("all {} requests failed", load.failed));
        }
        Some(load) if load.answered_connections > 0 => {}
        _ => return Some("no request was answered".to_owned()),
    }
    let mut idle_since = None;
    for (o, load) in loads() {
        let since = *idle_since.get_or_insert(o.at_ms);
        if load.in_flight > 0 {
            idle_since = None;
        } else if o.at_ms - since > MAX_READING_GAP_MS {
            return Some(format!("no request was under way for {}", format_ms(o.at_ms - since)));
        }
    }
    None
}
