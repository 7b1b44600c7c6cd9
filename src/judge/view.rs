//! What the records show, put in order once: phases, sizes, pods, readings. The checks read this and nothing else.

mod asked;
mod history;
mod memory;
mod picture;
mod pods;
mod readings;
mod sizes;
mod target;
mod values;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use jiff::Timestamp;

pub(super) use asked::Asked;
pub use memory::Memory;
pub use picture::Picture;
pub(super) use pods::Life;
pub use readings::Served;
pub(super) use readings::TOGETHER_MS;
pub use sizes::SizeChange;
use target::TargetState;

use crate::bounds::{POLL, Times};
use crate::hpa;
use crate::record::journal::{Change, Step};
use crate::record::observation::{
    Edge, EndpointsSeen, EventSeen, GapSeen, Gone, HpaSeen, LeaderSeen, LoadSeen, NodeSeen, Observation, Phase,
    PodSeen, ProbeSeen, Seen, SkewSeen, WorkloadSeen,
};
use crate::record::reading::Reading;
use crate::record::records::Records;

/// An observation with the part that it carries.
pub(super) type Noted<'a, T> = (&'a Observation, &'a T);

/// The records in order.
#[derive(Debug)]
pub struct View<'a> {
    /// The records themselves.
    pub records: Records<'a>,
    /// Terms of time for this run.
    pub times: Times<'a>,
    /// spec.minReplicas.
    pub min: i32,
    /// spec.maxReplicas.
    pub max: i32,
    /// Replicas that the load must lead to.
    pub expect: i32,
    pub(super) hpas: Vec<Noted<'a, HpaSeen>>,
    pub(super) workloads: Vec<Noted<'a, WorkloadSeen>>,
    pub(super) pods: Vec<Noted<'a, PodSeen>>,
    pub(super) events: Vec<Noted<'a, EventSeen>>,
    pub(super) nodes: Vec<Noted<'a, NodeSeen>>,
    pub(super) endpoints: Vec<Noted<'a, EndpointsSeen>>,
    pub(super) loads: Vec<Noted<'a, LoadSeen>>,
    pub(super) probes: Vec<Noted<'a, ProbeSeen>>,
    pub(super) readings: Vec<Noted<'a, Reading>>,
    /// Readings of the metrics API with the state of the target at each.
    pub(super) served: Vec<Served<'a>>,
    /// States of the target.
    states: Vec<TargetState>,
    /// Changes of the target's size since the HPA was made and until the clean-up.
    pub(super) changes: Vec<SizeChange<'a>>,
    phases: BTreeMap<Phase, (u64, Option<u64>)>,
    leaders: Vec<Noted<'a, LeaderSeen>>,
    gaps: Vec<Noted<'a, GapSeen>>,
    /// `None` while the API server's clock was never measured: then no time of its can be put in order with ours.
    skew: Option<SkewSeen>,
    /// What was asked for between each reading and the next, and by each status, once it was worked out.
    asked: Vec<OnceCell<Asked>>,
    reported: Vec<OnceCell<Option<Asked>>>,
    in_range: OnceCell<bool>,
    lives: Vec<Life<'a>>,
    /// Pods and other objects that went away.
    pub(super) gone: Vec<Noted<'a, Gone>>,
}

impl<'a> View<'a> {
    /// Puts the records in order.
    #[must_use]
    pub fn new(records: Records<'a>) -> Self {
        Self::with(records, &Memory::default())
    }

    /// The same, with what was worked out when this run was looked at before: then its timeline was the same, or shorter.
    #[must_use]
    pub fn with(records: Records<'a>, memory: &Memory) -> Self {
        let spec = &records.scenario.hpa.spec;
        let min = spec.min_replicas.unwrap_or(1);
        let mut view = Self {
            records,
            times: Times::of(records.scenario, hpa::spec_times(records.scenario), 0),
            min,
            max: spec.max_replicas,
            expect: records.scenario.expect.replicas.unwrap_or(min + 1),
            hpas: Vec::new(),
            workloads: Vec::new(),
            pods: Vec::new(),
            events: Vec::new(),
            nodes: Vec::new(),
            endpoints: Vec::new(),
            loads: Vec::new(),
            probes: Vec::new(),
            readings: Vec::new(),
            served: Vec::new(),
            states: Vec::new(),
            changes: Vec::new(),
            phases: BTreeMap::new(),
            leaders: Vec::new(),
            gaps: Vec::new(),
            skew: None,
            asked: Vec::new(),
            reported: Vec::new(),
            in_range: OnceCell::new(),
            lives: Vec::new(),
            gone: Vec::new(),
        };
        let mut reader = readings::Reader::new(records.scenario, memory);
        for observation in records.timeline {
            view.sort_in(observation);
            reader.take(observation);
        }
        view.times.grace_s = view.workloads.first().map(|(_, workload)| workload.grace_s);
        view.times.skew_ms = view.skew.map_or(0, |skew| u64::try_from(skew.high_ms - skew.low_ms).unwrap_or(0));
        (view.served, view.states) = reader.done();
        view.asked.resize_with(view.served.len(), OnceCell::new);
        view.reported.resize_with(view.hpas.len(), OnceCell::new);
        view.changes = sizes::changes(&view);
        view.lives = pods::lives(&view);
        view
    }

    fn sort_in(&mut self, observation: &'a Observation) {
        match &observation.seen {
            Seen::Phase(mark) => {
                // An end without a beginning shows nothing of the phase.
                if mark.edge == Edge::Began {
                    self.phases.entry(mark.phase).or_insert((observation.at_ms, None));
                } else if let Some(span) = self.phases.get_mut(&mark.phase) {
                    span.1 = Some(observation.at_ms);
                }
            }
            Seen::Hpa(hpa) => self.hpas.push((observation, hpa)),
            Seen::Workload(workload) => self.workloads.push((observation, workload)),
            Seen::Pod(pod) => self.pods.push((observation, pod)),
            Seen::Event(event) => self.events.push((observation, event)),
            Seen::Node(node) => self.nodes.push((observation, node)),
            Seen::Endpoints(endpoints) => self.endpoints.push((observation, endpoints)),
            Seen::Load(load) => self.loads.push((observation, load)),
            Seen::Probe(probe) => self.probes.push((observation, probe)),
            Seen::Metric(reading) => self.readings.push((observation, reading)),
            Seen::Skew(skew) => self.skew = Some(*skew),
            Seen::Leader(leader) => self.leaders.push((observation, leader)),
            Seen::Gap(gap) => self.gaps.push((observation, gap)),
            Seen::PodGone(gone) | Seen::ObjectGone(gone) => self.gone.push((observation, gone)),
            Seen::Interrupted { .. } | Seen::NotBegun { .. } => {}
        }
    }

    /// Moment of the last observation, milliseconds of the run's clock: "now", as far as the records go.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.records.timeline.last().map_or(0, |last| last.at_ms)
    }

    /// When a phase began, and when it ended if it has.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> Option<(u64, Option<u64>)> {
        self.phases.get(&phase).copied()
    }

    /// When a phase began.
    #[must_use]
    pub fn began(&self, phase: Phase) -> Option<u64> {
        self.phase(phase).map(|(began, _)| began)
    }

    /// The phase of a moment.
    pub(super) fn phase_at(&self, at_ms: u64) -> Option<Phase> {
        self.phases.iter().rev().find(|(_, (began, _))| *began <= at_ms).map(|(phase, _)| *phase)
    }

    /// The idle baseline: its beginning, and its end if it has one. Should that not be noted, it ends with the next phase.
    pub(super) fn idle(&self) -> Option<(u64, Option<u64>)> {
        let (began, ended) = self.phase(Phase::Idle)?;
        Some((began, ended.or_else(|| self.began(Phase::Rise)).or_else(|| self.began(Phase::Cleanup))))
    }

    /// End of what is judged: the beginning of the clean-up, or now.
    pub(super) fn end_ms(&self) -> u64 {
        self.began(Phase::Cleanup).unwrap_or_else(|| self.now_ms())
    }

    /// The span of load: its beginning, and its end or now.
    pub(super) fn loaded(&self) -> Option<(u64, u64)> {
        let began = self.began(Phase::Rise)?;
        Some((began, self.began(Phase::Fall).unwrap_or_else(|| self.end_ms())))
    }

    /// True while the load is on.
    pub(super) fn is_loaded(&self) -> bool {
        let over = self.began(Phase::Fall).is_some() || self.began(Phase::Cleanup).is_some();
        self.began(Phase::Rise).is_some() && !over
    }

    /// True when a value may be served between two polls and never be seen by us: the exporter samples about as often
    /// as we ask.
    pub(super) fn may_miss_values(&self) -> bool {
        self.times.assumed.exporter_interval.ms() < 2 * POLL.ms()
    }

    /// Moment of an observation.
    pub(super) fn at_ms(&self, seq: u64) -> Option<u64> {
        // A number is a name, not a place: a timeline may lack some.
        let index = self.records.timeline.partition_point(|observation| observation.seq < seq);
        self.records.timeline.get(index).filter(|observation| observation.seq == seq).map(|found| found.at_ms)
    }

    /// Length of the run from its first phase to its end.
    pub(super) fn took_ms(&self) -> u64 {
        let began = self.phases.values().map(|(began, _)| *began).min().unwrap_or(0);
        self.now_ms().saturating_sub(began)
    }

    /// The HPA of this run by the journal: its name, and when it was about to be made.
    pub(super) fn hpa_intended(&self) -> Option<(&'a str, u64)> {
        self.records.journal.iter().find_map(|entry| match &entry.step {
            Step::Intended(Change::Create(object)) if object.kind == "HorizontalPodAutoscaler" => {
                Some((object.name.as_str(), entry.at_ms))
            }
            _ => None,
        })
    }

    /// The uid that the API server gave to the HPA of this run, by the journal.
    pub(super) fn hpa_uid(&self) -> Option<&'a str> {
        let is_hpa = |step: &Step| matches!(step, Step::Intended(Change::Create(object)) if object.kind == "HorizontalPodAutoscaler");
        let change = self.records.journal.iter().find(|entry| is_hpa(&entry.step))?.change;
        self.records.journal.iter().filter(|entry| entry.change == change).find_map(|entry| match &entry.step {
            Step::Done { uid } => uid.as_deref(),
            _ => None,
        })
    }

    /// Observations of our HPA.
    pub(super) fn our_hpa(&self) -> impl Iterator<Item = &Noted<'a, HpaSeen>> {
        let name = self.hpa_intended().map(|(name, _)| name);
        self.hpas.iter().filter(move |(_, hpa)| name == Some(hpa.name.as_str()))
    }

    /// How events and conditions name our metric.
    pub(super) fn metric_name(&self) -> String {
        let scenario = self.records.scenario;
        hpa::metric_of(&scenario.hpa.spec, &scenario.namespace, &[]).map(|m| hpa::metric_name(&m)).unwrap_or_default()
    }

    /// The interval of our clock, in milliseconds, in which a whole-second time of the cluster lies; `None` while the
    /// cluster's clock was not measured.
    pub(super) fn ours(&self, source: Timestamp) -> Option<(i64, i64)> {
        let since = source.as_millisecond() - self.records.inventory.started.as_millisecond();
        self.skew.map(|skew| (since - skew.high_ms, since + 999 - skew.low_ms))
    }

    /// True once the cluster's clock was measured.
    pub(super) fn has_skew(&self) -> bool {
        self.skew.is_some()
    }
}
