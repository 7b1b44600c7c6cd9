//! The API server's clock, by the Date header of `/version`. Answers of aggregated APIs and proxies are not used: their
//! Date is that of whoever stands behind. An answer that refuses carries a Date as well.

use std::time::Duration;

use jiff::fmt::rfc2822;

use super::Task;
use super::ask::{Heard, by_kube};
use super::gap::Gap;
use super::outside::Outside;
use super::skew::{Dated, News, Skew};
use crate::record::observation::{GapSeen, Seen};

/// Wide intervals are asked for once a second, at most so often: then the way itself is that long.
const EAGER: u32 = 12;
/// An interval this small decides everything that whole seconds can.
const FINE_MS: i64 = 30;
/// Later on, how often it is looked whether a clock was set.
const CALM: Duration = Duration::from_secs(10);
/// At least so long between two questions.
const APART_MS: i64 = 200;

/// The watch over the two clocks.
pub(super) struct ClockHop {
    outside: Outside,
    skew: Skew,
    gap: Gap,
}

impl Task for ClockHop {
    async fn follow(&mut self) {
        let mut asked = 0;
        loop {
            self.outside.rest.over(self.outside.clock).await;
            let stepped = self.once().await;
            asked = if stepped { 0 } else { asked + 1 };
            if asked >= EAGER || self.skew.width_ms().is_some_and(|width| width <= FINE_MS) {
                tokio::time::sleep(CALM).await;
            }
            tokio::time::sleep(Duration::from_millis(APART_MS as u64)).await;
            let wait_ms = self.skew.until_turn_ms(self.wall_ms());
            tokio::time::sleep(Duration::from_millis(wait_ms.unsigned_abs())).await;
        }
    }

    fn last_word(&self) {
        if let Some(gap) = self.gap.so_far() {
            self.outside.book.note(Seen::Gap(gap), None);
        }
    }
}

impl ClockHop {
    /// Nothing is known yet.
    pub(super) fn new(outside: Outside) -> Self {
        let gap = Gap::new("clock", outside.clock.now_ms());
        Self { outside, skew: Skew::default(), gap }
    }

    /// Asks once; true when a clock was set.
    async fn once(&mut self) -> bool {
        let sent_ms = self.wall_ms();
        let outcome = by_kube(&self.outside, "/version").await;
        let received_ms = self.wall_ms();
        let date_ms = match outcome.and_then(date) {
            Ok(date_ms) => date_ms,
            Err(why) => {
                self.gap.broke(&why);
                return false;
            }
        };
        let now_ms = self.outside.clock.now_ms();
        if let Some(gap) = self.gap.mended(now_ms) {
            self.outside.book.note(Seen::Gap(gap), None);
        }
        let news = self.skew.heard(Dated { date_ms, sent_ms, received_ms });
        if let News::Stepped(_) = news {
            let source = "clock".to_owned();
            self.outside
                .book
                .note(Seen::Gap(GapSeen { source, from_ms: self.gap.good_ms(), why: STEP.to_owned() }), None);
        }
        self.gap.alive(now_ms);
        if let News::Interval(skew) | News::Stepped(skew) = news {
            self.outside.book.note(Seen::Skew(skew), None);
        }
        matches!(news, News::Stepped(_))
    }

    fn wall_ms(&self) -> i64 {
        self.outside.clock.wall().as_millisecond()
    }
}

/// Ours is monotonic, so it is the other one.
const STEP: &str = "the API server's clock was set, or answers come from servers whose clocks differ";

fn date(heard: Heard) -> Result<i64, String> {
    let date = heard.date.ok_or("the API server's answers carry no Date")?;
    let read = rfc2822::DateTimeParser::new().parse_timestamp(&date);
    read.map(|time| time.as_millisecond()).map_err(|e| format!("the Date `{date}` cannot be read: {e}"))
}
