//! The records of a run, indexed once: phases, sizes, pods, readings. The checks read only this.

mod api_readings;
mod by_time;
mod cache;
mod change_totals;
mod clock_skew;
mod controller_process;
mod foreign_hpa;
mod gaps;
mod hop_readings;
mod hpa_snapshots;
mod live_status;
mod lost_nodes;
mod pass_interval;
mod phases;
mod pod_accelerators;
mod pod_samples;
mod progress;
mod readiness;
mod received;
mod recommendation_range;
mod recommendations;
mod scheduling;
mod series_bounds;
mod shared_devices;
mod size_changes;
mod stored_hpa;
mod target_pods;
mod target_state;
mod unseen_changes;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub(crate) use api_readings::ApiReading;
pub(super) use api_readings::{MAX_READING_GAP_MS, MAX_UNCHANGED_MS};
pub(super) use by_time::ByTime;
pub(crate) use cache::EvaluationCache;
use change_totals::ChangeTotals;
pub(crate) use change_totals::CountedChanges;
pub(super) use controller_process::ControllerProcess;
use gaps::GapSpan;
pub(crate) use live_status::LiveStatus;
pub(crate) use progress::ProgressEvent;
pub(super) use recommendation_range::RecommendationRange;
use recommendations::RecommendationMemo;
pub(super) use shared_devices::SharedValues;
pub(crate) use size_changes::SizeChange;
pub(super) use target_pods::TargetPod;
use target_state::TargetState;
use unseen_changes::UnseenChanges;

use crate::bounds::{POLL_INTERVAL, TimingModel};
use crate::hpa;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::observation::{
    ClaimedDevice, ClockSkewRange, DeletedObject, EndpointsSnapshot, EventSnapshot, HpaSnapshot, LeaderSnapshot,
    LoadSnapshot, NodeSnapshot, Observation, ObservationKind, Phase, PhaseEdge, PodSnapshot, ProbeRecord, RecordedGap,
    ScaledObjectSnapshot, WorkloadSnapshot,
};
use crate::model::reading::MetricReading;
use crate::model::run_records::RunRecords;

/// An observation with its typed content.
pub(super) type ObservedItem<'a, T> = (&'a Observation, &'a T);

/// The indexed records of a run.
#[derive(Debug)]
pub struct RunView<'a> {
    pub(crate) records: RunRecords<'a>,
    /// The time bounds of this run.
    pub(crate) times: TimingModel<'a>,
    /// spec.minReplicas.
    pub(crate) min_replicas: i32,
    /// spec.maxReplicas.
    pub(crate) max_replicas: i32,
    /// Replicas that the run must reach under load.
    pub(crate) expected_replicas: i32,
    /// The metric under test, by the scenario: a stored plan is never trusted.
    pub(crate) metric: Option<Rc<MetricUnderTest>>,
    /// The name of the run's HPA, and the time just before its creation, by the journal.
    hpa_creation: Option<(&'a str, u64)>,
    /// Snapshots of the run's HPA.
    hpas: Vec<ObservedItem<'a, HpaSnapshot>>,
    /// Their indices by desired size and scale time.
    scale_statuses: BTreeMap<i32, ByTime>,
    pub(super) workloads: Vec<ObservedItem<'a, WorkloadSnapshot>>,
    pub(super) pods: Vec<ObservedItem<'a, PodSnapshot>>,
    pub(super) events: Vec<ObservedItem<'a, EventSnapshot>>,
    pub(super) scaled_objects: Vec<ObservedItem<'a, ScaledObjectSnapshot>>,
    pub(super) nodes: Vec<ObservedItem<'a, NodeSnapshot>>,
    pub(super) endpoints: Vec<ObservedItem<'a, EndpointsSnapshot>>,
    pub(super) loads: Vec<ObservedItem<'a, LoadSnapshot>>,
    pub(super) probes: Vec<ObservedItem<'a, ProbeRecord>>,
    pub(super) readings: Vec<ObservedItem<'a, MetricReading>>,
    /// Readings of the metrics API, each with the state of the target.
    pub(super) api_readings: Vec<ApiReading<'a>>,
    target_states: Vec<TargetState>,
    /// Replica changes of the target between the HPA's creation and the clean-up.
    pub(super) size_changes: Vec<SizeChange<'a>>,
    phases: BTreeMap<Phase, (u64, Option<u64>)>,
    leaders: Vec<ObservedItem<'a, LeaderSnapshot>>,
    /// How often the leader had changed, at each of them.
    leader_changes: Vec<usize>,
    gaps: Vec<ObservedItem<'a, RecordedGap>>,
    /// The gaps of each source that was asked for.
    gap_spans: RefCell<BTreeMap<String, Rc<[GapSpan]>>>,
    /// Computed on first use.
    unseen_changes: OnceCell<UnseenChanges>,
    /// Computed on first use.
    change_totals: OnceCell<ChangeTotals>,
    /// `None` until the API server's clock is measured: its times cannot be compared with the run's clock then.
    skew: Option<ClockSkewRange>,
    recommendations: RecommendationMemo,
    metric_in_range: OnceCell<bool>,
    target_pods: Vec<TargetPod<'a>>,
    target_pod_names: BTreeSet<&'a str>,
    /// The recorded devices of resource claims, by the claim's name.
    claims: BTreeMap<&'a str, Vec<&'a ClaimedDevice>>,
    /// Whether labels of series are of another namespace, by their address.
    foreign_labels: RefCell<BTreeMap<usize, bool>>,
    /// The uses of devices by pods, collected on first use.
    device_uses: OnceCell<shared_devices::DeviceUses>,
    /// Deletions of pods and other objects.
    pub(super) deletions: Vec<ObservedItem<'a, DeletedObject>>,
}

impl<'a> RunView<'a> {
    /// Indexes the records.
    #[must_use]
    pub fn new(records: RunRecords<'a>) -> Self {
        Self::with_cache(records, &EvaluationCache::default())
    }

    /// Indexes the records, reusing the cache of earlier views of this run, whose timelines were the same or shorter.
    #[must_use]
    pub(crate) fn with_cache(records: RunRecords<'a>, cache: &EvaluationCache) -> Self {
        let spec = &records.scenario.hpa.spec;
        let min = spec.min_replicas.unwrap_or(1);
        let mut view = Self {
            records,
            times: TimingModel::new(records.scenario, records.inventory, hpa::behavior_times(records.scenario), 0),
            min_replicas: min,
            max_replicas: spec.max_replicas,
            expected_replicas: records.scenario.expect.replicas.unwrap_or(min + 1),
            metric: MetricUnderTest::from_scenario(records.scenario).map(Rc::new),
            hpa_creation: hpa_snapshots::find_hpa_creation(records.journal),
            hpas: Vec::new(),
            scale_statuses: BTreeMap::new(),
            workloads: Vec::new(),
            pods: Vec::new(),
            events: Vec::new(),
            scaled_objects: Vec::new(),
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
            leader_changes: Vec::new(),
            gaps: Vec::new(),
            gap_spans: RefCell::default(),
            unseen_changes: OnceCell::new(),
            change_totals: OnceCell::new(),
            skew: None,
            recommendations: RecommendationMemo::default(),
            metric_in_range: OnceCell::new(),
            target_pods: Vec::new(),
            target_pod_names: BTreeSet::new(),
            claims: BTreeMap::new(),
            foreign_labels: RefCell::default(),
            device_uses: OnceCell::new(),
            deletions: Vec::new(),
        };
        let mut collector = api_readings::ReadingCollector::new(records.scenario, view.metric.clone(), cache);
        for observation in records.timeline {
            view.add_observation(observation);
            collector.push(observation);
        }
        view.times.termination_grace_s =
            view.workloads.first().map(|(_, workload)| workload.termination_grace_period_seconds);
        view.times.clock_skew_ms = view.skew.map_or(0, |skew| u64::try_from(skew.high_ms - skew.low_ms).unwrap_or(0));
        (view.api_readings, view.target_states) = collector.finish();
        view.scale_statuses = hpa_snapshots::collect_scale_statuses(&view.hpas);
        view.recommendations = RecommendationMemo::new(view.api_readings.len(), view.hpas.len());
        view.size_changes = size_changes::collect_size_changes(&view);
        view.target_pods = target_pods::collect_target_pods(&view);
        view.target_pod_names = view.target_pods.iter().map(TargetPod::name).collect();
        view.claims = pod_accelerators::collect_claims(&view);
        view
    }

    fn add_observation(&mut self, observation: &'a Observation) {
        match &observation.kind {
            ObservationKind::Phase(change) => {
                // The end of a phase without its beginning is ignored.
                if change.edge == PhaseEdge::Began {
                    self.phases.entry(change.phase).or_insert((observation.at_ms, None));
                } else if let Some(span) = self.phases.get_mut(&change.phase) {
                    span.1 = Some(observation.at_ms);
                }
            }
            ObservationKind::Hpa(hpa) => self.add_hpa(observation, hpa),
            ObservationKind::ScaledObject(object) => self.scaled_objects.push((observation, object)),
            ObservationKind::Workload(workload) => self.workloads.push((observation, workload)),
            ObservationKind::Pod(pod) => self.pods.push((observation, pod)),
            ObservationKind::Event(event) => self.events.push((observation, event)),
            ObservationKind::Node(node) => self.nodes.push((observation, node)),
            ObservationKind::Endpoints(endpoints) => self.endpoints.push((observation, endpoints)),
            ObservationKind::Load(load) => self.loads.push((observation, load)),
            ObservationKind::Probe(probe) => self.probes.push((observation, probe)),
            ObservationKind::Metric(reading) => self.readings.push((observation, reading)),
            ObservationKind::ClockSkew(skew) => self.skew = Some(*skew),
            ObservationKind::Leader(leader) => self.add_leader(observation, leader),
            ObservationKind::Gap(gap) => self.gaps.push((observation, gap)),
            ObservationKind::PodDeleted(deleted) | ObservationKind::ObjectDeleted(deleted) => {
                self.deletions.push((observation, deleted))
            }
            ObservationKind::Interrupted { .. } | ObservationKind::NotStarted { .. } => {}
        }
    }

    /// Time of the last observation, milliseconds of the run's clock.
    #[must_use]
    pub(crate) fn now_ms(&self) -> u64 {
        self.records.timeline.last().map_or(0, |last| last.at_ms)
    }

    /// True when a value may pass unread between two polls: the exporter samples about as often as the run polls.
    pub(super) fn may_miss_values(&self) -> bool {
        self.times.assumptions.exporter_interval.ms() < 2 * POLL_INTERVAL.ms()
    }

    /// Time of the observation with this sequence number.
    pub(super) fn observed_at_ms(&self, seq: u64) -> Option<u64> {
        // A sequence number is no index: numbers may be missing in the timeline.
        let index = self.records.timeline.partition_point(|observation| observation.seq < seq);
        self.records.timeline.get(index).filter(|observation| observation.seq == seq).map(|found| found.at_ms)
    }

    /// Duration of the run from its first phase to the last observation, milliseconds.
    pub(super) fn took_ms(&self) -> u64 {
        let began = self.phases.values().map(|(began, _)| *began).min().unwrap_or(0);
        self.now_ms().saturating_sub(began)
    }

    /// The metric's type and name.
    pub(super) fn metric_title(&self) -> String {
        self.metric.as_ref().map(|metric| metric.title()).unwrap_or_default()
    }

    /// The metric's name as the controller writes it in events and conditions.
    pub(super) fn metric_event_name(&self) -> String {
        self.metric.as_ref().map(|metric| metric.event_name()).unwrap_or_default()
    }
}
