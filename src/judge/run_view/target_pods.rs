//! The target's pods over time.

use std::collections::{BTreeMap, HashMap};

use super::{ObservedItem, RunView};
use crate::model::observation::{ObservationKind, Phase, PodSnapshot};
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};

/// One pod of the target, from its first observation to its last.
#[derive(Clone, Debug)]
pub(crate) struct TargetPod<'a> {
    /// All observations of the pod.
    pub(crate) observations: Vec<ObservedItem<'a, PodSnapshot>>,
    /// When it was deleted.
    pub(crate) gone_ms: Option<u64>,
}

impl<'a> TargetPod<'a> {
    /// When it was first observed.
    pub(crate) fn first_seen_ms(&self) -> u64 {
        self.observations.first().map_or(0, |(o, _)| o.at_ms)
    }

    /// The last observation.
    pub(crate) fn last_observation(&self) -> Option<&ObservedItem<'a, PodSnapshot>> {
        self.observations.last()
    }

    /// The pod's name.
    pub(crate) fn name(&self) -> &'a str {
        self.observations.first().map_or("", |(_, pod)| &pod.name)
    }

    /// The pod's uid.
    pub(crate) fn uid(&self) -> Option<&'a str> {
        self.observations.first().map(|(_, pod)| pod.uid.as_str())
    }

    /// The first observation that shows it Ready.
    pub(crate) fn first_ready(&self) -> Option<&ObservedItem<'a, PodSnapshot>> {
        self.observations.iter().find(|(_, pod)| pod.ready && !pod.deleting)
    }

    /// The first observation that shows it Ready, if it came by `at_ms`.
    pub(crate) fn ready_by(&self, at_ms: u64) -> Option<&ObservedItem<'a, PodSnapshot>> {
        self.first_ready().filter(|(o, _)| o.at_ms <= at_ms)
    }

    /// When its termination began.
    pub(crate) fn terminating_ms(&self) -> Option<u64> {
        self.observations.iter().find(|(_, pod)| pod.deleting).map(|(o, _)| o.at_ms).or(self.gone_ms)
    }

    /// When it ended: its termination began, or all its containers had ended, as those of an evicted pod.
    pub(crate) fn ended_ms(&self) -> Option<u64> {
        let has_ended = |pod: &PodSnapshot| matches!(pod.phase.as_str(), "Failed" | "Succeeded");
        let ended = self.observations.iter().find(|(_, pod)| has_ended(pod)).map(|(o, _)| o.at_ms);
        ended.into_iter().chain(self.terminating_ms()).min()
    }

    /// True when the pod exists at this time, terminating or not.
    pub(crate) fn exists_at(&self, at_ms: u64) -> bool {
        self.first_seen_ms() <= at_ms && self.gone_ms.is_none_or(|gone| gone > at_ms)
    }
}

/// True when the pod has every label of the selector. An empty selector matches nothing here.
pub(super) fn matches_selector(selector: &BTreeMap<String, String>, pod: &PodSnapshot) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
}

/// Collects the pods that match the target's selector, in the order of their first observation.
pub(super) fn collect_target_pods<'a>(view: &RunView<'a>) -> Vec<TargetPod<'a>> {
    let Some((_, workload)) = view.workloads.last() else { return Vec::new() };
    let (mut pods, mut index_by_uid) = (Vec::<TargetPod<'a>>::new(), HashMap::new());
    for item in view.pods.iter().filter(|(_, snapshot)| matches_selector(&workload.selector, snapshot)) {
        let index = *index_by_uid.entry(item.1.uid.as_str()).or_insert(pods.len());
        match pods.get_mut(index) {
            Some(pod) => pod.observations.push(*item),
            None => pods.push(TargetPod { observations: vec![*item], gone_ms: None }),
        }
    }
    for (observation, deleted) in &view.deletions {
        if matches!(observation.kind, ObservationKind::PodDeleted(_))
            && let Some(pod) = index_by_uid.get(deleted.uid.as_str()).and_then(|index| pods.get_mut(*index))
        {
            pod.gone_ms.get_or_insert(observation.at_ms);
        }
    }
    pods
}

impl<'a> RunView<'a> {
    /// The pods that match the target's selector, in the order of their first observation.
    pub(crate) fn target_pods(&self) -> &[TargetPod<'a>] {
        &self.target_pods
    }

    /// True when a pod of this name matches the target's selector.
    pub(crate) fn is_target_pod(&self, name: &str) -> bool {
        self.target_pod_names.contains(name)
    }

    /// The pods that were created under load.
    pub(crate) fn new_pods(&self) -> Vec<&TargetPod<'a>> {
        let Some((from, to)) = self.load_span() else { return Vec::new() };
        // A pod that replaces another one during the scale-down or the clean-up is not part of the scale-up.
        let end = self.phase_start(Phase::ScaleDown).unwrap_or(to);
        self.target_pods().iter().filter(|pod| (from..=end).contains(&pod.first_seen_ms())).collect()
    }

    /// Whether a hop has the metric of the target, by this reading; `None` where the harness could not read the hop. The
    /// metrics API has it when all values are finite and, for a Pods metric, at least one is of a pod of the target.
    pub(crate) fn serves_target(&self, reading: &MetricReading) -> Option<bool> {
        let samples = reading.samples().unwrap_or_default();
        let of_target = |sample: &MetricSample| self.is_of_target(sample);
        match (&reading.result, reading.hop) {
            (ReadingResult::NotReadable(_), _) => None,
            (_, MetricHop::Api) => {
                let is_finite = samples.iter().all(|sample| sample.value.is_some());
                Some(is_finite && samples.iter().any(|sample| !self.is_per_pod() || of_target(sample)))
            }
            (_, MetricHop::Exporter | MetricHop::Store) => {
                Some(samples.iter().any(|sample| sample.value.is_some() && of_target(sample)))
            }
        }
    }
}
