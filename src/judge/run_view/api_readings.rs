//! Readings of the metrics API with the state of the target at each, so that it can be said what each asks for.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::cache::{CachedReading, EvaluationCache};
use super::target_state::{TargetState, TargetTracker};
use super::{RunView, TargetPod};
use crate::bounds::{POLL_INTERVAL, SLACK};
use crate::hpa::{self, PodPhase, PodState, Workload};
use crate::model::observation::{Observation, ObservationKind};
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};
use crate::model::scenario::Scenario;
use crate::units::Milli;

/// Longest distance between two readings that still count as one span: a poll may be missed, two may not.
pub(crate) const MAX_READING_GAP_MS: u64 = 3 * POLL_INTERVAL.ms();

/// One reading of what the HPA controller reads.
#[derive(Clone, Debug)]
pub struct ApiReading<'a> {
    /// Number of the observation.
    pub seq: u64,
    /// When the question was sent.
    pub requested_ms: u64,
    /// When the answer was received.
    pub received_ms: u64,
    /// The reading.
    pub reading: &'a MetricReading,
    /// spec.replicas at that moment.
    pub spec_replicas: i32,
    status_replicas: i32,
    pods: Rc<Vec<PodState>>,
    scenario: &'a Scenario,
    pub(super) cached: Rc<CachedReading>,
}

impl ApiReading<'_> {
    /// The size that this reading asks for from `size`: the controller's own arithmetic, tolerance included, before
    /// bounds and stabilization. `None` when the controller could not have computed one.
    #[must_use]
    pub fn recommendation_from(&self, size: i32) -> Option<i32> {
        if size == self.spec_replicas { self.recommendation() } else { self.recommend(size, &self.pods) }
    }

    /// The size that it asks for from the size at that moment.
    #[must_use]
    pub fn recommendation(&self) -> Option<i32> {
        self.proposal().map(|proposal| proposal.replicas)
    }

    /// The value as the controller would report it in the HPA's status, in thousandths.
    #[must_use]
    pub fn value_milli(&self) -> Option<i64> {
        self.proposal().map(|proposal| proposal.value_milli)
    }

    fn proposal(&self) -> Option<hpa::Proposal> {
        self.cached.proposal(|| self.propose(self.spec_replicas, &self.pods))
    }

    /// Where the readings lead from `size` if they stay as this one: each pass may shrink the target, and the pods
    /// with the largest values are taken to stay.
    #[must_use]
    pub fn converged_size(&self, size: i32, min: i32) -> Option<i32> {
        self.cached.converged_size(size, min, || self.compute_converged_size(size, min))
    }

    fn compute_converged_size(&self, size: i32, min: i32) -> Option<i32> {
        let mut size = size;
        loop {
            let pods = self.largest_pods(size);
            let next = self.recommend(size, &pods)?.max(min);
            if next >= size {
                return Some(size);
            }
            size = next;
        }
    }

    /// The size that it asks for from `size` by the samples of these pods alone: what it asked for before others came.
    pub(crate) fn recommendation_by_pods(&self, size: i32, names: &BTreeSet<&str>) -> Option<i32> {
        let is_one = |pod: &&PodState| names.contains(pod.name.as_str());
        if self.pods.iter().all(|pod| is_one(&pod)) {
            return self.recommendation_from(size);
        }
        let pods: Vec<PodState> = self.pods.iter().filter(is_one).cloned().collect();
        self.recommend(size, &pods)
    }

    fn largest_pods(&self, size: i32) -> Vec<PodState> {
        // A pod without a sample, which is less than any value, is the first to go. That of one which does not run is
        // counted by no pass, and its owner takes it away before those that run.
        let value = |pod: &PodState| {
            let samples = self.reading.samples().unwrap_or_default();
            let is_counted = !matches!(pod.phase, PodPhase::Pending | PodPhase::Failed);
            let own = samples.iter().find(|s| is_counted && s.object.as_deref() == Some(&pod.name));
            own.and_then(|s| s.value)
        };
        let mut pods: Vec<PodState> = self.pods.iter().filter(|pod| !pod.deleting).cloned().collect();
        pods.sort_by_key(|pod| std::cmp::Reverse(value(pod)));
        pods.truncate(usize::try_from(size).unwrap_or(0));
        pods
    }

    fn recommend(&self, size: i32, pods: &[PodState]) -> Option<i32> {
        self.propose(size, pods).map(|proposal| proposal.replicas)
    }

    fn propose(&self, size: i32, pods: &[PodState]) -> Option<hpa::Proposal> {
        let mut samples = self.reading.samples()?.to_vec();
        if pods.len() < self.pods.len() {
            // A pod that is taken to be gone has no sample any more. What another object is measured by stays.
            let is_gone = |name: &String| {
                let is_one = |pod: &PodState| pod.name == *name;
                self.pods.iter().any(is_one) && !pods.iter().any(is_one)
            };
            samples.retain(|sample| !sample.object.as_ref().is_some_and(is_gone));
        }
        let spec = &self.scenario.hpa.spec;
        let metric = hpa::metric_from_spec(spec, &self.scenario.namespace, &samples)?;
        let workload = Workload {
            spec_replicas: size,
            status_replicas: self.status_replicas.min(size.max(1)),
            pods,
            tolerance: hpa::tolerance_from_spec(spec, self.scenario.assumptions.tolerance),
        };
        hpa::propose(&metric, &workload).ok()
    }
}

/// Puts together all readings of the metrics API since the target was first seen, and the states of the target meanwhile.
pub(super) struct ReadingCollector<'a, 'm> {
    scenario: &'a Scenario,
    cache: &'m EvaluationCache,
    target: TargetTracker<'a>,
    readings: Vec<ApiReading<'a>>,
}

impl<'a, 'm> ReadingCollector<'a, 'm> {
    pub(super) fn new(scenario: &'a Scenario, memory: &'m EvaluationCache) -> Self {
        Self { scenario, cache: memory, target: TargetTracker::default(), readings: Vec::new() }
    }

    /// Takes the next observation in.
    pub(super) fn push(&mut self, observation: &'a Observation) {
        self.target.push(observation);
        let ObservationKind::Metric(reading) = &observation.kind else { return };
        if reading.hop != MetricHop::Api {
            return;
        }
        let Some(state) = self.target.current_state() else { return };
        self.readings.push(ApiReading {
            seq: observation.seq,
            requested_ms: reading.requested_ms,
            received_ms: observation.at_ms,
            reading,
            spec_replicas: state.spec_replicas,
            status_replicas: state.status_replicas,
            pods: Rc::clone(&state.pods),
            scenario: self.scenario,
            cached: self.cache.cached_reading(self.readings.len()),
        });
    }

    pub(super) fn finish(self) -> (Vec<ApiReading<'a>>, Vec<TargetState>) {
        (self.readings, self.target.states)
    }
}

impl<'a> RunView<'a> {
    /// The readings under load that a pass at the least size may have read, and what each asks for from there. The pass
    /// that rises lies between two readings of ours, and the new pods come at once.
    pub(crate) fn readings_before_scale_up(&self, began: u64) -> Vec<(&ApiReading<'a>, i32)> {
        let lives = self.target_pods();
        let names = lives.iter().filter(|life| life.first_seen_ms() < began).map(TargetPod::name).collect();
        let risen =
            self.first_workload(began, |w| w.spec_replicas > self.min_replicas).map_or(u64::MAX, |(_, at, _)| at);
        let until = risen.saturating_add(self.times.assumptions.sync_period.ms() + SLACK.ms());
        self.api_readings_in(began, until)
            .filter_map(|s| Some((s, s.recommendation_by_pods(self.min_replicas, &names)?)))
            .collect()
    }

    /// Readings of the metrics API received in a span of time.
    pub(crate) fn api_readings_in(&self, from_ms: u64, to_ms: u64) -> impl DoubleEndedIterator<Item = &ApiReading<'a>> {
        let from = self.api_readings.partition_point(|served| served.received_ms < from_ms);
        let to = self.api_readings.partition_point(|served| served.received_ms <= to_ms);
        self.api_readings.get(from..to.max(from)).unwrap_or_default().iter()
    }

    /// Spans of consecutive readings that all satisfy a condition, as (first, last) moments at which their values were
    /// served: from the answer to the first to the question of the last.
    pub(crate) fn spans_where(
        &self,
        readings: &[&ApiReading<'a>],
        holds: impl Fn(&ApiReading<'a>) -> bool,
    ) -> Vec<(u64, u64)> {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        let mut open: Option<(u64, u64)> = None;
        for served in readings {
            let together = open.is_some_and(|(_, last)| served.requested_ms <= last + MAX_READING_GAP_MS);
            if !holds(served) || !together {
                spans.extend(open.take());
            }
            if holds(served) {
                let from = open.map_or(served.received_ms, |(from, _)| from);
                open = Some((from, served.requested_ms.max(from)));
            }
        }
        spans.extend(open);
        spans
    }

    /// The longest stretch within a span of time in which no reading satisfies a condition: from an answer to the next
    /// question. What happened in it, nobody saw.
    pub(crate) fn longest_gap_ms(&self, from_ms: u64, to_ms: u64, is_read: impl Fn(&ApiReading<'a>) -> bool) -> u64 {
        let (mut since, mut longest) = (from_ms, 0);
        for served in self.api_readings_in(from_ms, to_ms).filter(|served| is_read(served)) {
            longest = longest.max(served.requested_ms.saturating_sub(since));
            since = served.received_ms;
        }
        longest.max(to_ms.saturating_sub(since))
    }

    /// The values at a hop within a span of time, sorted: at the metrics API as the controller would report them, at the
    /// hops before it those of the series of the target's pods.
    pub(crate) fn values_at_hop(&self, hop: MetricHop, from_ms: u64, to_ms: u64) -> Vec<Milli> {
        let mut values: Vec<Milli> = if hop == MetricHop::Api {
            self.api_readings_in(from_ms, to_ms).filter_map(|served| served.value_milli().map(Milli)).collect()
        } else {
            let lives = self.target_pods();
            let ours = |sample: &&MetricSample| lives.iter().any(|life| sample.object.as_deref() == Some(life.name()));
            let at_hop = self.readings.iter().filter(|(o, r)| r.hop == hop && (from_ms..=to_ms).contains(&o.at_ms));
            let samples = at_hop.flat_map(|(_, reading)| reading.samples().unwrap_or_default().iter().filter(ours));
            samples.filter_map(|sample| sample.value).collect()
        };
        values.sort_unstable();
        values
    }

    /// The parts of a span of time without a stretch in which the controller may have been without the metric: no
    /// reading of ours, for longer than a sync period, from which a size could be computed.
    fn measured_spans(&self, from_ms: u64, to_ms: u64) -> Vec<(u64, u64)> {
        let most = self.times.assumptions.sync_period.ms() + MAX_READING_GAP_MS;
        let mut parts = Vec::new();
        let (mut since, mut last) = (from_ms, from_ms);
        for served in self.api_readings_in(from_ms, to_ms).filter(|served| served.recommendation().is_some()) {
            if served.requested_ms.saturating_sub(last) > most {
                parts.push((since, last));
                since = served.received_ms;
            }
            last = served.received_ms;
        }
        parts.push((since, if to_ms.saturating_sub(last) > most { last } else { to_ms }));
        parts
    }

    /// The longest of these parts.
    pub(crate) fn longest_measured_ms(&self, from_ms: u64, to_ms: u64) -> u64 {
        self.measured_spans(from_ms, to_ms).iter().map(|(from, to)| to.saturating_sub(*from)).max().unwrap_or(0)
    }

    /// How long the metric was away within a span of time. A wait for something that it shows is so much longer, but not
    /// for ever: a metrics adapter that was started again has come back by then.
    pub(crate) fn metric_absent_ms(&self, from_ms: u64, to_ms: u64) -> u64 {
        let there: u64 = self.measured_spans(from_ms, to_ms).iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        to_ms.saturating_sub(from_ms).saturating_sub(there).min(self.times.metric_served().lenient_ms())
    }

    /// Spans under load in which every reading asks for the expected size.
    pub(crate) fn spans_for_expected(&self) -> Vec<(u64, u64)> {
        let Some((began, end)) = self.load_span() else { return Vec::new() };
        let readings: Vec<_> = self.api_readings_in(began, end).collect();
        self.spans_where(&readings, |served| served.recommendation().is_some_and(|asks| asks >= self.expected_replicas))
    }

    /// What went wrong with a reading, in words.
    pub(crate) fn describe_failure(reading: &MetricReading) -> String {
        match &reading.result {
            ReadingResult::Samples(samples) if samples.is_empty() => "no series".to_owned(),
            ReadingResult::Samples(samples) => format!("{} samples, none of the target or not finite", samples.len()),
            ReadingResult::Failed(why) => why.clone(),
            ReadingResult::NotReadable(why) => format!("not readable: {why}"),
        }
    }
}
