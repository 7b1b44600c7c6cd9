//! The records of a run by their kinds, as the report shows them. Nothing here decides anything.

use std::collections::BTreeMap;

use crate::evidence::Ending;
use crate::record::observation::{
    Edge, GapSeen, Gone, HpaSeen, LoadSeen, Observation, Phase, PodSeen, ProbeSeen, Seen, WorkloadSeen,
};
use crate::record::reading::Reading;

/// Phases that are shown; a run has eight, and somebody's bundle may have any number.
const PHASES: usize = 32;

/// What was seen of a kind, with the moment of each.
pub(super) type Noted<'a, T> = Vec<(u64, &'a T)>;

/// The records by their kinds.
#[derive(Debug, Default)]
pub(super) struct Course<'a> {
    pub(super) end_ms: u64,
    /// The target's selector, once the target was seen.
    selector: Option<&'a BTreeMap<String, String>>,
    pub(super) phases: Vec<(Phase, u64, u64)>,
    pub(super) hpas: Noted<'a, HpaSeen>,
    pub(super) workloads: Noted<'a, WorkloadSeen>,
    pub(super) loads: Noted<'a, LoadSeen>,
    pub(super) readings: Noted<'a, Reading>,
    pub(super) events: Vec<&'a Observation>,
    pub(super) gaps: Noted<'a, GapSeen>,
    /// Why the run did not begin, if it did not.
    pub(super) not_begun: Option<&'a str>,
    pub(super) interrupted: Noted<'a, String>,
    /// Objects that are gone: HPA, target, Service.
    gone: Noted<'a, Gone>,
    /// The pods of the target in the order in which they came.
    pub(super) lives: Vec<Life<'a>>,
}

/// One pod of the target, from when it was first seen until it was gone.
#[derive(Debug)]
pub(super) struct Life<'a> {
    /// As it was last seen.
    pub(super) last: &'a PodSeen,
    pub(super) first_ms: u64,
    /// When it was first seen to be Ready, to be deleted, and to be gone.
    pub(super) ready_ms: Option<u64>,
    pub(super) leaving_ms: Option<u64>,
    pub(super) gone_ms: Option<u64>,
    /// Devices that the kubelet gave it, as last told: a pod that ends gives them back.
    pub(super) devices: &'a [String],
    /// The latest word on why it does not run.
    pub(super) trouble: Option<String>,
    /// The first chat of its own that it answered, or what came of it.
    pub(super) answer: Option<(u64, &'a ProbeSeen)>,
}

impl<'a> Course<'a> {
    pub(super) fn of(ending: &Ending<'a>) -> Self {
        let mut course = Self { end_ms: ending.timeline.last().map_or(0, |last| last.at_ms), ..Self::default() };
        // Pods may be listed before the target is.
        course.selector = ending.timeline.iter().find_map(|o| match &o.seen {
            Seen::Workload(workload) => Some(&workload.selector),
            _ => None,
        });
        let mut lives: BTreeMap<&str, usize> = BTreeMap::new();
        for observation in ending.timeline {
            course.take(observation, &mut lives);
        }
        let end_ms = course.end_ms;
        for (_, began, ended) in &mut course.phases {
            *ended = (*ended).max(*began).min(end_ms);
        }
        course
    }

    fn take(&mut self, observation: &'a Observation, lives: &mut BTreeMap<&'a str, usize>) {
        let at = observation.at_ms;
        match &observation.seen {
            Seen::Phase(mark) if mark.edge == Edge::Began => {
                if self.phases.len() < PHASES {
                    self.phases.push((mark.phase, at, u64::MAX));
                }
            }
            Seen::Phase(mark) => {
                let open = self.phases.iter_mut().rfind(|(phase, _, _)| *phase == mark.phase);
                open.into_iter().for_each(|(_, _, ended)| *ended = at);
            }
            Seen::Hpa(hpa) => self.hpas.push((at, hpa)),
            Seen::Workload(workload) => self.workloads.push((at, workload)),
            Seen::Pod(pod) => self.pod(at, pod, lives),
            Seen::PodGone(gone) => {
                let life = lives.get(gone.uid.as_str()).and_then(|n| self.lives.get_mut(*n));
                life.into_iter().for_each(|life| life.gone_ms = Some(at));
            }
            Seen::Event(_) => self.events.push(observation),
            Seen::Metric(reading) => self.readings.push((at, reading)),
            Seen::Load(load) => self.loads.push((at, load)),
            Seen::Probe(probe) => {
                let life = self.lives.iter_mut().rfind(|life| life.last.name == probe.pod);
                let answered = |(_, probe): &(u64, &ProbeSeen)| probe.error.is_none();
                life.into_iter().filter(|life| !life.answer.as_ref().is_some_and(answered)).for_each(|life| {
                    life.answer = Some((at, probe));
                });
            }
            Seen::Gap(gap) => self.gaps.push((at, gap)),
            Seen::Interrupted { signal } => self.interrupted.push((at, signal)),
            Seen::NotBegun { why } => self.not_begun = Some(why),
            Seen::ObjectGone(gone) => self.gone.push((at, gone)),
            Seen::Node(_) | Seen::Endpoints(_) | Seen::Skew(_) | Seen::Leader(_) => {}
        }
    }

    fn pod(&mut self, at: u64, pod: &'a PodSeen, lives: &mut BTreeMap<&'a str, usize>) {
        let is_of_target = |selector: &BTreeMap<String, String>| {
            selector.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
        };
        if !self.selector.is_some_and(is_of_target) {
            return;
        }
        let n = *lives.entry(&pod.uid).or_insert(self.lives.len());
        if n == self.lives.len() {
            self.lives.push(Life::new(at, pod));
        }
        if let Some(life) = self.lives.get_mut(n) {
            life.take(at, pod);
        }
    }

    /// Until when an object of this uid was there, as far as it was seen.
    pub(super) fn until_ms(&self, uid: &str) -> u64 {
        self.gone.iter().find(|(_, gone)| gone.uid == uid).map_or(self.end_ms, |(at, _)| *at)
    }
}

impl<'a> Life<'a> {
    fn new(at: u64, pod: &'a PodSeen) -> Self {
        let (ready_ms, leaving_ms, gone_ms) = (None, None, None);
        Self { last: pod, first_ms: at, ready_ms, leaving_ms, gone_ms, devices: &[], trouble: None, answer: None }
    }

    fn take(&mut self, at: u64, pod: &'a PodSeen) {
        self.last = pod;
        if pod.ready {
            self.ready_ms.get_or_insert(at);
        }
        if pod.deleting {
            self.leaving_ms.get_or_insert(at);
        }
        if !pod.devices.is_empty() {
            self.devices = &pod.devices;
        }
        if let Some(trouble) = &pod.trouble {
            self.trouble = Some(format!("{}: {}", trouble.reason, trouble.message));
        }
    }
}
