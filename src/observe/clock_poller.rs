//! The API server's clock, by the Date header of `/version`. Answers of aggregated APIs and proxies are not used: their
//! Date is that of whoever stands behind. An answer that refuses carries a Date as well.

use std::time::Duration;

use jiff::fmt::rfc2822;

use super::ObserverTask;
use super::context::ObserverContext;
use super::gap::GapTracker;
use super::hop_request::{HopResponse, get_via_api_server};
use super::skew::{DateSample, SkewEstimator, SkewUpdate};
use crate::model::observation::{ObservationKind, RecordedGap};

/// Wide intervals are asked for once a second, at most so often: then the way itself is that long.
const FAST_POLLS: u32 = 12;
/// An interval this small decides everything that whole seconds can.
const NARROW_MS: i64 = 30;
/// Later on, how often it is looked whether a clock was set.
const SLOW_INTERVAL: Duration = Duration::from_secs(10);
/// At least so long between two questions.
const MIN_INTERVAL_MS: i64 = 200;

/// The watch over the two clocks.
pub(super) struct ClockPoller {
    context: ObserverContext,
    skew: SkewEstimator,
    gap: GapTracker,
}

impl ObserverTask for ClockPoller {
    async fn run(&mut self) {
        let mut asked = 0;
        loop {
            self.context.retry_after.wait(self.context.clock).await;
            let stepped = self.poll_once().await;
            asked = if stepped { 0 } else { asked + 1 };
            if asked >= FAST_POLLS || self.skew.width_ms().is_some_and(|width| width <= NARROW_MS) {
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
    /// Nothing is known yet.
    pub(super) fn new(outside: ObserverContext) -> Self {
        let gap = GapTracker::new("clock", outside.clock.now_ms());
        Self { context: outside, skew: SkewEstimator::default(), gap }
    }

    /// Asks once; true when a clock was set.
    async fn poll_once(&mut self) -> bool {
        let sent_ms = self.wall_ms();
        let outcome = get_via_api_server(&self.context, "/version").await;
        let received_ms = self.wall_ms();
        let date_ms = match outcome.and_then(parse_date_ms) {
            Ok(date_ms) => date_ms,
            Err(why) => {
                self.gap.mark_failed(&why);
                return false;
            }
        };
        let now_ms = self.context.clock.now_ms();
        if let Some(gap) = self.gap.close(now_ms) {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
        let news = self.skew.update(DateSample { date_ms, sent_ms, received_ms });
        if let SkewUpdate::Stepped(_) = news {
            let source = "clock".to_owned();
            self.context.timeline.record(
                ObservationKind::Gap(RecordedGap {
                    source,
                    from_ms: self.gap.last_ok_ms(),
                    reason: STEP_MESSAGE.to_owned(),
                }),
                None,
            );
        }
        self.gap.mark_ok(now_ms);
        if let SkewUpdate::Changed(skew) | SkewUpdate::Stepped(skew) = news {
            self.context.timeline.record(ObservationKind::ClockSkew(skew), None);
        }
        matches!(news, SkewUpdate::Stepped(_))
    }

    fn wall_ms(&self) -> i64 {
        self.context.clock.wall_time().as_millisecond()
    }
}

/// Ours is monotonic, so it is the other one.
const STEP_MESSAGE: &str = "the API server's clock was set, or answers come from servers whose clocks differ";

fn parse_date_ms(heard: HopResponse) -> Result<i64, String> {
    let date = heard.date.ok_or("the API server's answers carry no Date")?;
    let read = rfc2822::DateTimeParser::new().parse_timestamp(&date);
    read.map(|time| time.as_millisecond()).map_err(|e| format!("the Date `{date}` cannot be read: {e}"))
}
