//! Writes the timeline of a run: numbers and timestamps every observation, appends it to timeline.jsonl at once, and
//! notifies subscribers.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::bundle::{Bundle, BundleError};
use crate::clock::RunClock;
use crate::model::observation::{Observation, ObservationKind};
use crate::model::reading::SharedLabels;

/// Name of the file in the bundle.
const FILE_NAME: &str = "timeline.jsonl";

/// The timeline of a run, in memory and in the bundle.
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
    labels: SharedLabels,
    first_failure: Option<BundleError>,
}

impl TimelineWriter {
    /// An empty timeline that is written to this bundle.
    #[must_use]
    pub fn new(clock: RunClock, bundle: Bundle) -> Self {
        Self { clock, bundle, state: Mutex::default(), count: watch::Sender::new(0) }
    }

    /// Records an observation, with the current time. [`TimelineWriter::take_failure`] returns a failed write; the
    /// observation stays in memory.
    pub fn record(&self, kind: ObservationKind, source: Option<Timestamp>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Reads the time under the lock, so that numbers and times have the same order.
        let seq = state.observations.len() as u64;
        // Nodes are added during a run: their names must be known to the redactor before their first record.
        match &kind {
            ObservationKind::Node(node) => self.bundle.redactor().add_host("NODE", &node.name),
            ObservationKind::Pod(pod) => {
                self.bundle.redactor().add_host("NODE", pod.node.as_deref().unwrap_or_default())
            }
            _ => {}
        }
        let mut observation = Observation { seq, at_ms: self.clock.now_ms(), source_time: source, kind };
        if let Err(error) = self.write_redacted(&mut observation) {
            state.first_failure.get_or_insert(error);
        }
        // After the redaction, which makes labels anew.
        if let ObservationKind::Metric(reading) = &mut observation.kind {
            state.labels.share(reading);
        }
        state.observations.push(observation);
        let count = state.observations.len() as u64;
        drop(state);
        self.count.send_replace(count);
    }

    /// Calls `read` with all observations so far.
    pub fn with_observations<T>(&self, read: impl FnOnce(&[Observation]) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner).observations)
    }

    /// A receiver of the number of observations, notified of every new one.
    #[must_use]
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    /// Takes the error of the first failed write: evidence that cannot be written ends the run.
    #[must_use]
    pub fn take_failure(&self) -> Option<BundleError> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).first_failure.take()
    }

    /// Redacts the observation and writes it: the checks read exactly what was written.
    fn write_redacted(&self, observation: &mut Observation) -> Result<(), BundleError> {
        let line = self.bundle.redactor().redact_value(observation);
        let mut line = line.map_err(|e| BundleError { path: FILE_NAME.to_owned(), why: e.to_string() })?;
        line.push('\n');
        self.bundle.append(FILE_NAME, line.as_bytes())
    }
}
