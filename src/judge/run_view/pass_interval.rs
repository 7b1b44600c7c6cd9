//! How far apart the passes of the HPA controller are, as far as its statuses show it. A status is recorded when it
//! changes, so two of them show that no pass came between them only where it would have changed the status: after a
//! rescale, whose condition the next pass replaces, and while the metrics API served another value than the first status
//! reports.

use super::{ApiReading, MAX_READING_GAP_MS, ObservedItem, RunView};
use crate::bounds::SLACK;
use crate::hpa;
use crate::judge::check_result::format_ms;
use crate::model::observation::HpaSnapshot;

/// Two statuses of the HPA without a pass between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassInterval {
    /// Time between the two statuses, milliseconds.
    pub(crate) ms: u64,
    /// For how long a pass between them would have changed the status, milliseconds.
    pub(crate) without_pass_ms: u64,
    /// Sequence numbers of the two statuses.
    pub(crate) seqs: [u64; 2],
    is_after_rescale: bool,
}

impl PassInterval {
    /// What shows that no pass came between the two statuses.
    pub(crate) fn describe(&self) -> String {
        let apart = format!("two statuses of the HPA came {} apart", format_ms(self.ms));
        if self.is_after_rescale {
            return format!("{apart}, and no pass between them replaced the condition {}", hpa::SUCCEEDED_RESCALE);
        }
        let without_pass = format_ms(self.without_pass_ms);
        format!("{apart}, and for {without_pass} between them no pass reported the value that the metrics API served")
    }
}

impl<'a> RunView<'a> {
    /// The interval that shows the longest time without a pass. A time in which the HPA was not watched, or in which
    /// another process took over, shows nothing about the controller's sync period.
    pub(crate) fn longest_pass_interval(&self) -> Option<PassInterval> {
        let end_ms = self.end_ms();
        let statuses: Vec<_> = self.our_hpa_snapshots().filter(|(o, _)| o.at_ms <= end_ms).collect();
        let intervals = statuses.windows(2).filter_map(|pair| {
            let [status, (next, _)] = pair else { return None };
            let (from, to, seq) = (status.0.at_ms, next.at_ms, status.0.seq);
            let is_restart = self.controller_restarts().any(|restart| (from..=to).contains(&restart.at_ms));
            if is_restart || !self.is_gapless("hpa", from, to) {
                return None;
            }
            // Each pass sets the condition (kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go).
            let is_after_rescale = status.1.conditions.iter().any(|c| c.reason == hpa::SUCCEEDED_RESCALE);
            let ms = to - from;
            let without_pass_ms = if is_after_rescale { ms } else { self.longest_unreported_ms(status, to)? };
            Some(PassInterval { ms, without_pass_ms, seqs: [seq, next.seq], is_after_rescale })
        });
        intervals.max_by_key(|interval| interval.without_pass_ms)
    }

    /// For how long until `to_ms` a pass would have reported another value than this status, at most.
    fn longest_unreported_ms(&self, (o, hpa): &ObservedItem<'a, HpaSnapshot>, to_ms: u64) -> Option<u64> {
        let reported = self.metric.as_ref()?.reported_value(hpa)?.0;
        // A status whose value was not served tells nothing of the passes after it.
        let around = || self.api_readings_in(o.at_ms.saturating_sub(2 * SLACK.ms()), o.at_ms + SLACK.ms());
        let served = || around().filter_map(ApiReading::value_milli);
        let (low, high) = served().min().zip(served().max())?;
        let spans = self.spans_without_pass(Some(reported), o.at_ms, to_ms);
        let longest_ms = spans.into_iter().map(|(from, to)| to - from).max();
        longest_ms.filter(|_| (low..=high).contains(&reported))
    }

    /// For how long, until the last observation, a pass would have changed the HPA's status, milliseconds. 0 where the last
    /// status reports what the metrics API serves.
    pub(crate) fn silent_ms(&self) -> u64 {
        let end_ms = self.end_ms();
        let Some((status, hpa)) = self.our_hpa_before(end_ms.saturating_add(1)) else { return 0 };
        let reported = self.metric.as_ref().and_then(|metric| metric.reported_value(hpa)).map(|value| value.0);
        let spans = self.spans_without_pass(reported, status.at_ms, end_ms);
        let is_last = |(_, to): &&(u64, u64)| to + MAX_READING_GAP_MS >= end_ms;
        spans.iter().filter(is_last).map(|(from, _)| end_ms - from).max().unwrap_or(0)
    }

    /// The spans of time in which a pass would have reported another value than the status does, which reports none or this
    /// one.
    fn spans_without_pass(&self, reported: Option<i64>, from_ms: u64, to_ms: u64) -> Vec<(u64, u64)> {
        let readings: Vec<&ApiReading<'a>> = self.api_readings_in(from_ms, to_ms).collect();
        let spans_where = |is: &dyn Fn(i64) -> bool| {
            self.spans_where(&readings, |reading: &ApiReading<'a>| reading.value_milli().is_some_and(is))
        };
        let Some(reported) = reported else { return spans_where(&|_| true) };
        // A value that was rounded differs by a thousandth.
        let mut spans = spans_where(&|value| value > reported + 1);
        spans.extend(spans_where(&|value| value < reported - 1));
        spans
    }
}
