//! Decides whether the load was client-bound: the client was the bottleneck, so the figures describe the client.
//!
//! Two delays are the client's own: the send lateness (a request is sent after it is due) and the timer lateness, which
//! affects every read of a response too. The load is client-bound if the 99th percentile of either exceeds the larger
//! of 50 ms and half the median TTFT: from half on, most of a measured time could be the client's. On two cores shared
//! with a compiler, the timer lateness of ten workers was 2.4 ms at that percentile, and 180 ms with four busy loops in
//! addition, so 50 ms separates the two. Below 100 values, which is a load of less than 10 s, the 99th percentile is
//! the maximum and one outlier would decide, so there is no result.

use crate::model::load::{LoadReport, Quantiles};
use crate::units::HumanDuration;

/// Lateness that is always tolerated, in microseconds.
const TOLERATED_US: u64 = 50_000;
/// The median TTFT divided by this is tolerated as well.
const TTFT_DIVISOR: u64 = 2;
/// Fewest values for a meaningful 99th percentile.
const MIN_COUNT: u64 = 100;

/// Why the load was client-bound, with the figures; `None` if it was not.
#[must_use]
pub(crate) fn reason(report: &LoadReport) -> Option<String> {
    let limit_us = TOLERATED_US.max(report.ttft_us.p50 / TTFT_DIVISOR);
    let exceeds = |quantiles: &Quantiles| quantiles.count >= MIN_COUNT && quantiles.p99 > limit_us;
    let (lateness, quantiles) = if exceeds(&report.timer_delay_us) {
        ("timer lateness", &report.timer_delay_us)
    } else if exceeds(&report.send_delay_us) {
        ("send lateness", &report.send_delay_us)
    } else {
        return None;
    };
    let ms = |us: u64| HumanDuration::from_ms(us / 1000);
    Some(format!(
        "the load was client-bound: p99 {lateness} {} (max {}, {} samples) exceeds the limit {} (the larger of {} and \
         half the median TTFT, {}); run gpuhpa on a machine with free CPU",
        ms(quantiles.p99),
        ms(quantiles.max),
        quantiles.count,
        ms(limit_us),
        ms(TOLERATED_US),
        ms(report.ttft_us.p50),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(timer_p99_ms: u64, send_p99_ms: u64, ttft_p50_ms: u64, count: u64) -> LoadReport {
        let quantiles = |ms: u64| Quantiles { count, p99: ms * 1000, max: ms * 2000, ..Quantiles::default() };
        LoadReport {
            timer_delay_us: quantiles(timer_p99_ms),
            send_delay_us: quantiles(send_p99_ms),
            ttft_us: Quantiles { count, p50: ttft_p50_ms * 1000, ..Quantiles::default() },
            ..LoadReport::default()
        }
    }

    #[test]
    fn a_late_client_makes_the_load_client_bound_and_a_prompt_one_does_not() {
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
        for ((timer, send, ttft, count), client_bound) in cases {
            assert_eq!(
                reason(&report(timer, send, ttft, count)).is_some(),
                client_bound,
                "{timer} {send} {ttft} {count}"
            );
        }
    }

    #[test]
    fn the_reason_has_its_figures() {
        assert_eq!(
            reason(&report(0, 2000, 3000, 200)).unwrap(),
            "the load was client-bound: p99 send lateness 2s (max 4s, 200 samples) exceeds the limit 1.500s (the \
             larger of 50ms and half the median TTFT, 3s); run gpuhpa on a machine with free CPU"
        );
    }
}
