//! The changes of a journal that are not undone.

use kube::core::DynamicObject;

use crate::model::journal::{ChangeState, JournalEntry, RUN_LABEL, RunChange};

/// A change to undo.
pub(super) struct PendingUndo {
    pub(super) run: String,
    pub(super) number: u32,
    pub(super) change: RunChange,
    pub(super) uid: Option<String>,
    /// The journal has no result of the change: the run crashed before it, and a helm process may still be active.
    pub(super) is_outcome_unknown: bool,
}

impl PendingUndo {
    /// Whether this run created the object: it has the run's label, and the journal's uid unless a crash hid the API server's
    /// response. The label of another run is not ours: that run may be active.
    pub(super) fn is_ours(&self, found: &DynamicObject) -> bool {
        self.has_label(found) && self.uid.as_ref().is_none_or(|uid| found.metadata.uid.as_ref() == Some(uid))
    }

    /// Whether this is the object of the journal, without the run's label: a user took it over, or the journal is not of a
    /// run in this cluster.
    pub(super) fn is_unlabelled(&self, found: &DynamicObject) -> bool {
        self.uid.is_some() && found.metadata.uid == self.uid && !self.has_label(found)
    }

    fn has_label(&self, found: &DynamicObject) -> bool {
        found.metadata.labels.as_ref().and_then(|labels| labels.get(RUN_LABEL)) == Some(&self.run)
    }
}

/// Changes that are not undone, newest first.
pub(super) fn pending_undos(entries: &[JournalEntry]) -> Vec<PendingUndo> {
    let mut open: Vec<PendingUndo> = Vec::new();
    for entry in entries {
        match &entry.state {
            ChangeState::Intended(change) => {
                let (run, change) = (entry.run.clone(), change.clone());
                open.push(PendingUndo { run, number: entry.change, change, uid: None, is_outcome_unknown: true });
            }
            ChangeState::Undone => open.retain(|pending| pending.number != entry.change),
            ChangeState::Done { uid } => {
                for pending in open.iter_mut().filter(|pending| pending.number == entry.change) {
                    pending.uid.clone_from(uid);
                    pending.is_outcome_unknown = false;
                }
            }
            ChangeState::Failed { .. } => {
                open.iter_mut()
                    .filter(|pending| pending.number == entry.change)
                    .for_each(|pending| pending.is_outcome_unknown = false);
            }
            ChangeState::UndoFailed { .. } => {}
        }
    }
    open.reverse();
    open
}
