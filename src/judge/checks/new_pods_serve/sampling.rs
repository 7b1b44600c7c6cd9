//! Of ScaleUp/NewPodsServe: how much of the load the samples of a pod's metric could show. A pod that serves a share of few
//! chats is idle at most samples, so that neither many connections nor many samples alone exclude chance.

use std::collections::BTreeMap;

use crate::judge::check_result::format_ms;
use crate::judge::run_view::RunView;

/// The samples of a pod's metric over a time.
pub(super) struct MetricSampling {
    /// The time between two samples, milliseconds; `None` if it cannot be known.
    interval_ms: Option<u64>,
    /// How long the metric was read, milliseconds.
    observed_ms: u64,
    /// Mean number of the load's chats in flight, rounded down.
    in_flight: u64,
}

impl MetricSampling {
    pub(super) fn observe(view: &RunView<'_>, first_ms: u64, end: u64) -> Self {
        Self {
            interval_ms: sample_interval(view, end),
            observed_ms: end.saturating_sub(first_ms),
            in_flight: mean_in_flight(view, first_ms, end),
        }
    }

    /// Of these connections, the number of chats that were in flight at a sample, at most: each of them shows in the
    /// metric of its pod. All of them where the time between samples is not known.
    pub(super) fn visible_chats(&self, connections: u64) -> u64 {
        self.samples().map_or(connections, |samples| connections.min(samples.saturating_mul(self.in_flight)))
    }

    /// Why the samples are too few to show anything.
    pub(super) fn describe_too_few(&self) -> Option<String> {
        let Some(interval_ms) = self.interval_ms else {
            return Some("no series of the metric changed twice, so its sampling interval is unknown".to_owned());
        };
        (self.observed_ms < 2 * interval_ms).then(|| {
            format!(
                "its metric changes every {}, and was read for only {}",
                format_ms(interval_ms),
                format_ms(self.observed_ms)
            )
        })
    }

    /// How the samples may have missed the pod's share, with the probability of it.
    pub(super) fn describe_missed(&self, odds: f64) -> String {
        format!(
            "in {} its metric was sampled {} times at most, with {} chats in flight on all endpoints: the samples may have \
             missed its share, with a probability of {odds:.0e}. Raise load.concurrency",
            format_ms(self.observed_ms),
            self.samples().unwrap_or(0),
            self.in_flight
        )
    }

    /// The number of samples, at most.
    fn samples(&self) -> Option<u64> {
        self.interval_ms.and_then(|interval_ms| self.observed_ms.checked_div(interval_ms))
    }
}

/// Mean number of chats in flight over the load's records of a time, rounded down; 0 without a record.
fn mean_in_flight(view: &RunView<'_>, from: u64, to: u64) -> u64 {
    let records = view.loads.iter().filter(|(o, _)| (from..=to).contains(&o.at_ms));
    let (count, sum) =
        records.fold((0, 0_u64), |(count, sum), (_, load)| (count + 1, sum.saturating_add(load.in_flight)));
    sum.checked_div(count).unwrap_or(0)
}

/// The time between two samples by the changes of the target's series, milliseconds: no traffic shows for a pod whose samples are
/// older than its share of the load. A series changes with a sample at the earliest, so each time between two changes of one is
/// that of a sample or longer. The median of all hops counts, to which the fastest contributes most: a single pair of changes may
/// be closer, as where one pod of two answers late, and more samples than there were would make chance look too small.
fn sample_interval(view: &RunView<'_>, end: u64) -> Option<u64> {
    let (mut last, mut intervals) = (BTreeMap::new(), Vec::new());
    for (o, reading) in view.readings_in(0..=end) {
        for sample in reading.samples().unwrap_or_default() {
            let Some(value) = sample.value else { continue };
            let Some(pod) = view.pod_of(sample).filter(|name| view.is_target_pod(name)) else { continue };
            let (known, changed) = last.entry((reading.hop, pod, &sample.labels)).or_insert((value, None));
            if *known != value {
                intervals.extend(changed.map(|at_ms: u64| o.at_ms - at_ms));
                (*known, *changed) = (value, Some(o.at_ms));
            }
        }
    }
    intervals.sort_unstable();
    // The longer one of two in the middle.
    intervals.get(intervals.len() / 2).copied()
}
