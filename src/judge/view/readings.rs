//! Readings of the metrics API with the state of the target at each, so that it can be said what each asks for.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::memory::{Memory, Worked};
use super::target::{Target, TargetState};
use super::{Life, View};
use crate::bounds::{POLL, SLACK};
use crate::hpa::{self, PodPhase, PodState, Workload};
use crate::record::observation::{Observation, Seen};
use crate::record::reading::{Answer, Hop, Reading, Sample};
use crate::record::scenario::Scenario;
use crate::units::Milli;

/// Longest distance between two readings that still count as one span: a poll may be missed, two may not.
pub(crate) const TOGETHER_MS: u64 = 3 * POLL.ms();

/// One reading of what the HPA controller reads.
#[derive(Clone, Debug)]
pub struct Served<'a> {
    /// Number of the observation.
    pub seq: u64,
    /// When the question was sent.
    pub asked_ms: u64,
    /// When the answer was received.
    pub at_ms: u64,
    /// The reading.
    pub reading: &'a Reading,
    /// spec.replicas at that moment.
    pub size: i32,
    status_size: i32,
    pods: Rc<Vec<PodState>>,
    scenario: &'a Scenario,
    pub(super) worked: Rc<Worked>,
}

impl Served<'_> {
    /// The size that this reading asks for from `size`: the controller's own arithmetic, tolerance included, before
    /// bounds and stabilization. `None` when the controller could not have computed one.
    #[must_use]
    pub fn asks_from(&self, size: i32) -> Option<i32> {
        if size == self.size { self.asks() } else { self.ask(size, &self.pods) }
    }

    /// The size that it asks for from the size at that moment.
    #[must_use]
    pub fn asks(&self) -> Option<i32> {
        self.own().map(|proposal| proposal.replicas)
    }

    /// The value as the controller would report it in the HPA's status, in thousandths.
    #[must_use]
    pub fn value_milli(&self) -> Option<i64> {
        self.own().map(|proposal| proposal.value_milli)
    }

    fn own(&self) -> Option<hpa::Proposal> {
        self.worked.own(|| self.propose(self.size, &self.pods))
    }

    /// Where the readings lead from `size` if they stay as this one: each pass may shrink the target, and the pods
    /// with the largest values are taken to stay.
    #[must_use]
    pub fn leads_to(&self, size: i32, min: i32) -> Option<i32> {
        self.worked.leads(size, min, || self.led_to(size, min))
    }

    fn led_to(&self, size: i32, min: i32) -> Option<i32> {
        let mut size = size;
        loop {
            let pods = self.largest(size);
            let next = self.ask(size, &pods)?.max(min);
            if next >= size {
                return Some(size);
            }
            size = next;
        }
    }

    /// The size that it asks for from `size` by the samples of these pods alone: what it asked for before others came.
    pub(crate) fn asks_by(&self, size: i32, names: &BTreeSet<&str>) -> Option<i32> {
        let is_one = |pod: &&PodState| names.contains(pod.name.as_str());
        if self.pods.iter().all(|pod| is_one(&pod)) {
            return self.asks_from(size);
        }
        let pods: Vec<PodState> = self.pods.iter().filter(is_one).cloned().collect();
        self.ask(size, &pods)
    }

    fn largest(&self, size: i32) -> Vec<PodState> {
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

    fn ask(&self, size: i32, pods: &[PodState]) -> Option<i32> {
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
        let metric = hpa::metric_of(spec, &self.scenario.namespace, &samples)?;
        let workload = Workload {
            spec_replicas: size,
            status_replicas: self.status_size.min(size.max(1)),
            pods,
            tolerance: hpa::tolerance_of(spec, self.scenario.assumptions.tolerance),
        };
        hpa::propose(&metric, &workload).ok()
    }
}

/// Puts together all readings of the metrics API since the target was first seen, and the states of the target meanwhile.
pub(super) struct Reader<'a, 'm> {
    scenario: &'a Scenario,
    memory: &'m Memory,
    target: Target<'a>,
    found: Vec<Served<'a>>,
}

impl<'a, 'm> Reader<'a, 'm> {
    pub(super) fn new(scenario: &'a Scenario, memory: &'m Memory) -> Self {
        Self { scenario, memory, target: Target::default(), found: Vec::new() }
    }

    /// Takes the next observation in.
    pub(super) fn take(&mut self, observation: &'a Observation) {
        self.target.take(observation);
        let Seen::Metric(reading) = &observation.seen else { return };
        if reading.hop != Hop::Api {
            return;
        }
        let Some(state) = self.target.state() else { return };
        self.found.push(Served {
            seq: observation.seq,
            asked_ms: reading.asked_ms,
            at_ms: observation.at_ms,
            reading,
            size: state.size,
            status_size: state.status_size,
            pods: Rc::clone(&state.pods),
            scenario: self.scenario,
            worked: self.memory.of(self.found.len()),
        });
    }

    pub(super) fn done(self) -> (Vec<Served<'a>>, Vec<TargetState>) {
        (self.found, self.target.states)
    }
}

impl<'a> View<'a> {
    /// The readings under load that a pass at the least size may have read, and what each asks for from there. The pass
    /// that rises lies between two readings of ours, and the new pods come at once.
    pub(crate) fn before_the_rise(&self, began: u64) -> Vec<(&Served<'a>, i32)> {
        let lives = self.lives();
        let names = lives.iter().filter(|life| life.first_ms() < began).map(Life::name).collect();
        let risen = self.first_workload(began, |w| w.spec_replicas > self.min).map_or(u64::MAX, |(_, at, _)| at);
        let until = risen.saturating_add(self.times.assumed.sync_period.ms() + SLACK.ms());
        self.served_in(began, until).filter_map(|s| Some((s, s.asks_by(self.min, &names)?))).collect()
    }

    /// Readings of the metrics API received in a span of time.
    pub(crate) fn served_in(&self, from_ms: u64, to_ms: u64) -> impl DoubleEndedIterator<Item = &Served<'a>> {
        let from = self.served.partition_point(|served| served.at_ms < from_ms);
        let to = self.served.partition_point(|served| served.at_ms <= to_ms);
        self.served.get(from..to.max(from)).unwrap_or_default().iter()
    }

    /// Spans of consecutive readings that all satisfy a condition, as (first, last) moments at which their values were
    /// served: from the answer to the first to the question of the last.
    pub(crate) fn spans(&self, readings: &[&Served<'a>], holds: impl Fn(&Served<'a>) -> bool) -> Vec<(u64, u64)> {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        let mut open: Option<(u64, u64)> = None;
        for served in readings {
            let together = open.is_some_and(|(_, last)| served.asked_ms <= last + TOGETHER_MS);
            if !holds(served) || !together {
                spans.extend(open.take());
            }
            if holds(served) {
                let from = open.map_or(served.at_ms, |(from, _)| from);
                open = Some((from, served.asked_ms.max(from)));
            }
        }
        spans.extend(open);
        spans
    }

    /// The longest stretch within a span of time in which no reading satisfies a condition: from an answer to the next
    /// question. What happened in it, nobody saw.
    pub(crate) fn blind_ms(&self, from_ms: u64, to_ms: u64, is_read: impl Fn(&Served<'a>) -> bool) -> u64 {
        let (mut since, mut longest) = (from_ms, 0);
        for served in self.served_in(from_ms, to_ms).filter(|served| is_read(served)) {
            longest = longest.max(served.asked_ms.saturating_sub(since));
            since = served.at_ms;
        }
        longest.max(to_ms.saturating_sub(since))
    }

    /// The values at a hop within a span of time, sorted: at the metrics API as the controller would report them, at the
    /// hops before it those of the series of the target's pods.
    pub(crate) fn values_at(&self, hop: Hop, from_ms: u64, to_ms: u64) -> Vec<Milli> {
        let mut values: Vec<Milli> = if hop == Hop::Api {
            self.served_in(from_ms, to_ms).filter_map(|served| served.value_milli().map(Milli)).collect()
        } else {
            let lives = self.lives();
            let ours = |sample: &&Sample| lives.iter().any(|life| sample.object.as_deref() == Some(life.name()));
            let at_hop = self.readings.iter().filter(|(o, r)| r.hop == hop && (from_ms..=to_ms).contains(&o.at_ms));
            let samples = at_hop.flat_map(|(_, reading)| reading.samples().unwrap_or_default().iter().filter(ours));
            samples.filter_map(|sample| sample.value).collect()
        };
        values.sort_unstable();
        values
    }

    /// The parts of a span of time without a stretch in which the controller may have been without the metric: no
    /// reading of ours, for longer than a sync period, from which a size could be computed.
    fn measured(&self, from_ms: u64, to_ms: u64) -> Vec<(u64, u64)> {
        let most = self.times.assumed.sync_period.ms() + TOGETHER_MS;
        let mut parts = Vec::new();
        let (mut since, mut last) = (from_ms, from_ms);
        for served in self.served_in(from_ms, to_ms).filter(|served| served.asks().is_some()) {
            if served.asked_ms.saturating_sub(last) > most {
                parts.push((since, last));
                since = served.at_ms;
            }
            last = served.at_ms;
        }
        parts.push((since, if to_ms.saturating_sub(last) > most { last } else { to_ms }));
        parts
    }

    /// The longest of these parts.
    pub(crate) fn measured_ms(&self, from_ms: u64, to_ms: u64) -> u64 {
        self.measured(from_ms, to_ms).iter().map(|(from, to)| to.saturating_sub(*from)).max().unwrap_or(0)
    }

    /// How long the metric was away within a span of time. A wait for something that it shows is so much longer, but not
    /// for ever: a metrics adapter that was started again has come back by then.
    pub(crate) fn away_ms(&self, from_ms: u64, to_ms: u64) -> u64 {
        let there: u64 = self.measured(from_ms, to_ms).iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        to_ms.saturating_sub(from_ms).saturating_sub(there).min(self.times.served().generous_ms())
    }

    /// Spans under load in which every reading asks for the expected size.
    pub(crate) fn asking_spans(&self) -> Vec<(u64, u64)> {
        let Some((began, end)) = self.loaded() else { return Vec::new() };
        let readings: Vec<_> = self.served_in(began, end).collect();
        self.spans(&readings, |served| served.asks().is_some_and(|asks| asks >= self.expect))
    }

    /// What went wrong with a reading, in words.
    pub(crate) fn failure(reading: &Reading) -> String {
        match &reading.answer {
            Answer::Samples(samples) if samples.is_empty() => "no series".to_owned(),
            Answer::Samples(samples) => format!("{} samples, none of the target or not finite", samples.len()),
            Answer::Failed(why) => why.clone(),
            Answer::NotReadable(why) => format!("not readable: {why}"),
        }
    }
}
