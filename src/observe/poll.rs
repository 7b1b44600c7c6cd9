//! Polls the hops of the metric pipeline. Each hop has its own task, so that a slow hop does not delay the others.

use std::collections::BTreeMap;

use tokio::time::{MissedTickBehavior, interval};

use super::ObserverTask;
use super::context::ObserverContext;
use crate::bounds::POLL_INTERVAL;
use crate::model::observation::ObservationKind;
use crate::model::reading::{MetricHop, MetricReading, ReadingResult};

/// Milliseconds after which an unchanged reading of the store or the exporter is recorded again, to show that it was
/// read at all.
const REPEAT_MS: u64 = 10_000;

/// Which readings are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordPolicy {
    /// Every reading: the checks compute the coverage of what the controller reads.
    Each,
    /// Those that differ from the last one, and one every [`REPEAT_MS`].
    Changes,
}

/// Reads one hop.
pub(super) trait HopReader: Send {
    /// Reads once. Each part (a pod of the exporter) has a key and is compared with its own last result.
    fn read(&mut self) -> impl Future<Output = Vec<(String, ReadingResult)>> + Send;
}

/// Polls one hop and records its readings.
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
        let mut recorded: BTreeMap<String, (ReadingResult, u64)> = BTreeMap::new();
        loop {
            ticks.tick().await;
            self.context.retry_after.wait(self.context.clock).await;
            let requested_ms = self.context.clock.now_ms();
            let results = self.reader.read().await;
            recorded.retain(|part, _| results.iter().any(|(other, _)| other == part));
            for (part, result) in results {
                let last = recorded.get(&part).filter(|(_, at_ms)| requested_ms < at_ms + REPEAT_MS);
                if self.policy == RecordPolicy::Each || last.is_none_or(|(last, _)| *last != result) {
                    let reading = MetricReading { hop: self.hop, requested_ms, result: result.clone() };
                    self.context.timeline.record(ObservationKind::Metric(reading), None);
                    recorded.insert(part, (result, requested_ms));
                }
            }
        }
    }
}
