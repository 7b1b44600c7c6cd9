//! How far the API server's clock stands from ours, from the Date headers of its answers: an interval, made smaller by
//! each answer and larger by time. Pure; times are given.
//!
//! A Date of D says: at some moment between our sending and our receipt the server's clock stood in [D, D + 1 s). Asked
//! when, by what is known, the server's second turns, each answer halves the interval until the way's length is left.

use crate::model::observation::ClockSkewRange;

/// How far two clocks may run apart, parts per million: crystals stay within 100, and NTP slews by at most 500.
const DRIFT_PPM: i64 = 500;
/// An interval is told again when it is smaller, or reaches further, by so much: finer differences decide nothing, since
/// Kubernetes stamps whole seconds.
const RECORD_DELTA_MS: i64 = 50;

/// One answer: the Date, and our wall clock around it, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct DateSample {
    pub(super) date_ms: i64,
    pub(super) sent_ms: i64,
    pub(super) received_ms: i64,
}

/// What is known of the difference.
#[derive(Debug, Default)]
pub(super) struct SkewEstimator {
    /// The interval, and when it was known.
    known: Option<(ClockSkewRange, i64)>,
    last_recorded: Option<ClockSkewRange>,
}

/// What an answer changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SkewUpdate {
    /// Nothing to tell.
    Unchanged,
    /// The interval is to be told.
    Changed(ClockSkewRange),
    /// The answer contradicts what was known: a clock was set. The interval starts again with it.
    Stepped(ClockSkewRange),
}

impl SkewEstimator {
    /// Takes an answer in.
    pub(super) fn update(&mut self, dated: DateSample) -> SkewUpdate {
        // Our times are whole milliseconds, cut off: the receipt was up to one later.
        let new = ClockSkewRange {
            low_ms: dated.date_ms - dated.received_ms - 1,
            high_ms: dated.date_ms + 1000 - dated.sent_ms,
        };
        let aged = self.known.map(|(known, at_ms)| widen_by_drift(known, dated.received_ms - at_ms));
        let both = aged
            .map(|aged| ClockSkewRange { low_ms: aged.low_ms.max(new.low_ms), high_ms: aged.high_ms.min(new.high_ms) });
        let stepped = both.is_some_and(|both| both.low_ms > both.high_ms);
        let now = both.filter(|_| !stepped).unwrap_or(new);
        self.known = Some((now, dated.received_ms));
        let worth_telling = match self.last_recorded {
            None => true,
            Some(told) => {
                let further = (told.low_ms - now.low_ms).max(now.high_ms - told.high_ms);
                (width(told) - width(now)).max(further) >= RECORD_DELTA_MS
            }
        };
        if !stepped && !worth_telling {
            return SkewUpdate::Unchanged;
        }
        self.last_recorded = Some(now);
        if stepped { SkewUpdate::Stepped(now) } else { SkewUpdate::Changed(now) }
    }

    /// Length of the interval; `None` before the first answer.
    pub(super) fn width_ms(&self) -> Option<i64> {
        self.known.map(|(known, _)| width(known))
    }

    /// How long from our `wall_ms` until the server's second turns, if the middle of the interval is the difference.
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

    /// An answer of a server whose clock is `skew_ms` ahead of ours, over a way of `way_ms` each direction.
    fn answer(sent_ms: i64, way_ms: i64, skew_ms: i64) -> DateSample {
        let server_ms = sent_ms + way_ms + skew_ms;
        DateSample { date_ms: server_ms.div_euclid(1000) * 1000, sent_ms, received_ms: sent_ms + 2 * way_ms }
    }

    #[test]
    fn asking_at_the_turn_of_the_second_halves_the_interval_down_to_the_way() {
        for skew_ms in [-86_400_123, -1, 0, 333, 999, 5_000_500] {
            let (mut skew, mut now) = (SkewEstimator::default(), 1_700_000_000_250);
            for _ in 0..12 {
                skew.update(answer(now, 4, skew_ms));
                let (known, _) = skew.known.unwrap();
                assert!(known.low_ms <= skew_ms && skew_ms <= known.high_ms, "{skew_ms} in {known:?}");
                now += 200;
                now += skew.until_next_second_ms(now);
            }
            assert!(skew.width_ms().unwrap() <= 30, "{:?}", skew.known);
        }
    }

    #[test]
    fn an_interval_is_told_first_then_when_it_is_smaller_then_when_it_moved() {
        let mut skew = SkewEstimator::default();
        let told = |low_ms, high_ms| SkewUpdate::Changed(ClockSkewRange { low_ms, high_ms });
        let dated = |date_ms, at_ms| DateSample { date_ms, sent_ms: at_ms, received_ms: at_ms };
        assert_eq!(skew.update(dated(10_000, 10_500)), told(-501, 500));
        assert_eq!(skew.update(dated(10_000, 10_520)), SkewUpdate::Unchanged, "20 ms smaller are not told");
        assert_eq!(skew.update(dated(11_000, 11_040)), told(-41, 481));
        assert_eq!(skew.update(dated(12_000, 12_040)), SkewUpdate::Unchanged);
        assert_eq!(skew.update(dated(999_000, 999_540)), told(-535, 460), "drift made it larger");
    }

    #[test]
    fn a_clock_that_was_set_starts_the_interval_again() {
        let mut skew = SkewEstimator::default();
        skew.update(answer(10_500, 1, 0));
        let stepped = skew.update(answer(11_500, 1, 5000));
        assert_eq!(stepped, SkewUpdate::Stepped(ClockSkewRange { low_ms: 4497, high_ms: 5500 }));
        assert!(matches!(skew.update(answer(12_950, 1, 5000)), SkewUpdate::Changed(_)), "and goes on from there");
    }
}
