//! The one place where time is read. A run has one monotonic clock; wall time is that clock laid over the moment at
//! which the run began, so that a step of the machine's wall clock cannot reorder observations. On a paused tokio
//! runtime the same clock is virtual.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A run's clock. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    origin: Instant,
    wall_start: Timestamp,
}

impl RunClock {
    /// A clock that starts now, at the machine's wall time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place where time is read")]
    pub fn start() -> Self {
        Self { origin: Instant::now(), wall_start: Timestamp::now() }
    }

    /// A clock that starts now and calls this moment `wall`: for simulated runs with a fixed epoch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place where time is read")]
    pub fn start_at(wall: Timestamp) -> Self {
        Self { origin: Instant::now(), wall_start: wall }
    }

    /// Milliseconds since the clock was started.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_us() / 1000
    }

    /// Microseconds since the clock was started: the resolution of the load's stamps.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place where time is read")]
    pub fn now_us(&self) -> u64 {
        u64::try_from(Instant::now().saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }

    /// Wall time of the moment at which the clock was started.
    #[must_use]
    pub fn wall_start(&self) -> Timestamp {
        self.wall_start
    }

    /// Wall time now, by this clock.
    #[must_use]
    pub fn wall_time(&self) -> Timestamp {
        self.wall_start
            .saturating_add(SignedDuration::from_micros(i64::try_from(self.now_us()).unwrap_or(i64::MAX)))
            .unwrap_or(self.wall_start)
    }
}

/// Real time, also where a run's own is virtual: for saying how long it took.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place where time is read")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Milliseconds since the start.
    #[must_use]
    pub fn elapsed_ms(self) -> u128 {
        self.0.elapsed().as_millis()
    }
}
