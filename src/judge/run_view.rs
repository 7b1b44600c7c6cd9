//! What the records show, put in order once: phases, sizes, pods, readings. The checks read this and nothing else.

mod api_readings;
mod cache;
mod gaps;
mod live_status;
mod recommendations;
mod series_bounds;
mod size_changes;
mod target_pods;
mod target_state;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use jiff::Timestamp;

pub use api_readings::ApiReading;
pub(super) use api_readings::MAX_READING_GAP_MS;
pub use cache::EvaluationCache;
pub use live_status::LiveStatus;
pub(super) use recommendations::RecommendationRange;
pub use size_changes::SizeChange;
pub(super) use target_pods::TargetPod;
use target_state::TargetState;

use crate::bounds::{POLL_INTERVAL, TimingModel};
use crate::hpa;
use crate::model::journal::{ChangeState, RunChange};
use crate::model::observation::{
    ClockSkewRange, DeletedObject, EndpointsSnapshot, EventSnapshot, HpaSnapshot, LeaderSnapshot, LoadSnapshot,
    NodeSnapshot, Observation, ObservationKind, Phase, PhaseEdge, PodSnapshot, ProbeRecord, RecordedGap,
    WorkloadSnapshot,
};
use crate::model::reading::MetricReading;
use crate::model::run_records::RunRecords;

/// An observation with the part that it carries.
pub(super) type ObservedItem<'a, T> = (&'a Observation, &'a T);

/// The records in order.
#[derive(Debug)]
pub struct RunView<'a> {
    /// The records themselves.
    pub records: RunRecords<'a>,
    /// Terms of time for this run.
    pub times: TimingModel<'a>,
    /// spec.minReplicas.
    pub min_replicas: i32,
    /// spec.maxReplicas.
    pub max_replicas: i32,
    /// Replicas that the load must lead to.
    pub expected_replicas: i32,
    pub(super) hpas: Vec<ObservedItem<'a, HpaSnapshot>>,
    pub(super) workloads: Vec<ObservedItem<'a, WorkloadSnapshot>>,
    pub(super) pods: Vec<ObservedItem<'a, PodSnapshot>>,
    pub(super) events: Vec<ObservedItem<'a, EventSnapshot>>,
    pub(super) nodes: Vec<ObservedItem<'a, NodeSnapshot>>,
    pub(super) endpoints: Vec<ObservedItem<'a, EndpointsSnapshot>>,
    pub(super) loads: Vec<ObservedItem<'a, LoadSnapshot>>,
    pub(super) probes: Vec<ObservedItem<'a, ProbeRecord>>,
    pub(super) readings: Vec<ObservedItem<'a, MetricReading>>,
    /// Readings of the metrics API with the state of the target at each.
    pub(super) api_readings: Vec<ApiReading<'a>>,
    /// States of the target.
    target_states: Vec<TargetState>,
    /// Changes of the target's size since the HPA was made and until the clean-up.
    pub(super) size_changes: Vec<SizeChange<'a>>,
    phases: BTreeMap<Phase, (u64, Option<u64>)>,
    leaders: Vec<ObservedItem<'a, LeaderSnapshot>>,
    gaps: Vec<ObservedItem<'a, RecordedGap>>,
    /// `None` while the API server's clock was never measured: then no time of its can be put in order with ours.
    skew: Option<ClockSkewRange>,
    /// What was asked for between each reading and the next, and by each status, once it was worked out.
    recommendations: Vec<OnceCell<RecommendationRange>>,
    status_recommendations: Vec<OnceCell<Option<RecommendationRange>>>,
    metric_in_range: OnceCell<bool>,
    target_pods: Vec<TargetPod<'a>>,
    /// Pods and other objects that went away.
    pub(super) deletions: Vec<ObservedItem<'a, DeletedObject>>,
}

impl<'a> RunView<'a> {
    /// Puts the records in order.
    #[must_use]
    pub fn new(records: RunRecords<'a>) -> Self {
        Self::with_cache(records, &EvaluationCache::default())
    }

    /// The same, with what was worked out when this run was looked at before: then its timeline was the same, or shorter.
    #[must_use]
    pub fn with_cache(records: RunRecords<'a>, memory: &EvaluationCache) -> Self {
        let spec = &records.scenario.hpa.spec;
        let min = spec.min_replicas.unwrap_or(1);
        let mut view = Self {
            records,
            times: TimingModel::from_scenario(records.scenario, hpa::behavior_times(records.scenario), 0),
            min_replicas: min,
            max_replicas: spec.max_replicas,
            expected_replicas: records.scenario.expect.replicas.unwrap_or(min + 1),
            hpas: Vec::new(),
            workloads: Vec::new(),
            pods: Vec::new(),
            events: Vec::new(),
            nodes: Vec::new(),
            endpoints: Vec::new(),
            loads: Vec::new(),
            probes: Vec::new(),
            readings: Vec::new(),
            api_readings: Vec::new(),
            target_states: Vec::new(),
            size_changes: Vec::new(),
            phases: BTreeMap::new(),
            leaders: Vec::new(),
            gaps: Vec::new(),
            skew: None,
            recommendations: Vec::new(),
            status_recommendations: Vec::new(),
            metric_in_range: OnceCell::new(),
            target_pods: Vec::new(),
            deletions: Vec::new(),
        };
        let mut reader = api_readings::ReadingCollector::new(records.scenario, memory);
        for observation in records.timeline {
            view.add_observation(observation);
            reader.push(observation);
        }
        view.times.termination_grace_s =
            view.workloads.first().map(|(_, workload)| workload.termination_grace_period_seconds);
        view.times.clock_skew_ms = view.skew.map_or(0, |skew| u64::try_from(skew.high_ms - skew.low_ms).unwrap_or(0));
        (view.api_readings, view.target_states) = reader.finish();
        view.recommendations.resize_with(view.api_readings.len(), OnceCell::new);
        view.status_recommendations.resize_with(view.hpas.len(), OnceCell::new);
        view.size_changes = size_changes::collect_size_changes(&view);
        view.target_pods = target_pods::collect_target_pods(&view);
        view
    }

    fn add_observation(&mut self, observation: &'a Observation) {
        match &observation.kind {
            ObservationKind::Phase(mark) => {
                // An end without a beginning shows nothing of the phase.
                if mark.edge == PhaseEdge::Began {
                    self.phases.entry(mark.phase).or_insert((observation.at_ms, None));
                } else if let Some(span) = self.phases.get_mut(&mark.phase) {
                    span.1 = Some(observation.at_ms);
                }
            }
            ObservationKind::Hpa(hpa) => self.hpas.push((observation, hpa)),
            ObservationKind::Workload(workload) => self.workloads.push((observation, workload)),
            ObservationKind::Pod(pod) => self.pods.push((observation, pod)),
            ObservationKind::Event(event) => self.events.push((observation, event)),
            ObservationKind::Node(node) => self.nodes.push((observation, node)),
            ObservationKind::Endpoints(endpoints) => self.endpoints.push((observation, endpoints)),
            ObservationKind::Load(load) => self.loads.push((observation, load)),
            ObservationKind::Probe(probe) => self.probes.push((observation, probe)),
            ObservationKind::Metric(reading) => self.readings.push((observation, reading)),
            ObservationKind::ClockSkew(skew) => self.skew = Some(*skew),
            ObservationKind::Leader(leader) => self.leaders.push((observation, leader)),
            ObservationKind::Gap(gap) => self.gaps.push((observation, gap)),
            ObservationKind::PodDeleted(gone) | ObservationKind::ObjectDeleted(gone) => {
                self.deletions.push((observation, gone))
            }
            ObservationKind::Interrupted { .. } | ObservationKind::NotStarted { .. } => {}
        }
    }

    /// Moment of the last observation, milliseconds of the run's clock: "now", as far as the records go.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.records.timeline.last().map_or(0, |last| last.at_ms)
    }

    /// When a phase began, and when it ended if it has.
    #[must_use]
    pub fn phase_span(&self, phase: Phase) -> Option<(u64, Option<u64>)> {
        self.phases.get(&phase).copied()
    }

    /// When a phase began.
    #[must_use]
    pub fn phase_start(&self, phase: Phase) -> Option<u64> {
        self.phase_span(phase).map(|(began, _)| began)
    }

    /// The phase of a moment.
    pub(super) fn phase_at(&self, at_ms: u64) -> Option<Phase> {
        self.phases.iter().rev().find(|(_, (began, _))| *began <= at_ms).map(|(phase, _)| *phase)
    }

    /// The idle baseline: its beginning, and its end if it has one. Should that not be noted, it ends with the next phase.
    pub(super) fn baseline_span(&self) -> Option<(u64, Option<u64>)> {
        let (began, ended) = self.phase_span(Phase::Baseline)?;
        Some((began, ended.or_else(|| self.phase_start(Phase::ScaleUp)).or_else(|| self.phase_start(Phase::Cleanup))))
    }

    /// End of what is judged: the beginning of the clean-up, or now.
    pub(super) fn end_ms(&self) -> u64 {
        self.phase_start(Phase::Cleanup).unwrap_or_else(|| self.now_ms())
    }

    /// The span of load: its beginning, and its end or now.
    pub(super) fn load_span(&self) -> Option<(u64, u64)> {
        let began = self.phase_start(Phase::ScaleUp)?;
        Some((began, self.phase_start(Phase::ScaleDown).unwrap_or_else(|| self.end_ms())))
    }

    /// True while the load is on.
    pub(super) fn is_under_load(&self) -> bool {
        let over = self.phase_start(Phase::ScaleDown).is_some() || self.phase_start(Phase::Cleanup).is_some();
        self.phase_start(Phase::ScaleUp).is_some() && !over
    }

    /// True when a value may be served between two polls and never be seen by us: the exporter samples about as often
    /// as we ask.
    pub(super) fn may_miss_values(&self) -> bool {
        self.times.assumptions.exporter_interval.ms() < 2 * POLL_INTERVAL.ms()
    }

    /// Moment of an observation.
    pub(super) fn observed_at_ms(&self, seq: u64) -> Option<u64> {
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
    pub(super) fn hpa_creation(&self) -> Option<(&'a str, u64)> {
        self.records.journal.iter().find_map(|entry| match &entry.state {
            ChangeState::Intended(RunChange::Create(object)) if object.kind == "HorizontalPodAutoscaler" => {
                Some((object.name.as_str(), entry.at_ms))
            }
            _ => None,
        })
    }

    /// The uid that the API server gave to the HPA of this run, by the journal.
    pub(super) fn hpa_uid(&self) -> Option<&'a str> {
        let is_hpa = |step: &ChangeState| matches!(step, ChangeState::Intended(RunChange::Create(object)) if object.kind == "HorizontalPodAutoscaler");
        let change = self.records.journal.iter().find(|entry| is_hpa(&entry.state))?.change;
        self.records.journal.iter().filter(|entry| entry.change == change).find_map(|entry| match &entry.state {
            ChangeState::Done { uid } => uid.as_deref(),
            _ => None,
        })
    }

    /// Observations of our HPA.
    pub(super) fn our_hpa_snapshots(&self) -> impl Iterator<Item = &ObservedItem<'a, HpaSnapshot>> {
        let name = self.hpa_creation().map(|(name, _)| name);
        self.hpas.iter().filter(move |(_, hpa)| name == Some(hpa.name.as_str()))
    }

    /// How events and conditions name our metric.
    pub(super) fn metric_name(&self) -> String {
        let scenario = self.records.scenario;
        hpa::metric_from_spec(&scenario.hpa.spec, &scenario.namespace, &[])
            .map(|m| hpa::metric_name(&m))
            .unwrap_or_default()
    }

    /// The interval of our clock, in milliseconds, in which a whole-second time of the cluster lies; `None` while the
    /// cluster's clock was not measured.
    pub(super) fn to_run_clock(&self, source: Timestamp) -> Option<(i64, i64)> {
        let since = source.as_millisecond() - self.records.inventory.started.as_millisecond();
        self.skew.map(|skew| (since - skew.high_ms, since + 999 - skew.low_ms))
    }

    /// True once the cluster's clock was measured.
    pub(super) fn has_skew(&self) -> bool {
        self.skew.is_some()
    }
}
