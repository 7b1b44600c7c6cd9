//! Setup/AutoscalerActive: the HPA controller acts on our HPA: ScalingActive=True/ValidMetricFound, our metric in
//! currentMetrics, with a value that the metrics API served. Otherwise FAIL with the controller's reason and message;
//! AmbiguousSelector is another HPA's doing, and a metric that the API served to nobody is the pipeline's.

use super::ruling::{Ruling, Timely, seconds, timely};
use super::view::{Noted, View};
use crate::bounds::SLACK;
use crate::record::observation::{Condition, HpaSeen};

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let Some((name, made_ms)) = view.hpa_intended() else {
        return match view.not_installed() {
            Some(why) => Ruling::unclear(why),
            None => Ruling::open("the HPA was not made yet"),
        };
    };
    let bound = view.times.active();
    let Some(made_ms) = view.our_hpa().next().map(|(o, _)| o.at_ms.max(made_ms)) else {
        let why = format!("HPA {name} was not seen after it was made");
        return if view.end_ms() < made_ms + bound.generous_ms() { Ruling::open(why) } else { Ruling::unclear(why) };
    };
    let active = view.our_hpa().find(|noted| is_active(view, noted));
    match (timely(made_ms, &bound, active.map(|(o, _)| o.at_ms), view.end_ms()), active) {
        (Timely::Yes, Some((observation, hpa))) => Ruling::holds(format!(
            "ScalingActive=True/ValidMetricFound {} ms after the HPA was made; currentMetrics shows {} at {}",
            observation.at_ms - made_ms,
            view.metric_name(),
            shown(hpa)
        ))
        .cite([observation.seq]),
        (Timely::Late, Some((observation, _))) => Ruling::unclear(format!(
            "the HPA became active {} ms after it was made, later than {bound} but within twice its assumed terms",
            observation.at_ms - made_ms
        ))
        .cite([observation.seq]),
        (Timely::NotYet, _) => Ruling::open(last_words(view, name)),
        _ => refused(view, name, made_ms),
    }
}

/// Not active in time: whose fault is it?
fn refused(view: &View<'_>, name: &str, made_ms: u64) -> Ruling {
    let words = last_words(view, name);
    let cites: Vec<u64> = view.our_hpa().last().map(|(o, _)| o.seq).into_iter().collect();
    let condition = scaling_active(view);
    if condition.is_some_and(|c| c.reason == "AmbiguousSelector") {
        return Ruling::unclear(format!(
            "another HPA selects the same pods, and the controller then serves neither; remove it, or test a target of its own: {words}"
        )).cite(cites);
    }
    let asked = view.served_in(made_ms, view.end_ms()).count();
    let served = view.served_in(made_ms, view.end_ms()).filter(|served| served.value_milli().is_some()).count();
    let (readings, bound) = (view.served_in(made_ms, view.end_ms()).collect::<Vec<_>>(), view.times.active().ms());
    let spans = view.spans(&readings, |served| served.value_milli().is_some());
    // Its passes lie between our readings, so a stretch without any could hide that it was not served to it either.
    if served * 2 < asked || !spans.iter().any(|(from, to)| to - from >= bound) {
        return Ruling::unclear(format!(
            "the metrics API served the metric in only {served} of {asked} readings since the HPA was made, and for no {} on end; {words}",
            seconds(bound)
        ))
        .cite(cites);
    }
    Ruling::broken(format!(
        "{words}; the metrics API served the metric to us in {served} of {asked} readings meanwhile; waited {}",
        view.times.active()
    ))
    .cite(cites)
}

fn is_active(view: &View<'_>, (observation, hpa): &Noted<'_, HpaSeen>) -> bool {
    let valid = hpa
        .conditions
        .iter()
        .any(|c| c.kind == "ScalingActive" && c.status == "True" && c.reason == "ValidMetricFound");
    valid && reported(view, hpa).is_some_and(|value| was_served(view, observation.at_ms, value))
}

/// The value of our metric in currentMetrics, thousandths.
fn reported(view: &View<'_>, hpa: &HpaSeen) -> Option<i64> {
    let spec = &view.records.scenario.hpa.spec;
    let metric = crate::hpa::metric_of(spec, &view.records.scenario.namespace, &[])?;
    let entry = hpa.metrics.iter().find(|entry| entry.name == metric.name())?;
    entry.average.or(entry.value).map(|value| value.0)
}

/// True when the value lies within those served around a moment. The controller's own reading lies between two of
/// ours, and a per-pod average between the averages on either side; at an idle target both are the same.
fn was_served(view: &View<'_>, at_ms: u64, value: i64) -> bool {
    let since = at_ms.saturating_sub(2 * view.times.assumed.sync_period.ms() + SLACK.ms());
    let values: Vec<i64> = view.served_in(since, at_ms + SLACK.ms()).filter_map(super::Served::value_milli).collect();
    values.iter().min().is_some_and(|low| *low <= value) && values.iter().max().is_some_and(|high| value <= *high)
}

fn scaling_active<'a>(view: &View<'a>) -> Option<&'a Condition> {
    let (_, hpa) = view.our_hpa().last()?;
    hpa.conditions.iter().find(|condition| condition.kind == "ScalingActive")
}

fn shown(hpa: &HpaSeen) -> String {
    let value = hpa.metrics.iter().find_map(|entry| entry.average.or(entry.value));
    value.map_or("no value".to_owned(), |value| value.to_string())
}

/// What the controller last said.
fn last_words(view: &View<'_>, name: &str) -> String {
    match scaling_active(view) {
        Some(c) if c.status == "True" => {
            let value = view.our_hpa().last().map(|(_, hpa)| shown(hpa)).unwrap_or_default();
            format!("HPA {name} is ScalingActive, but shows {value}, which the metrics API did not serve")
        }
        Some(c) => format!("HPA {name}: ScalingActive={}/{}: {}", c.status, c.reason, c.message),
        None => format!("no controller has written a condition to HPA {name}"),
    }
}
