//! The input of a verdict, borrowed from the running harness or from a bundle on disk.

use super::inventory::Inventory;
use super::journal::JournalEntry;
use super::observation::{Observation, ObservationKind};
use super::scenario::Scenario;

/// The records of one run: everything that the judge reads.
#[derive(Clone, Copy, Debug)]
pub struct RunRecords<'a> {
    /// The scenario with every default filled in.
    pub scenario: &'a Scenario,
    /// The state of the cluster before the first change.
    pub inventory: &'a Inventory,
    /// Every change of the run.
    pub journal: &'a [JournalEntry],
    /// Every observation, in the order of receipt.
    pub timeline: &'a [Observation],
    /// Reason why the client limited the load, if it did.
    pub client_bound: Option<&'a str>,
}

impl<'a> RunRecords<'a> {
    /// The records of a run that changed nothing and sent no load.
    #[must_use]
    pub fn without_changes(scenario: &'a Scenario, inventory: &'a Inventory, timeline: &'a [Observation]) -> Self {
        Self { scenario, inventory, journal: &[], timeline, client_bound: None }
    }

    /// The reason why the run did not start, and the observation that states it.
    #[must_use]
    pub(crate) fn not_started(&self) -> Option<(&'a Observation, &'a str)> {
        self.timeline.iter().find_map(|observation| match &observation.kind {
            ObservationKind::NotStarted { reason } => Some((observation, reason.as_str())),
            _ => None,
        })
    }

    /// The first signal that interrupted the run or its clean-up.
    #[must_use]
    pub(crate) fn interrupted_by(&self) -> Option<&'a str> {
        self.timeline.iter().find_map(|observation| match &observation.kind {
            ObservationKind::Interrupted { signal } => Some(signal.as_str()),
            _ => None,
        })
    }

    /// True when the platform has no HPA API; false if the inventory was not taken, since the API is unknown then.
    #[must_use]
    pub(crate) fn is_not_applicable(&self) -> bool {
        !self.inventory.hpa_served && !self.inventory.kubernetes_version.is_empty()
    }
}
