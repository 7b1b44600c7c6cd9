//! What a pass of the controller may have asked for, when its values are known only to lie between two readings of ours,
//! or by what the HPA's status reports of them. Sets, not points: whatever could have been served, seen of the pods and
//! tolerated is in them. All arithmetic is `hpa/`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::series_bounds::SeriesBounds;
use super::target_state::TargetState;
use super::{MAX_READING_GAP_MS, RunView};
use crate::bounds::SLACK;
use crate::hpa::{self, PodPhase, PodState, Tolerance, Workload};
use crate::model::observation::{HpaSnapshot, Observation};
use crate::model::reading::MetricSample;

/// A tolerance that tolerates nothing, so that the ratio alone speaks.
const NO_TOLERANCE: Tolerance = Tolerance { up: -1.0, down: -1.0 };

/// The sizes that a pass may have asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecommendationRange {
    /// The sizes that the target may have had: what a pass inside the tolerance asks for.
    unchanged: (i32, i32),
    /// The sizes outside the tolerance, smallest and largest; `None` when no value can have been outside.
    changed: Option<(i32, i32)>,
}

impl RecommendationRange {
    /// Anything.
    const UNKNOWN: Self = Self { unchanged: (i32::MAX, i32::MIN), changed: Some((i32::MIN, i32::MAX)) };

    /// The smallest size.
    pub(crate) fn smallest(self) -> i32 {
        self.changed.map_or(self.unchanged.0, |(least, _)| least.min(self.unchanged.0))
    }

    /// The largest size.
    pub(crate) fn largest(self) -> i32 {
        self.changed.map_or(self.unchanged.1, |(_, most)| most.max(self.unchanged.1))
    }

    /// True when a pass may have asked for this size.
    pub(crate) fn contains(self, size: i32) -> bool {
        let within = |(least, most): (i32, i32)| (least..=most).contains(&size);
        within(self.unchanged) || self.changed.is_some_and(within)
    }

    /// The same where the size that the pass found is known.
    pub(crate) fn with_current_size(self, size: i32) -> Self {
        Self { unchanged: (size, size), ..self }
    }

    /// The same where it may also ask for anything between that and staying.
    fn widened_to_unchanged(self) -> Self {
        let reach = |(least, most): (i32, i32)| (least.min(self.unchanged.0), most.max(self.unchanged.1));
        Self { changed: self.changed.map(reach), ..self }
    }

    fn union(self, other: Self) -> Self {
        let both = |a: (i32, i32), b: (i32, i32)| (a.0.min(b.0), a.1.max(b.1));
        let moves = match (self.changed, other.changed) {
            (Some(a), Some(b)) => Some(both(a, b)),
            (one, None) | (None, one) => one,
        };
        Self { unchanged: both(self.unchanged, other.unchanged), changed: moves }
    }
}

impl<'a> RunView<'a> {
    /// What a pass may have asked for whose values were served between the question of this reading and the answer to
    /// the next one.
    pub(crate) fn recommendation_between(&self, reading: usize) -> RecommendationRange {
        let Some(cell) = self.recommendations.get(reading) else { return RecommendationRange::UNKNOWN };
        *cell.get_or_init(|| self.compute_between(reading, u64::MAX).unwrap_or(RecommendationRange::UNKNOWN))
    }

    /// The readings, each with the next one, between which something served in this span of time may lie.
    pub(crate) fn reading_indices(&self, from_ms: u64, to_ms: u64) -> Range<usize> {
        let first = self.api_readings.partition_point(|served| served.received_ms < from_ms).saturating_sub(1);
        let last = self.api_readings.partition_point(|served| served.requested_ms <= to_ms);
        first..last.max(first)
    }

    /// What a pass may have asked for whose values were served in this span of time, and which saw nothing of the target
    /// that came later.
    pub(crate) fn recommendation_before(&self, from_ms: u64, to_ms: u64) -> RecommendationRange {
        if self.api_readings.first().is_none_or(|first| first.requested_ms > from_ms) {
            return RecommendationRange::UNKNOWN;
        }
        let all = self
            .reading_indices(from_ms, to_ms)
            .map(|reading| self.compute_between(reading, to_ms).unwrap_or(RecommendationRange::UNKNOWN));
        all.reduce(RecommendationRange::union).unwrap_or(RecommendationRange::UNKNOWN)
    }

    /// What the pass asked for whose status this is, by the value that the status reports, if it saw nothing of the target
    /// that came later than `to_ms`. `None` when it reports none.
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
        // Which pods had a sample is not reported. Where each counts once, one that had none holds the others back.
        let even = states.iter().all(TargetState::is_at_size);
        let asked = self.recommendation_for(&values, &states, even)?;
        Some(if self.has_all_samples(&states, since, at.at_ms) { asked } else { asked.widened_to_unchanged() })
    }

    /// Every pod has a sample in every reading of a span of time.
    fn has_all_samples(&self, states: &[TargetState], from_ms: u64, to_ms: u64) -> bool {
        let mut readings =
            self.api_readings.get(self.reading_indices(from_ms, to_ms)).unwrap_or_default().iter().peekable();
        let pods = || states.iter().flat_map(|state| state.pods.iter());
        readings.peek().is_some()
            && readings.all(|served| {
                let samples = served.reading.samples().unwrap_or_default();
                let objects: BTreeSet<&str> = samples.iter().filter_map(|sample| sample.object.as_deref()).collect();
                pods().all(|pod| objects.contains(pod.name.as_str()))
            })
    }

    fn compute_between(&self, reading: usize, to_ms: u64) -> Option<RecommendationRange> {
        let (one, next) = (self.api_readings.get(reading)?, self.api_readings.get(reading + 1)?);
        let (from, until) = (one.requested_ms.saturating_sub(SLACK.ms()), next.received_ms + SLACK.ms());
        let seen = (to_ms, self.gaps.len(), self.state_indices(from, until), self.is_metric_in_range());
        if let Some(asked) = one.cached.recommendation_between(&seen) {
            return asked;
        }
        let states = self.states_between(from, until, to_ms)?;
        let apart = next.received_ms.saturating_sub(one.requested_ms);
        // A pod's value lasts for an interval of its exporter. One value for many series changes with each of them.
        let lasts = self.is_per_pod() && !self.may_miss_values();
        let known = lasts && apart <= MAX_READING_GAP_MS.min(self.times.assumptions.exporter_interval.ms());
        let values = SeriesBounds::from_readings(one.reading, next.reading).filter(|_| known);
        let values = values.or_else(|| SeriesBounds::bounds_by_range(self)?.to_series_bounds(&states));
        let asked = values.and_then(|values| self.recommendation_for(&values, &states, true));
        one.cached.store_between(seen, asked);
        asked
    }

    /// Which states the target had over a span of time.
    fn state_indices(&self, from_ms: u64, to_ms: u64) -> Range<usize> {
        let first = self.target_states.partition_point(|state| state.at_ms <= from_ms).saturating_sub(1);
        let over = self.target_states.partition_point(|state| state.at_ms <= to_ms);
        first..over.max(first)
    }

    /// The states of the target over a span of time: the controller's view of the pods may be a little older than ours, or
    /// younger. Of what came at `last_ms` or later only the news of pods that were there before counts: it may be late
    /// with us. `None` when it is not known.
    fn states_between(&self, from_ms: u64, to_ms: u64, last_ms: u64) -> Option<Vec<TargetState>> {
        if ["pods", "workload"].iter().any(|source| self.has_gap(source, from_ms, to_ms)) {
            return None;
        }
        let all = self.target_states.get(self.state_indices(from_ms, to_ms))?;
        let (before, after) = all.split_at(all.partition_point(|state| state.at_ms < last_ms));
        let known = !before.is_empty() && before.iter().all(TargetState::has_seen_all_pods);
        let last = before.last().filter(|_| known)?;
        let after = after.iter().map(|state| last.with_pods_from(state)).filter(|state| !state.is_same_as(last));
        Some(before.iter().cloned().chain(after).collect())
    }

    fn recommendation_for(
        &self,
        values: &SeriesBounds,
        states: &[TargetState],
        paired: bool,
    ) -> Option<RecommendationRange> {
        let sizes = || states.iter().map(|state| state.spec_replicas);
        let mut keep = (sizes().min()?, sizes().max()?);
        let totals = self.is_total();
        if totals {
            let made = || states.iter().map(|state| state.status_replicas);
            keep = (keep.0.min(made().min()?), keep.1.max(made().max()?));
        }
        let moves = match states {
            [state] if paired && values.has_same_series() => self.range_for_state(values, state)?,
            _ => Some(self.range_for_states(values, states)?),
        };
        let several = self.records.scenario.hpa.spec.metrics.as_ref().is_some_and(|all| all.len() > 1);
        // The largest proposal counts, and another metric's is not read.
        let moves = if several { Some((moves.map_or(keep.0, |(least, _)| least), i32::MAX)) } else { moves };
        Some(RecommendationRange { unchanged: keep, changed: moves })
    }

    /// One state of the target, and the same series in both readings.
    fn range_for_state(&self, values: &SeriesBounds, state: &TargetState) -> Option<Option<(i32, i32)>> {
        let kept = if self.is_total() { state.status_replicas } else { state.spec_replicas };
        // A tolerance that the spec does not state is the controller's flag, which may be anything from 0 on. What lies
        // outside a larger one asks for the same as outside of 0.
        let least = hpa::tolerance_from_spec(&self.records.scenario.hpa.spec, 0.0);
        let ask = |samples: &[MetricSample], tolerance| self.recommend(samples, &state.pods, state, tolerance);
        let (low, high) = (ask(&values.lower, least)?, ask(&values.upper, least)?);
        // With as many pods as the size, what lies between two values asks for something between what they ask for.
        let even = self.is_total() || state.is_at_size();
        if even && low == kept && high == kept {
            return Some(None);
        }
        if even || values.is_constant() {
            return Some(Some((low, high)));
        }
        Some(Some((ask(&values.lower, NO_TOLERANCE)?, ask(&values.upper, NO_TOLERANCE)?)))
    }

    /// Any of several states, or series that came or went: every pod that may count at its largest value, and only those
    /// that surely count at their smallest.
    fn range_for_states(&self, values: &SeriesBounds, states: &[TargetState]) -> Option<(i32, i32)> {
        let per_pod = self.is_per_pod();
        let counts = |pod: &PodState| pod.phase == PodPhase::Running && if per_pod { !pod.deleting } else { pod.ready };
        let counting = states.iter().flat_map(|state| state.pods.iter()).filter(|pod| counts(pod));
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        counting.for_each(|pod| *times.entry(pod.name.as_str()).or_default() += 1);
        let in_all = |name: &str| times.get(name) == Some(&states.len());
        let mut maybe: BTreeSet<&str> = times.keys().copied().collect();
        let mut sure: BTreeSet<&str> = maybe.iter().copied().filter(|name| in_all(name)).collect();
        if per_pod {
            maybe = values.upper.iter().filter_map(|sample| sample.object.as_deref()).collect();
            let sampled = values.certain_objects();
            sure.retain(|name| sampled.contains(name));
        }
        let common: Vec<MetricSample> = match per_pod {
            true => values.certain_samples(|name| sure.contains(name)),
            false => values.lower.clone(),
        };
        let (sure, maybe) = (running_pods(&sure), running_pods(&maybe));
        let mut moves = (i32::MAX, i32::MIN);
        let mut sizes: Vec<&TargetState> = states.iter().collect();
        sizes.sort_by_key(|state| (state.spec_replicas, state.status_replicas));
        sizes.dedup_by_key(|state| (state.spec_replicas, state.status_replicas));
        for state in sizes {
            let most = self.recommend(&values.upper, &maybe, state, NO_TOLERANCE)?;
            // Nobody surely counts: nothing may be asked for.
            let least = if sure.is_empty() && !self.is_total() {
                0
            } else {
                self.recommend(&common, &sure, state, NO_TOLERANCE)?.min(self.recommend(
                    &values.lower,
                    &sure,
                    state,
                    NO_TOLERANCE,
                )?)
            };
            moves = (moves.0.min(least), moves.1.max(most));
        }
        Some(moves)
    }

    /// What these values ask for; `None` where the controller could not tell, or would wrap around.
    fn recommend(
        &self,
        samples: &[MetricSample],
        pods: &[PodState],
        state: &TargetState,
        tolerance: Tolerance,
    ) -> Option<i32> {
        let scenario = self.records.scenario;
        let metric = hpa::metric_from_spec(&scenario.hpa.spec, &scenario.namespace, samples)?;
        let (spec_replicas, status_replicas) = (state.spec_replicas, state.status_replicas);
        let workload = Workload { spec_replicas, status_replicas, pods, tolerance };
        hpa::propose(&metric, &workload).ok().map(|proposal| proposal.replicas).filter(|replicas| *replicas >= 0)
    }

    pub(super) fn is_per_pod(&self) -> bool {
        self.metric_spec().is_some_and(|metric| metric.pods.is_some())
    }

    /// An AverageValue target of an Object or External metric: the total, whatever the pods are.
    pub(crate) fn is_total(&self) -> bool {
        let metric = self.metric_spec();
        let object = metric.and_then(|m| m.object.as_ref()).map(|m| m.target.type_ == "AverageValue");
        let external = metric.and_then(|m| m.external.as_ref()).map(|m| m.target.average_value.is_some());
        object.or(external).unwrap_or(false)
    }
}

fn running_pods(names: &BTreeSet<&str>) -> Vec<PodState> {
    let pod =
        |name: &&str| PodState { name: (*name).to_owned(), phase: PodPhase::Running, ready: true, deleting: false };
    names.iter().map(pod).collect()
}
