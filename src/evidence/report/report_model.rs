//! The records of a run, grouped by kind for the report. Evaluates nothing.

use std::collections::BTreeMap;

use crate::evidence::finished_run::FinishedRun;
use crate::model::observation::{
    DeletedObject, HpaSnapshot, LoadSnapshot, Observation, ObservationKind, Phase, PhaseEdge, PodSnapshot, ProbeRecord,
    RecordedGap, WorkloadSnapshot,
};
use crate::model::reading::MetricReading;

/// Phases shown. A run has eight, but a foreign bundle may have any number.
const MAX_PHASES: usize = 32;

/// Observations of one kind, each with its time in milliseconds of the run's clock.
pub(super) type TimestampedRefs<'a, T> = Vec<(u64, &'a T)>;

/// Everything that the report shows.
#[derive(Debug, Default)]
pub(super) struct ReportModel<'a> {
    pub(super) end_ms: u64,
    /// Label selector of the target, once the target was observed.
    selector: Option<&'a BTreeMap<String, String>>,
    /// Phase, start and end, milliseconds.
    pub(super) phases: Vec<(Phase, u64, u64)>,
    pub(super) hpas: TimestampedRefs<'a, HpaSnapshot>,
    pub(super) workloads: TimestampedRefs<'a, WorkloadSnapshot>,
    pub(super) load_samples: TimestampedRefs<'a, LoadSnapshot>,
    pub(super) readings: TimestampedRefs<'a, MetricReading>,
    pub(super) events: Vec<&'a Observation>,
    pub(super) gaps: TimestampedRefs<'a, RecordedGap>,
    /// Why the run did not start.
    pub(super) not_started: Option<&'a str>,
    pub(super) interrupted: TimestampedRefs<'a, String>,
    /// Deleted objects: HPA, target, Service.
    deleted: TimestampedRefs<'a, DeletedObject>,
    /// The pods of the target in the order of their first observation.
    pub(super) pods: Vec<ReportPod<'a>>,
}

/// One pod of the target, from its first observation to its deletion. Times are of the run's clock.
#[derive(Debug)]
pub(super) struct ReportPod<'a> {
    /// The latest observation.
    pub(super) latest: &'a PodSnapshot,
    pub(super) first_seen_ms: u64,
    /// First observation as Ready.
    pub(super) ready_ms: Option<u64>,
    /// First observation with a deletionTimestamp.
    pub(super) deleting_ms: Option<u64>,
    pub(super) deleted_ms: Option<u64>,
    /// The last devices that the kubelet reported: it reports none once the pod ends.
    pub(super) devices: &'a [String],
    /// The latest reason why it does not run.
    pub(super) not_running: Option<String>,
    /// Its first successful direct chat, or else the last failed one.
    pub(super) probe: Option<(u64, &'a ProbeRecord)>,
}

impl<'a> ReportModel<'a> {
    pub(super) fn from_run(run: &FinishedRun<'a>) -> Self {
        let mut model = Self { end_ms: run.timeline.last().map_or(0, |last| last.at_ms), ..Self::default() };
        // A pod may be observed before the target is.
        model.selector = run.timeline.iter().find_map(|o| match &o.kind {
            ObservationKind::Workload(workload) => Some(&workload.selector),
            _ => None,
        });
        let mut index_by_uid: BTreeMap<&str, usize> = BTreeMap::new();
        for observation in run.timeline {
            model.add_observation(observation, &mut index_by_uid);
        }
        let end_ms = model.end_ms;
        for (_, began, ended) in &mut model.phases {
            *ended = (*ended).max(*began).min(end_ms);
        }
        model
    }

    fn add_observation(&mut self, observation: &'a Observation, index_by_uid: &mut BTreeMap<&'a str, usize>) {
        let at = observation.at_ms;
        match &observation.kind {
            ObservationKind::Phase(change) if change.edge == PhaseEdge::Began => {
                if self.phases.len() < MAX_PHASES {
                    self.phases.push((change.phase, at, u64::MAX));
                }
            }
            ObservationKind::Phase(change) => {
                let open = self.phases.iter_mut().rfind(|(phase, _, _)| *phase == change.phase);
                open.into_iter().for_each(|(_, _, ended)| *ended = at);
            }
            ObservationKind::Hpa(hpa) => self.hpas.push((at, hpa)),
            ObservationKind::Workload(workload) => self.workloads.push((at, workload)),
            ObservationKind::Pod(pod) => self.add_pod(at, pod, index_by_uid),
            ObservationKind::PodDeleted(object) => {
                let pod = index_by_uid.get(object.uid.as_str()).and_then(|n| self.pods.get_mut(*n));
                pod.into_iter().for_each(|pod| pod.deleted_ms = Some(at));
            }
            ObservationKind::Event(_) => self.events.push(observation),
            ObservationKind::Metric(reading) => self.readings.push((at, reading)),
            ObservationKind::Load(load) => self.load_samples.push((at, load)),
            ObservationKind::Probe(probe) => {
                let pod = self.pods.iter_mut().rfind(|pod| pod.latest.name == probe.pod);
                let succeeded = |(_, probe): &(u64, &ProbeRecord)| probe.error.is_none();
                pod.into_iter().filter(|pod| !pod.probe.as_ref().is_some_and(succeeded)).for_each(|pod| {
                    pod.probe = Some((at, probe));
                });
            }
            ObservationKind::Gap(gap) => self.gaps.push((at, gap)),
            ObservationKind::Interrupted { signal } => self.interrupted.push((at, signal)),
            ObservationKind::NotStarted { reason } => self.not_started = Some(reason),
            ObservationKind::ObjectDeleted(object) => self.deleted.push((at, object)),
            ObservationKind::ScaledObject(_)
            | ObservationKind::Node(_)
            | ObservationKind::Endpoints(_)
            | ObservationKind::ClockSkew(_)
            | ObservationKind::Leader(_) => {}
        }
    }

    fn add_pod(&mut self, at: u64, snapshot: &'a PodSnapshot, index_by_uid: &mut BTreeMap<&'a str, usize>) {
        let is_of_target = |selector: &BTreeMap<String, String>| {
            selector.iter().all(|(key, value)| snapshot.labels.get(key) == Some(value))
        };
        if !self.selector.is_some_and(is_of_target) {
            return;
        }
        let n = *index_by_uid.entry(&snapshot.uid).or_insert(self.pods.len());
        if n == self.pods.len() {
            self.pods.push(ReportPod::new(at, snapshot));
        }
        if let Some(pod) = self.pods.get_mut(n) {
            pod.update(at, snapshot);
        }
    }

    /// Time of the object's observed deletion, or else the end of the run.
    pub(super) fn present_until_ms(&self, uid: &str) -> u64 {
        self.deleted.iter().find(|(_, object)| object.uid == uid).map_or(self.end_ms, |(at, _)| *at)
    }
}

impl<'a> ReportPod<'a> {
    fn new(at: u64, snapshot: &'a PodSnapshot) -> Self {
        Self {
            latest: snapshot,
            first_seen_ms: at,
            ready_ms: None,
            deleting_ms: None,
            deleted_ms: None,
            devices: &[],
            not_running: None,
            probe: None,
        }
    }

    fn update(&mut self, at: u64, snapshot: &'a PodSnapshot) {
        self.latest = snapshot;
        if snapshot.ready {
            self.ready_ms.get_or_insert(at);
        }
        if snapshot.deleting {
            self.deleting_ms.get_or_insert(at);
        }
        if !snapshot.allocated_devices.is_empty() {
            self.devices = &snapshot.allocated_devices;
        }
        if let Some(state) = &snapshot.not_running {
            self.not_running = Some(format!("{}: {}", state.reason, state.message));
        }
    }
}
