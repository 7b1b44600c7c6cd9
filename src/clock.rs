//! The only module that reads the time. A run has one monotonic clock. Its wall time is the wall time at the start plus
//! the monotonic time since then, so a step of the system clock cannot reorder observations. On a paused tokio runtime
//! the clock is virtual.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The clock of a run. All copies show the same time.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    origin: Instant,
    wall_start: Timestamp,
}

impl RunClock {
    /// A clock that starts now, at the system's wall time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "only this module reads the time")]
    pub fn start() -> Self {
        Self { origin: Instant::now(), wall_start: Timestamp::now() }
    }

    /// A clock that starts now, at wall time `wall`: for simulated runs with a fixed epoch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "only this module reads the time")]
    pub fn start_at(wall: Timestamp) -> Self {
        Self { origin: Instant::now(), wall_start: wall }
    }

    /// Milliseconds since the clock started.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_us() / 1000
    }

    /// Microseconds since the clock started: the resolution of request records.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "only this module reads the time")]
    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(Instant::now().saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }

    /// Wall time at which the clock started.
    #[must_use]
    pub(crate) fn wall_start(&self) -> Timestamp {
        self.wall_start
    }

    /// Current wall time of this clock.
    #[must_use]
    pub(crate) fn wall_time(&self) -> Timestamp {
        self.wall_start
            .saturating_add(SignedDuration::from_micros(i64::try_from(self.now_us()).unwrap_or(i64::MAX)))
            .unwrap_or(self.wall_start)
    }
}

/// A stopwatch in real time, also where the run's clock is virtual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// A stopwatch that starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "only this module reads the time")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Milliseconds since the start.
    #[must_use]
    pub(crate) fn elapsed_ms(self) -> u128 {
        self.0.elapsed().as_millis()
    }
}
