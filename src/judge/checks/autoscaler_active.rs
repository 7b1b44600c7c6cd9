//! Setup/AutoscalerActive: the HPA controller acts on the run's HPA: ScalingActive=True/ValidMetricFound, the metric in
//! currentMetrics, with a value that the metrics API served. Otherwise FAIL with the controller's reason and message.
//! INCONCLUSIVE where the API server stores another spec than the applied one, where the status has a metric that the
//! scenario does not have, where another HPA causes AmbiguousSelector, where the target has 0 replicas, or where the metrics API
//! did not serve the metric.

use crate::hpa;
use crate::judge::check_result::{BoundResult, CheckResult, CheckStatus, compare_with_bound, format_ms};
use crate::judge::diagnosis::{device_labels, hpa_value};
use crate::judge::run_view::RunView;
use crate::model::hpa_source::HpaSource;
use crate::model::observation::{HpaSnapshot, ObjectCondition, Phase};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some((name, made_ms)) = view.hpa_creation() else {
        let missing = describe_no_hpa(view);
        return match (view.install_failure(), view.describe_early_end()) {
            (Some(reason), _) => CheckResult::inconclusive(reason),
            (None, Some((cause, seq))) if missing.has_status(CheckStatus::Pending) => {
                CheckResult::inconclusive(format!("{}: {cause}", missing.reason)).with_cites(seq)
            }
            (None, _) => missing,
        };
    };
    let beginning = view.records.scenario.hpa_source().beginning();
    let Some(made_ms) = view.our_hpa_snapshots().next().map(|(o, _)| o.at_ms.max(made_ms)) else {
        let reason = format!("HPA {name} was not seen after its {beginning}");
        return if view.end_ms() < made_ms + view.times.hpa_active().lenient_ms() {
            CheckResult::pending(reason)
        } else {
            CheckResult::inconclusive(reason)
        };
    };
    if let Some((difference, seq)) = view.hpa_difference() {
        let text = match view.records.scenario.hpa_source() {
            HpaSource::Applied => format!("the HPA is not what was applied: {difference}"),
            HpaSource::Adopted(_) => format!("the adopted HPA is not what it was before the run: {difference}"),
            HpaSource::ScaledObject => format!("the HPA is not what KEDA makes of the ScaledObject: {difference}"),
        };
        return CheckResult::inconclusive(text).with_cites([seq]);
    }
    let active = find_active(view, made_ms);
    let waited_until = active.map_or(view.end_ms(), |(at_ms, ..)| at_ms);
    let bound = view.bound_with_restarts(view.times.hpa_active(), made_ms, waited_until);
    match (compare_with_bound(made_ms, &bound, active.map(|(at_ms, ..)| at_ms), view.end_ms()), active) {
        (BoundResult::Within, Some((at_ms, seq, hpa))) => CheckResult::pass(format!(
            "ScalingActive=True/ValidMetricFound {} ms after the HPA's {beginning}, {} = {}",
            at_ms - made_ms,
            view.metric_title(),
            format_current_metric(hpa)
        ))
        .with_cites([seq]),
        (BoundResult::Late, Some((at_ms, seq, _))) => CheckResult::inconclusive(format!(
            "the HPA became active {} ms after its {beginning}, later than {bound}, but within the bound with its assumed terms doubled",
            at_ms - made_ms
        ))
        .with_cites([seq]),
        (BoundResult::Pending, _) => CheckResult::pending(describe_condition(view, name)),
        (BoundResult::Exceeded, Some((at_ms, seq, _))) => CheckResult::inconclusive(format!(
            "the HPA became active {} ms after its {beginning}, later than {bound} even with its assumed terms doubled: that refutes assumptions.syncPeriod; set it to the --horizontal-pod-autoscaler-sync-period of kube-controller-manager",
            at_ms - made_ms
        ))
        .with_cites([seq]),
        _ => explain_inactive(view, name, made_ms),
    }
}

/// When the HPA was active first, with the observation that shows it. The status of an adopted HPA holds from before its adoption
/// until the next one: the controller does not write one that says the same.
fn find_active<'a>(view: &RunView<'a>, made_ms: u64) -> Option<(u64, u64, &'a HpaSnapshot)> {
    let is_active = |at_ms: u64, hpa: &HpaSnapshot| {
        hpa_value::has_valid_metric(hpa) && hpa_value::was_served(view, at_ms, hpa) == Some(true)
    };
    let before = view.our_hpa_before(made_ms).filter(|(_, hpa)| is_active(made_ms, hpa));
    let mut after = view.our_hpa_snapshots().filter(|(o, _)| o.at_ms >= made_ms);
    let first = || after.find(|(o, hpa)| is_active(o.at_ms, hpa)).map(|(o, hpa)| (o.at_ms, o.seq, *hpa));
    before.map(|(o, hpa)| (made_ms, o.seq, *hpa)).or_else(first)
}

/// There is no HPA to judge yet.
fn describe_no_hpa(view: &RunView<'_>) -> CheckResult {
    let source = view.records.scenario.hpa_source();
    let is_over = view.phase_span(Phase::Autoscaler).is_some_and(|(_, ended)| ended.is_some());
    match source {
        HpaSource::ScaledObject if is_over => CheckResult::inconclusive(
            "KEDA did not create the HPA of the ScaledObject: the ScaledObject's events and the log of KEDA's operator say why",
        ),
        HpaSource::Adopted(name) if is_over => {
            CheckResult::inconclusive(format!("HPA {name}, which the scenario adopts, was not seen during the run"))
        }
        HpaSource::Applied => CheckResult::pending("the HPA is not created yet"),
        HpaSource::Adopted(_) | HpaSource::ScaledObject => CheckResult::pending("the HPA is not adopted yet"),
    }
}

/// The HPA was not active in time: decides whether the controller is the cause.
fn explain_inactive(view: &RunView<'_>, name: &str, made_ms: u64) -> CheckResult {
    let condition_text = describe_condition(view, name);
    let cites: Vec<u64> = view.our_hpa_snapshots().last().map(|(o, _)| o.seq).into_iter().collect();
    let condition = scaling_active_condition(view);
    if condition.is_some_and(|c| c.reason == "AmbiguousSelector") {
        let of_keda = describe_keda_hpas(name, &condition_text);
        return CheckResult::inconclusive(format!(
            "another HPA selects the same pods, and the controller scales neither then; delete that HPA, or test another target{of_keda}: {condition_text}"
        )).with_cites(cites);
    }
    let is_disabled = condition.is_some_and(|condition| condition.reason == hpa::SCALING_DISABLED);
    if let Some((cause, seq)) = is_disabled.then(|| describe_zero_replicas(view)).flatten() {
        return CheckResult::inconclusive(format!("{cause}: {condition_text}")).with_cites(cites).with_cites([seq]);
    }
    let total = view.api_readings_in(made_ms, view.end_ms()).count();
    let served = view.api_readings_in(made_ms, view.end_ms()).filter(|reading| reading.value_milli().is_some()).count();
    let (readings, bound) =
        (view.api_readings_in(made_ms, view.end_ms()).collect::<Vec<_>>(), view.times.hpa_active().total_ms());
    let spans = view.spans_where(&readings, |reading| reading.value_milli().is_some());
    // The controller reads between two polls, so it may have missed the metric too in a stretch without readings.
    if served * 2 < total || !spans.iter().any(|(from, to)| to - from >= bound) {
        let turns = device_labels::describe_turns(view).map_or(String::new(), |turns| format!("; {turns}"));
        return CheckResult::inconclusive(format!(
            "the metrics API served the metric in only {served} of {total} readings since the HPA's {}, and never for {} without interruption; {condition_text}{turns}",
            view.records.scenario.hpa_source().beginning(),
            format_ms(bound)
        ))
        .with_cites(cites);
    }
    if let Some((cause, seq)) =
        view.find_restart_in_wait((made_ms, view.end_ms()), view.times.hpa_active().lenient_ms(), 0)
    {
        return CheckResult::inconclusive(format!("{condition_text}; but {cause}")).with_cites(cites).with_cites(seq);
    }
    CheckResult::fail(format!(
        "{condition_text}; meanwhile the metrics API served the metric in {served} of {total} readings; waited {}",
        view.times.hpa_active()
    ))
    .with_cites(cites)
}

/// Why autoscaling is disabled, with the observation that shows it: the target had 0 replicas, which the controller has not set, when
/// it said so last. `None` where it had more: the controller is wrong then.
fn describe_zero_replicas(view: &RunView<'_>) -> Option<(String, u64)> {
    let status_ms = view.our_hpa_snapshots().last()?.0.at_ms;
    let last = view.workloads.iter().rfind(|(o, _)| o.at_ms <= status_ms);
    let (o, _) = last.filter(|(_, workload)| workload.spec_replicas == 0)?;
    let change = view.size_changes.iter().rfind(|change| change.at_ms <= status_ms);
    let writer = change
        .map_or(String::new(), |change| format!(" ({} → 0, written by {})", change.from, change.describe_writer()));
    let text = format!(
        "the target has 0 replicas{writer}, and the controller does not scale a target from a 0 that it did not set; give it \
         minReplicas replicas, and run again without another writer of spec.replicas"
    );
    Some((text, o.seq))
}

/// What the controller's message names besides the run's HPA and KEDA has made: KEDA creates such an HPA again as long as its
/// ScaledObject exists.
fn describe_keda_hpas(own: &str, condition_text: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let words = condition_text.split(|c| !is_name(c)).map(|word| word.trim_matches('.'));
    let mut others: Vec<&str> = words.filter(|word| *word != own).filter_map(hpa::scaled_object_of_hpa).collect();
    others.sort_unstable();
    others.dedup();
    match others.as_slice() {
        [] => String::new(),
        names => format!(
            "; KEDA has made it of ScaledObject {}: delete that, or KEDA creates the HPA again",
            names.join(", ")
        ),
    }
}

fn scaling_active_condition<'a>(view: &RunView<'a>) -> Option<&'a ObjectCondition> {
    let (_, hpa) = view.our_hpa_snapshots().last()?;
    hpa.conditions.iter().find(|condition| condition.kind == "ScalingActive")
}

fn format_current_metric(hpa: &HpaSnapshot) -> String {
    let value = hpa.current_metrics.iter().find_map(|entry| entry.average_value.or(entry.value));
    value.map_or("no value".to_owned(), |value| value.to_string())
}

/// The last ScalingActive condition, as text.
fn describe_condition(view: &RunView<'_>, name: &str) -> String {
    match scaling_active_condition(view) {
        Some(c) if c.status == "True" => {
            let value = view.our_hpa_snapshots().last().map(|(_, hpa)| format_current_metric(hpa)).unwrap_or_default();
            format!("HPA {name} is ScalingActive, but reports {value}, which the metrics API did not serve")
        }
        Some(c) => format!("HPA {name}: ScalingActive={}/{}: {}", c.status, c.reason, c.message),
        None => format!("no controller has written a condition to HPA {name}"),
    }
}
