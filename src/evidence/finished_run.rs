//! The records of a finished run, from which the files are derived.

use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::load::LoadReport;
use crate::model::observation::Observation;
use crate::model::plan::Plan;
use crate::model::prediction::RunPrediction;
use crate::model::run_records::RunRecords;
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

impl FinishedRun<'_> {
    /// True where the run ended before its first phase, and the cluster was not found to lack the HPA API.
    pub(super) fn did_not_start(&self) -> bool {
        let records = RunRecords::without_changes(self.scenario, self.inventory, self.timeline);
        records.not_started().is_some() && !records.is_not_applicable()
    }

    /// States, in a sentence, whether the run is evidence for a platform.
    pub(super) fn evidence_statement(&self) -> &'static str {
        if self.inventory.simulated.is_some() {
            "Simulated cluster: no evidence about any platform."
        } else if self.did_not_start() {
            "The run did not start: no evidence about any platform."
        } else {
            "Evidence for this platform."
        }
    }
}
