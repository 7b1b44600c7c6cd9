//! What stands in the way of handing a bundle in.

use super::{Edition, Held};
use crate::record::verdict::{CaseResult, Verdict};

/// A reason not to export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What is wrong.
    pub what: String,
    /// `--force` overrides it, and is then visible in every file.
    pub forcible: bool,
}

impl Obstacle {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), forcible: true }
    }
}

/// Everything that stands in the way of a bundle that is sound.
#[must_use]
pub fn obstacles(held: &Held, verdict: &Verdict, edition: &Edition) -> Vec<Obstacle> {
    let manifest = &held.manifest;
    let stamped = |stamp: &str| manifest.stamps.iter().any(|one| one == stamp);
    let mut all = Vec::new();
    if stamped("REHEARSAL") {
        let what = "REHEARSAL: the cluster was simulated; this shows nothing about any platform";
        all.push(Obstacle { what: what.to_owned(), forcible: false });
    }
    if stamped("STAND-IN") || verdict.stand_in || held.scenario.accelerator.is_stand_in() {
        all.push(Obstacle::new("STAND-IN: the accelerators are stand-ins; this shows nothing about accelerators"));
    }
    if !manifest.complete {
        all.push(Obstacle::new("INCOMPLETE: the run did not come to its end, and its files have no digests"));
    }
    if verdict.result != CaseResult::Pass {
        all.push(Obstacle::new(format!("the verdict is {}: {}", verdict.result.word(), verdict.reason)));
    }
    if !verdict.restored {
        all.push(Obstacle::new("NOT RESTORED: something that the run created could not be removed"));
    }
    let kubernetes = &held.inventory.kubernetes;
    if !edition.is_of(kubernetes) {
        let ran = if kubernetes.is_empty() { "an unknown version of Kubernetes" } else { kubernetes };
        all.push(Obstacle::new(format!(
            "ANOTHER VERSION: the run was on {ran}, the folder is of {}",
            edition.version()
        )));
    }
    all
}
