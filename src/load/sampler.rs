//! Samples the load: measures the lateness of its own timer ten times per second, and records the counters in the
//! timeline once per second. Ten times, because a 99th percentile needs about 100 values before a short load has ended.

use std::sync::Arc;
use std::time::Duration;

use super::LoadError;
use super::quantiles::{HistogramPrecision, MicrosHistogram, new_histogram};
use super::stats::LoadStats;
use crate::cancel::CancelToken;
use crate::clock::RunClock;
use crate::env::TimelineWriter;
use crate::model::observation::ObservationKind;

/// Interval of the timer whose lateness is measured.
const TICK_US: u64 = 100_000;
/// Interval of the samples in the timeline.
const SAMPLE_US: u64 = 1_000_000;

/// The sampler of one load.
pub(super) struct LoadSampler {
    clock: RunClock,
    timeline: Arc<TimelineWriter>,
    stats: Arc<LoadStats>,
    timer_lateness: MicrosHistogram,
}

impl LoadSampler {
    pub(super) fn new(
        clock: RunClock,
        timeline: Arc<TimelineWriter>,
        stats: Arc<LoadStats>,
    ) -> Result<Self, LoadError> {
        Ok(Self { clock, timeline, stats, timer_lateness: new_histogram(HistogramPrecision::Fine)? })
    }

    /// Samples until the load is stopped; returns the lateness of the timer's ticks, in microseconds.
    pub(super) async fn run(mut self, token: CancelToken) -> MicrosHistogram {
        let mut due_us = self.clock.now_us();
        let mut sample_us = due_us.saturating_add(SAMPLE_US);
        loop {
            // Missed ticks are not skipped but late: a stall of 5 s is 50 late ticks, not one.
            due_us = due_us.saturating_add(TICK_US);
            let left = Duration::from_micros(due_us.saturating_sub(self.clock.now_us()));
            tokio::select! {
                biased;
                () = token.cancelled() => return self.timer_lateness,
                () = tokio::time::sleep(left) => {}
            }
            let now_us = self.clock.now_us();
            self.timer_lateness.saturating_record(now_us.saturating_sub(due_us));
            if now_us >= sample_us {
                self.timeline.record(ObservationKind::Load(self.stats.snapshot()), None);
                // Stays on whole seconds from the start; skips those that passed without a sample.
                sample_us += SAMPLE_US * (1 + (now_us - sample_us) / SAMPLE_US);
            }
        }
    }
}
