//! Control/MetricFollowsLoad: under load the metric recommends at least the expected replicas for one sync period plus
//! the metric lag, and after the load it recommends minReplicas. A metric that does not follow (frozen, contaminated,
//! wrong sign, wrong unit, too little load) shows nothing about the autoscaler: INCONCLUSIVE.

use crate::judge::check_result::{CheckResult, CheckStatus, format_ms, format_replicas};
use crate::judge::diagnosis::{contamination, hpa_value, keda_fallback, metric_diagnosis, out_of_range};
use crate::judge::run_view::RunView;
use crate::model::observation::{LoadSnapshot, Phase};
use crate::model::plan::TimeBound;
use crate::units::Milli;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let result = evaluate_both(view);
    match out_of_range::describe(view) {
        Some(finding) => result.with_finding(finding),
        None => result,
    }
}

fn evaluate_both(view: &RunView<'_>) -> CheckResult {
    let up = evaluate_rise(view);
    if !up.has_status(CheckStatus::Pass) {
        return up;
    }
    let by_status = hpa_value::describe_missing_value(view).or_else(|| hpa_value::describe_never_served(view));
    if let Some((text, seq)) = by_status {
        return CheckResult::inconclusive(text).with_cites([seq]);
    }
    // A number that follows nothing may agree with the load for a while.
    let began_ms = view.load_span().map_or(0, |(began, _)| began);
    if let Some((text, seq)) = keda_fallback::describe(view, began_ms, view.end_ms()) {
        return CheckResult::inconclusive(text).with_cites([seq]);
    }
    let down = evaluate_fall(view);
    let mut both = CheckResult { reason: format!("{}; {}", up.reason, down.reason), ..down }.with_cites(up.cites);
    both.findings.extend(up.findings);
    if let Some((_, load)) = view.loads.last().filter(|(_, load)| load.failed > 0) {
        both = both.with_finding(format!(
            "{} of the load's chats failed ({} succeeded): {}",
            load.failed,
            load.succeeded,
            format_failures(load)
        ));
    }
    both
}

/// Evaluates the metric under load.
pub(super) fn evaluate_rise(view: &RunView<'_>) -> CheckResult {
    let Some((began, end)) = view.load_span() else {
        return CheckResult::pending("the load has not started");
    };
    let readings: Vec<_> = view.api_readings_in(began, end).collect();
    let needed_ms = view.times.metric_sustained().total_ms();
    let spans = view.spans_for_expected();
    let longest_ms = spans.iter().map(|(from, to)| to - from).max().unwrap_or(0);
    let highest = readings
        .iter()
        .filter_map(|reading| Some((reading.recommendation()?, reading.value_milli()?, reading.seq)))
        .max();
    let target = view.target_value().map_or(String::new(), |target| format!(", target {target}"));
    let text = match highest {
        Some((replicas, value, _)) => format!(
            "under load the metric recommends at least {} for {} without interruption, of {} needed (highest reading {}{target}, at which it recommends {})",
            format_replicas(view.expected_replicas),
            format_ms(longest_ms),
            format_ms(needed_ms),
            Milli(value),
            format_replicas(replicas)
        ),
        None => "no reading under load yet".to_owned(),
    };
    let cites: Vec<u64> = match spans.iter().find(|(from, to)| to - from >= needed_ms) {
        Some((from, to)) => view.api_readings_in(*from, to + needed_ms).map(|reading| reading.seq).take(200).collect(),
        None => highest.map(|(_, _, seq)| seq).into_iter().collect(),
    };
    if longest_ms >= needed_ms && !has_caused_rise(view, began) {
        return CheckResult::inconclusive(format!(
            "{text}, but no reading before the scale-up recommends more than {}",
            format_replicas(view.min_replicas)
        ));
    }
    if longest_ms >= needed_ms {
        return CheckResult::pass(format!(
            "under load the metric recommends at least {} for {} ({} needed)",
            format_replicas(view.expected_replicas),
            format_ms(longest_ms),
            format_ms(needed_ms)
        ))
        .with_finding(text)
        .with_cites(cites);
    }
    let deadline_ms = rise_due_ms(view, began, end, TimeBound::lenient_ms);
    // A span that began in time may still become long enough.
    let under_way = spans.last().is_some_and(|(from, to)| *from < deadline_ms && end.saturating_sub(*to) <= needed_ms)
        && view.now_ms() < deadline_ms + 2 * needed_ms;
    if view.is_under_load() && (view.now_ms() < deadline_ms || under_way) {
        return CheckResult::pending(text);
    }
    let client_bound = view
        .records
        .client_bound
        .map_or(String::new(), |reason| format!("; the load was limited by the client: {reason}"));
    CheckResult::inconclusive(format!(
        "{}{text}{}{}{client_bound}",
        describe_failed_load(view),
        metric_diagnosis::describe(view),
        describe_load(view)
    ))
    .with_cites(cites)
}

/// When a metric that did not yet recommend enough for long enough has had its time, by this length of a bound. A new pod has an idle
/// value until it serves, and an average over the pods falls with it: after the first scale-up the new pods have their time to
/// start and to show traffic.
pub(in crate::judge) fn rise_due_ms(view: &RunView<'_>, began: u64, end: u64, length: fn(&TimeBound) -> u64) -> u64 {
    let follows_ms = length(&view.times.metric_follows_load()) + view.metric_absent_ms(began, end);
    let rise = view.size_changes.iter().find(|change| (began..=end).contains(&change.at_ms) && change.to > change.from);
    rise.map_or(began, |rise| rise.at_ms + length(&view.times.pod_start())) + follows_ms
}

/// True when the metric recommended the scale-up at minReplicas. Later a value may only recommend what is there
/// already.
fn has_caused_rise(view: &RunView<'_>, began: u64) -> bool {
    view.readings_before_scale_up(began).iter().any(|(_, replicas)| *replicas > view.min_replicas)
}

/// Evaluates the metric after the load.
pub(super) fn evaluate_fall(view: &RunView<'_>) -> CheckResult {
    let Some(began) = view.phase_start(Phase::ScaleDown) else {
        return CheckResult::pending("the load has not ended");
    };
    let replicas_before =
        view.workload_at(began).map_or(view.expected_replicas, |(_, workload)| workload.spec_replicas);
    let at_min = view
        .api_readings_in(began, view.end_ms())
        .find(|reading| reading.converged_size(replicas_before, view.min_replicas) == Some(view.min_replicas));
    if let Some(reading) = at_min {
        return CheckResult::pass(format!(
            "{} after the load it recommends {}, down from {replicas_before} (reading {})",
            format_ms(reading.received_ms - began),
            format_replicas(view.min_replicas),
            Milli(reading.value_milli().unwrap_or(0))
        ))
        .with_cites([reading.seq]);
    }
    let lowest = view
        .api_readings_in(began, view.end_ms())
        .filter_map(|reading| Some((reading.value_milli()?, reading.seq)))
        .min();
    let text = format!(
        "after the load the metric never recommends {}, down from {replicas_before} (lowest reading {}{}){}",
        format_replicas(view.min_replicas),
        lowest.map_or("none".to_owned(), |(value, _)| Milli(value).to_string()),
        metric_diagnosis::describe_after_load(view, began, view.end_ms()),
        contamination::describe(view, view.end_ms()).map_or(String::new(), |text| format!("; {text}"))
    );
    if view.phase_start(Phase::Cleanup).is_none() && view.now_ms() < began + view.times.metric_falls_back().lenient_ms()
    {
        return CheckResult::pending(text);
    }
    CheckResult::inconclusive(text).with_cites(lowest.map(|(_, seq)| seq))
}

/// Describes a load of which most chats failed. It comes first in the reason: the cause of the failures has to be fixed
/// before the metric.
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

/// Formats the failed chats by kind, with the first error of each.
fn format_failures(load: &LoadSnapshot) -> String {
    let kinds = load.failures.iter().map(|(kind, failures)| match failures.example.as_str() {
        "" => format!("{} {kind}", failures.count),
        example => format!("{} {kind}, the first: {example}", failures.count),
    });
    kinds.collect::<Vec<_>>().join("; ")
}

/// Describes the load of a metric that did not follow it.
fn describe_load(view: &RunView<'_>) -> String {
    view.loads.last().map_or(String::new(), |(_, load)| {
        let kinds = match format_failures(load) {
            kinds if kinds.is_empty() || load.failed > load.succeeded => String::new(),
            kinds => format!(" ({kinds})"),
        };
        format!(
            "; the load: {} connections, {} requests succeeded, {} failed{kinds}",
            load.answered_connections, load.succeeded, load.failed
        )
    })
}
