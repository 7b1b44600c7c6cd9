//! The load's own pulse: ten times a second it measures how late its timer ran, and once a second it notes the counters
//! in the timeline. Ten a second, because a 99th percentile needs some hundred values before a short load has ended.

use std::sync::Arc;
use std::time::Duration;

use super::LoadError;
use super::quantiles::{HistogramPrecision, MicrosHistogram, new_histogram};
use super::stats::LoadStats;
use crate::cancel::CancelToken;
use crate::clock::RunClock;
use crate::env::TimelineWriter;
use crate::model::observation::ObservationKind;

const TICK_US: u64 = 100_000;
const SAMPLE_US: u64 = 1_000_000;

/// The pulse of a load.
pub(super) struct LoadSampler {
    clock: RunClock,
    timeline: Arc<TimelineWriter>,
    stats: Arc<LoadStats>,
    timer_late: MicrosHistogram,
}

impl LoadSampler {
    pub(super) fn new(clock: RunClock, book: Arc<TimelineWriter>, tally: Arc<LoadStats>) -> Result<Self, LoadError> {
        Ok(Self { clock, timeline: book, stats: tally, timer_late: new_histogram(HistogramPrecision::Fine)? })
    }

    /// Beats until the load is stopped; how late each beat was, in microseconds.
    pub(super) async fn run(mut self, stop: CancelToken) -> MicrosHistogram {
        let mut due_us = self.clock.now_us();
        let mut note_us = due_us.saturating_add(SAMPLE_US);
        loop {
            // A beat that was missed is not skipped but late: a stall of five seconds is fifty late beats, not one.
            due_us = due_us.saturating_add(TICK_US);
            let left = Duration::from_micros(due_us.saturating_sub(self.clock.now_us()));
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.timer_late,
                () = tokio::time::sleep(left) => {}
            }
            let now_us = self.clock.now_us();
            self.timer_late.saturating_record(now_us.saturating_sub(due_us));
            if now_us >= note_us {
                self.timeline.record(ObservationKind::Load(self.stats.snapshot()), None);
                // Whole seconds from the start, as many of them as have passed unnoted.
                note_us += SAMPLE_US * (1 + (now_us - note_us) / SAMPLE_US);
            }
        }
    }
}
