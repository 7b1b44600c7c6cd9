//! How long a request may go on: three bounds, of which the one that runs out next is waited for.

use std::time::Duration;

use crate::clock::RunClock;
use crate::model::load::{RequestOutcome, RequestRecord, RequestTimeouts};
use crate::units::HumanDuration;

/// The wait that runs out next.
pub(super) struct RequestDeadline {
    /// Microseconds of the run's clock.
    pub(super) at_us: u64,
    /// What it makes of the request.
    pub(super) outcome: RequestOutcome,
}

impl RequestDeadline {
    /// Until the first token its own bound counts from sending, whatever empty chunks come before; from then on each
    /// chunk may be `idle` after the last. The whole request's bound wins when it is the earlier one.
    pub(super) fn next(record: &RequestRecord, timeouts: &RequestTimeouts, last_us: Option<u64>) -> Self {
        let after = |start_us: u64, span: HumanDuration| start_us.saturating_add(span.ms().saturating_mul(1000));
        let total = Self { at_us: after(record.sent_us, timeouts.total), outcome: RequestOutcome::TotalTimeout };
        let part = match (record.first_token_us, last_us) {
            (Some(_), Some(last)) => Self { at_us: after(last, timeouts.idle), outcome: RequestOutcome::IdleTimeout },
            _ => Self { at_us: after(record.sent_us, timeouts.first_token), outcome: RequestOutcome::TtftTimeout },
        };
        if total.at_us < part.at_us { total } else { part }
    }

    /// What it last saw.
    pub(super) fn describe(&self, record: &RequestRecord) -> String {
        let waited = HumanDuration::from_ms(self.at_us.saturating_sub(record.sent_us) / 1000);
        match (record.status, record.chunks) {
            (None, _) => format!("gave up {waited} after sending, without a status line"),
            (Some(status), chunks) => {
                format!("gave up {waited} after sending, after HTTP {status} and {chunks} chunks")
            }
        }
    }
}

/// The future's output, or `None` when the clock reaches `at_us` first.
pub(super) async fn timeout_at<T>(clock: &RunClock, at_us: u64, future: impl Future<Output = T>) -> Option<T> {
    let left = Duration::from_micros(at_us.saturating_sub(clock.now_us()));
    tokio::time::timeout(left, future).await.ok()
}
