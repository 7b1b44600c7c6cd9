//! Cleanup/Restored: every object that the journal lists as created is deleted, and adopted objects have their digest
//! from before the run. It does not affect the verdict on the platform: a PASS with leftovers says so and exits 5.

use std::collections::BTreeMap;

use crate::judge::check_result::CheckResult;
use crate::judge::interruption::cleanup_signal;
use crate::judge::run_view::RunView;
use crate::model::journal::{ChangeState, JournalEntry, NewRelease, RunChange};
use crate::model::observation::Phase;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let mut changes: BTreeMap<u32, (Option<&RunChange>, &JournalEntry)> = BTreeMap::new();
    for entry in view.records.journal {
        let slot = changes.entry(entry.change).or_insert((None, entry));
        if let ChangeState::Intended(change) = &entry.state {
            slot.0 = Some(change);
        }
        slot.1 = entry;
    }
    if view.phase_start(Phase::Cleanup).is_none() && !changes.is_empty() {
        return CheckResult::pending("the clean-up has not started");
    }
    let (mut total, mut left) = (0, Vec::new());
    for (change, last) in changes.values() {
        let Some(change) = change else { continue };
        total += 1;
        match &last.state {
            ChangeState::Undone => {}
            ChangeState::UndoFailed { error } => left.push(format!("{}: {error}", describe_change(change))),
            ChangeState::Intended(_) | ChangeState::Done { .. } | ChangeState::Failed { .. } => {
                left.push(format!("{}: was not removed", describe_change(change)));
            }
        }
    }
    if left.is_empty() {
        return CheckResult::pass(match total {
            0 => "nothing was changed".to_owned(),
            1 => "the one change of the journal is undone and verified".to_owned(),
            n => format!("all {n} changes of the journal are undone and verified"),
        });
    }
    let interrupted = cleanup_signal(&view.records)
        .map_or(String::new(), |signal| format!("; the clean-up was interrupted by {signal}"));
    CheckResult::fail(format!("{} of {total} changes are not undone: {}{interrupted}", left.len(), left.join("; ")))
}

fn describe_change(change: &RunChange) -> String {
    match change {
        RunChange::Create(object) => object.to_string(),
        RunChange::HelmInstall(NewRelease { release, .. }) | RunChange::HelmUpgrade { release, .. } => {
            release.to_string()
        }
        RunChange::VolumeClaims(claims) => claims.to_string(),
        RunChange::Scale { object, .. } => format!("spec.replicas of {object}"),
        RunChange::Adopt { object, .. } => format!("adopted {object}"),
    }
}
