//! When the load is void: the client was the bottleneck, so its figures speak of the client.
//!
//! Two delays are the client's own: how late a worker sent after it was due, and how late its timers ran, which every
//! read of an answer suffers too. The load is void when one in a hundred of either is late by more than the larger of
//! 50 ms and half the median time to first token: from half on, the larger part of a time could be ours. On two cores
//! shared with a compiler, timers of ten workers ran 2.4 ms late at that percentile, and 180 ms once four busy loops took
//! the cores away, so 50 ms tells the two apart. Below 100 values the 99th percentile is the largest value, and one
//! hiccup would void a run, so nothing is said: that is a run of less than ten seconds.

use crate::model::load::{LoadReport, Quantiles};
use crate::units::HumanDuration;

/// A delay that is never held against the client.
const TOLERATED_US: u64 = 50_000;
/// The median time to first token divided by this is never held against the client either.
const TTFT_DIVISOR: u64 = 2;
/// Values from which on a 99th percentile means something.
const MIN_COUNT: u64 = 100;

/// Why the load is void, with the figures; `None` when it stands.
#[must_use]
pub fn reason(report: &LoadReport) -> Option<String> {
    let limit_us = TOLERATED_US.max(report.ttft_us.p50 / TTFT_DIVISOR);
    let late = |delay: &Quantiles| delay.count >= MIN_COUNT && delay.p99 > limit_us;
    let (what, delay) = if late(&report.timer_delay_us) {
        ("timers ran", &report.timer_delay_us)
    } else if late(&report.send_delay_us) {
        ("requests were sent", &report.send_delay_us)
    } else {
        return None;
    };
    let ms = |us: u64| HumanDuration::from_ms(us / 1000);
    Some(format!(
        "the client was the bottleneck: 1 in 100 of its {what} {} late or more ({} at most, of {}), above the limit of \
         {} (the larger of {} and half the median time to first token, {}); give it a machine of its own",
        ms(delay.p99),
        ms(delay.max),
        delay.count,
        ms(limit_us),
        ms(TOLERATED_US),
        ms(report.ttft_us.p50),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(timer_p99_ms: u64, send_p99_ms: u64, ttft_p50_ms: u64, count: u64) -> LoadReport {
        let delay = |ms: u64| Quantiles { count, p99: ms * 1000, max: ms * 2000, ..Quantiles::default() };
        LoadReport {
            timer_delay_us: delay(timer_p99_ms),
            send_delay_us: delay(send_p99_ms),
            ttft_us: Quantiles { count, p50: ttft_p50_ms * 1000, ..Quantiles::default() },
            ..LoadReport::default()
        }
    }

    #[test]
    fn a_late_client_makes_its_load_client_bound_and_a_prompt_one_does_not() {
        let cases = [
            ((2, 1, 20, 1000), false),
            ((50, 50, 20, 1000), false),
            ((51, 0, 20, 1000), true),
            ((0, 51, 20, 1000), true),
            ((51, 51, 0, 1000), true),
            ((1500, 1500, 3000, 1000), false),
            ((1501, 0, 3000, 1000), true),
            ((5000, 5000, 20, 99), false),
        ];
        for ((timer, send, ttft, count), void) in cases {
            assert_eq!(reason(&report(timer, send, ttft, count)).is_some(), void, "{timer} {send} {ttft} {count}");
        }
    }

    #[test]
    fn the_reason_carries_its_figures() {
        assert_eq!(
            reason(&report(0, 2000, 3000, 200)).unwrap(),
            "the client was the bottleneck: 1 in 100 of its requests were sent 2s late or more (4s at most, of \
             200), above the limit of 1.500s (the larger of 50ms and half the median time to first token, 3s); \
             give it a machine of its own"
        );
    }
}
