//! Diagnosis of an average over the devices of a pod, of which only some work: a model that fits on one device runs on one.

use std::collections::BTreeMap;

use crate::judge::run_view::RunView;
use crate::model::reading::MetricHop;
use crate::units::Milli;

/// Describes a pod of the target with several series in one reading under load, of which one reaches the target and their mean
/// does not. The reading with the highest value counts.
pub(in crate::judge) fn describe(view: &RunView<'_>) -> Option<String> {
    let (target, (began, ended)) = (view.target_value()?, view.load_span()?);
    [MetricHop::Exporter, MetricHop::Store].into_iter().find_map(|hop| {
        let readings = view.readings_at_hop(hop, began..=ended);
        let diluted = readings.flat_map(|(_, reading)| {
            let mut by_pod: BTreeMap<&str, Vec<Milli>> = BTreeMap::new();
            for sample in view.current_samples(reading).filter(|sample| view.is_of_target(sample)) {
                if let (Some(pod), Some(value)) = (view.pod_of(sample), sample.value) {
                    by_pod.entry(pod).or_default().push(value);
                }
            }
            by_pod.into_iter().filter_map(|(pod, values)| {
                let (high, mean) = (values.iter().max().copied()?, Milli::mean(values.iter().copied())?);
                (mean < target && target <= high).then_some((high, mean, pod, values))
            })
        });
        let (high, mean, pod, values) = diluted.max_by_key(|(high, ..)| *high)?;
        let reaching = values.iter().filter(|value| **value >= target).count();
        Some(format!(
            "pod {pod} has {} series at the {}, of which {reaching} reached the target {target} (the highest was {high}, and the \
             mean of all {mean}): an average over the devices of a pod hides the one that works; use max in place of avg in the \
             rule or query of the metric, or give each pod one device",
            values.len(),
            hop.as_str()
        ))
    })
}
