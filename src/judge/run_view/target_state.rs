//! The states of the target over time, as far as the controller's arithmetic uses them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::bounds::POLL_INTERVAL;
use crate::hpa::{self, PodState};
use crate::model::observation::{Observation, ObservationKind, PodSnapshot};

/// The target's sizes and pods from a time on.
#[derive(Clone, Debug)]
pub(super) struct TargetState {
    /// Beginning of the state, milliseconds.
    pub(super) at_ms: u64,
    /// spec.replicas.
    pub(super) spec_replicas: i32,
    /// status.replicas.
    pub(super) status_replicas: i32,
    /// The target's pods.
    pub(super) pods: Rc<Vec<PodState>>,
}

impl TargetState {
    /// True when there are as many pods as spec.replicas, and none is terminating.
    pub(super) fn is_at_size(&self) -> bool {
        i32::try_from(self.pods.len()).ok() == Some(self.spec_replicas) && self.pods.iter().all(|pod| !pod.deleting)
    }

    /// True when all pods have been observed: status.replicas does not count terminating ones.
    pub(super) fn has_seen_all_pods(&self) -> bool {
        let staying = self.pods.iter().filter(|pod| !pod.deleting).count();
        i32::try_from(staying).unwrap_or(i32::MAX) >= self.status_replicas
    }

    /// The same sizes with the pods of this state, as they are in a later state.
    pub(super) fn with_pods_from(&self, later: &Self) -> Self {
        let names: BTreeSet<&str> = self.pods.iter().map(|pod| pod.name.as_str()).collect();
        let is_known = |pod: &&PodState| names.contains(pod.name.as_str());
        Self { pods: Rc::new(later.pods.iter().filter(is_known).cloned().collect()), ..self.clone() }
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        (self.spec_replicas, self.status_replicas) == (other.spec_replicas, other.status_replicas)
            && self.pods == other.pods
    }
}

/// Tracks the target from its observations. It records a state at each reading, before each change of size, and
/// otherwise at most once per poll interval.
#[derive(Default)]
pub(super) struct TargetTracker<'a> {
    pods: BTreeMap<&'a str, &'a PodSnapshot>,
    replicas: Option<(i32, i32)>,
    selector: Option<&'a BTreeMap<String, String>>,
    /// Time of the last change that no recorded state shows yet.
    changed_ms: Option<u64>,
    /// The recorded states, each different from the one before.
    pub(super) states: Vec<TargetState>,
}

impl<'a> TargetTracker<'a> {
    /// Adds an observation.
    pub(super) fn push(&mut self, observation: &'a Observation) {
        match &observation.kind {
            ObservationKind::Workload(workload) => {
                let replicas = Some((workload.spec_replicas, workload.replicas));
                let is_resized =
                    self.replicas.is_some_and(|(spec_replicas, _)| spec_replicas != workload.spec_replicas);
                if is_resized {
                    self.current_state();
                }
                (self.replicas, self.selector) = (replicas, Some(&workload.selector));
            }
            ObservationKind::Pod(pod) => {
                self.pods.insert(&pod.uid, pod);
            }
            ObservationKind::PodDeleted(deleted) => {
                self.pods.remove(deleted.uid.as_str());
            }
            _ => return,
        }
        self.changed_ms = Some(observation.at_ms);
        if self.states.last().is_some_and(|last| last.at_ms + POLL_INTERVAL.ms() <= observation.at_ms) {
            self.current_state();
        }
    }

    /// The current state; `None` before the first observation of the target.
    pub(super) fn current_state(&mut self) -> Option<&TargetState> {
        let (spec_replicas, status_replicas) = self.replicas?;
        if let Some(at_ms) = self.changed_ms.take() {
            let is_selected =
                |pod: &&&PodSnapshot| self.selector.is_some_and(|s| super::target_pods::matches_selector(s, pod));
            let pods =
                Rc::new(self.pods.values().filter(is_selected).map(|pod| hpa::pod_state_from_snapshot(pod)).collect());
            let state = TargetState { at_ms, spec_replicas, status_replicas, pods };
            if self.states.last().is_none_or(|last| !last.is_same_as(&state)) {
                self.states.push(state);
            }
        }
        self.states.last()
    }
}
