//! Estimates the API server's clock from the Date header of `/version`. Responses of aggregated APIs and proxies are
//! not used: their Date is that of the backend. An error response carries a Date as well.

use std::time::Duration;

use jiff::fmt::rfc2822;

use super::ObserverTask;
use super::context::ObserverContext;
use super::gap::GapTracker;
use super::hop_request::{HopResponse, get_via_api_server};
use super::skew::{DateSample, SkewEstimator, SkewUpdate};
use crate::model::observation::{CLOCK_STEP, ObservationKind, RecordedGap};

/// Requests at one per second while the interval is wide; after so many the network latency itself is that long.
const FAST_POLLS: u32 = 12;
/// Width in milliseconds of an interval that is narrow enough for timestamps of whole seconds.
const NARROW_MS: i64 = 30;
/// Interval between requests after that, to notice a clock step.
const SLOW_INTERVAL: Duration = Duration::from_secs(10);
/// Minimum milliseconds between two requests.
const MIN_INTERVAL_MS: i64 = 200;

/// Polls the API server's clock.
pub(super) struct ClockPoller {
    context: ObserverContext,
    skew: SkewEstimator,
    gap: GapTracker,
}

impl ObserverTask for ClockPoller {
    async fn run(&mut self) {
        let mut requests = 0;
        loop {
            self.context.retry_after.wait(self.context.clock).await;
            let stepped = self.poll_once().await;
            requests = if stepped { 0 } else { requests + 1 };
            if requests >= FAST_POLLS || self.skew.width_ms().is_some_and(|width| width <= NARROW_MS) {
                tokio::time::sleep(SLOW_INTERVAL).await;
            }
            tokio::time::sleep(Duration::from_millis(MIN_INTERVAL_MS as u64)).await;
            let wait_ms = self.skew.until_next_second_ms(self.wall_ms());
            tokio::time::sleep(Duration::from_millis(wait_ms.unsigned_abs())).await;
        }
    }

    fn on_stop(&self) {
        if let Some(gap) = self.gap.current() {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
    }
}

impl ClockPoller {
    pub(super) fn new(context: ObserverContext) -> Self {
        let gap = GapTracker::new("clock", context.clock.now_ms());
        Self { context, skew: SkewEstimator::default(), gap }
    }

    /// Requests the time once; returns true when a clock stepped.
    async fn poll_once(&mut self) -> bool {
        let sent_ms = self.wall_ms();
        let outcome = get_via_api_server(&self.context, "/version").await;
        let received_ms = self.wall_ms();
        let date_ms = match outcome.and_then(parse_date_ms) {
            Ok(date_ms) => date_ms,
            Err(reason) => {
                self.gap.mark_failed(&reason);
                return false;
            }
        };
        let now_ms = self.context.clock.now_ms();
        if let Some(gap) = self.gap.close(now_ms) {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
        let update = self.skew.update(DateSample { date_ms, sent_ms, received_ms });
        if let SkewUpdate::Stepped(_) = update {
            let source = "clock".to_owned();
            self.context.timeline.record(
                ObservationKind::Gap(RecordedGap {
                    source,
                    from_ms: self.gap.last_ok_ms(),
                    reason: CLOCK_STEP.to_owned(),
                }),
                None,
            );
        }
        self.gap.mark_ok(now_ms);
        if let SkewUpdate::Changed(skew) | SkewUpdate::Stepped(skew) = update {
            self.context.timeline.record(ObservationKind::ClockSkew(skew), None);
        }
        matches!(update, SkewUpdate::Stepped(_))
    }

    fn wall_ms(&self) -> i64 {
        self.context.clock.wall_time().as_millisecond()
    }
}

fn parse_date_ms(response: HopResponse) -> Result<i64, String> {
    let date = response.date.ok_or("the API server's responses have no Date header")?;
    let parsed = rfc2822::DateTimeParser::new().parse_timestamp(&date);
    parsed.map(|time| time.as_millisecond()).map_err(|e| format!("the Date `{date}` cannot be read: {e}"))
}
