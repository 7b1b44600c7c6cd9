//! Control/IdleHolds: without load the metric asks for no more than min, and replicas stay at min for several sync
//! periods. An autoscaler that scales up all the same: FAIL. A metric that asks for more at idle (a contaminated or
//! misread one), or another writer: INCONCLUSIVE.

use super::by_the_autoscaler::confirming_status;
use super::check_result::{CheckResult, format_ms};
use super::contamination;
use super::decisions_explained;
use super::run_view::{MAX_READING_GAP_MS, RunView, SizeChange};
use crate::bounds::SLACK;
use crate::units::Milli;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some((began, ended)) = view.baseline_span() else {
        return CheckResult::pending("the idle baseline has not begun");
    };

    let end = ended.unwrap_or_else(|| view.end_ms());
    let readings: Vec<_> = view.api_readings_in(began, end).collect();
    // From the last reading before the HPA's creation on: a metric that asks for more has scaled the target before the
    // baseline begins.
    let made = view.hpa_creation().map_or(began, |(_, at)| at.saturating_sub(MAX_READING_GAP_MS).min(began));
    if let Some(served) = view
        .api_readings_in(made, end)
        .find(|served| served.recommendation_from(view.min_replicas).is_some_and(|asks| asks > view.min_replicas))
    {
        return CheckResult::inconclusive(explain_recommendation(view, served)).with_cites([served.seq]);
    }
    if let Some(change) = view.size_changes.iter().find(|change| (began..=end).contains(&change.at_ms)) {
        return evaluate_change(view, change)
            .with_cites([change.seq])
            .with_cites(readings.iter().map(|served| served.seq));
    }
    let bound = view.times.baseline(view.records.scenario.phases.baseline_sync_periods);
    let over = ended.is_some() || end >= began + bound.lenient_ms() + view.times.metric_lag().lenient_ms();
    let Some((seq, workload)) = view.workload_at(began) else {
        let why = "the target was not seen";
        return if over { CheckResult::inconclusive(why) } else { CheckResult::pending(why) };
    };
    if workload.spec_replicas != view.min_replicas {
        return CheckResult::inconclusive(format!(
            "the target had {} replicas when the idle baseline began, not minReplicas {}",
            workload.spec_replicas, view.min_replicas
        ))
        .with_cites([seq]);
    }
    if let Some((why, seq)) = view.find_unseen_change_during(began, end) {
        return CheckResult::inconclusive(why).with_cites([seq]);
    }
    let spans = view.spans_where(&readings, |served| served.recommendation().is_some());
    let covered = spans.iter().map(|(from, to)| to - from).max().unwrap_or(0);
    if covered < bound.total_ms() {
        let text = format!(
            "replicas held at {} for {} of {} without load",
            view.min_replicas,
            format_ms(covered),
            format_ms(bound.total_ms())
        );
        return if over { CheckResult::inconclusive(text) } else { CheckResult::pending(text) };
    }
    let values = || readings.iter().filter_map(|served| served.value_milli());
    CheckResult::pass(format!(
        "{} readings over {} without load asked for no more than {} (values {} to {}), and replicas stayed at {}",
        readings.len(),
        format_ms(covered),
        view.min_replicas,
        Milli(values().min().unwrap_or(0)),
        Milli(values().max().unwrap_or(0)),
        view.min_replicas
    ))
    .with_cites([seq])
    .with_cites(readings.iter().map(|served| served.seq))
}

/// The size changed without load: by whom, and did the metric ask for it where nobody looked?
fn evaluate_change(view: &RunView<'_>, change: &SizeChange<'_>) -> CheckResult {
    let text =
        format!("replicas went {} → {} without load, written by {}", change.from, change.to, change.describe_writer());
    // A size up to min is enforced, whatever the metric says.
    if !change.is_scale_write() || change.to < change.from || change.to <= view.min_replicas {
        return CheckResult::inconclusive(text);
    }
    if confirming_status(view, change).is_none() {
        let waiting = view.now_ms() < change.at_ms + 2 * SLACK.ms();
        let text = format!("{text}, which the HPA's status does not confirm");
        return if waiting { CheckResult::pending(text) } else { CheckResult::inconclusive(text) };
    }
    let from = change.at_ms.saturating_sub(view.times.assumptions.sync_period.ms() + SLACK.ms());
    let blind = view.longest_gap_ms(from, change.at_ms, |served| served.recommendation().is_some());
    if blind > MAX_READING_GAP_MS {
        return CheckResult::inconclusive(format!(
            "{text}; the metric was not read for {} before it",
            format_ms(blind)
        ));
    }
    if !decisions_explained::is_inexplicable(view, change) {
        return CheckResult::inconclusive(format!(
            "{text}; a value between two polls, or another tolerance, may explain it"
        ));
    }
    CheckResult::fail(format!("{text}, although the metric asked for no more than {}", view.min_replicas))
}

/// Names what makes the idle metric ask for more: pods that are not the target's, or the unit.
fn explain_recommendation(view: &RunView<'_>, served: &super::ApiReading<'_>) -> String {
    let value = served.value_milli().map_or(String::new(), |value| format!("value {}", Milli(value)));
    let target = view.target_value().map_or(String::new(), |target| format!(", target {target}"));
    let asks = served.recommendation_from(view.min_replicas).unwrap_or(0);
    let why = contamination::describe(view, served.received_ms).unwrap_or_else(|| {
        "the target lies below the idle value, or in another unit: set it above what an idle pod shows".to_owned()
    });
    format!("without load the metric asks for {asks} replicas ({value}{target}): {why}")
}
