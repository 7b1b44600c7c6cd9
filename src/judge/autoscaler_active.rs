//! Setup/AutoscalerActive: the HPA controller acts on our HPA: ScalingActive=True/ValidMetricFound, our metric in
//! currentMetrics, with a value that the metrics API served. Otherwise FAIL with the controller's reason and message;
//! AmbiguousSelector is another HPA's doing, and a metric that the API served to nobody is the pipeline's.

use super::check_result::{BoundResult, CheckResult, compare_with_bound, format_ms};
use super::run_view::{ObservedItem, RunView};
use crate::bounds::SLACK;
use crate::model::observation::{HpaSnapshot, ObjectCondition};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some((name, made_ms)) = view.hpa_creation() else {
        return match view.install_failure() {
            Some(why) => CheckResult::inconclusive(why),
            None => CheckResult::pending("the HPA was not made yet"),
        };
    };
    let bound = view.times.hpa_active();
    let Some(made_ms) = view.our_hpa_snapshots().next().map(|(o, _)| o.at_ms.max(made_ms)) else {
        let why = format!("HPA {name} was not seen after it was made");
        return if view.end_ms() < made_ms + bound.lenient_ms() {
            CheckResult::pending(why)
        } else {
            CheckResult::inconclusive(why)
        };
    };
    let active = view.our_hpa_snapshots().find(|noted| is_active(view, noted));
    match (compare_with_bound(made_ms, &bound, active.map(|(o, _)| o.at_ms), view.end_ms()), active) {
        (BoundResult::Within, Some((observation, hpa))) => CheckResult::pass(format!(
            "ScalingActive=True/ValidMetricFound {} ms after the HPA was made; currentMetrics shows {} at {}",
            observation.at_ms - made_ms,
            view.metric_name(),
            format_current_metric(hpa)
        ))
        .with_cites([observation.seq]),
        (BoundResult::Late, Some((observation, _))) => CheckResult::inconclusive(format!(
            "the HPA became active {} ms after it was made, later than {bound} but within twice its assumed terms",
            observation.at_ms - made_ms
        ))
        .with_cites([observation.seq]),
        (BoundResult::Pending, _) => CheckResult::pending(describe_condition(view, name)),
        _ => explain_inactive(view, name, made_ms),
    }
}

/// Not active in time: whose fault is it?
fn explain_inactive(view: &RunView<'_>, name: &str, made_ms: u64) -> CheckResult {
    let words = describe_condition(view, name);
    let cites: Vec<u64> = view.our_hpa_snapshots().last().map(|(o, _)| o.seq).into_iter().collect();
    let condition = scaling_active_condition(view);
    if condition.is_some_and(|c| c.reason == "AmbiguousSelector") {
        return CheckResult::inconclusive(format!(
            "another HPA selects the same pods, and the controller then serves neither; remove it, or test a target of its own: {words}"
        )).with_cites(cites);
    }
    let asked = view.api_readings_in(made_ms, view.end_ms()).count();
    let served = view.api_readings_in(made_ms, view.end_ms()).filter(|served| served.value_milli().is_some()).count();
    let (readings, bound) =
        (view.api_readings_in(made_ms, view.end_ms()).collect::<Vec<_>>(), view.times.hpa_active().total_ms());
    let spans = view.spans_where(&readings, |served| served.value_milli().is_some());
    // Its passes lie between our readings, so a stretch without any could hide that it was not served to it either.
    if served * 2 < asked || !spans.iter().any(|(from, to)| to - from >= bound) {
        return CheckResult::inconclusive(format!(
            "the metrics API served the metric in only {served} of {asked} readings since the HPA was made, and for no {} on end; {words}",
            format_ms(bound)
        ))
        .with_cites(cites);
    }
    CheckResult::fail(format!(
        "{words}; the metrics API served the metric to us in {served} of {asked} readings meanwhile; waited {}",
        view.times.hpa_active()
    ))
    .with_cites(cites)
}

fn is_active(view: &RunView<'_>, (observation, hpa): &ObservedItem<'_, HpaSnapshot>) -> bool {
    let valid = hpa
        .conditions
        .iter()
        .any(|c| c.kind == "ScalingActive" && c.status == "True" && c.reason == "ValidMetricFound");
    valid && reported_value(view, hpa).is_some_and(|value| was_served(view, observation.at_ms, value))
}

/// The value of our metric in currentMetrics, thousandths.
fn reported_value(view: &RunView<'_>, hpa: &HpaSnapshot) -> Option<i64> {
    let spec = &view.records.scenario.hpa.spec;
    let metric = crate::hpa::metric_from_spec(spec, &view.records.scenario.namespace, &[])?;
    let entry = hpa.current_metrics.iter().find(|entry| entry.name == metric.name())?;
    entry.average_value.or(entry.value).map(|value| value.0)
}

/// True when the value lies within those served around a moment. The controller's own reading lies between two of
/// ours, and a per-pod average between the averages on either side; at an idle target both are the same.
fn was_served(view: &RunView<'_>, at_ms: u64, value: i64) -> bool {
    let since = at_ms.saturating_sub(2 * view.times.assumptions.sync_period.ms() + SLACK.ms());
    let values: Vec<i64> =
        view.api_readings_in(since, at_ms + SLACK.ms()).filter_map(super::ApiReading::value_milli).collect();
    values.iter().min().is_some_and(|low| *low <= value) && values.iter().max().is_some_and(|high| value <= *high)
}

fn scaling_active_condition<'a>(view: &RunView<'a>) -> Option<&'a ObjectCondition> {
    let (_, hpa) = view.our_hpa_snapshots().last()?;
    hpa.conditions.iter().find(|condition| condition.kind == "ScalingActive")
}

fn format_current_metric(hpa: &HpaSnapshot) -> String {
    let value = hpa.current_metrics.iter().find_map(|entry| entry.average_value.or(entry.value));
    value.map_or("no value".to_owned(), |value| value.to_string())
}

/// What the controller last said.
fn describe_condition(view: &RunView<'_>, name: &str) -> String {
    match scaling_active_condition(view) {
        Some(c) if c.status == "True" => {
            let value = view.our_hpa_snapshots().last().map(|(_, hpa)| format_current_metric(hpa)).unwrap_or_default();
            format!("HPA {name} is ScalingActive, but shows {value}, which the metrics API did not serve")
        }
        Some(c) => format!("HPA {name}: ScalingActive={}/{}: {}", c.status, c.reason, c.message),
        None => format!("no controller has written a condition to HPA {name}"),
    }
}
