//! The API server's word that it has too much to do (429 with Retry-After): until then nobody here asks it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::RETRY_AFTER;

use crate::clock::RunClock;

/// What is waited at most; the API server's own priority and fairness asks for a second.
const MAX_WAIT_S: u64 = 60;

/// Until when there is rest, milliseconds of the run's clock; shared by all that ask.
#[derive(Clone, Debug, Default)]
pub(super) struct RetryAfter(Arc<AtomicU64>);

impl RetryAfter {
    /// Takes an answer in.
    pub(super) fn record_response(&self, status: u16, headers: &http::HeaderMap, clock: RunClock) {
        let after = headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse::<u64>().ok());
        if let Some(seconds) = after.filter(|_| status == 429) {
            self.0.fetch_max(clock.now_ms() + seconds.min(MAX_WAIT_S) * 1000, Ordering::Relaxed);
        }
    }

    /// Waits until it is over.
    pub(super) async fn wait(&self, clock: RunClock) {
        // It may be made longer meanwhile.
        while let Some(left) = self.0.load(Ordering::Relaxed).checked_sub(clock.now_ms()).filter(|left| *left > 0) {
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
    }
}
