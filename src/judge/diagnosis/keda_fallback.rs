//! KEDA's fallback: while the trigger of a ScaledObject fails, KEDA serves a number that is not its query's value
//! (kedacore/keda v2.21.0, pkg/fallback/fallback.go). It sets the condition Fallback of the ScaledObject with each failure and each
//! value (`updateStatus`), and records an event when the fallback begins and ends (pkg/scaling/scale_handler.go, `checkScalers`),
//! but only where its own loop finds the change: a request for the metric is often first. Where a run could not read the condition
//! throughout, and there is no event, the trigger's failure and the number itself tell it.

use crate::hpa;
use crate::judge::run_view::RunView;
use crate::model::metric_under_test::TargetType;
use crate::model::observation::Observation;

const ACTIVATED: &str = "ScaledObjectFallbackActivated";
const DEACTIVATED: &str = "ScaledObjectFallbackDeactivated";
/// The event with the error of a trigger.
const FAILED: &str = "KEDAScalerFailed";
/// Characters of that error in a message: it contains the query.
const MAX_ERROR: usize = 240;

/// Names a fallback that was active at any time in this span, with the event that tells it; `None` without one, and for an HPA
/// that KEDA has not made.
pub(in crate::judge) fn describe(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
    let name = hpa::scaled_object_name(&view.records.scenario.hpa.spec)?;
    let object = format!("ScaledObject/{name}");
    let mut events: Vec<_> = view.events.iter().filter(|(_, event)| event.object == object).copied().collect();
    // The events before the run are listed at once, in no order of their times.
    events.sort_by_key(|(o, event)| (event.last_timestamp, o.seq));
    let failed = events.iter().rev().find(|(o, event)| event.reason == FAILED && o.at_ms <= to_ms);
    let error = failed.map_or(String::new(), |(_, event)| {
        format!("; its trigger failed: {}", event.message.chars().take(MAX_ERROR).collect::<String>())
    });
    let of_condition = view.scaled_objects.iter().filter(|(_, object)| object.name == name);
    let of_condition: Vec<_> = of_condition.map(|(o, object)| (*o, Some(object.is_falling_back()))).collect();
    let of_events = events.iter().map(|(o, event)| {
        let is_active =
            [(ACTIVATED, true), (DEACTIVATED, false)].into_iter().find(|(reason, _)| event.reason == *reason);
        (*o, is_active.map(|(_, is_active)| is_active))
    });
    let (evidence, seq) = if let Some(seq) = find_activation(of_condition.iter().copied(), from_ms, to_ms) {
        (format!("condition Fallback of ScaledObject {name}"), seq)
    } else if let Some(seq) = find_activation(of_events, from_ms, to_ms) {
        (format!("event {ACTIVATED} of ScaledObject {name}"), seq)
    } else if of_condition.is_empty() || view.has_gap("scaledObject", from_ms, to_ms) {
        (served_number(view, from_ms, to_ms)?, failed?.0.seq)
    } else {
        return None;
    };
    let text = format!(
        "KEDA's fallback was active ({evidence}): KEDA served a number that it makes of `fallback`, which is no metric, in place of the value of its query{error}; correct the trigger, or remove `fallback`"
    );
    Some((text, seq))
}

/// The observation since which a fallback was active at any time in this span, of observations that show it active, or not, or
/// neither.
fn find_activation<'a>(
    states: impl Iterator<Item = (&'a Observation, Option<bool>)>,
    from_ms: u64,
    to_ms: u64,
) -> Option<u64> {
    let (mut active, mut found) = (None, None);
    for (o, is_active) in states {
        match (is_active, active) {
            (Some(true), None) => active = Some((o.at_ms, o.seq)),
            (Some(false), Some((since_ms, seq))) => {
                found = found.or((since_ms <= to_ms && o.at_ms >= from_ms).then_some(seq));
                active = None;
            }
            _ => {}
        }
    }
    found.or(active.filter(|(since_ms, _)| *since_ms <= to_ms).map(|(_, seq)| seq))
}

/// The number of the scenario's own fallback, if every reading of the span that recommends more than minReplicas is it, or every
/// reading where none does: `replicas` times the target (`doFallback`, with an AverageValue target and the behavior `static`).
fn served_number(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> Option<String> {
    let fallback = view.records.scenario.scaled_object.as_ref()?.spec.get("fallback")?;
    let replicas = fallback["replicas"].as_i64()?;
    let metric = view.metric.as_ref().filter(|metric| metric.target_type == TargetType::AverageValue)?;
    let target = metric.target_value?;
    let number = target.0.checked_mul(replicas)?;
    let sums = view.api_readings_in(from_ms, to_ms).filter_map(|reading| {
        let values = reading.reading.samples()?.iter().filter_map(|sample| sample.value);
        let recommends_more = reading.recommendation().is_some_and(|size| size > view.min_replicas);
        Some((values.fold(0, |sum: i64, value| sum.saturating_add(value.0)), recommends_more))
    });
    let (more, others): (Vec<_>, Vec<_>) = sums.partition(|(_, recommends_more)| *recommends_more);
    let (decisive, which) = if more.is_empty() {
        (others, "each reading")
    } else {
        (more, "each reading that recommends more than minReplicas")
    };
    let is_constant = !decisive.is_empty() && decisive.iter().all(|(sum, _)| *sum == number);
    let is_static = fallback["behavior"].as_str().is_none_or(|behavior| behavior == "static");
    (is_static && is_constant).then(|| format!("event {FAILED}, and {which} is its number, {replicas} × {target}"))
}
