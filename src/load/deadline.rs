//! The deadline of a request: the earliest of its three timeouts.

use std::time::Duration;

use crate::clock::RunClock;
use crate::model::load::{RequestOutcome, RequestRecord, RequestTimeouts};
use crate::units::HumanDuration;

/// The next timeout of a request.
pub(super) struct RequestDeadline {
    /// Microseconds of the run's clock.
    pub(super) at_us: u64,
    /// The outcome of the request if the deadline passes.
    pub(super) outcome: RequestOutcome,
}

impl RequestDeadline {
    /// Until the first token the first-token timeout runs from sending, even if empty chunks arrive; after it the idle
    /// timeout runs from the last chunk. The total timeout wins if it is earlier.
    pub(super) fn next(record: &RequestRecord, timeouts: &RequestTimeouts, last_us: Option<u64>) -> Self {
        let after = |start_us: u64, timeout: HumanDuration| start_us.saturating_add(timeout.ms().saturating_mul(1000));
        let total = Self { at_us: after(record.sent_us, timeouts.total), outcome: RequestOutcome::TotalTimeout };
        let next = match (record.first_token_us, last_us) {
            (Some(_), Some(last)) => Self { at_us: after(last, timeouts.idle), outcome: RequestOutcome::IdleTimeout },
            _ => Self { at_us: after(record.sent_us, timeouts.first_token), outcome: RequestOutcome::TtftTimeout },
        };
        if total.at_us < next.at_us { total } else { next }
    }

    /// Describes the timeout for the record.
    pub(super) fn describe(&self, record: &RequestRecord) -> String {
        let waited = HumanDuration::from_ms(self.at_us.saturating_sub(record.sent_us) / 1000);
        match (record.status, record.chunks) {
            (None, _) => format!("timed out after {waited} without response headers"),
            (Some(status), chunks) => {
                format!("timed out after {waited}, with HTTP {status} and {chunks} chunks received")
            }
        }
    }
}

/// The future's output, or `None` if the clock reaches `at_us` first.
pub(super) async fn timeout_at<T>(clock: &RunClock, at_us: u64, future: impl Future<Output = T>) -> Option<T> {
    let left = Duration::from_micros(at_us.saturating_sub(clock.now_us()));
    tokio::time::timeout(left, future).await.ok()
}
