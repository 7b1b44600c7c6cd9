//! The records of a finished run, from which the files are derived.

use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::load::LoadReport;
use crate::model::observation::Observation;
use crate::model::plan::Plan;
use crate::model::prediction::RunPrediction;
use crate::model::scenario::Scenario;
use crate::model::verdict::Verdict;

/// A finished run: the input of the derived files.
#[derive(Clone, Copy, Debug)]
pub struct FinishedRun<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// The plan.
    pub plan: &'a Plan,
    /// Every change.
    pub journal: &'a [JournalEntry],
    /// Every observation.
    pub timeline: &'a [Observation],
    /// The load, if it ran.
    pub load: Option<&'a LoadReport>,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The sizes that the HPA algorithm gives, for the report.
    pub prediction: &'a RunPrediction,
}
