//! What a pass of the controller may have asked for, when its values are known only to lie between two readings of ours,
//! or by what the HPA's status reports of them. Sets, not points: whatever could have been served, seen of the pods and
//! tolerated is in them. All arithmetic is `hpa/`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::target::TargetState;
use super::values::Values;
use super::{TOGETHER_MS, View};
use crate::bounds::SLACK;
use crate::hpa::{self, PodPhase, PodState, Tolerance, Workload};
use crate::record::observation::{HpaSeen, Observation};
use crate::record::reading::Sample;

/// A tolerance that tolerates nothing, so that the ratio alone speaks.
const NEVER: Tolerance = Tolerance { up: -1.0, down: -1.0 };

/// The sizes that a pass may have asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The sizes that the target may have had: what a pass inside the tolerance asks for.
    keep: (i32, i32),
    /// The sizes outside the tolerance, smallest and largest; `None` when no value can have been outside.
    moves: Option<(i32, i32)>,
}

impl Asked {
    /// Anything.
    const UNKNOWN: Self = Self { keep: (i32::MAX, i32::MIN), moves: Some((i32::MIN, i32::MAX)) };

    /// The smallest size.
    pub(crate) fn least(self) -> i32 {
        self.moves.map_or(self.keep.0, |(least, _)| least.min(self.keep.0))
    }

    /// The largest size.
    pub(crate) fn most(self) -> i32 {
        self.moves.map_or(self.keep.1, |(_, most)| most.max(self.keep.1))
    }

    /// True when a pass may have asked for this size.
    pub(crate) fn holds(self, size: i32) -> bool {
        let within = |(least, most): (i32, i32)| (least..=most).contains(&size);
        within(self.keep) || self.moves.is_some_and(within)
    }

    /// The same where the size that the pass found is known.
    pub(crate) fn from(self, size: i32) -> Self {
        Self { keep: (size, size), ..self }
    }

    /// The same where it may also ask for anything between that and staying.
    fn held_back(self) -> Self {
        let reach = |(least, most): (i32, i32)| (least.min(self.keep.0), most.max(self.keep.1));
        Self { moves: self.moves.map(reach), ..self }
    }

    fn or(self, other: Self) -> Self {
        let both = |a: (i32, i32), b: (i32, i32)| (a.0.min(b.0), a.1.max(b.1));
        let moves = match (self.moves, other.moves) {
            (Some(a), Some(b)) => Some(both(a, b)),
            (one, None) | (None, one) => one,
        };
        Self { keep: both(self.keep, other.keep), moves }
    }
}

impl<'a> View<'a> {
    /// What a pass may have asked for whose values were served between the question of this reading and the answer to
    /// the next one.
    pub(crate) fn asked_between(&self, reading: usize) -> Asked {
        let Some(cell) = self.asked.get(reading) else { return Asked::UNKNOWN };
        *cell.get_or_init(|| self.between(reading, u64::MAX).unwrap_or(Asked::UNKNOWN))
    }

    /// The readings, each with the next one, between which something served in this span of time may lie.
    pub(crate) fn readings_over(&self, from_ms: u64, to_ms: u64) -> Range<usize> {
        let first = self.served.partition_point(|served| served.at_ms < from_ms).saturating_sub(1);
        let last = self.served.partition_point(|served| served.asked_ms <= to_ms);
        first..last.max(first)
    }

    /// What a pass may have asked for whose values were served in this span of time, and which saw nothing of the target
    /// that came later.
    pub(crate) fn asked_before(&self, from_ms: u64, to_ms: u64) -> Asked {
        if self.served.first().is_none_or(|first| first.asked_ms > from_ms) {
            return Asked::UNKNOWN;
        }
        let all =
            self.readings_over(from_ms, to_ms).map(|reading| self.between(reading, to_ms).unwrap_or(Asked::UNKNOWN));
        all.reduce(Asked::or).unwrap_or(Asked::UNKNOWN)
    }

    /// What the pass asked for whose status this is, by the value that the status reports, if it saw nothing of the target
    /// that came later than `to_ms`. `None` when it reports none.
    pub(crate) fn asked_by(&self, at: &Observation, hpa: &HpaSeen, to_ms: u64) -> Option<Asked> {
        let values = Values::reported(self, hpa)?;
        let since = self.came_ms("hpa", at.at_ms).saturating_sub(2 * SLACK.ms());
        let states = self.states(since, at.at_ms + SLACK.ms(), to_ms)?;
        let values = values.of(&states)?;
        if !self.is_per_pod() {
            return self.asked_of(&values, &states, true);
        }
        // Which pods had a sample is not reported. Where each counts once, one that had none holds the others back.
        let even = states.iter().all(TargetState::is_even);
        let asked = self.asked_of(&values, &states, even)?;
        Some(if self.all_sampled(&states, since, at.at_ms) { asked } else { asked.held_back() })
    }

    /// Every pod has a sample in every reading of a span of time.
    fn all_sampled(&self, states: &[TargetState], from_ms: u64, to_ms: u64) -> bool {
        let mut readings = self.served.get(self.readings_over(from_ms, to_ms)).unwrap_or_default().iter().peekable();
        let pods = || states.iter().flat_map(|state| state.pods.iter());
        readings.peek().is_some()
            && readings.all(|served| {
                let samples = served.reading.samples().unwrap_or_default();
                let objects: BTreeSet<&str> = samples.iter().filter_map(|sample| sample.object.as_deref()).collect();
                pods().all(|pod| objects.contains(pod.name.as_str()))
            })
    }

    fn between(&self, reading: usize, to_ms: u64) -> Option<Asked> {
        let (one, next) = (self.served.get(reading)?, self.served.get(reading + 1)?);
        let (from, until) = (one.asked_ms.saturating_sub(SLACK.ms()), next.at_ms + SLACK.ms());
        let seen = (to_ms, self.gaps.len(), self.states_over(from, until), self.is_in_range());
        if let Some(asked) = one.worked.between(&seen) {
            return asked;
        }
        let states = self.states(from, until, to_ms)?;
        let apart = next.at_ms.saturating_sub(one.asked_ms);
        // A pod's value lasts for an interval of its exporter. One value for many series changes with each of them.
        let lasts = self.is_per_pod() && !self.may_miss_values();
        let known = lasts && apart <= TOGETHER_MS.min(self.times.assumed.exporter_interval.ms());
        let values = Values::read(one.reading, next.reading).filter(|_| known);
        let values = values.or_else(|| Values::any(self)?.of(&states));
        let asked = values.and_then(|values| self.asked_of(&values, &states, true));
        one.worked.keep_between(seen, asked);
        asked
    }

    /// Which states the target had over a span of time.
    fn states_over(&self, from_ms: u64, to_ms: u64) -> Range<usize> {
        let first = self.states.partition_point(|state| state.at_ms <= from_ms).saturating_sub(1);
        let over = self.states.partition_point(|state| state.at_ms <= to_ms);
        first..over.max(first)
    }

    /// The states of the target over a span of time: the controller's view of the pods may be a little older than ours, or
    /// younger. Of what came at `last_ms` or later only the news of pods that were there before counts: it may be late
    /// with us. `None` when it is not known.
    fn states(&self, from_ms: u64, to_ms: u64, last_ms: u64) -> Option<Vec<TargetState>> {
        if ["pods", "workload"].iter().any(|source| self.is_blind(source, from_ms, to_ms)) {
            return None;
        }
        let all = self.states.get(self.states_over(from_ms, to_ms))?;
        let (before, after) = all.split_at(all.partition_point(|state| state.at_ms < last_ms));
        let known = !before.is_empty() && before.iter().all(TargetState::knows_its_pods);
        let last = before.last().filter(|_| known)?;
        let after = after.iter().map(|state| last.with_news_of(state)).filter(|state| !state.is_like(last));
        Some(before.iter().cloned().chain(after).collect())
    }

    fn asked_of(&self, values: &Values, states: &[TargetState], paired: bool) -> Option<Asked> {
        let sizes = || states.iter().map(|state| state.size);
        let mut keep = (sizes().min()?, sizes().max()?);
        let totals = self.is_total();
        if totals {
            let made = || states.iter().map(|state| state.status_size);
            keep = (keep.0.min(made().min()?), keep.1.max(made().max()?));
        }
        let moves = match states {
            [state] if paired && values.is_paired() => self.narrow(values, state)?,
            _ => Some(self.wide(values, states)?),
        };
        let several = self.records.scenario.hpa.spec.metrics.as_ref().is_some_and(|all| all.len() > 1);
        // The largest proposal counts, and another metric's is not read.
        let moves = if several { Some((moves.map_or(keep.0, |(least, _)| least), i32::MAX)) } else { moves };
        Some(Asked { keep, moves })
    }

    /// One state of the target, and the same series in both readings.
    fn narrow(&self, values: &Values, state: &TargetState) -> Option<Option<(i32, i32)>> {
        let kept = if self.is_total() { state.status_size } else { state.size };
        // A tolerance that the spec does not state is the controller's flag, which may be anything from 0 on. What lies
        // outside a larger one asks for the same as outside of 0.
        let least = hpa::tolerance_of(&self.records.scenario.hpa.spec, 0.0);
        let ask = |samples: &[Sample], tolerance| self.ask(samples, &state.pods, state, tolerance);
        let (low, high) = (ask(&values.least, least)?, ask(&values.most, least)?);
        // With as many pods as the size, what lies between two values asks for something between what they ask for.
        let even = self.is_total() || state.is_even();
        if even && low == kept && high == kept {
            return Some(None);
        }
        if even || values.is_fixed() {
            return Some(Some((low, high)));
        }
        Some(Some((ask(&values.least, NEVER)?, ask(&values.most, NEVER)?)))
    }

    /// Any of several states, or series that came or went: every pod that may count at its largest value, and only those
    /// that surely count at their smallest.
    fn wide(&self, values: &Values, states: &[TargetState]) -> Option<(i32, i32)> {
        let per_pod = self.is_per_pod();
        let counts = |pod: &PodState| pod.phase == PodPhase::Running && if per_pod { !pod.deleting } else { pod.ready };
        let counting = states.iter().flat_map(|state| state.pods.iter()).filter(|pod| counts(pod));
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        counting.for_each(|pod| *times.entry(pod.name.as_str()).or_default() += 1);
        let in_all = |name: &str| times.get(name) == Some(&states.len());
        let mut maybe: BTreeSet<&str> = times.keys().copied().collect();
        let mut sure: BTreeSet<&str> = maybe.iter().copied().filter(|name| in_all(name)).collect();
        if per_pod {
            maybe = values.most.iter().filter_map(|sample| sample.object.as_deref()).collect();
            let sampled = values.sure_objects();
            sure.retain(|name| sampled.contains(name));
        }
        let common: Vec<Sample> = match per_pod {
            true => values.common(|name| sure.contains(name)),
            false => values.least.clone(),
        };
        let (sure, maybe) = (running(&sure), running(&maybe));
        let mut moves = (i32::MAX, i32::MIN);
        let mut sizes: Vec<&TargetState> = states.iter().collect();
        sizes.sort_by_key(|state| (state.size, state.status_size));
        sizes.dedup_by_key(|state| (state.size, state.status_size));
        for state in sizes {
            let most = self.ask(&values.most, &maybe, state, NEVER)?;
            // Nobody surely counts: nothing may be asked for.
            let least = if sure.is_empty() && !self.is_total() {
                0
            } else {
                self.ask(&common, &sure, state, NEVER)?.min(self.ask(&values.least, &sure, state, NEVER)?)
            };
            moves = (moves.0.min(least), moves.1.max(most));
        }
        Some(moves)
    }

    /// What these values ask for; `None` where the controller could not tell, or would wrap around.
    fn ask(&self, samples: &[Sample], pods: &[PodState], state: &TargetState, tolerance: Tolerance) -> Option<i32> {
        let scenario = self.records.scenario;
        let metric = hpa::metric_of(&scenario.hpa.spec, &scenario.namespace, samples)?;
        let (spec_replicas, status_replicas) = (state.size, state.status_size);
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

fn running(names: &BTreeSet<&str>) -> Vec<PodState> {
    let pod =
        |name: &&str| PodState { name: (*name).to_owned(), phase: PodPhase::Running, ready: true, deleting: false };
    names.iter().map(pod).collect()
}
