//! Hold/Steady: under constant load replicas do not fall below the recommendation, for at least the scale-down window
//! and one metric lag without interruption in which the metric was served, and the expected pods are Ready and endpoints
//! until the load ends. A fall that the metric does not recommend: FAIL. A load that was not constant, of which most
//! chats failed, or too few Ready pods: INCONCLUSIVE.

mod constant_load;
mod serving_pods;

use crate::bounds::SLACK;
use crate::judge::check_result::{CheckResult, format_ms, format_replicas};
use crate::judge::decisions;
use crate::judge::diagnosis::double_average;
use crate::judge::run_view::{ApiReading, MAX_READING_GAP_MS, RunView, SizeChange};
use crate::units::HumanDuration;
use constant_load::find_load_interruption;
use serving_pods::evaluate_serving_pods;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some((began, end)) = view.load_span() else {
        return CheckResult::pending("the load has not started");
    };
    let Some((seq, reached, _)) = view.expected_size_reached(began) else {
        return CheckResult::pending(format!("{} are not reached", format_replicas(view.expected_replicas)));
    };
    let mut findings = Vec::new();
    for fall in view.size_changes.iter().filter(|c| c.to < c.from && (reached..=end).contains(&c.at_ms)) {
        match evaluate_fall(view, fall) {
            Ok(finding) => findings.push(finding),
            Err(result) => return result.with_cites([fall.seq]),
        }
    }
    let (held_ms, bound) = (view.longest_measured_ms(reached, end), view.times.hold());
    let lowest =
        view.workloads.iter().filter(|(o, _)| (reached..=end).contains(&o.at_ms)).map(|(_, w)| w.spec_replicas);
    let lowest = lowest.min().unwrap_or(view.expected_replicas);
    let absent_ms = view.metric_absent_ms(reached, end);
    let absence = if absent_ms > 0 {
        format!(" without interruption; the metric was unavailable for {}", format_ms(absent_ms))
    } else {
        String::new()
    };
    let text = format!("at least {} under load for {}", format_replicas(lowest), format_ms(held_ms));
    let needed = HumanDuration::from_ms(bound.total_ms());
    let passed = format!("{text} (needed {needed}){absence}");
    let text = format!("{text} (needed {bound}){absence}");
    // The hold may be interrupted just before its bound is reached, and then takes the whole bound after the
    // interruption.
    let is_early = end - reached < 2 * bound.total_ms() + absent_ms;
    let result = if held_ms < bound.total_ms() && view.is_under_load() && is_early {
        CheckResult::pending(text)
    } else if held_ms < bound.total_ms() {
        CheckResult::inconclusive(text)
    } else if let Some(reason) = find_load_interruption(view, reached, end) {
        CheckResult::inconclusive(format!("the load was not constant: {reason}"))
    } else {
        evaluate_serving_pods(view, reached, end).unwrap_or_else(|| CheckResult::pass(passed))
    };
    findings.extend(view.describe_readiness_losses());
    findings.extend(view.describe_ended_pods(reached, end));
    findings.extend(view.describe_lost_nodes());
    let last = view.workload_at(end).map(|(seq, _)| seq);
    findings.into_iter().fold(result.with_cites([seq]).with_cites(last), CheckResult::with_finding)
}

/// Evaluates a fall under load: a finding where the metric recommends it.
fn evaluate_fall(view: &RunView<'_>, fall: &SizeChange<'_>) -> Result<String, CheckResult> {
    let text = format!("replicas fell {} → {} under load, written by {}", fall.from, fall.to, fall.describe_writer());
    if !fall.is_scale_write() {
        return Err(CheckResult::inconclusive(text));
    }
    let mut recommendations = readings_before(view, fall).filter_map(ApiReading::recommendation);
    if recommendations.any(|replicas| replicas <= fall.to) {
        if fall.to < view.expected_replicas {
            let cause =
                double_average::describe(view).unwrap_or_else(|| "the load was too low to hold the size".to_owned());
            return Err(CheckResult::inconclusive(format!("{text}; the metric recommended it: {cause}")));
        }
        return Ok(format!("{text}; the metric recommended it"));
    }
    let gap_ms =
        view.longest_gap_ms(pass_start_ms(view, fall), fall.at_ms, |reading| reading.recommendation().is_some());
    if gap_ms > MAX_READING_GAP_MS {
        return Err(CheckResult::inconclusive(format!(
            "{text}; the metric was not read for {} before it",
            format_ms(gap_ms)
        )));
    }
    if !decisions::is_inexplicable(view, fall) {
        let detail =
            "every reading before recommends more, but a value between two polls or another tolerance may explain it";
        return Err(CheckResult::inconclusive(format!("{text}; {detail}")));
    }
    let seqs: Vec<u64> = readings_before(view, fall).map(|reading| reading.seq).collect();
    Err(CheckResult::fail(format!("{text}, although every reading before recommends more")).with_cites(seqs))
}

/// The earliest time at which the pass of this fall can have read the metric. Earlier readings can only keep the size
/// up.
fn pass_start_ms(view: &RunView<'_>, fall: &SizeChange<'_>) -> u64 {
    fall.at_ms.saturating_sub(view.times.assumptions.sync_period.ms() + SLACK.ms())
}

/// Readings around the value that the pass of this fall may have read.
fn readings_before<'v, 'a>(view: &'v RunView<'a>, fall: &SizeChange<'_>) -> impl Iterator<Item = &'v ApiReading<'a>> {
    view.api_readings_in(pass_start_ms(view, fall), fall.at_ms)
}
