//! Estimates the difference between the API server's clock and ours from the Date headers of its responses: an interval
//! that each response narrows and that drift widens. Pure; callers pass the times.
//!
//! A Date of D means: at some time between our sending and our receipt the server's clock was in [D, D + 1 s). A
//! request that is sent when the server's second is expected to change halves the interval, until the network latency
//! is left.

use crate::model::observation::ClockSkewRange;

/// Drift between two clocks, parts per million: crystals stay within 100, and NTP slews by at most 500.
const DRIFT_PPM: i64 = 500;
/// An interval is recorded again when it is narrower, or reaches further, by so many milliseconds: smaller differences
/// decide nothing, because Kubernetes timestamps are whole seconds.
const RECORD_DELTA_MS: i64 = 50;

/// The Date of one response, and our wall clock before and after the request, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct DateSample {
    pub(super) date_ms: i64,
    pub(super) sent_ms: i64,
    pub(super) received_ms: i64,
}

/// The current estimate.
#[derive(Debug, Default)]
pub(super) struct SkewEstimator {
    /// The interval, and our wall clock at its last update.
    known: Option<(ClockSkewRange, i64)>,
    last_recorded: Option<ClockSkewRange>,
}

/// How a response changed the estimate.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SkewUpdate {
    /// Not worth a record.
    Unchanged,
    /// The interval must be recorded.
    Changed(ClockSkewRange),
    /// The response contradicts the estimate: a clock stepped. The estimate starts again with this interval.
    Stepped(ClockSkewRange),
}

impl SkewEstimator {
    /// Updates the estimate with a response.
    pub(super) fn update(&mut self, sample: DateSample) -> SkewUpdate {
        // Our times are truncated to milliseconds: the receipt was up to 1 ms later.
        let new = ClockSkewRange {
            low_ms: sample.date_ms - sample.received_ms - 1,
            high_ms: sample.date_ms + 1000 - sample.sent_ms,
        };
        let widened = self.known.map(|(known, at_ms)| widen_by_drift(known, sample.received_ms - at_ms));
        let intersection = widened.map(|known| ClockSkewRange {
            low_ms: known.low_ms.max(new.low_ms),
            high_ms: known.high_ms.min(new.high_ms),
        });
        let stepped = intersection.is_some_and(|range| range.low_ms > range.high_ms);
        let now = intersection.filter(|_| !stepped).unwrap_or(new);
        self.known = Some((now, sample.received_ms));
        let worth_recording = match self.last_recorded {
            None => true,
            Some(recorded) => {
                let growth = (recorded.low_ms - now.low_ms).max(now.high_ms - recorded.high_ms);
                (width(recorded) - width(now)).max(growth) >= RECORD_DELTA_MS
            }
        };
        if !stepped && !worth_recording {
            return SkewUpdate::Unchanged;
        }
        self.last_recorded = Some(now);
        if stepped { SkewUpdate::Stepped(now) } else { SkewUpdate::Changed(now) }
    }

    /// Width of the interval; `None` before the first response.
    pub(super) fn width_ms(&self) -> Option<i64> {
        self.known.map(|(known, _)| width(known))
    }

    /// Milliseconds from our `wall_ms` until the server's second changes, if the middle of the interval is the
    /// difference.
    pub(super) fn until_next_second_ms(&self, wall_ms: i64) -> i64 {
        let middle = self.known.map_or(0, |(known, _)| (known.low_ms + known.high_ms).div_euclid(2));
        1000 - (wall_ms + middle).rem_euclid(1000)
    }
}

fn width(interval: ClockSkewRange) -> i64 {
    interval.high_ms - interval.low_ms
}

fn widen_by_drift(interval: ClockSkewRange, ms: i64) -> ClockSkewRange {
    let drift = (ms.max(0) * DRIFT_PPM + 999_999) / 1_000_000;
    ClockSkewRange { low_ms: interval.low_ms - drift, high_ms: interval.high_ms + drift }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The response of a server whose clock is `skew_ms` ahead of ours, with a network latency of `latency_ms` each
    /// way.
    fn response(sent_ms: i64, latency_ms: i64, skew_ms: i64) -> DateSample {
        let server_ms = sent_ms + latency_ms + skew_ms;
        DateSample { date_ms: server_ms.div_euclid(1000) * 1000, sent_ms, received_ms: sent_ms + 2 * latency_ms }
    }

    #[test]
    fn requests_at_the_change_of_the_second_halve_the_interval_down_to_the_latency() {
        for skew_ms in [-86_400_123, -1, 0, 333, 999, 5_000_500] {
            let (mut skew, mut now) = (SkewEstimator::default(), 1_700_000_000_250);
            for _ in 0..12 {
                skew.update(response(now, 4, skew_ms));
                let (known, _) = skew.known.unwrap();
                assert!(known.low_ms <= skew_ms && skew_ms <= known.high_ms, "{skew_ms} in {known:?}");
                now += 200;
                now += skew.until_next_second_ms(now);
            }
            assert!(skew.width_ms().unwrap() <= 30, "{:?}", skew.known);
        }
    }

    #[test]
    fn an_interval_is_recorded_first_then_when_it_is_narrower_then_when_it_moved() {
        let mut skew = SkewEstimator::default();
        let changed = |low_ms, high_ms| SkewUpdate::Changed(ClockSkewRange { low_ms, high_ms });
        let sample = |date_ms, at_ms| DateSample { date_ms, sent_ms: at_ms, received_ms: at_ms };
        assert_eq!(skew.update(sample(10_000, 10_500)), changed(-501, 500));
        assert_eq!(skew.update(sample(10_000, 10_520)), SkewUpdate::Unchanged, "20 ms narrower is not recorded");
        assert_eq!(skew.update(sample(11_000, 11_040)), changed(-41, 481));
        assert_eq!(skew.update(sample(12_000, 12_040)), SkewUpdate::Unchanged);
        assert_eq!(skew.update(sample(999_000, 999_540)), changed(-535, 460), "drift widened it");
    }

    #[test]
    fn a_clock_that_stepped_starts_the_estimate_again() {
        let mut skew = SkewEstimator::default();
        skew.update(response(10_500, 1, 0));
        let stepped = skew.update(response(11_500, 1, 5000));
        assert_eq!(stepped, SkewUpdate::Stepped(ClockSkewRange { low_ms: 4497, high_ms: 5500 }));
        assert!(matches!(skew.update(response(12_950, 1, 5000)), SkewUpdate::Changed(_)), "and continues from there");
    }
}
