//! What stands in the way of handing a bundle in.

use super::{Edition, Held};
use crate::record::stamp::Stamp;
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
    let due = Stamp::of(&held.scenario, &held.inventory);
    let stamped = |stamp: Stamp| due.contains(&stamp) || manifest.stamps.iter().any(|one| one == stamp.word());
    let mut all = Vec::new();
    for stamp in Stamp::ALL.into_iter().filter(|stamp| stamped(*stamp)) {
        all.push(Obstacle { what: stamp.line(), forcible: stamp != Stamp::Rehearsal });
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
