//! The back-off of a worker after a failure. Without it a refused connection, which fails within 1 ms, would turn ten
//! workers into thousands of requests per second. The wait is scheduled, so it does not count as lateness.

use std::time::Duration;

use crate::model::load::RequestOutcome;
use crate::seed::SplitMix64;

/// Upper limit of the first wait, in milliseconds.
const INITIAL_MS: u64 = 50;
/// Upper limit of any wait, in milliseconds: the load notices the end of an outage within it, less than a scrape
/// interval.
const MAX_MS: u64 = 2000;

/// The exponential back-off of one worker: the limit doubles with each consecutive failure, from 50 ms to 2 s; jitter
/// takes off up to one half, so that workers that fail together do not return together.
#[derive(Debug)]
pub(super) struct WorkerBackoff {
    jitter: SplitMix64,
    failures: u32,
}

impl WorkerBackoff {
    pub(super) fn new(seed: u64, worker: u32) -> Self {
        // The first number of a sequence of its own: the sequences of neighbours would overlap, shifted by one.
        let worker_seed = SplitMix64::new(seed ^ (u64::from(worker) << 32)).next_u64();
        Self { jitter: SplitMix64::new(worker_seed), failures: 0 }
    }

    /// The wait after this outcome; zero after a success or a cancellation by ramp-down.
    pub(super) fn delay_after(&mut self, outcome: RequestOutcome) -> Duration {
        if matches!(outcome, RequestOutcome::Succeeded | RequestOutcome::CancelledByRampDown) {
            self.failures = 0;
            return Duration::ZERO;
        }
        let limit_us = 1000 * (INITIAL_MS << self.failures.min(16)).min(MAX_MS);
        self.failures = self.failures.saturating_add(1);
        Duration::from_micros(limit_us - self.jitter.next_u64() % (limit_us / 2 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_two_seconds_and_start_again_after_a_success() {
        let mut backoff = WorkerBackoff::new(0, 3);
        for limit_ms in [50, 100, 200, 400, 800, 1600, 2000, 2000, 2000] {
            let wait = backoff.delay_after(RequestOutcome::Http503);
            let limit = Duration::from_millis(limit_ms);
            assert!(wait <= limit && wait >= limit / 2, "{wait:?} of {limit:?}");
        }
        assert_eq!(backoff.delay_after(RequestOutcome::Succeeded), Duration::ZERO);
        assert!(backoff.delay_after(RequestOutcome::Dns) <= Duration::from_millis(50));
        assert_eq!(backoff.delay_after(RequestOutcome::CancelledByRampDown), Duration::ZERO);
    }

    #[test]
    fn the_same_seed_waits_the_same_and_workers_differ() {
        let first = |seed, worker| WorkerBackoff::new(seed, worker).delay_after(RequestOutcome::Dns);
        assert_eq!(first(7, 1), first(7, 1));
        assert_ne!(first(7, 1), first(7, 2));
    }
}
