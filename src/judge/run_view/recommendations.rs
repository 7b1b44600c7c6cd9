//! Possible recommendations of a pass of the controller, whose values are known only to lie between two readings, or by
//! what the HPA's status reports. They are ranges over all possible values, pod states and tolerances. All arithmetic
//! is in [`crate::hpa`].

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use super::recommendation_range::RecommendationRange;
use super::series_bounds::SeriesBounds;
use super::target_state::TargetState;
use super::{MAX_READING_GAP_MS, RunView};
use crate::bounds::SLACK;
use crate::hpa::{PodPhase, PodState, Tolerance, Workload};
use crate::model::observation::{HpaSnapshot, Observation};
use crate::model::reading::MetricSample;

/// A tolerance that even an unchanged metric exceeds, so that the ratio alone decides.
const NO_TOLERANCE: Tolerance = Tolerance { up: -1.0, down: -1.0 };

/// What was computed, by what it was asked for.
#[derive(Debug, Default)]
pub(super) struct RecommendationMemo {
    /// Between each reading and the next.
    between: Vec<OnceCell<RecommendationRange>>,
    /// By each HPA status.
    pub(super) by_status: Vec<OnceCell<Option<RecommendationRange>>>,
    /// The states of the target, by the indices of the first, of those from the last time on, and of the end.
    states: RefCell<BTreeMap<(usize, usize, usize), Option<KnownStates>>>,
}

/// Different states of the target, of which the controller may have observed any.
type KnownStates = Rc<[TargetState]>;

impl RecommendationMemo {
    pub(super) fn new(readings: usize, statuses: usize) -> Self {
        let mut memo = Self::default();
        memo.between.resize_with(readings, OnceCell::new);
        memo.by_status.resize_with(statuses, OnceCell::new);
        memo
    }
}

impl<'a> RunView<'a> {
    /// The possible recommendations of a pass whose values were served between the request of this reading and the
    /// response of the next one.
    pub(crate) fn recommendation_between(&self, index: usize) -> RecommendationRange {
        let Some(cell) = self.recommendations.between.get(index) else { return RecommendationRange::UNKNOWN };
        *cell.get_or_init(|| self.compute_between(index, u64::MAX).unwrap_or(RecommendationRange::UNKNOWN))
    }

    /// Indices of the readings that, each with the next one, enclose a value served in this span of time.
    pub(crate) fn reading_indices(&self, from_ms: u64, to_ms: u64) -> Range<usize> {
        let first = self.api_readings.partition_point(|reading| reading.received_ms < from_ms).saturating_sub(1);
        let last = self.api_readings.partition_point(|reading| reading.requested_ms <= to_ms);
        first..last.max(first)
    }

    /// The possible recommendations of a pass whose values were served in this span of time, and which observed no
    /// later state of the target.
    pub(crate) fn recommendation_before(&self, from_ms: u64, to_ms: u64) -> RecommendationRange {
        if self.api_readings.first().is_none_or(|first| first.requested_ms > from_ms) {
            return RecommendationRange::UNKNOWN;
        }
        let ranges = self
            .reading_indices(from_ms, to_ms)
            .map(|index| self.compute_between(index, to_ms).unwrap_or(RecommendationRange::UNKNOWN));
        ranges.reduce(RecommendationRange::union).unwrap_or(RecommendationRange::UNKNOWN)
    }

    /// The possible recommendations of the pass that wrote this status, by the value that the status reports, if the
    /// pass observed no state of the target later than `to_ms`. `None` when the status reports no value.
    pub(crate) fn recommendation_from_status(
        &self,
        at: &Observation,
        hpa: &HpaSnapshot,
        to_ms: u64,
    ) -> Option<RecommendationRange> {
        let values = SeriesBounds::bounds_by_status(self, hpa)?;
        let since = self.earliest_ms("hpa", at.at_ms).saturating_sub(2 * SLACK.ms());
        let states = self.states_between(since, at.at_ms + SLACK.ms(), to_ms)?;
        let values = values.to_series_bounds(&states)?;
        if !self.is_per_pod() {
            return self.recommendation_for(&values, &states, true);
        }
        // The status does not report which pods had a sample; one without a sample moves the recommendation towards the
        // current size.
        let at_size = states.iter().all(TargetState::is_at_size);
        let range = self.recommendation_for(&values, &states, at_size)?;
        Some(if self.has_all_samples(&states, since, at.at_ms) { range } else { range.widened_to_unchanged() })
    }

    /// True when every pod has a sample in every reading of a span of time.
    fn has_all_samples(&self, states: &[TargetState], from_ms: u64, to_ms: u64) -> bool {
        let mut readings =
            self.api_readings.get(self.reading_indices(from_ms, to_ms)).unwrap_or_default().iter().peekable();
        let pods = || states.iter().flat_map(|state| state.pods.iter());
        readings.peek().is_some()
            && readings.all(|reading| {
                let samples = reading.reading.samples().unwrap_or_default();
                let objects: BTreeSet<&str> = samples.iter().filter_map(|sample| sample.object.as_deref()).collect();
                pods().all(|pod| objects.contains(pod.name.as_str()))
            })
    }

    fn compute_between(&self, index: usize, to_ms: u64) -> Option<RecommendationRange> {
        let (one, next) = (self.api_readings.get(index)?, self.api_readings.get(index + 1)?);
        let (from, until) = (one.requested_ms.saturating_sub(SLACK.ms()), next.received_ms + SLACK.ms());
        let key = (to_ms, self.gaps.len(), self.state_indices(from, until), self.is_metric_in_range());
        if let Some(range) = one.cached.recommendation_between(&key) {
            return range;
        }
        let states = self.states_between(from, until, to_ms)?;
        let distance_ms = next.received_ms.saturating_sub(one.requested_ms);
        // The value of one pod lasts for an exporter interval. An aggregate of many series changes with each of them.
        let is_lasting = self.is_per_pod() && !self.may_miss_values();
        let is_bounded =
            is_lasting && distance_ms <= MAX_READING_GAP_MS.min(self.times.assumptions.exporter_interval.ms());
        let values = SeriesBounds::from_readings(one.reading, next.reading).filter(|_| is_bounded);
        let values = values.or_else(|| SeriesBounds::bounds_by_range(self)?.to_series_bounds(&states));
        let range = values.and_then(|values| self.recommendation_for(&values, &states, true));
        one.cached.store_between(key, range);
        range
    }

    /// Indices of the states of the target over a span of time.
    fn state_indices(&self, from_ms: u64, to_ms: u64) -> Range<usize> {
        let first = self.target_states.partition_point(|state| state.at_ms <= from_ms).saturating_sub(1);
        let end = self.target_states.partition_point(|state| state.at_ms <= to_ms);
        first..end.max(first)
    }

    /// The states of the target over a span of time, of which the controller may have observed any. Of the states from
    /// `last_ms` on, only changes of earlier pods count, since the run may have observed them late. `None` when the
    /// states are not known.
    fn states_between(&self, from_ms: u64, to_ms: u64, last_ms: u64) -> Option<KnownStates> {
        if ["pods", "workload"].iter().any(|source| self.has_gap(source, from_ms, to_ms)) {
            return None;
        }
        let indices = self.state_indices(from_ms, to_ms);
        let states = self.target_states.get(indices.clone())?;
        let split = states.partition_point(|state| state.at_ms < last_ms);
        // Records may have very many changes of one time, and each decision asks for the states around it.
        let key = (indices.start, indices.start + split, indices.end);
        if let Some(known) = self.recommendations.states.borrow().get(&key) {
            return known.clone();
        }
        let known = collect_states(states.split_at(split));
        self.recommendations.states.borrow_mut().insert(key, known.clone());
        known
    }

    fn recommendation_for(
        &self,
        values: &SeriesBounds,
        states: &[TargetState],
        same_series: bool,
    ) -> Option<RecommendationRange> {
        let sizes = || states.iter().map(|state| state.spec_replicas);
        let mut unchanged = (sizes().min()?, sizes().max()?);
        if self.is_total() {
            let created = || states.iter().map(|state| state.status_replicas);
            unchanged = (unchanged.0.min(created().min()?), unchanged.1.max(created().max()?));
        }
        let changed = match states {
            [state] if same_series && values.has_same_series() => self.range_for_state(values, state)?,
            _ => Some(self.range_for_states(values, states)?),
        };
        let several = self.metric.as_ref().is_some_and(|metric| metric.other_metrics > 0);
        // The controller takes the largest recommendation of all metrics, and the run reads only the first metric.
        let changed = if several { Some((changed.map_or(unchanged.0, |(low, _)| low), i32::MAX)) } else { changed };
        Some(RecommendationRange { unchanged, changed })
    }

    /// The range for one state of the target, with the same series in both readings.
    fn range_for_state(&self, values: &SeriesBounds, state: &TargetState) -> Option<Option<(i32, i32)>> {
        let current = if self.is_total() { state.status_replicas } else { state.spec_replicas };
        // A tolerance that the spec does not state is the controller's flag, which may be anything from 0 on. Outside a
        // larger tolerance the recommendation is the same as outside of 0.
        let min_tolerance = self.metric.as_ref()?.tolerance(0.0);
        let recommend = |samples: &[MetricSample], tolerance| self.recommend(samples, &state.pods, state, tolerance);
        let (low, high) = (recommend(&values.lower, min_tolerance)?, recommend(&values.upper, min_tolerance)?);
        // With as many pods as replicas, the recommendation is monotonic in the values.
        let is_monotonic = self.is_total() || state.is_at_size();
        if is_monotonic && low == current && high == current {
            return Some(None);
        }
        if is_monotonic || values.is_constant() {
            return Some(Some((low, high)));
        }
        Some(Some((recommend(&values.lower, NO_TOLERANCE)?, recommend(&values.upper, NO_TOLERANCE)?)))
    }

    /// The range for several states, or for series that appear or disappear: the upper end uses every pod that may
    /// count, at its largest value; the lower end only the pods that certainly count, at their smallest value.
    fn range_for_states(&self, values: &SeriesBounds, states: &[TargetState]) -> Option<(i32, i32)> {
        let per_pod = self.is_per_pod();
        let counts = |pod: &PodState| pod.phase == PodPhase::Running && if per_pod { !pod.deleting } else { pod.ready };
        let counted = states.iter().flat_map(|state| state.pods.iter()).filter(|pod| counts(pod));
        let mut occurrences: BTreeMap<&str, usize> = BTreeMap::new();
        counted.for_each(|pod| *occurrences.entry(pod.name.as_str()).or_default() += 1);
        let in_all = |name: &str| occurrences.get(name) == Some(&states.len());
        let mut possible: BTreeSet<&str> = occurrences.keys().copied().collect();
        let mut certain: BTreeSet<&str> = possible.iter().copied().filter(|name| in_all(name)).collect();
        if per_pod {
            possible = values.upper.iter().filter_map(|sample| sample.object.as_deref()).collect();
            let sampled = values.certain_objects();
            certain.retain(|name| sampled.contains(name));
        }
        let lower: Vec<MetricSample> = match per_pod {
            true => values.certain_samples(|name| certain.contains(name)),
            false => values.lower.clone(),
        };
        let (certain, possible) = (running_pods(&certain), running_pods(&possible));
        let mut range = (i32::MAX, i32::MIN);
        let mut sizes: Vec<&TargetState> = states.iter().collect();
        sizes.sort_by_key(|state| (state.spec_replicas, state.status_replicas));
        sizes.dedup_by_key(|state| (state.spec_replicas, state.status_replicas));
        for state in sizes {
            let high = self.recommend(&values.upper, &possible, state, NO_TOLERANCE)?;
            // Without a pod that certainly counts the controller may have recommended 0.
            let low = if certain.is_empty() && !self.is_total() {
                0
            } else {
                self.recommend(&lower, &certain, state, NO_TOLERANCE)?.min(self.recommend(
                    &values.lower,
                    &certain,
                    state,
                    NO_TOLERANCE,
                )?)
            };
            range = (range.0.min(low), range.1.max(high));
        }
        Some(range)
    }

    /// The recommendation for these values; `None` where the controller computes none, or overflows to a negative
    /// number.
    fn recommend(
        &self,
        samples: &[MetricSample],
        pods: &[PodState],
        state: &TargetState,
        tolerance: Tolerance,
    ) -> Option<i32> {
        let (spec_replicas, status_replicas) = (state.spec_replicas, state.status_replicas);
        let workload = Workload { spec_replicas, status_replicas, pods, tolerance };
        let proposal = self.metric.as_ref()?.propose(samples, &workload)?;
        Some(proposal.replicas).filter(|replicas| *replicas >= 0)
    }

    pub(super) fn is_per_pod(&self) -> bool {
        self.metric.as_ref().is_some_and(|metric| metric.is_per_pod())
    }

    /// True for an AverageValue target of an Object or External metric, which the controller compares as a total,
    /// independent of the pods.
    pub(crate) fn is_total(&self) -> bool {
        self.metric.as_ref().is_some_and(|metric| metric.is_divided_by_replicas())
    }
}

/// The different states before a time, and from then on those of the pods that were there before; `None` where pods are missing.
fn collect_states((before, after): (&[TargetState], &[TargetState])) -> Option<KnownStates> {
    let is_complete = !before.is_empty() && before.iter().all(TargetState::has_seen_all_pods);
    let last = before.last().filter(|_| is_complete)?;
    let mut known: Vec<TargetState> = Vec::new();
    let mut add = |state: TargetState| {
        if !known.iter().any(|one| one.is_same_as(&state)) {
            known.push(state);
        }
    };
    before.iter().cloned().for_each(&mut add);
    after.iter().map(|state| last.with_pods_from(state)).for_each(&mut add);
    Some(known.into())
}

fn running_pods(names: &BTreeSet<&str>) -> Vec<PodState> {
    let pod =
        |name: &&str| PodState { name: (*name).to_owned(), phase: PodPhase::Running, ready: true, deleting: false };
    names.iter().map(pod).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records may have very many changes of one time; each decision looks at the states around it.
    #[test]
    fn states_that_repeat_are_known_once() {
        let state = |size: i32, names: &[&str]| TargetState {
            at_ms: 0,
            spec_replicas: size,
            status_replicas: 1,
            pods: Rc::new(running_pods(&names.iter().copied().collect())),
        };
        let before: Vec<TargetState> = (0..1000).map(|n| state(2 + n % 2, &["a"])).collect();
        // A pod that came after the last time is not looked at.
        let after: Vec<TargetState> = (0..1000).map(|n| state(2 + n % 2, &["a", "b"])).collect();
        let known = collect_states((&before, &after)).unwrap();
        assert_eq!(known.iter().map(|state| state.spec_replicas).collect::<Vec<_>>(), [2, 3]);
        assert!(known.iter().all(|state| state.pods.len() == 1));
        assert!(collect_states((&[], &after)).is_none());
    }
}
