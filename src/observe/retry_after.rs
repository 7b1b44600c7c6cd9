//! The API server's `Retry-After` of a 429: until that time the observer sends it no request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::RunClock;
use crate::env::parse_retry_after;

/// Longest wait; the API server's priority and fairness sends 1 s.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The time before which no request is sent, in milliseconds of the run's clock. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct RetryAfter(Arc<AtomicU64>);

impl RetryAfter {
    /// Takes the `Retry-After` of a response.
    pub(super) fn record_response(&self, status: u16, headers: &http::HeaderMap, clock: RunClock) {
        if let Some(wait) = parse_retry_after(headers).filter(|_| status == 429) {
            let wait_ms = u64::try_from(wait.min(MAX_WAIT).as_millis()).unwrap_or(u64::MAX);
            self.0.fetch_max(clock.now_ms() + wait_ms, Ordering::Relaxed);
        }
    }

    /// Waits until that time.
    pub(super) async fn wait(&self, clock: RunClock) {
        // Another response may have moved the time meanwhile.
        while let Some(left) = self.0.load(Ordering::Relaxed).checked_sub(clock.now_ms()).filter(|left| *left > 0) {
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
    }
}
