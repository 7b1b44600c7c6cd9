//! Everything that a verdict rests on, borrowed from whoever keeps it: the running harness or a bundle on disk.

use super::inventory::Inventory;
use super::journal::Entry;
use super::observation::Observation;
use super::scenario::Scenario;

/// The records of one run: the judge's whole input.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    /// The scenario with every default filled in.
    pub scenario: &'a Scenario,
    /// What was found before the first change.
    pub inventory: &'a Inventory,
    /// Every change.
    pub journal: &'a [Entry],
    /// Every observation, in the order of receipt.
    pub timeline: &'a [Observation],
    /// Why the load is void, when the client was the bottleneck.
    pub load_void: Option<&'a str>,
}
