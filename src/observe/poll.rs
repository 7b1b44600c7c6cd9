//! Hops of the metric's way, asked again and again. Each hop has a task of its own, so that a slow one delays no other.

use std::collections::BTreeMap;

use tokio::time::{MissedTickBehavior, interval};

use super::Task;
use super::outside::Outside;
use crate::bounds::POLL;
use crate::record::observation::Seen;
use crate::record::reading::{Answer, Hop, Reading};

/// An unchanged reading of the store or the exporter is noted again after so long: shows that it was read at all.
const REPEAT_MS: u64 = 10_000;

/// Which readings are noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Each: the judge counts coverage of what the controller reads.
    Each,
    /// Those that differ from the last one, and one every `REPEAT_MS`.
    Changes,
}

/// A hop that can be asked.
pub(super) trait Ask: Send {
    /// Asks once. Parts (an exporter's pods) are told apart by a key and compared each with its own last answer.
    fn ask(&mut self) -> impl Future<Output = Vec<(String, Answer)>> + Send;
}

/// A hop being asked again and again.
pub(super) struct Poller<A> {
    pub(super) hop: Hop,
    pub(super) habit: Habit,
    pub(super) ask: A,
    pub(super) outside: Outside,
}

impl<A: Ask> Task for Poller<A> {
    async fn follow(&mut self) {
        let mut ticks = interval(POLL.duration());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut noted: BTreeMap<String, (Answer, u64)> = BTreeMap::new();
        loop {
            ticks.tick().await;
            self.outside.rest.over(self.outside.clock).await;
            let asked_ms = self.outside.clock.now_ms();
            let answers = self.ask.ask().await;
            noted.retain(|part, _| answers.iter().any(|(other, _)| other == part));
            for (part, answer) in answers {
                let last = noted.get(&part).filter(|(_, at_ms)| asked_ms < at_ms + REPEAT_MS);
                if self.habit == Habit::Each || last.is_none_or(|(last, _)| *last != answer) {
                    let reading = Reading { hop: self.hop, asked_ms, answer: answer.clone() };
                    self.outside.book.note(Seen::Metric(reading), None);
                    noted.insert(part, (answer, asked_ms));
                }
            }
        }
    }
}
