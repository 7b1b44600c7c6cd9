//! How far apart the passes of the HPA controller are, as far as its statuses show it. A status is recorded when it
//! changes, so two of them show that no pass came between them only while the metrics API served another value than the
//! first one reports.

use super::{ApiReading, RunView};
use crate::bounds::SLACK;

/// Two statuses of the HPA without a pass between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassInterval {
    /// Time between the two statuses, milliseconds.
    pub(crate) ms: u64,
    /// For how long a pass between them would have reported another value, milliseconds.
    pub(crate) without_pass_ms: u64,
    /// Sequence numbers of the two statuses.
    pub(crate) seqs: [u64; 2],
}

impl<'a> RunView<'a> {
    /// The interval that shows the longest time without a pass. A time in which the HPA was not watched, or in which
    /// another process took over, shows nothing about the controller's sync period.
    pub(crate) fn longest_pass_interval(&self) -> Option<PassInterval> {
        let end_ms = self.end_ms();
        let statuses: Vec<_> = self.our_hpa_snapshots().filter(|(o, _)| o.at_ms <= end_ms).collect();
        let intervals = statuses.windows(2).filter_map(|pair| {
            let [(before, hpa), (next, _)] = pair else { return None };
            let reported = self.metric.as_ref()?.reported_value(hpa)?.0;
            let (from, to) = (before.at_ms, next.at_ms);
            let is_restart = self.controller_restarts().any(|restart| (from..=to).contains(&restart.at_ms));
            // A status whose value was not served tells nothing of the passes after it.
            let around = || self.api_readings_in(from.saturating_sub(2 * SLACK.ms()), from + SLACK.ms());
            let served = || around().filter_map(ApiReading::value_milli);
            let is_served =
                served().min().zip(served().max()).is_some_and(|(low, high)| (low..=high).contains(&reported));
            if is_restart || !is_served || !self.is_gapless("hpa", from, to) {
                return None;
            }
            let readings: Vec<&ApiReading<'a>> = self.api_readings_in(from, to).collect();
            // A value that was rounded differs by a thousandth.
            let is_above = |reading: &ApiReading<'a>| reading.value_milli().is_some_and(|value| value > reported + 1);
            let is_below = |reading: &ApiReading<'a>| reading.value_milli().is_some_and(|value| value < reported - 1);
            let spans = self.spans_where(&readings, is_above).into_iter().chain(self.spans_where(&readings, is_below));
            let without_pass_ms = spans.map(|(from, to)| to - from).max()?;
            Some(PassInterval { ms: to - from, without_pass_ms, seqs: [before.seq, next.seq] })
        });
        intervals.max_by_key(|interval| interval.without_pass_ms)
    }
}
