//! Values outside of the metric's range: another unit, or no measurement at all (the blank value of an exporter).

use crate::judge::run_view::RunView;
use crate::model::reading::{MetricHop, MetricReading};
use crate::units::Milli;

/// What a value is that no range excludes: a blank value of a shipped profile.
const BLANK: &str = "is no measurement, but a blank value, by which an exporter says that it cannot read this field of the \
                     device: use a field that the device supports, and drop such values in the exporter's configuration or in \
                     the adapter's rule";

/// Names the first value of a reading that cannot be a measurement.
pub(in crate::judge) fn describe_implausible(view: &RunView<'_>, reading: &MetricReading) -> Option<String> {
    // At exporter and store other devices of the cluster have values too, which do not enter the metric.
    let mut samples =
        reading.samples()?.iter().filter(|sample| reading.hop == MetricHop::Api || view.is_of_target(sample));
    let (sample, value) = samples.find_map(|s| Some((s, s.value.filter(|value| view.is_implausible(*value))?)))?;
    let object = sample.object.as_ref().map_or(String::new(), |object| format!("{object}="));
    let explanation = explain(view).unwrap_or_else(|| BLANK.to_owned());
    Some(format!("{object}{value} at the {} {explanation}", reading.hop.as_str()))
}

/// Names the first value of a hop in a span of time that cannot be a measurement.
pub(in crate::judge) fn find_implausible(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> Option<String> {
    // The first hop shows where the value comes from.
    [MetricHop::Exporter, MetricHop::Store, MetricHop::Api].into_iter().find_map(|hop| {
        view.readings_at_hop(hop, from_ms..=to_ms).find_map(|(_, reading)| describe_implausible(view, reading))
    })
}

fn explain(view: &RunView<'_>) -> Option<String> {
    Some(format!(
        "lies far outside of the metric's range {}: it is no measurement, but a blank value or an error of the exporter; \
         drop such values in its configuration or in the adapter's rule",
        format_range(view)?
    ))
}

/// Describes the values of the metrics API outside of the range, for which the range bounds no value of the run.
pub(in crate::judge) fn describe(view: &RunView<'_>) -> Option<String> {
    let (low, high) = view.metric_range()?;
    let is_outside = |value: &Milli| !(low..=high).contains(&value.0);
    let at_api = || view.readings.iter().filter(|(_, reading)| reading.hop == MetricHop::Api);
    let outside: Vec<_> = at_api()
        .filter_map(|(_, reading)| reading.samples()?.iter().find(|s| s.value.as_ref().is_some_and(is_outside)))
        .collect();
    let first = outside.first()?;
    let object = first.object.as_ref().map_or(String::new(), |object| format!("{object}="));
    Some(format!(
        "{} of {} recorded readings of the metrics API have a value outside of the metric's range {}, the first {object}{}: \
         so the range bounds no unread value of this run",
        outside.len(),
        at_api().count(),
        format_range(view)?,
        first.value?
    ))
}

fn format_range(view: &RunView<'_>) -> Option<String> {
    view.metric_range().map(|(low, high)| format!("{} to {}", Milli(low), Milli(high)))
}
