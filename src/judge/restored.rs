//! Cleanup/Restored: all that the journal made is gone, and what was adopted has its digest as before. It does not
//! touch the verdict on the platform: a PASS that left something behind says so and exits 5.

use std::collections::BTreeMap;

use super::ruling::Ruling;
use super::view::View;
use crate::record::journal::{Change, Entry, NewRelease, Step};
use crate::record::observation::Phase;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let mut changes: BTreeMap<u32, (Option<&Change>, &Entry)> = BTreeMap::new();
    for entry in view.records.journal {
        let slot = changes.entry(entry.change).or_insert((None, entry));
        if let Step::Intended(change) = &entry.step {
            slot.0 = Some(change);
        }
        slot.1 = entry;
    }
    if view.began(Phase::Cleanup).is_none() && !changes.is_empty() {
        return Ruling::open("the clean-up has not begun");
    }
    let (mut made, mut left) = (0, Vec::new());
    for (change, last) in changes.values() {
        let Some(change) = change else { continue };
        made += 1;
        match &last.step {
            Step::Undone => {}
            Step::NotUndone { error } => left.push(format!("{}: {error}", name(change))),
            Step::Intended(_) | Step::Done { .. } | Step::Failed { .. } => {
                left.push(format!("{}: was not removed", name(change)));
            }
        }
    }
    if left.is_empty() {
        return Ruling::holds(match made {
            0 => "nothing was changed".to_owned(),
            n => format!("all {n} changes of the journal are undone, and seen to be"),
        });
    }
    Ruling::broken(format!("{} of {made} changes are not undone: {}", left.len(), left.join("; ")))
}

fn name(change: &Change) -> String {
    match change {
        Change::Create(object) => object.to_string(),
        Change::HelmInstall(NewRelease { release, .. }) | Change::HelmUpgrade { release, .. } => release.to_string(),
        Change::Volumes(claims) => claims.to_string(),
        Change::Scale { object, .. } => format!("the size of {object}"),
        Change::Adopt { object, .. } => format!("adopted {object}"),
    }
}
