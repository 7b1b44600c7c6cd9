//! The target's pods over time.

use std::collections::BTreeMap;

use super::{ObservedItem, RunView};
use crate::model::observation::{ObservationKind, Phase, PodSnapshot};

/// One pod of the target, from its first observation to its last.
#[derive(Clone, Debug)]
pub(crate) struct TargetPod<'a> {
    /// Every observation of it.
    pub(crate) observations: Vec<ObservedItem<'a, PodSnapshot>>,
    /// When it was gone.
    pub(crate) gone_ms: Option<u64>,
}

impl<'a> TargetPod<'a> {
    /// When it was first seen.
    pub(crate) fn first_seen_ms(&self) -> u64 {
        self.observations.first().map_or(0, |(o, _)| o.at_ms)
    }

    /// The last that was seen of it.
    pub(crate) fn last_observation(&self) -> Option<&ObservedItem<'a, PodSnapshot>> {
        self.observations.last()
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'a str {
        self.observations.first().map_or("", |(_, pod)| &pod.name)
    }

    /// The first observation that shows it Ready.
    pub(crate) fn first_ready(&self) -> Option<&ObservedItem<'a, PodSnapshot>> {
        self.observations.iter().find(|(_, pod)| pod.ready && !pod.deleting)
    }

    /// The observation that shows it Ready, if one does by then.
    pub(crate) fn ready_by(&self, at_ms: u64) -> Option<&ObservedItem<'a, PodSnapshot>> {
        self.first_ready().filter(|(o, _)| o.at_ms <= at_ms)
    }

    /// Ids of its devices: they may be written after it is Ready, and go with its containers.
    pub(crate) fn devices(&self) -> &'a [String] {
        let named = self.observations.iter().rev().find(|(_, pod)| !pod.allocated_devices.is_empty());
        named.map_or(&[], |(_, pod)| &pod.allocated_devices)
    }

    /// When it began to go away.
    pub(crate) fn terminating_ms(&self) -> Option<u64> {
        self.observations.iter().find(|(_, pod)| pod.deleting).map(|(o, _)| o.at_ms).or(self.gone_ms)
    }

    /// Alive, going away or not, at a moment.
    pub(crate) fn exists_at(&self, at_ms: u64) -> bool {
        self.first_seen_ms() <= at_ms && self.gone_ms.is_none_or(|gone| gone > at_ms)
    }
}

/// True when the pod carries every label of the selector. An empty selector selects nothing here.
pub(super) fn matches_selector(selector: &BTreeMap<String, String>, pod: &PodSnapshot) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
}

/// The pods that the target's selector matches, in the order in which they were first seen.
pub(super) fn collect_target_pods<'a>(view: &RunView<'a>) -> Vec<TargetPod<'a>> {
    let Some((_, workload)) = view.workloads.last() else { return Vec::new() };
    let mut lives: Vec<(&str, TargetPod<'a>)> = Vec::new();
    for (observation, pod) in view.pods.iter().filter(|(_, pod)| matches_selector(&workload.selector, pod)) {
        match lives.iter_mut().find(|(uid, _)| *uid == pod.uid) {
            Some((_, life)) => life.observations.push((observation, pod)),
            None => lives.push((&pod.uid, TargetPod { observations: vec![(observation, pod)], gone_ms: None })),
        }
    }
    for (observation, gone) in &view.deletions {
        if matches!(observation.kind, ObservationKind::PodDeleted(_))
            && let Some((_, life)) = lives.iter_mut().find(|(uid, _)| *uid == gone.uid)
        {
            life.gone_ms.get_or_insert(observation.at_ms);
        }
    }
    lives.into_iter().map(|(_, life)| life).collect()
}

impl<'a> RunView<'a> {
    /// The pods that the target's selector matches, in the order in which they were first seen.
    pub(crate) fn target_pods(&self) -> &[TargetPod<'a>] {
        &self.target_pods
    }

    /// The pods that came with the load.
    pub(crate) fn new_pods(&self) -> Vec<&TargetPod<'a>> {
        let Some((from, to)) = self.load_span() else { return Vec::new() };
        // A pod that replaced another one during the clean-up or the fall is none of the rise.
        let end = self.phase_start(Phase::ScaleDown).unwrap_or(to);
        self.target_pods().iter().filter(|life| (from..=end).contains(&life.first_seen_ms())).collect()
    }

    /// True when a container resource counts as an accelerator of this run.
    pub(crate) fn is_accelerator(&self, resource: &str) -> bool {
        self.records.scenario.accelerator.matches(resource)
    }

    /// Accelerators that a pod requests, as text; empty when there are none.
    pub(crate) fn requested_accelerators(&self, pod: &PodSnapshot) -> Vec<String> {
        let resources = pod.extended_resources.iter().filter(|(name, count)| self.is_accelerator(name) && **count > 0);
        let mut all: Vec<String> = resources.map(|(name, count)| format!("{name}={count}")).collect();
        all.extend(pod.resource_claims.iter().map(|claim| format!("claim {claim}")));
        all
    }
}
