//! The HPA under test: its creation or adoption by the journal, and its snapshots.

use std::collections::BTreeMap;

use super::received::received_before;
use super::{ByTime, ObservedItem, RunView};
use crate::model::journal::{ChangeState, JournalEntry, RunChange};
use crate::model::observation::{HpaSnapshot, Observation};

impl<'a> RunView<'a> {
    pub(super) fn add_hpa(&mut self, observation: &'a Observation, hpa: &'a HpaSnapshot) {
        if self.hpa_creation.is_none_or(|(name, _)| name != hpa.name) {
            return;
        }
        self.hpas.push((observation, hpa));
    }

    /// The name of the run's HPA, and the time just before its creation, or of its adoption, by the journal.
    pub(crate) fn hpa_creation(&self) -> Option<(&'a str, u64)> {
        self.hpa_creation
    }

    /// The uid of the run's HPA, by the journal; of an adopted one, by the inventory.
    pub(crate) fn hpa_uid(&self) -> Option<&'a str> {
        if let Some(adopted) = &self.records.inventory.adopted_hpa {
            return Some(&adopted.uid);
        }
        let is_hpa = |state: &ChangeState| matches!(state, ChangeState::Intended(RunChange::Create(object)) if object.kind == "HorizontalPodAutoscaler");
        let change = self.records.journal.iter().find(|entry| is_hpa(&entry.state))?.change;
        self.records.journal.iter().filter(|entry| entry.change == change).find_map(|entry| match &entry.state {
            ChangeState::Done { uid } => uid.as_deref(),
            _ => None,
        })
    }

    /// Snapshots of the run's HPA.
    pub(crate) fn our_hpa_snapshots(&self) -> std::slice::Iter<'_, ObservedItem<'a, HpaSnapshot>> {
        self.hpas.iter()
    }

    /// The last snapshot of the run's HPA that was received before this time.
    pub(crate) fn our_hpa_before(&self, at_ms: u64) -> Option<&ObservedItem<'a, HpaSnapshot>> {
        received_before(&self.hpas, at_ms).last()
    }
}

pub(super) fn find_hpa_creation(journal: &[JournalEntry]) -> Option<(&str, u64)> {
    journal.iter().find_map(|entry| match &entry.state {
        ChangeState::Intended(RunChange::Create(object) | RunChange::Adopt { object, .. })
            if object.kind == "HorizontalPodAutoscaler" =>
        {
            Some((object.name.as_str(), entry.at_ms))
        }
        _ => None,
    })
}

/// Indices of the snapshots with a scale time, by desired size.
pub(super) fn collect_scale_statuses(hpas: &[ObservedItem<'_, HpaSnapshot>]) -> BTreeMap<i32, ByTime> {
    let mut by_size = BTreeMap::<i32, Vec<_>>::new();
    for (index, (_, hpa)) in hpas.iter().enumerate() {
        if let Some(at) = hpa.last_scale_time {
            by_size.entry(hpa.desired_replicas).or_default().push((at, index));
        }
    }
    by_size.into_iter().map(|(size, statuses)| (size, ByTime::new(statuses))).collect()
}
