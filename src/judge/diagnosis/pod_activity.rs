//! The values of a pod, and which of them show activity.

use std::collections::BTreeMap;

use crate::bounds::SLACK;
use crate::judge::run_view::RunView;
use crate::model::reading::{MetricHop, MetricReading};

/// The highest value of any pod of the target without load at each hop, in thousandths. The hops may show the same pod
/// in other units, or with other pods' values in it, so a value is compared with its own hop.
pub(in crate::judge) struct IdlePeaks(BTreeMap<MetricHop, i64>);

impl IdlePeaks {
    pub(in crate::judge) fn collect(view: &RunView<'_>) -> Self {
        let Some((began, ended)) = view.baseline_span() else { return Self(BTreeMap::new()) };
        let to = ended.unwrap_or(u64::MAX);
        let mut peaks = BTreeMap::new();
        for (_, reading) in view.readings_in(began..=to) {
            let values =
                view.target_pods().iter().filter_map(|pod| pod_value(view, reading, pod.name(), pod.first_seen_ms()));
            if let Some(highest) = values.max() {
                let peak = peaks.entry(reading.hop).or_insert(highest);
                *peak = highest.max(*peak);
            }
        }
        Self(peaks)
    }

    /// The peak at a hop; the highest of all hops where this one was not read without load.
    pub(in crate::judge) fn at(&self, hop: MetricHop) -> i64 {
        let highest = || self.0.values().max().copied();
        self.0.get(&hop).copied().or_else(highest).unwrap_or(0)
    }

    pub(in crate::judge) fn is_activity(&self, view: &RunView<'_>, hop: MetricHop, value: i64) -> bool {
        value > self.at(hop) + tenth_of_target(view)
    }
}

/// A tenth of the target value: a larger value is activity, a smaller one may be noise.
fn tenth_of_target(view: &RunView<'_>) -> i64 {
    view.target_value().map_or(0, |target| target.0 / 10)
}

/// The value of a pod in a reading, of the samples that were taken at `since_ms` or later. One far outside of the metric's
/// range is no measurement: neither traffic nor idle.
pub(in crate::judge) fn pod_value(
    view: &RunView<'_>,
    reading: &MetricReading,
    pod: &str,
    since_ms: u64,
) -> Option<i64> {
    let values = view.samples_of(reading, pod, since_ms).filter_map(|sample| sample.value);
    values.filter(|value| !view.is_implausible(*value)).map(|v| v.0).max()
}

/// True when a probe of this pod may show in a reading: it ran during the reading, or within the metric lag before.
pub(in crate::judge) fn was_probed_near(view: &RunView<'_>, pod: &str, requested_ms: u64, at_ms: u64) -> bool {
    let lag_ms = view.times.metric_lag().total_ms() + SLACK.ms();
    view.probes.iter().any(|(o, probe)| probe.pod == pod && probe.began_ms <= at_ms && o.at_ms + lag_ms >= requested_ms)
}
