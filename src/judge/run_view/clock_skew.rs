//! Times of the cluster on the run's clock.

use jiff::Timestamp;

use super::RunView;
use crate::model::observation::CLOCK_STEP;

impl RunView<'_> {
    /// The interval of the run's clock, in milliseconds, in which a time of the cluster lies, given in whole seconds;
    /// `None` until the API server's clock is measured.
    pub(crate) fn to_run_clock(&self, source: Timestamp) -> Option<(i64, i64)> {
        let since = source.as_millisecond() - self.records.inventory.started.as_millisecond();
        self.skew.map(|skew| (since - skew.high_ms, since + 999 - skew.low_ms))
    }

    /// What the observer says of a step of the API server's clock: times before it and after it lie on two scales.
    pub(crate) fn clock_step(&self) -> Option<&str> {
        self.gaps.iter().map(|(_, gap)| gap.reason.as_str()).find(|reason| *reason == CLOCK_STEP)
    }

    /// True once the API server's clock is measured.
    pub(crate) fn has_skew(&self) -> bool {
        self.skew.is_some()
    }
}
