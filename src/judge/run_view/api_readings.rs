//! Readings of the metrics API, each with the state of the target and the recommendation that the HPA's arithmetic
//! gives.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::cache::{CachedReading, EvaluationCache};
use super::target_state::{TargetState, TargetTracker};
use super::{RunView, TargetPod};
use crate::bounds::{POLL_INTERVAL, SLACK};
use crate::hpa::{self, PodPhase, PodState, Workload};
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::observation::{Observation, ObservationKind};
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};
use crate::model::scenario::Scenario;
use crate::units::Milli;

/// Longest distance between two readings of one span, milliseconds: a poll may be missed, two may not.
pub(crate) const MAX_READING_GAP_MS: u64 = 3 * POLL_INTERVAL.ms();

/// Longest distance, milliseconds, between two recorded readings of a hop without a gap: an unchanged reading is
/// recorded every 10 s, and a poll or two may be missed.
pub(crate) const MAX_UNCHANGED_MS: u64 = 10_000 + MAX_READING_GAP_MS;

/// One reading of the metrics API, as the HPA controller reads it.
#[derive(Clone, Debug)]
pub(crate) struct ApiReading<'a> {
    /// Sequence number of the observation.
    pub(crate) seq: u64,
    /// When the request was sent.
    pub(crate) requested_ms: u64,
    /// When the response was received.
    pub(crate) received_ms: u64,
    /// The reading.
    pub(crate) reading: &'a MetricReading,
    /// spec.replicas at that time.
    pub(crate) spec_replicas: i32,
    status_replicas: i32,
    pods: Rc<Vec<PodState>>,
    metric: Option<Rc<MetricUnderTest>>,
    tolerance_flag: f64,
    pub(super) cached: Rc<CachedReading>,
}

impl ApiReading<'_> {
    /// The recommendation at `replicas`: the controller's own arithmetic, tolerance included, before minReplicas,
    /// maxReplicas and stabilization. `None` where the controller cannot compute one.
    #[must_use]
    pub(crate) fn recommendation_from(&self, replicas: i32) -> Option<i32> {
        if replicas == self.spec_replicas { self.recommendation() } else { self.recommend(replicas, &self.pods) }
    }

    /// The recommendation at spec.replicas of that time.
    #[must_use]
    pub(crate) fn recommendation(&self) -> Option<i32> {
        self.proposal().map(|proposal| proposal.replicas)
    }

    /// The value as the controller would report it in the HPA's status, in thousandths.
    #[must_use]
    pub(crate) fn value_milli(&self) -> Option<i64> {
        self.proposal().map(|proposal| proposal.value_milli)
    }

    fn proposal(&self) -> Option<hpa::Proposal> {
        self.cached.proposal(|| self.propose(self.spec_replicas, &self.pods))
    }

    /// The replicas that repeated passes with this reading reach from `replicas`: each pass may scale down, and the
    /// pods with the largest values are assumed to stay.
    #[must_use]
    pub(crate) fn converged_size(&self, replicas: i32, min: i32) -> Option<i32> {
        self.cached.converged_size(replicas, min, || self.compute_converged_size(replicas, min))
    }

    fn compute_converged_size(&self, replicas: i32, min: i32) -> Option<i32> {
        let mut replicas = replicas;
        loop {
            let pods = self.largest_pods(replicas);
            let next = self.recommend(replicas, &pods)?.max(min);
            if next >= replicas {
                return Some(replicas);
            }
            replicas = next;
        }
    }

    /// The recommendation at `replicas` by the samples of these pods alone, as it was before other pods were added.
    pub(crate) fn recommendation_by_pods(&self, replicas: i32, names: &BTreeSet<&str>) -> Option<i32> {
        let is_named = |pod: &&PodState| names.contains(pod.name.as_str());
        if self.pods.iter().all(|pod| is_named(&pod)) {
            return self.recommendation_from(replicas);
        }
        let pods: Vec<PodState> = self.pods.iter().filter(is_named).cloned().collect();
        self.recommend(replicas, &pods)
    }

    fn largest_pods(&self, replicas: i32) -> Vec<PodState> {
        // A pod without a sample sorts below every value. The controller ignores the sample of a pod that does not run,
        // and its ReplicaSet deletes such a pod before those that run.
        let value = |pod: &PodState| {
            let samples = self.reading.samples().unwrap_or_default();
            let is_counted = !matches!(pod.phase, PodPhase::Pending | PodPhase::Failed);
            let of_pod = samples.iter().find(|s| is_counted && s.object.as_deref() == Some(&pod.name));
            of_pod.and_then(|s| s.value)
        };
        let mut pods: Vec<PodState> = self.pods.iter().filter(|pod| !pod.deleting).cloned().collect();
        pods.sort_by_key(|pod| std::cmp::Reverse(value(pod)));
        pods.truncate(usize::try_from(replicas).unwrap_or(0));
        pods
    }

    fn recommend(&self, replicas: i32, pods: &[PodState]) -> Option<i32> {
        self.propose(replicas, pods).map(|proposal| proposal.replicas)
    }

    fn propose(&self, replicas: i32, pods: &[PodState]) -> Option<hpa::Proposal> {
        let mut samples = self.reading.samples()?.to_vec();
        if pods.len() < self.pods.len() {
            // Samples of pods that are assumed to be gone are dropped; samples of other objects stay.
            let is_gone = |name: &String| {
                let is_named = |pod: &PodState| pod.name == *name;
                self.pods.iter().any(is_named) && !pods.iter().any(is_named)
            };
            samples.retain(|sample| !sample.object.as_ref().is_some_and(is_gone));
        }
        let metric = self.metric.as_ref()?;
        let workload = Workload {
            spec_replicas: replicas,
            status_replicas: self.status_replicas.min(replicas.max(1)),
            pods,
            tolerance: metric.tolerance(self.tolerance_flag),
        };
        metric.propose(&samples, &workload)
    }
}

/// Collects the readings of the metrics API since the first observation of the target, and the states of the target.
pub(super) struct ReadingCollector<'a, 'm> {
    metric: Option<Rc<MetricUnderTest>>,
    /// The controller's tolerance as the scenario assumes it.
    tolerance_flag: f64,
    cache: &'m EvaluationCache,
    target: TargetTracker<'a>,
    readings: Vec<ApiReading<'a>>,
}

impl<'a, 'm> ReadingCollector<'a, 'm> {
    pub(super) fn new(scenario: &Scenario, metric: Option<Rc<MetricUnderTest>>, cache: &'m EvaluationCache) -> Self {
        let tolerance_flag = scenario.assumptions.tolerance;
        Self { metric, tolerance_flag, cache, target: TargetTracker::default(), readings: Vec::new() }
    }

    /// Adds the next observation.
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
            metric: self.metric.clone(),
            tolerance_flag: self.tolerance_flag,
            cached: self.cache.cached_reading(self.readings.len()),
        });
    }

    pub(super) fn finish(self) -> (Vec<ApiReading<'a>>, Vec<TargetState>) {
        (self.readings, self.target.states)
    }
}

impl<'a> RunView<'a> {
    /// The readings under load that a pass at minReplicas may have read, each with its recommendation there. The pass
    /// that scales up lies between two polls, and the new pods are created at once.
    pub(crate) fn readings_before_scale_up(&self, began: u64) -> Vec<(&ApiReading<'a>, i32)> {
        let pods = self.target_pods();
        let names = pods.iter().filter(|pod| pod.first_seen_ms() < began).map(TargetPod::name).collect();
        let scale_up_ms =
            self.first_workload(began, |w| w.spec_replicas > self.min_replicas).map_or(u64::MAX, |(_, at, _)| at);
        let until = scale_up_ms.saturating_add(self.times.assumptions.sync_period.ms() + SLACK.ms());
        self.api_readings_in(began, until)
            .filter_map(|reading| Some((reading, reading.recommendation_by_pods(self.min_replicas, &names)?)))
            .collect()
    }

    /// Readings of the metrics API received in a span of time.
    pub(crate) fn api_readings_in(&self, from_ms: u64, to_ms: u64) -> impl DoubleEndedIterator<Item = &ApiReading<'a>> {
        let from = self.api_readings.partition_point(|reading| reading.received_ms < from_ms);
        let to = self.api_readings.partition_point(|reading| reading.received_ms <= to_ms);
        self.api_readings.get(from..to.max(from)).unwrap_or_default().iter()
    }

    /// Spans of consecutive readings that all satisfy a condition, each from the response of its first reading to the
    /// request of its last one.
    pub(crate) fn spans_where(
        &self,
        readings: &[&ApiReading<'a>],
        matches: impl Fn(&ApiReading<'a>) -> bool,
    ) -> Vec<(u64, u64)> {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        let mut open: Option<(u64, u64)> = None;
        for reading in readings {
            let is_adjacent = open.is_some_and(|(_, last)| reading.requested_ms <= last + MAX_READING_GAP_MS);
            if !matches(reading) || !is_adjacent {
                spans.extend(open.take());
            }
            if matches(reading) {
                let from = open.map_or(reading.received_ms, |(from, _)| from);
                open = Some((from, reading.requested_ms.max(from)));
            }
        }
        spans.extend(open);
        spans
    }

    /// The longest gap, milliseconds, within a span of time between readings that satisfy a condition: from a response
    /// to the next request.
    pub(crate) fn longest_gap_ms(&self, from_ms: u64, to_ms: u64, is_read: impl Fn(&ApiReading<'a>) -> bool) -> u64 {
        let (mut since, mut longest) = (from_ms, 0);
        for reading in self.api_readings_in(from_ms, to_ms).filter(|reading| is_read(reading)) {
            longest = longest.max(reading.requested_ms.saturating_sub(since));
            since = reading.received_ms;
        }
        longest.max(to_ms.saturating_sub(since))
    }

    /// The values at a hop within a span of time, sorted: at the metrics API as the controller reports them, at the
    /// hops before it those of the series of the target's pods.
    pub(crate) fn values_at_hop(&self, hop: MetricHop, from_ms: u64, to_ms: u64) -> Vec<Milli> {
        let mut values: Vec<Milli> = if hop == MetricHop::Api {
            self.api_readings_in(from_ms, to_ms).filter_map(|reading| reading.value_milli().map(Milli)).collect()
        } else {
            let of_target = |sample: &&MetricSample| self.is_of_target(sample);
            let samples = self
                .readings_at_hop(hop, from_ms..=to_ms)
                .flat_map(|(_, reading)| self.current_samples(reading).filter(of_target));
            samples.filter_map(|sample| sample.value).collect()
        };
        values.sort_unstable();
        values
    }

    /// The parts of a span of time in which the controller certainly had the metric. They exclude gaps longer than a
    /// sync period without a reading that gives a recommendation.
    fn measured_spans(&self, from_ms: u64, to_ms: u64) -> Vec<(u64, u64)> {
        let max_gap_ms = self.times.assumptions.sync_period.ms() + MAX_READING_GAP_MS;
        let mut parts = Vec::new();
        let (mut since, mut last) = (from_ms, from_ms);
        for reading in self.api_readings_in(from_ms, to_ms).filter(|reading| reading.recommendation().is_some()) {
            if reading.requested_ms.saturating_sub(last) > max_gap_ms {
                parts.push((since, last));
                since = reading.received_ms;
            }
            last = reading.received_ms;
        }
        parts.push((since, if to_ms.saturating_sub(last) > max_gap_ms { last } else { to_ms }));
        parts
    }

    /// The duration of the longest of these parts, milliseconds.
    pub(crate) fn longest_measured_ms(&self, from_ms: u64, to_ms: u64) -> u64 {
        self.measured_spans(from_ms, to_ms).iter().map(|(from, to)| to.saturating_sub(*from)).max().unwrap_or(0)
    }

    /// How long the metric was unavailable within a span of time, milliseconds. It extends waits for the metric, but at
    /// most by the time that a restarted metrics adapter needs.
    pub(crate) fn metric_absent_ms(&self, from_ms: u64, to_ms: u64) -> u64 {
        let measured_ms: u64 =
            self.measured_spans(from_ms, to_ms).iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        to_ms.saturating_sub(from_ms).saturating_sub(measured_ms).min(self.times.metric_served().lenient_ms())
    }

    /// Spans under load in which every reading recommends the expected replicas.
    pub(crate) fn spans_for_expected(&self) -> Vec<(u64, u64)> {
        let Some((began, end)) = self.load_span() else { return Vec::new() };
        let readings: Vec<_> = self.api_readings_in(began, end).collect();
        self.spans_where(&readings, |reading| {
            reading.recommendation().is_some_and(|replicas| replicas >= self.expected_replicas)
        })
    }

    /// Describes why a reading has no usable value.
    pub(crate) fn describe_failure(reading: &MetricReading) -> String {
        match &reading.result {
            ReadingResult::Samples(samples) if samples.is_empty() => "no series".to_owned(),
            ReadingResult::Samples(samples) => format!("{} samples, none of the target or not finite", samples.len()),
            ReadingResult::Failed(error) => error.clone(),
            ReadingResult::NotReadable(error) => format!("not readable: {error}"),
        }
    }
}
