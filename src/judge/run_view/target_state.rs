//! The states of the target over time, as far as the controller's arithmetic looks at it.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::bounds::POLL_INTERVAL;
use crate::hpa::{self, PodState};
use crate::model::observation::{Observation, ObservationKind, PodSnapshot};

/// The target's sizes and pods from a moment on.
#[derive(Clone, Debug)]
pub(super) struct TargetState {
    /// Since when, milliseconds.
    pub(super) at_ms: u64,
    /// spec.replicas.
    pub(super) spec_replicas: i32,
    /// status.replicas.
    pub(super) status_replicas: i32,
    /// Its pods.
    pub(super) pods: Rc<Vec<PodState>>,
}

impl TargetState {
    /// As many pods as the size, and none of them is going away.
    pub(super) fn is_at_size(&self) -> bool {
        i32::try_from(self.pods.len()).ok() == Some(self.spec_replicas) && self.pods.iter().all(|pod| !pod.deleting)
    }

    /// True when as many pods were seen as there are: those that go away are not counted any more.
    pub(super) fn has_seen_all_pods(&self) -> bool {
        let staying = self.pods.iter().filter(|pod| !pod.deleting).count();
        i32::try_from(staying).unwrap_or(i32::MAX) >= self.status_replicas
    }

    /// The same sizes and pods, these as they are in a later state.
    pub(super) fn with_pods_from(&self, later: &Self) -> Self {
        let is_known = |pod: &&PodState| self.pods.iter().any(|known| known.name == pod.name);
        Self { pods: Rc::new(later.pods.iter().filter(is_known).cloned().collect()), ..self.clone() }
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        (self.spec_replicas, self.status_replicas) == (other.spec_replicas, other.status_replicas)
            && self.pods == other.pods
    }
}

/// The target as it is put together from what is observed. States are kept as of each reading, of each moment before its
/// size changes, and where neither comes once a poll.
#[derive(Default)]
pub(super) struct TargetTracker<'a> {
    pods: BTreeMap<&'a str, &'a PodSnapshot>,
    replicas: Option<(i32, i32)>,
    selector: Option<&'a BTreeMap<String, String>>,
    /// When it changed last, if no state shows that yet.
    changed_ms: Option<u64>,
    /// The states, each other than the one before.
    pub(super) states: Vec<TargetState>,
}

impl<'a> TargetTracker<'a> {
    /// Takes an observation in.
    pub(super) fn push(&mut self, observation: &'a Observation) {
        match &observation.kind {
            ObservationKind::Workload(workload) => {
                let sizes = Some((workload.spec_replicas, workload.replicas));
                let resized = self.replicas.is_some_and(|(size, _)| size != workload.spec_replicas);
                if resized {
                    self.current_state();
                }
                (self.replicas, self.selector) = (sizes, Some(&workload.selector));
            }
            ObservationKind::Pod(pod) => {
                self.pods.insert(&pod.uid, pod);
            }
            ObservationKind::PodDeleted(gone) => {
                self.pods.remove(gone.uid.as_str());
            }
            _ => return,
        }
        self.changed_ms = Some(observation.at_ms);
        if self.states.last().is_some_and(|last| last.at_ms + POLL_INTERVAL.ms() <= observation.at_ms) {
            self.current_state();
        }
    }

    /// The state now; `None` before the target was seen.
    pub(super) fn current_state(&mut self) -> Option<&TargetState> {
        let (size, status_size) = self.replicas?;
        if let Some(at_ms) = self.changed_ms.take() {
            let ours =
                |pod: &&&PodSnapshot| self.selector.is_some_and(|s| super::target_pods::matches_selector(s, pod));
            let pods = Rc::new(self.pods.values().filter(ours).map(|pod| hpa::pod_state_from_snapshot(pod)).collect());
            let state = TargetState { at_ms, spec_replicas: size, status_replicas: status_size, pods };
            if self.states.last().is_none_or(|last| !last.is_same_as(&state)) {
                self.states.push(state);
            }
        }
        self.states.last()
    }
}
