//! Hops of the metric's way, asked again and again. Each hop has a task of its own, so that a slow one delays no other.

use std::collections::BTreeMap;

use tokio::time::{MissedTickBehavior, interval};

use super::ObserverTask;
use super::context::ObserverContext;
use crate::bounds::POLL_INTERVAL;
use crate::model::observation::ObservationKind;
use crate::model::reading::{MetricHop, MetricReading, ReadingResult};

/// An unchanged reading of the store or the exporter is noted again after so long: shows that it was read at all.
const REPEAT_MS: u64 = 10_000;

/// Which readings are noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordPolicy {
    /// Each: the judge counts coverage of what the controller reads.
    Each,
    /// Those that differ from the last one, and one every `REPEAT_MS`.
    Changes,
}

/// A hop that can be asked.
pub(super) trait HopReader: Send {
    /// Asks once. Parts (an exporter's pods) are told apart by a key and compared each with its own last answer.
    fn read(&mut self) -> impl Future<Output = Vec<(String, ReadingResult)>> + Send;
}

/// A hop being asked again and again.
pub(super) struct HopPoller<A> {
    pub(super) hop: MetricHop,
    pub(super) policy: RecordPolicy,
    pub(super) reader: A,
    pub(super) context: ObserverContext,
}

impl<A: HopReader> ObserverTask for HopPoller<A> {
    async fn run(&mut self) {
        let mut ticks = interval(POLL_INTERVAL.to_std());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut noted: BTreeMap<String, (ReadingResult, u64)> = BTreeMap::new();
        loop {
            ticks.tick().await;
            self.context.retry_after.wait(self.context.clock).await;
            let asked_ms = self.context.clock.now_ms();
            let answers = self.reader.read().await;
            noted.retain(|part, _| answers.iter().any(|(other, _)| other == part));
            for (part, answer) in answers {
                let last = noted.get(&part).filter(|(_, at_ms)| asked_ms < at_ms + REPEAT_MS);
                if self.policy == RecordPolicy::Each || last.is_none_or(|(last, _)| *last != answer) {
                    let reading = MetricReading { hop: self.hop, requested_ms: asked_ms, result: answer.clone() };
                    self.context.timeline.record(ObservationKind::Metric(reading), None);
                    noted.insert(part, (answer, asked_ms));
                }
            }
        }
    }
}
