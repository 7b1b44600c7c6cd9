//! Everything that a verdict rests on, borrowed from whoever keeps it: the running harness or a bundle on disk.

use super::inventory::Inventory;
use super::journal::JournalEntry;
use super::observation::{Observation, ObservationKind};
use super::scenario::Scenario;

/// The records of one run: the judge's whole input.
#[derive(Clone, Copy, Debug)]
pub struct RunRecords<'a> {
    /// The scenario with every default filled in.
    pub scenario: &'a Scenario,
    /// What was found before the first change.
    pub inventory: &'a Inventory,
    /// Every change.
    pub journal: &'a [JournalEntry],
    /// Every observation, in the order of receipt.
    pub timeline: &'a [Observation],
    /// Why the load is void, when the client was the bottleneck.
    pub client_bound: Option<&'a str>,
}

impl<'a> RunRecords<'a> {
    /// The records of a run that changed nothing and sent no load.
    #[must_use]
    pub fn without_changes(scenario: &'a Scenario, inventory: &'a Inventory, timeline: &'a [Observation]) -> Self {
        Self { scenario, inventory, journal: &[], timeline, client_bound: None }
    }

    /// Why the run did not begin, and what shows it.
    #[must_use]
    pub fn not_started(&self) -> Option<(&'a Observation, &'a str)> {
        self.timeline.iter().find_map(|observation| match &observation.kind {
            ObservationKind::NotStarted { reason: why } => Some((observation, why.as_str())),
            _ => None,
        })
    }

    /// The platform has no HPA API. Where the API server was never asked, nothing is known of it.
    #[must_use]
    pub fn is_not_applicable(&self) -> bool {
        !self.inventory.hpa_served && !self.inventory.kubernetes_version.is_empty()
    }
}
