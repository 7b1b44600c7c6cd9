//! Control/IdleHolds: without load the metric recommends no more than minReplicas, and replicas stay at minReplicas for
//! several sync periods. A controller that scales up nevertheless: FAIL. A metric that recommends more without load
//! (contamination, or another unit), or another writer: INCONCLUSIVE.

use crate::bounds::SLACK;
use crate::judge::check_result::{CheckResult, format_ms, format_replicas};
use crate::judge::decisions;
use crate::judge::diagnosis::{contamination, device_activity, keda_fallback, out_of_range};
use crate::judge::run_view::{ApiReading, MAX_READING_GAP_MS, RunView, SizeChange};
use crate::units::Milli;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some((began, ended)) = view.baseline_span() else {
        return CheckResult::pending("the baseline has not started");
    };

    let end = ended.unwrap_or_else(|| view.end_ms());
    let readings: Vec<_> = view.api_readings_in(began, end).collect();
    // From the last reading before the HPA's creation on: a metric that recommends more may have scaled the target
    // before the baseline began.
    let from = view.hpa_creation().map_or(began, |(_, at)| at.saturating_sub(MAX_READING_GAP_MS).min(began));
    if let Some(result) = find_wrong_reading(view, from, end) {
        return result;
    }
    if let Some(change) = view.size_changes.iter().find(|change| (began..=end).contains(&change.at_ms)) {
        return evaluate_change(view, change)
            .with_cites([change.seq])
            .with_cites(readings.iter().map(|reading| reading.seq));
    }
    let bound = view.times.baseline(view.records.scenario.phases.baseline_sync_periods);
    let over = ended.is_some() || end >= began + bound.lenient_ms() + view.times.metric_lag().lenient_ms();
    let Some((seq, workload)) = view.workload_at(began) else {
        let reason = "the target was not observed";
        return if over { CheckResult::inconclusive(reason) } else { CheckResult::pending(reason) };
    };
    if workload.spec_replicas != view.min_replicas {
        return CheckResult::inconclusive(format!(
            "the target had {} when the baseline began, not minReplicas {}",
            format_replicas(workload.spec_replicas),
            view.min_replicas
        ))
        .with_cites([seq]);
    }
    if let Some((reason, seq)) = view.find_unseen_change_during(began, end) {
        return CheckResult::inconclusive(reason).with_cites([seq]);
    }
    let spans = view.spans_where(&readings, |reading| reading.recommendation().is_some());
    let covered_ms = spans.iter().map(|(from, to)| to - from).max().unwrap_or(0);
    if covered_ms < bound.total_ms() {
        let gap_ms = view.longest_gap_ms(began, end, |reading| reading.recommendation().is_some());
        let unread = match gap_ms > MAX_READING_GAP_MS {
            true => format!("; the metric was not read for {} meanwhile", format_ms(gap_ms)),
            false => String::new(),
        };
        let text = format!(
            "replicas stayed at {} for {} of {} without load{unread}",
            view.min_replicas,
            format_ms(covered_ms),
            format_ms(bound.total_ms())
        );
        return if over { CheckResult::inconclusive(text) } else { CheckResult::pending(text) };
    }
    let values = || readings.iter().filter_map(|reading| reading.value_milli());
    CheckResult::pass(format!(
        "replicas stayed at {} for {} without load; the metric recommends at most {} ({} readings, {} to {})",
        view.min_replicas,
        format_ms(covered_ms),
        format_replicas(view.min_replicas),
        readings.len(),
        Milli(values().min().unwrap_or(0)),
        Milli(values().max().unwrap_or(0))
    ))
    .with_cites([seq])
    .with_cites(readings.iter().map(|reading| reading.seq))
}

/// The first reading that recommends more than minReplicas, or that is no measurement.
fn find_wrong_reading(view: &RunView<'_>, from: u64, end: u64) -> Option<CheckResult> {
    let recommends_more = |reading: &&ApiReading<'_>| {
        reading.recommendation_from(view.min_replicas).is_some_and(|n| n > view.min_replicas)
    };
    if let Some(reading) = view.api_readings_in(from, end).find(recommends_more) {
        let reason = explain_recommendation(view, reading);
        return Some(CheckResult::inconclusive(reason).with_cites([reading.seq]));
    }
    // The controller's arithmetic overflows with some blank values, and then recommends nothing more.
    view.api_readings_in(from, end).find_map(|reading| {
        let text = out_of_range::describe_implausible(view, reading.reading)?;
        Some(CheckResult::inconclusive(format!("without load {text}")).with_cites([reading.seq]))
    })
}

/// Evaluates a change without load: who wrote it, and whether an unread value of the metric may have recommended it.
fn evaluate_change(view: &RunView<'_>, change: &SizeChange<'_>) -> CheckResult {
    let text =
        format!("replicas went {} → {} without load, written by {}", change.from, change.to, change.describe_writer());
    // The controller enforces minReplicas, whatever the metric is.
    if !change.is_scale_write() || change.to < change.from || change.to <= view.min_replicas {
        return CheckResult::inconclusive(text);
    }
    if view.confirming_status(change).is_none() {
        let is_recent = view.now_ms() < change.at_ms + 2 * SLACK.ms();
        let text = format!("{text}, which the HPA's status does not confirm");
        return if is_recent { CheckResult::pending(text) } else { CheckResult::inconclusive(text) };
    }
    let from = change.at_ms.saturating_sub(view.times.assumptions.sync_period.ms() + SLACK.ms());
    let gap_ms = view.longest_gap_ms(from, change.at_ms, |reading| reading.recommendation().is_some());
    if gap_ms > MAX_READING_GAP_MS {
        return CheckResult::inconclusive(format!(
            "{text}; the metric was not read for {} before it",
            format_ms(gap_ms)
        ));
    }
    if !decisions::is_inexplicable(view, change) {
        return CheckResult::inconclusive(format!(
            "{text}; a value between two polls, or another tolerance, may explain it"
        ));
    }
    CheckResult::fail(format!("{text}, although the metric recommends at most {}", format_replicas(view.min_replicas)))
}

/// Explains why the metric recommends more than minReplicas without load: contamination, or another unit.
fn explain_recommendation(view: &RunView<'_>, reading: &ApiReading<'_>) -> String {
    let value = reading.value_milli().map_or(String::new(), |value| format!("value {}", Milli(value)));
    let target = view.target_value().map_or(String::new(), |target| format!(", target {target}"));
    let replicas = reading.recommendation_from(view.min_replicas).unwrap_or(0);
    // The metrics API may serve an average over a blank value, which the hops before it show.
    let cause = out_of_range::describe_implausible(view, reading.reading)
        .or_else(|| out_of_range::find_implausible(view, 0, reading.received_ms))
        .or_else(|| keda_fallback::describe(view, reading.received_ms, reading.received_ms).map(|(text, _)| text))
        .or_else(|| contamination::describe(view, reading.received_ms))
        .or_else(|| device_activity::describe_resident_model(view));
    let cause = cause.unwrap_or_else(|| {
        let of_model = device_activity::describe_maximum_with_model(view).map_or(String::new(), |text| format!("; {text}"));
        format!(
            "the target is below the idle value or in another unit, the metric includes other workloads, or it falls under load \
             (free instead of used){of_model}"
        )
    });
    format!("without load the metric recommends {} ({value}{target}): {cause}", format_replicas(replicas))
}
