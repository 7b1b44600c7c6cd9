//! How long a worker waits after a failure. Without it a refused connection, which fails within a millisecond, would
//! turn ten workers into thousands of requests a second. The wait is part of the plan, so it is not lateness.

use std::time::Duration;

use crate::model::load::RequestOutcome;
use crate::seed::SplitMix64;

/// First wait at most.
const INITIAL_MS: u64 = 50;
/// Any wait at most: an outage of the service ends unseen for so long, which is less than one scrape.
const MAX_MS: u64 = 2000;

/// A worker's back-off: doubled with each failure in a row, from 50 ms to 2 s, each cut by up to one half by chance, so
/// that workers who failed together do not return together.
#[derive(Debug)]
pub(super) struct WorkerBackoff {
    jitter: SplitMix64,
    failures: u32,
}

impl WorkerBackoff {
    /// The back-off of one worker.
    pub(super) fn new(seed: u64, worker: u32) -> Self {
        // The first number of a stream of its own: neighbours would else share theirs, one number apart.
        let own = SplitMix64::new(seed ^ (u64::from(worker) << 32)).next_u64();
        Self { jitter: SplitMix64::new(own), failures: 0 }
    }

    /// The wait that follows this outcome; none after a good request or after our own cancellation.
    pub(super) fn delay_after(&mut self, outcome: RequestOutcome) -> Duration {
        if matches!(outcome, RequestOutcome::Succeeded | RequestOutcome::CancelledByRampDown) {
            self.failures = 0;
            return Duration::ZERO;
        }
        let most_us = 1000 * (INITIAL_MS << self.failures.min(16)).min(MAX_MS);
        self.failures = self.failures.saturating_add(1);
        Duration::from_micros(most_us - self.jitter.next_u64() % (most_us / 2 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_two_seconds_and_start_again_after_a_good_request() {
        let mut backoff = WorkerBackoff::new(0, 3);
        for most_ms in [50, 100, 200, 400, 800, 1600, 2000, 2000, 2000] {
            let wait = backoff.delay_after(RequestOutcome::Http503);
            let most = Duration::from_millis(most_ms);
            assert!(wait <= most && wait >= most / 2, "{wait:?} of {most:?}");
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
