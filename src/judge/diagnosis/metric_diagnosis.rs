//! Diagnosis of a metric that did not follow the load: its values at each hop without load and under it, and what to
//! change.

use super::{
    device_activity, device_labels, diluted_average, double_average, keda_fallback, out_of_range, remote_model,
    single_destination,
};
use crate::judge::run_view::RunView;
use crate::model::reading::MetricHop;
use crate::units::Milli;

/// The range of the values at a hop within a span of time.
#[derive(Clone, Copy, PartialEq)]
struct ValueRange {
    low: Milli,
    /// Half of the values are no larger, so that a few large values at the beginning do not count.
    median: Milli,
    high: Milli,
}

impl ValueRange {
    fn from_view(view: &RunView<'_>, hop: MetricHop, from_ms: u64, to_ms: u64) -> Option<Self> {
        let values = view.values_at_hop(hop, from_ms, to_ms);
        let (low, high) = (*values.first()?, *values.last()?);
        Some(Self { low, median: *values.get(values.len() / 2)?, high })
    }
}

impl std::fmt::Display for ValueRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { low, high, .. } = self;
        if low == high { write!(f, "{low}") } else { write!(f, "{low} to {high}") }
    }
}

/// The values at a hop without load and under it.
#[derive(Clone, Copy, PartialEq)]
struct HopValues {
    baseline: ValueRange,
    under_load: ValueRange,
}

impl HopValues {
    fn from_view(view: &RunView<'_>, hop: MetricHop) -> Option<Self> {
        let (baseline_began, baseline_ended) = view.baseline_span()?;
        let (began, ended) = view.load_span()?;
        let baseline = ValueRange::from_view(view, hop, baseline_began, baseline_ended.unwrap_or(began))?;
        Some(Self { baseline, under_load: ValueRange::from_view(view, hop, began, ended)? })
    }

    fn is_constant(self) -> bool {
        self.baseline.low == self.baseline.high && self.under_load == self.baseline
    }

    fn is_higher_under_load(self) -> bool {
        self.under_load.median > self.baseline.median
    }

    fn is_lower_under_load(self) -> bool {
        self.under_load.median < self.baseline.median
    }
}

/// Describes the values at each hop with a diagnosis; empty where the metrics API was not read both without load and
/// under it.
pub(in crate::judge) fn describe(view: &RunView<'_>) -> String {
    let hops = [MetricHop::Exporter, MetricHop::Store, MetricHop::Api];
    let values: Vec<(MetricHop, HopValues)> =
        hops.iter().filter_map(|hop| Some((*hop, HopValues::from_view(view, *hop)?))).collect();
    let Some((_, at_api)) = values.iter().find(|(hop, _)| *hop == MetricHop::Api) else { return String::new() };
    let texts: Vec<String> = values
        .iter()
        .map(|(hop, at_hop)| {
            format!("{} {} without load, {} under it", hop.as_str(), at_hop.baseline, at_hop.under_load)
        })
        .collect();
    let (succeeded, failed) = view.loads.last().map_or((0, 0), |(_, load)| (load.succeeded, load.failed));
    let diagnosis = if failed > succeeded {
        "most chats failed, so there was little load to follow".to_owned()
    } else {
        diagnose(view, *at_api, &values)
    };
    format!("; {diagnosis} ({})", texts.join("; "))
}

/// Describes the values at the hops before the metrics API after the load; empty where none was readable.
pub(in crate::judge) fn describe_after_load(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> String {
    let hops = [MetricHop::Exporter, MetricHop::Store];
    let ranges = hops.iter().filter_map(|hop| Some((hop.as_str(), ValueRange::from_view(view, *hop, from_ms, to_ms)?)));
    ranges.map(|(name, values)| format!("; the target's series at the {name} meanwhile: {values}")).collect()
}

fn diagnose(view: &RunView<'_>, at_api: HopValues, values: &[(MetricHop, HopValues)]) -> String {
    if let Some((text, _)) = remote_model::describe(view) {
        return text;
    }
    if let Some((text, _)) = view.load_span().and_then(|(began, ended)| keda_fallback::describe(view, began, ended)) {
        return text;
    }
    if let Some(text) = view.load_span().and_then(|(_, ended)| out_of_range::find_implausible(view, 0, ended)) {
        return text;
    }
    // A field that the devices do not have is a nearer cause than one that is broken for them.
    let missing_field = || device_labels::describe_mig(view).filter(|_| at_api.is_constant());
    let by_device = device_labels::describe_turns(view).or_else(missing_field);
    if let Some(text) = by_device.or_else(|| device_activity::describe_inactive(view)) {
        return text;
    }
    if at_api.is_constant() {
        return diagnose_constant(values);
    }
    if at_api.is_lower_under_load() {
        return "the metric falls under load, which is the wrong sign: use a metric that rises with the load"
            .to_owned();
    }
    if !at_api.is_higher_under_load() {
        return "the metric does not rise with the load: is it measured on the pods that serve the chats?".to_owned();
    }
    if let Some(text) = double_average::describe(view).or_else(|| single_destination::describe_low_metric(view)) {
        return text;
    }
    let target = view.target_value().map_or(String::new(), |target| format!(" {target}"));
    let reaches_target = |value: Milli| view.target_value().is_some_and(|target| value >= target);
    // The metrics API has one value for all pods, or the controller averages them: a single busy pod tells no unit.
    let hops = [MetricHop::Exporter, MetricHop::Store];
    let before = hops.iter().find(|hop| highest_mean(view, **hop).is_some_and(reaches_target));
    let diluted = || diluted_average::describe(view).filter(|_| !reaches_target(at_api.under_load.high));
    if let Some(text) = before.is_none().then(diluted).flatten() {
        return text;
    }
    match before.filter(|_| !reaches_target(at_api.under_load.high)) {
        Some(hop) => format!(
            "the metric rises, but in another unit than at the {}: use one unit in the adapter's rule and the target{target}",
            hop.as_str()
        ),
        None => format!(
            "the metric rises, but not high or not long enough: increase the load, lower the target{target}, or check that both have the same unit{}",
            describe_standstill(view, at_api, values)
        ),
    }
}

/// Describes a value that stays the same below the target while the load goes on: the same at each hop, so that it is the value of
/// every busy pod. What bounds a pod's value, its slots for example, bounds it under any load. Empty otherwise.
fn describe_standstill(view: &RunView<'_>, at_api: HopValues, values: &[(MetricHop, HopValues)]) -> String {
    let ValueRange { median, high, .. } = at_api.under_load;
    let is_below = view.target_value().is_some_and(|target| high < target);
    if median != high || !is_below || values.iter().any(|(_, at_hop)| at_hop.under_load.high != high) {
        return String::new();
    }
    format!(
        "; the value stood still at {high}, below the target, with up to {} chats in flight: where the server's slots or the \
         device bound it there, no load raises it",
        view.loads.iter().map(|(_, load)| load.in_flight).max().unwrap_or(0)
    )
}

/// The highest mean of the target's series in one reading of a hop under load.
fn highest_mean(view: &RunView<'_>, hop: MetricHop) -> Option<Milli> {
    let (began, ended) = view.load_span()?;
    let means = view.readings_at_hop(hop, began..=ended).filter_map(|(_, reading)| {
        let of_target = view.current_samples(reading).filter(|sample| view.is_of_target(sample));
        Milli::mean(of_target.filter_map(|sample| sample.value))
    });
    means.max()
}

/// Names the last hop at which a constant metric still changes.
fn diagnose_constant(values: &[(MetricHop, HopValues)]) -> String {
    let last_changing = values.iter().take_while(|(_, at_hop)| !at_hop.is_constant()).last();
    match last_changing {
        Some((hop, _)) => {
            format!(
                "the metric is constant at the metrics API while it changes at the {}: check the components between them",
                hop.as_str()
            )
        }
        None if values.len() > 1 => {
            let (first, _) = values[0];
            format!(
                "the metric is constant from the {} on, as if one value was repeated: is the exporter still sampling?",
                first.as_str()
            )
        }
        None => "the metric is constant, as if one value was repeated; no hop before the metrics API was readable"
            .to_owned(),
    }
}
