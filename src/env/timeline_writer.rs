//! The book of a run: every observation gets its number and its time here, goes to timeline.jsonl at once, and wakes
//! whoever waits for something to be seen.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::bundle::{Bundle, BundleError};
use crate::clock::RunClock;
use crate::model::observation::{Observation, ObservationKind};

/// The file in the bundle.
const FILE_NAME: &str = "timeline.jsonl";

/// The timeline as it grows.
#[derive(Debug)]
pub struct TimelineWriter {
    clock: RunClock,
    bundle: Bundle,
    state: Mutex<TimelineState>,
    count: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct TimelineState {
    observations: Vec<Observation>,
    first_failure: Option<BundleError>,
}

impl TimelineWriter {
    /// An empty book that writes to this bundle.
    #[must_use]
    pub fn new(clock: RunClock, bundle: Bundle) -> Self {
        Self { clock, bundle, state: Mutex::default(), count: watch::Sender::new(0) }
    }

    /// Notes what was seen, now. A write that fails is kept for [`Book::failure`]; the observation stays in memory.
    pub fn record(&self, seen: ObservationKind, source: Option<Timestamp>) {
        let mut pages = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is read under the lock, so that the order of numbers is the order of time.
        let seq = pages.observations.len() as u64;
        // Nodes come as a run goes on; what was noted of them before would show their names.
        match &seen {
            ObservationKind::Node(node) => self.bundle.redactor().add_host("NODE", &node.name),
            ObservationKind::Pod(pod) => {
                self.bundle.redactor().add_host("NODE", pod.node.as_deref().unwrap_or_default())
            }
            _ => {}
        }
        let mut observation = Observation { seq, at_ms: self.clock.now_ms(), source_time: source, kind: seen };
        if let Err(error) = self.write_redacted(&mut observation) {
            pages.first_failure.get_or_insert(error);
        }
        pages.observations.push(observation);
        let count = pages.observations.len() as u64;
        drop(pages);
        self.count.send_replace(count);
    }

    /// Looks at all that was noted so far.
    pub fn with_observations<T>(&self, look: impl FnOnce(&[Observation]) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner).observations)
    }

    /// Tells of every new observation.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    /// The first write that failed, once: evidence that cannot be kept ends the run.
    #[must_use]
    pub fn take_failure(&self) -> Option<BundleError> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).first_failure.take()
    }

    /// Writes the observation as it may be kept; what is judged is what was written.
    fn write_redacted(&self, observation: &mut Observation) -> Result<(), BundleError> {
        let line = self.bundle.redactor().redact_value(observation);
        let mut line = line.map_err(|e| BundleError { path: FILE_NAME.to_owned(), why: e.to_string() })?;
        line.push('\n');
        self.bundle.append(FILE_NAME, line.as_bytes())
    }
}
