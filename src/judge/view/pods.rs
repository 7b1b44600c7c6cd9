//! The target's pods over time.

use std::collections::BTreeMap;

use super::{Noted, View};
use crate::record::observation::{Phase, PodSeen, Seen};

/// One pod of the target, from its first observation to its last.
#[derive(Clone, Debug)]
pub(crate) struct Life<'a> {
    /// Every observation of it.
    pub(crate) seen: Vec<Noted<'a, PodSeen>>,
    /// When it was gone.
    pub(crate) gone_ms: Option<u64>,
}

impl<'a> Life<'a> {
    /// When it was first seen.
    pub(crate) fn first_ms(&self) -> u64 {
        self.seen.first().map_or(0, |(o, _)| o.at_ms)
    }

    /// The last that was seen of it.
    pub(crate) fn last(&self) -> Option<&Noted<'a, PodSeen>> {
        self.seen.last()
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'a str {
        self.seen.first().map_or("", |(_, pod)| &pod.name)
    }

    /// The first observation that shows it Ready.
    pub(crate) fn ready(&self) -> Option<&Noted<'a, PodSeen>> {
        self.seen.iter().find(|(_, pod)| pod.ready && !pod.deleting)
    }

    /// The observation that shows it Ready, if one does by then.
    pub(crate) fn ready_by(&self, at_ms: u64) -> Option<&Noted<'a, PodSeen>> {
        self.ready().filter(|(o, _)| o.at_ms <= at_ms)
    }

    /// Ids of its devices: they may be written after it is Ready, and go with its containers.
    pub(crate) fn devices(&self) -> &'a [String] {
        let named = self.seen.iter().rev().find(|(_, pod)| !pod.devices.is_empty());
        named.map_or(&[], |(_, pod)| &pod.devices)
    }

    /// When it began to go away.
    pub(crate) fn leaving_ms(&self) -> Option<u64> {
        self.seen.iter().find(|(_, pod)| pod.deleting).map(|(o, _)| o.at_ms).or(self.gone_ms)
    }

    /// Alive, going away or not, at a moment.
    pub(crate) fn is_there(&self, at_ms: u64) -> bool {
        self.first_ms() <= at_ms && self.gone_ms.is_none_or(|gone| gone > at_ms)
    }
}

/// True when the pod carries every label of the selector. An empty selector selects nothing here.
pub(super) fn selected(selector: &BTreeMap<String, String>, pod: &PodSeen) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
}

/// The pods that the target's selector matches, in the order in which they were first seen.
pub(super) fn lives<'a>(view: &View<'a>) -> Vec<Life<'a>> {
    let Some((_, workload)) = view.workloads.last() else { return Vec::new() };
    let mut lives: Vec<(&str, Life<'a>)> = Vec::new();
    for (observation, pod) in view.pods.iter().filter(|(_, pod)| selected(&workload.selector, pod)) {
        match lives.iter_mut().find(|(uid, _)| *uid == pod.uid) {
            Some((_, life)) => life.seen.push((observation, pod)),
            None => lives.push((&pod.uid, Life { seen: vec![(observation, pod)], gone_ms: None })),
        }
    }
    for (observation, gone) in &view.gone {
        if matches!(observation.seen, Seen::PodGone(_))
            && let Some((_, life)) = lives.iter_mut().find(|(uid, _)| *uid == gone.uid)
        {
            life.gone_ms.get_or_insert(observation.at_ms);
        }
    }
    lives.into_iter().map(|(_, life)| life).collect()
}

impl<'a> View<'a> {
    /// The pods that the target's selector matches, in the order in which they were first seen.
    pub(crate) fn lives(&self) -> &[Life<'a>] {
        &self.lives
    }

    /// The pods that came with the load.
    pub(crate) fn new_lives(&self) -> Vec<&Life<'a>> {
        let Some((from, to)) = self.loaded() else { return Vec::new() };
        // A pod that replaced another one during the clean-up or the fall is none of the rise.
        let end = self.began(Phase::Fall).unwrap_or(to);
        self.lives().iter().filter(|life| (from..=end).contains(&life.first_ms())).collect()
    }

    /// True when a container resource counts as an accelerator of this run.
    pub(crate) fn is_accelerator(&self, resource: &str) -> bool {
        self.records.scenario.accelerator.covers(resource)
    }

    /// Accelerators that a pod requests, as text; empty when there are none.
    pub(crate) fn accelerators(&self, pod: &PodSeen) -> Vec<String> {
        let resources = pod.resources.iter().filter(|(name, count)| self.is_accelerator(name) && **count > 0);
        let mut all: Vec<String> = resources.map(|(name, count)| format!("{name}={count}")).collect();
        all.extend(pod.claims.iter().map(|claim| format!("claim {claim}")));
        all
    }
}
