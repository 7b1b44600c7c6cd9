//! The book of a run: every observation gets its number and its time here, goes to timeline.jsonl at once, and wakes
//! whoever waits for something to be seen.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::bundle::{Bundle, BundleError};
use crate::clock::Clock;
use crate::record::observation::{Observation, Seen};

/// The file in the bundle.
const FILE: &str = "timeline.jsonl";

/// The timeline as it grows.
#[derive(Debug)]
pub struct Book {
    clock: Clock,
    bundle: Bundle,
    pages: Mutex<Pages>,
    told: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Pages {
    observations: Vec<Observation>,
    failed: Option<BundleError>,
}

impl Book {
    /// An empty book that writes to this bundle.
    #[must_use]
    pub fn new(clock: Clock, bundle: Bundle) -> Self {
        Self { clock, bundle, pages: Mutex::default(), told: watch::Sender::new(0) }
    }

    /// Notes what was seen, now. A write that fails is kept for [`Book::failure`]; the observation stays in memory.
    pub fn note(&self, seen: Seen, source: Option<Timestamp>) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is read under the lock, so that the order of numbers is the order of time.
        let seq = pages.observations.len() as u64;
        // Nodes come as a run goes on; what was noted of them before would show their names.
        match &seen {
            Seen::Node(node) => self.bundle.cover().host("NODE", &node.name),
            Seen::Pod(pod) => self.bundle.cover().host("NODE", pod.node.as_deref().unwrap_or_default()),
            _ => {}
        }
        let mut observation = Observation { seq, at_ms: self.clock.now_ms(), source, seen };
        if let Err(error) = self.write(&mut observation) {
            pages.failed.get_or_insert(error);
        }
        pages.observations.push(observation);
        let count = pages.observations.len() as u64;
        drop(pages);
        self.told.send_replace(count);
    }

    /// Looks at all that was noted so far.
    pub fn read<T>(&self, look: impl FnOnce(&[Observation]) -> T) -> T {
        look(&self.pages.lock().unwrap_or_else(PoisonError::into_inner).observations)
    }

    /// Tells of every new observation.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// The first write that failed, once: evidence that cannot be kept ends the run.
    #[must_use]
    pub fn failure(&self) -> Option<BundleError> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).failed.take()
    }

    /// Writes the observation as it may be kept; what is judged is what was written.
    fn write(&self, observation: &mut Observation) -> Result<(), BundleError> {
        let line = self.bundle.cover().value(observation);
        let mut line = line.map_err(|e| BundleError { path: FILE.to_owned(), why: e.to_string() })?;
        line.push('\n');
        self.bundle.append(FILE, line.as_bytes())
    }
}
