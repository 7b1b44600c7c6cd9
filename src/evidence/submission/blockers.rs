//! Reasons not to export a bundle.

use super::{LoadedBundle, ProgramVersion};
use crate::model::stamp::RunStamp;
use crate::model::verdict::{CaseResult, NOT_RESTORED, Verdict};

/// A reason not to export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExportBlocker {
    /// Message of the error.
    pub(crate) message: String,
    /// `--force` overrides it, and every file then says so.
    pub(crate) can_force: bool,
}

impl ExportBlocker {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), can_force: true }
    }
}

/// Finds every blocker of a sound bundle.
#[must_use]
pub(crate) fn find_blockers(bundle: &LoadedBundle, verdict: &Verdict, version: &ProgramVersion) -> Vec<ExportBlocker> {
    let manifest = &bundle.manifest;
    let required = RunStamp::from_run(&bundle.scenario, &bundle.inventory);
    let stamped =
        |stamp: RunStamp| required.contains(&stamp) || manifest.stamps.iter().any(|name| name == stamp.as_str());
    let mut all = Vec::new();
    for stamp in RunStamp::ALL.into_iter().filter(|stamp| stamped(*stamp)) {
        all.push(ExportBlocker { message: stamp.full_text(), can_force: stamp != RunStamp::Rehearsal });
    }
    if !manifest.complete {
        all.push(ExportBlocker::new("INCOMPLETE: the run did not finish, and its files have no digests"));
    }
    if verdict.result != CaseResult::Pass {
        all.push(ExportBlocker::new(format!("the verdict is {}: {}", verdict.result.as_str(), verdict.reason)));
    }
    if !verdict.restored {
        all.push(ExportBlocker::new(format!("{NOT_RESTORED}: the run could not remove everything that it created")));
    }
    let kubernetes = &bundle.inventory.kubernetes_version;
    if !version.is_for_kubernetes(kubernetes) {
        let cluster = if kubernetes.is_empty() { "an unknown Kubernetes version" } else { kubernetes };
        all.push(ExportBlocker::new(format!(
            "VERSION MISMATCH: the run was on {cluster}, the product's directory is for {}",
            version.label()
        )));
    }
    all
}
