//! What stands in the way of handing a bundle in.

use super::{LoadedBundle, ProgramVersion};
use crate::model::stamp::RunStamp;
use crate::model::verdict::{CaseResult, Verdict};

/// A reason not to export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportBlocker {
    /// What is wrong.
    pub what: String,
    /// `--force` overrides it, and is then visible in every file.
    pub can_force: bool,
}

impl ExportBlocker {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), can_force: true }
    }
}

/// Everything that stands in the way of a bundle that is sound.
#[must_use]
pub fn find_blockers(held: &LoadedBundle, verdict: &Verdict, edition: &ProgramVersion) -> Vec<ExportBlocker> {
    let manifest = &held.manifest;
    let due = RunStamp::from_run(&held.scenario, &held.inventory);
    let stamped = |stamp: RunStamp| due.contains(&stamp) || manifest.stamps.iter().any(|one| one == stamp.as_str());
    let mut all = Vec::new();
    for stamp in RunStamp::ALL.into_iter().filter(|stamp| stamped(*stamp)) {
        all.push(ExportBlocker { what: stamp.full_text(), can_force: stamp != RunStamp::Rehearsal });
    }
    if !manifest.complete {
        all.push(ExportBlocker::new("INCOMPLETE: the run did not come to its end, and its files have no digests"));
    }
    if verdict.result != CaseResult::Pass {
        all.push(ExportBlocker::new(format!("the verdict is {}: {}", verdict.result.as_str(), verdict.reason)));
    }
    if !verdict.restored {
        all.push(ExportBlocker::new("NOT RESTORED: something that the run created could not be removed"));
    }
    let kubernetes = &held.inventory.kubernetes_version;
    if !edition.is_for_kubernetes(kubernetes) {
        let ran = if kubernetes.is_empty() { "an unknown version of Kubernetes" } else { kubernetes };
        all.push(ExportBlocker::new(format!(
            "ANOTHER VERSION: the run was on {ran}, the folder is of {}",
            edition.label()
        )));
    }
    all
}
