//! Control/MetricFollowsLoad: under load the metric asks for at least the expected size for one sync period plus the
//! lag, and after the load its readings lead back to min. A metric that does not follow (a frozen or contaminated
//! one, a wrong sign, a wrong unit, too little load) says nothing about the autoscaler: INCONCLUSIVE.

use super::check_result::{CheckResult, CheckStatus, format_ms};
use super::contamination;
use super::metric_diagnosis;
use super::run_view::RunView;
use crate::model::observation::{LoadSnapshot, Phase};
use crate::units::Milli;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let up = evaluate_rise(view);
    if !up.has_status(CheckStatus::Pass) {
        return up;
    }
    let down = evaluate_fall(view);
    let mut both = CheckResult { reason: format!("{}; {}", up.reason, down.reason), ..down }.with_cites(up.cites);
    if let Some((_, load)) = view.loads.last().filter(|(_, load)| load.failed > 0) {
        both = both.with_finding(format!(
            "{} of the load's chats failed ({} were good): {}",
            load.failed,
            load.succeeded,
            format_failures(load)
        ));
    }
    both
}

/// Under load.
pub(super) fn evaluate_rise(view: &RunView<'_>) -> CheckResult {
    let Some((began, end)) = view.load_span() else {
        return CheckResult::pending("the load has not begun");
    };
    let readings: Vec<_> = view.api_readings_in(began, end).collect();
    let need = view.times.metric_sustained().total_ms();
    let spans = view.spans_for_expected();
    let longest = spans.iter().map(|(from, to)| to - from).max().unwrap_or(0);
    let highest = readings.iter().filter_map(|s| Some((s.recommendation()?, s.value_milli()?, s.seq))).max();
    let target = view.target_value().map_or(String::new(), |target| format!(" against the target {target}"));
    let text = match highest {
        Some((asks, value, _)) => format!(
            "under load the metric asked for at least {} replicas for {} on end, of the {} that are needed (highest reading {}{target}, which asks for {asks})",
            view.expected_replicas,
            format_ms(longest),
            format_ms(need),
            Milli(value)
        ),
        None => "no reading under load yet".to_owned(),
    };
    let cites: Vec<u64> = match spans.iter().find(|(from, to)| to - from >= need) {
        Some((from, to)) => view.api_readings_in(*from, to + need).map(|s| s.seq).take(200).collect(),
        None => highest.map(|(_, _, seq)| seq).into_iter().collect(),
    };
    if longest >= need && !has_caused_rise(view, began) {
        return CheckResult::inconclusive(format!(
            "{text}, but no reading before the rise asks for more than {}",
            view.min_replicas
        ));
    }
    if longest >= need {
        return CheckResult::pass(text).with_cites(cites);
    }
    let last_chance = began + view.times.metric_follows_load().lenient_ms() + view.metric_absent_ms(began, end);
    // A span that began in time may still become long enough.
    let under_way = spans.last().is_some_and(|(from, to)| *from < last_chance && end.saturating_sub(*to) <= need)
        && view.now_ms() < last_chance + 2 * need;
    if view.is_under_load() && (view.now_ms() < last_chance || under_way) {
        return CheckResult::pending(text);
    }
    let void = view.records.client_bound.map_or(String::new(), |why| format!("; the load is void: {why}"));
    CheckResult::inconclusive(format!(
        "{}{text}{}{}{void}",
        describe_failed_load(view),
        metric_diagnosis::describe(view),
        describe_load(view)
    ))
    .with_cites(cites)
}

/// The metric asked for a rise while the target was small. Once it is not, a value may ask for what is there already.
fn has_caused_rise(view: &RunView<'_>, began: u64) -> bool {
    view.readings_before_scale_up(began).iter().any(|(_, asks)| *asks > view.min_replicas)
}

/// After the load.
pub(super) fn evaluate_fall(view: &RunView<'_>) -> CheckResult {
    let Some(began) = view.phase_start(Phase::ScaleDown) else {
        return CheckResult::pending("the load has not ended");
    };
    let held = view.workload_at(began).map_or(view.expected_replicas, |(_, workload)| workload.spec_replicas);
    let back = view
        .api_readings_in(began, view.end_ms())
        .find(|s| s.converged_size(held, view.min_replicas) == Some(view.min_replicas));
    if let Some(served) = back {
        return CheckResult::pass(format!(
            "{} after the load a reading ({}) leads from {held} replicas back to {}",
            format_ms(served.received_ms - began),
            Milli(served.value_milli().unwrap_or(0)),
            view.min_replicas
        ))
        .with_cites([served.seq]);
    }
    let lowest = view.api_readings_in(began, view.end_ms()).filter_map(|s| Some((s.value_milli()?, s.seq))).min();
    let text = format!(
        "after the load no reading leads from {held} replicas back to {} (lowest {}{}){}",
        view.min_replicas,
        lowest.map_or("none".to_owned(), |(value, _)| Milli(value).to_string()),
        metric_diagnosis::describe_after_load(view, began, view.end_ms()),
        contamination::describe(view, view.end_ms()).map_or(String::new(), |words| format!("; {words}"))
    );
    if view.phase_start(Phase::Cleanup).is_none() && view.now_ms() < began + view.times.metric_falls_back().lenient_ms()
    {
        return CheckResult::pending(text);
    }
    CheckResult::inconclusive(text).with_cites(lowest.map(|(_, seq)| seq))
}

/// A load of which most chats failed, said first: whatever the metric did, that is to be mended.
fn describe_failed_load(view: &RunView<'_>) -> String {
    let Some((_, load)) = view.loads.last().filter(|(_, load)| load.failed > load.succeeded) else {
        return String::new();
    };
    format!(
        "(workload) {} of {} chats failed: {}; the server's log is in diagnostics/{}/ of the evidence; ",
        load.failed,
        load.failed + load.succeeded,
        format_failures(load),
        view.records.scenario.namespace
    )
}

/// Failed chats by kind, with the first words of each.
fn format_failures(load: &LoadSnapshot) -> String {
    let kinds = load.failures.iter().map(|(kind, seen)| match seen.example.as_str() {
        "" => format!("{} {kind}", seen.count),
        example => format!("{} {kind}, the first: {example}", seen.count),
    });
    kinds.collect::<Vec<_>>().join("; ")
}

/// What the load was, for a metric that did not follow it.
fn describe_load(view: &RunView<'_>) -> String {
    view.loads.last().map_or(String::new(), |(_, load)| {
        let kinds = match format_failures(load) {
            kinds if kinds.is_empty() || load.failed > load.succeeded => String::new(),
            kinds => format!(" ({kinds})"),
        };
        format!(
            "; the load: {} connections, {} good answers, {} failed{kinds}",
            load.answered_connections, load.succeeded, load.failed
        )
    })
}
