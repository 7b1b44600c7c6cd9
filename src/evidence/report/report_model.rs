//! The records of a run by their kinds, as the report shows them. Nothing here decides anything.

use std::collections::BTreeMap;

use crate::evidence::FinishedRun;
use crate::model::observation::{
    DeletedObject, HpaSnapshot, LoadSnapshot, Observation, ObservationKind, Phase, PhaseEdge, PodSnapshot, ProbeRecord,
    RecordedGap, WorkloadSnapshot,
};
use crate::model::reading::MetricReading;

/// Phases that are shown; a run has eight, and somebody's bundle may have any number.
const MAX_PHASES: usize = 32;

/// What was seen of a kind, with the moment of each.
pub(super) type TimestampedRefs<'a, T> = Vec<(u64, &'a T)>;

/// The records by their kinds.
#[derive(Debug, Default)]
pub(super) struct ReportModel<'a> {
    pub(super) end_ms: u64,
    /// The target's selector, once the target was seen.
    selector: Option<&'a BTreeMap<String, String>>,
    pub(super) phases: Vec<(Phase, u64, u64)>,
    pub(super) hpas: TimestampedRefs<'a, HpaSnapshot>,
    pub(super) workloads: TimestampedRefs<'a, WorkloadSnapshot>,
    pub(super) load_samples: TimestampedRefs<'a, LoadSnapshot>,
    pub(super) readings: TimestampedRefs<'a, MetricReading>,
    pub(super) events: Vec<&'a Observation>,
    pub(super) gaps: TimestampedRefs<'a, RecordedGap>,
    /// Why the run did not begin, if it did not.
    pub(super) not_started: Option<&'a str>,
    pub(super) interrupted: TimestampedRefs<'a, String>,
    /// Objects that are gone: HPA, target, Service.
    deleted: TimestampedRefs<'a, DeletedObject>,
    /// The pods of the target in the order in which they came.
    pub(super) pods: Vec<ReportPod<'a>>,
}

/// One pod of the target, from when it was first seen until it was gone.
#[derive(Debug)]
pub(super) struct ReportPod<'a> {
    /// As it was last seen.
    pub(super) latest: &'a PodSnapshot,
    pub(super) first_seen_ms: u64,
    /// When it was first seen to be Ready, to be deleted, and to be gone.
    pub(super) ready_ms: Option<u64>,
    pub(super) deleting_ms: Option<u64>,
    pub(super) deleted_ms: Option<u64>,
    /// Devices that the kubelet gave it, as last told: a pod that ends gives them back.
    pub(super) devices: &'a [String],
    /// The latest word on why it does not run.
    pub(super) not_running: Option<String>,
    /// The first chat of its own that it answered, or what came of it.
    pub(super) probe: Option<(u64, &'a ProbeRecord)>,
}

impl<'a> ReportModel<'a> {
    pub(super) fn from_run(ending: &FinishedRun<'a>) -> Self {
        let mut course = Self { end_ms: ending.timeline.last().map_or(0, |last| last.at_ms), ..Self::default() };
        // Pods may be listed before the target is.
        course.selector = ending.timeline.iter().find_map(|o| match &o.kind {
            ObservationKind::Workload(workload) => Some(&workload.selector),
            _ => None,
        });
        let mut lives: BTreeMap<&str, usize> = BTreeMap::new();
        for observation in ending.timeline {
            course.add_observation(observation, &mut lives);
        }
        let end_ms = course.end_ms;
        for (_, began, ended) in &mut course.phases {
            *ended = (*ended).max(*began).min(end_ms);
        }
        course
    }

    fn add_observation(&mut self, observation: &'a Observation, lives: &mut BTreeMap<&'a str, usize>) {
        let at = observation.at_ms;
        match &observation.kind {
            ObservationKind::Phase(mark) if mark.edge == PhaseEdge::Began => {
                if self.phases.len() < MAX_PHASES {
                    self.phases.push((mark.phase, at, u64::MAX));
                }
            }
            ObservationKind::Phase(mark) => {
                let open = self.phases.iter_mut().rfind(|(phase, _, _)| *phase == mark.phase);
                open.into_iter().for_each(|(_, _, ended)| *ended = at);
            }
            ObservationKind::Hpa(hpa) => self.hpas.push((at, hpa)),
            ObservationKind::Workload(workload) => self.workloads.push((at, workload)),
            ObservationKind::Pod(pod) => self.add_pod(at, pod, lives),
            ObservationKind::PodDeleted(gone) => {
                let life = lives.get(gone.uid.as_str()).and_then(|n| self.pods.get_mut(*n));
                life.into_iter().for_each(|life| life.deleted_ms = Some(at));
            }
            ObservationKind::Event(_) => self.events.push(observation),
            ObservationKind::Metric(reading) => self.readings.push((at, reading)),
            ObservationKind::Load(load) => self.load_samples.push((at, load)),
            ObservationKind::Probe(probe) => {
                let life = self.pods.iter_mut().rfind(|life| life.latest.name == probe.pod);
                let answered = |(_, probe): &(u64, &ProbeRecord)| probe.error.is_none();
                life.into_iter().filter(|life| !life.probe.as_ref().is_some_and(answered)).for_each(|life| {
                    life.probe = Some((at, probe));
                });
            }
            ObservationKind::Gap(gap) => self.gaps.push((at, gap)),
            ObservationKind::Interrupted { signal } => self.interrupted.push((at, signal)),
            ObservationKind::NotStarted { reason: why } => self.not_started = Some(why),
            ObservationKind::ObjectDeleted(gone) => self.deleted.push((at, gone)),
            ObservationKind::Node(_)
            | ObservationKind::Endpoints(_)
            | ObservationKind::ClockSkew(_)
            | ObservationKind::Leader(_) => {}
        }
    }

    fn add_pod(&mut self, at: u64, pod: &'a PodSnapshot, lives: &mut BTreeMap<&'a str, usize>) {
        let is_of_target = |selector: &BTreeMap<String, String>| {
            selector.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
        };
        if !self.selector.is_some_and(is_of_target) {
            return;
        }
        let n = *lives.entry(&pod.uid).or_insert(self.pods.len());
        if n == self.pods.len() {
            self.pods.push(ReportPod::new(at, pod));
        }
        if let Some(life) = self.pods.get_mut(n) {
            life.update(at, pod);
        }
    }

    /// Until when an object of this uid was there, as far as it was seen.
    pub(super) fn present_until_ms(&self, uid: &str) -> u64 {
        self.deleted.iter().find(|(_, gone)| gone.uid == uid).map_or(self.end_ms, |(at, _)| *at)
    }
}

impl<'a> ReportPod<'a> {
    fn new(at: u64, pod: &'a PodSnapshot) -> Self {
        let (ready_ms, leaving_ms, gone_ms) = (None, None, None);
        Self {
            latest: pod,
            first_seen_ms: at,
            ready_ms,
            deleting_ms: leaving_ms,
            deleted_ms: gone_ms,
            devices: &[],
            not_running: None,
            probe: None,
        }
    }

    fn update(&mut self, at: u64, pod: &'a PodSnapshot) {
        self.latest = pod;
        if pod.ready {
            self.ready_ms.get_or_insert(at);
        }
        if pod.deleting {
            self.deleting_ms.get_or_insert(at);
        }
        if !pod.allocated_devices.is_empty() {
            self.devices = &pod.allocated_devices;
        }
        if let Some(trouble) = &pod.not_running {
            self.not_running = Some(format!("{}: {}", trouble.reason, trouble.message));
        }
    }
}
