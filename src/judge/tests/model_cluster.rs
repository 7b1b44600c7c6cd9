//! A small simulated cluster with a controller that decides by `hpa::reconcile`. Hidden from the judge: flags, times
//! and durations of passes, lags of every watch, restarts, values between two polls. It produces a timeline like that
//! of a run.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::hpa::{
    self, ConditionStatus, ControllerFlags, HpaLogs, HpaNames, HpaSpec, HpaStatus, PodPhase, PodSelector, PodState,
    ReconcileInput, ReconcileOutput, ReportedValue, ScaleSubresource,
};
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::observation::{
    ClockSkewRange, DeletedObject, HpaMetricStatus, HpaSnapshot, LeaderSnapshot, ObjectCondition, Observation,
    ObservationKind, PodSnapshot, RecordedGap, ReplicasManager, WorkloadSnapshot,
};
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};
use crate::seed::SplitMix64;
use crate::units::{HumanDuration, Milli};

use super::run_fixture::{RunFixture, healthy};

/// Duration of a run, and the time of its HPA's creation.
const RUN_MS: u64 = 240_000;
const HPA_CREATED_MS: u64 = 5_000;

/// The fault of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelFault {
    None,
    /// It scales up beyond its recommendation.
    Overshoot,
    /// It ignores the scaling policies.
    NoRateLimit,
    /// It ignores earlier recommendations.
    NoWindow,
    /// It scales up when it cannot compute a recommendation.
    ScalesWhileInactive,
    /// It scales above maxReplicas.
    AboveMax,
}

/// The settings that no API serves.
#[derive(Debug)]
pub(super) struct HiddenSettings {
    pub(super) sync_period: u64,
    flags: ControllerFlags,
    pass_length: u64,
    informer_lag: u64,
    watch_lags: [u64; 3],
    restarts: bool,
    skew: i64,
    exporter_interval: u64,
    metric_lag: u64,
    misses: u64,
    lease: bool,
}

#[derive(Clone, Debug)]
struct ModelPod {
    name: String,
    created: u64,
    runs: u64,
    deleting: u64,
    gone: u64,
}

pub(super) struct ModelCluster {
    random: SplitMix64,
    fault: ModelFault,
    hidden: HiddenSettings,
    run: RunFixture,
    spec: HpaSpec,
    size: i32,
    /// Sizes with their times, and the times at which the target changed.
    sizes: Vec<(u64, i32)>,
    change_times: Vec<u64>,
    pods: Vec<ModelPod>,
    status: HpaStatus,
    last_scale: Option<u64>,
    logs: HpaLogs,
    last_pass: u64,
    demand: Vec<(u64, u64)>,
    outages: Vec<(u64, u64)>,
    observations: Vec<(u64, ObservationKind)>,
    /// Writes that a controller without the fault would not have made.
    pub(super) wrong_writes: usize,
}

impl ModelCluster {
    pub(super) fn new(seed: u64, fault: ModelFault) -> Self {
        let mut random = SplitMix64::new(seed);
        let mut one = |of: &[u64]| of[usize::try_from(random.next_u64() % of.len() as u64).unwrap()];
        let hidden = HiddenSettings {
            sync_period: one(&[3_000, 5_000, 10_000, 15_000]),
            flags: ControllerFlags {
                tolerance: one(&[0, 50, 100, 100, 100, 200]) as f64 / 1000.0,
                downscale_stabilization: Duration::from_secs(one(&[20, 45, 60, 300])),
            },
            pass_length: one(&[20, 100, 800, 1500]),
            informer_lag: one(&[0, 100, 900, 1900]),
            watch_lags: [one(&[5, 30, 400, 1100]), one(&[5, 30, 400, 1100]), one(&[5, 30, 400, 1100])],
            restarts: one(&[0, 0, 1]) == 1,
            skew: one(&[0, 600, 5_000, 90_000]) as i64 - 3000,
            exporter_interval: one(&[1_000, 2_000, 5_000, 15_000]),
            metric_lag: one(&[0, 800, 4_000]),
            misses: one(&[0, 0, 0, 40, 8]),
            lease: one(&[0, 1]) == 1,
        };
        let run = random_fixture(&mut one, &hidden);
        let spec = &run.scenario.hpa.spec;
        let spec = HpaSpec {
            min_replicas: spec.min_replicas,
            max_replicas: spec.max_replicas,
            behavior: hpa::behavior_from_spec(spec),
            metrics: Vec::new(),
        };
        let mut demand = vec![(0, 20)];
        while demand.last().unwrap().0 < RUN_MS {
            let at = demand.last().unwrap().0 + one(&[10_000, 20_000, 40_000]);
            demand.push((at, one(&[0, 20, 65, 130, 300, 700])));
        }
        let failing = one(&[0, 0, 1]) == 1 || fault == ModelFault::ScalesWhileInactive;
        let outages = if failing { vec![(90_000, 90_000 + 2 * hidden.sync_period + 9_000)] } else { Vec::new() };
        let pod = ModelPod { name: "pod-0".to_owned(), created: 100, runs: 1_500, deleting: u64::MAX, gone: u64::MAX };
        Self {
            random,
            fault,
            hidden,
            run,
            spec,
            size: 1,
            sizes: vec![(0, 1)],
            change_times: vec![110, 1_500],
            pods: vec![pod],
            status: HpaStatus::default(),
            last_scale: None,
            logs: HpaLogs::default(),
            last_pass: HPA_CREATED_MS,
            demand,
            outages,
            observations: Vec::new(),
            wrong_writes: 0,
        }
    }

    fn pick(&mut self, of: &[u64]) -> u64 {
        of[usize::try_from(self.random.next_u64() % of.len() as u64).unwrap()]
    }

    fn random_below(&mut self, limit: u64) -> u64 {
        self.random.next_u64() % limit.max(1)
    }

    fn observe(&mut self, source: usize, at: u64, kind: ObservationKind) {
        // A constant lag per watch keeps its order.
        self.observations.push((at + self.hidden.watch_lags[source], kind));
    }

    /// Runs the cluster; returns the fixture with its timeline, and the number of wrong writes.
    pub(super) fn run(mut self) -> (RunFixture, usize) {
        for at in [100, 1_500] {
            self.observe(1, at, ObservationKind::Pod(pod_snapshot(&self.pods[0], at)));
        }
        self.observe(2, HPA_CREATED_MS, ObservationKind::Hpa(self.hpa(HPA_CREATED_MS)));
        let mut next = HPA_CREATED_MS + 30 + self.pick(&[0, self.hidden.sync_period]);
        let mut restart = if self.hidden.restarts { 30_000 + self.random_below(150_000) } else { u64::MAX };
        let (mut holder, mut again) = (0, u64::MAX);
        while next < RUN_MS {
            if next >= restart {
                next = restart + self.random_below(20_000);
                (restart, again, holder) = (u64::MAX, next, holder + 1);
                self.logs = HpaLogs::default();
            }
            let took = self.run_pass(next);
            next += took + self.hidden.sync_period + self.random_below(300);
        }
        if self.hidden.lease {
            let mut recorded = vec![0, again.min(RUN_MS)];
            recorded.extend((1..=RUN_MS / 60_000).map(|minute| minute * 60_000));
            for at in recorded.into_iter().filter(|at| *at < RUN_MS) {
                let renewed = self.cluster_time(at / 60_000 * 60_000);
                let holder = u64::from(at >= again).to_string();
                self.observations
                    .push((at, ObservationKind::Leader(LeaderSnapshot { holder, transitions: 0, renewed })));
            }
        }
        for at in std::mem::take(&mut self.change_times) {
            self.observe(0, at, ObservationKind::Workload(self.workload(at)));
        }
        self.poll_metrics_api();
        self.add_gap();
        let skew = self.hidden.skew;
        self.observations
            .push((1, ObservationKind::ClockSkew(ClockSkewRange { low_ms: skew - 20, high_ms: skew + 30 })));
        self.observations.sort_by_key(|(at, _)| *at);
        let timeline = (0..).zip(self.observations).map(|(seq, (at_ms, kind))| Observation {
            seq,
            at_ms,
            source_time: None,
            kind,
        });
        self.run.timeline = timeline.collect();
        (self.run, self.wrong_writes)
    }

    /// Runs one pass; returns its duration, milliseconds.
    fn run_pass(&mut self, at: u64) -> u64 {
        let took = 10 + self.random_below(self.hidden.pass_length);
        let samples = self.serve_metric(at + took / 3);
        let state_ms = (at + took / 2).saturating_sub(self.random_below(self.hidden.informer_lag + 1));
        let pods: Vec<PodState> = self.pods.iter().filter_map(|pod| pod_state(pod, state_ms)).collect();
        let scenario = &self.run.scenario;
        let metric = MetricUnderTest::from_scenario(scenario)
            .and_then(|metric| metric.to_input(Ok(samples.as_deref().unwrap_or_default())));
        let mut logs = self.logs.clone().older_by(Duration::from_millis(at + took / 2 - self.last_pass));
        if self.fault == ModelFault::NoWindow && !logs.recommendations.is_empty() {
            logs.recommendations = vec![hpa::LogSlot { age: Duration::from_secs(9_000), count: self.size }];
        }
        let mut spec = HpaSpec { metrics: metric.into_iter().collect(), ..self.spec.clone() };
        if self.fault == ModelFault::NoRateLimit
            && let Some(behavior) = &mut spec.behavior
        {
            let fast = |rules: &mut hpa::ScalingRules| rules.policies.iter_mut().for_each(|policy| policy.value = 1000);
            fast(&mut behavior.scale_up);
            fast(&mut behavior.scale_down);
        }
        let (spec_replicas, status_replicas) = (self.size, self.created_pods(state_ms));
        let selector = PodSelector::Parsed("app=x".to_owned());
        let input = ReconcileInput {
            names: HpaNames {
                namespace: scenario.namespace.clone(),
                hpa: "hpa".to_owned(),
                target_kind: "Deployment".to_owned(),
                target_name: "x".to_owned(),
            },
            spec,
            status: self.status.clone(),
            flags: self.hidden.flags,
            scale: Ok(ScaleSubresource { spec_replicas, status_replicas, selector }),
            pods,
            competing_hpa: None,
            put_failures: Vec::new(),
            logs,
        };
        let faultless = hpa::reconcile(&ReconcileInput {
            spec: HpaSpec { metrics: input.spec.metrics.clone(), ..self.spec.clone() },
            ..input.clone()
        });
        let mut out = hpa::reconcile(&input);
        self.inject_fault(&mut out);
        let is_comparable = matches!(
            self.fault,
            ModelFault::Overshoot | ModelFault::NoRateLimit | ModelFault::ScalesWhileInactive | ModelFault::AboveMax
        );
        if (is_comparable && out.scale_written != faultless.scale_written)
            || (self.fault == ModelFault::NoWindow && self.fell_early(&out))
        {
            self.wrong_writes += 1;
        }
        self.record_pass(&out, at, took);
        took
    }

    fn inject_fault(&mut self, out: &mut ReconcileOutput) {
        let inactive = out
            .status
            .conditions
            .iter()
            .any(|c| c.kind == hpa::ConditionKind::ScalingActive && c.status == ConditionStatus::False);
        let size = match self.fault {
            ModelFault::Overshoot if out.scale_written.is_some_and(|size| size > self.size) => {
                out.scale_written.map(|size| (size + 2).min(self.spec.max_replicas))
            }
            ModelFault::ScalesWhileInactive if inactive && self.size < self.spec.max_replicas => Some(self.size + 1),
            ModelFault::AboveMax if out.scale_written.is_some_and(|size| size > self.size) => {
                Some(self.spec.max_replicas + 1)
            }
            _ => return,
        };
        out.scale_written = size;
        let size = size.unwrap_or(self.size);
        out.status.desired_replicas = size;
        let able = out.status.conditions.iter_mut().find(|c| c.kind == hpa::ConditionKind::AbleToScale);
        let able = able.unwrap();
        (able.reason, able.message) = (
            "SucceededRescale".to_owned(),
            format!("the HPA controller was able to update the target scale to {size}"),
        );
    }

    /// True for a scale-down below a recommendation within the window of the spec.
    fn fell_early(&self, out: &ReconcileOutput) -> bool {
        let window = self.spec.behavior.as_ref().and_then(|b| b.scale_down.stabilization_window_seconds);
        // The faulty controller keeps no recommendations, so a scale-down shortly after a scale-up is taken for one.
        let Some(size) = out.scale_written.filter(|size| *size < self.size) else { return false };
        window.is_some_and(|w| w >= 60)
            && self.last_scale.is_some_and(|at| self.last_pass < at + 20_000)
            && size < self.size
    }

    fn record_pass(&mut self, out: &ReconcileOutput, at: u64, took: u64) {
        (self.logs, self.last_pass, self.status) = (out.logs.clone(), at + took / 2, out.status.clone());
        let wrote = at + took;
        if let Some(size) = out.scale_written {
            (self.size, self.last_scale) = (size, Some(wrote));
            self.sizes.push((wrote, size));
            self.change_times.push(wrote);
            self.update_pods(wrote);
        }
        self.observe(2, wrote + 20, ObservationKind::Hpa(self.hpa(wrote + 20)));
    }

    /// Creates and deletes pods to match the size.
    fn update_pods(&mut self, at: u64) {
        let staying: Vec<usize> = (0..self.pods.len()).filter(|n| self.pods[*n].deleting == u64::MAX).collect();
        let wanted = usize::try_from(self.size).unwrap();
        let mut changes = Vec::new();
        for n in staying.len()..wanted {
            let created = at + 20 + n as u64;
            let runs = created + 500 + self.random_below(9_000);
            let name = format!("pod-{}", self.pods.len());
            self.pods.push(ModelPod { name, created, runs, deleting: u64::MAX, gone: u64::MAX });
            changes.extend([(self.pods.len() - 1, created), (self.pods.len() - 1, runs)]);
        }
        for n in staying.into_iter().skip(wanted) {
            let gone = at + 500 + self.random_below(5_000);
            (self.pods[n].deleting, self.pods[n].gone) = (at + 20, gone);
            changes.extend([(n, at + 20), (n, gone)]);
        }
        for (n, at) in changes {
            let pod = self.pods[n].clone();
            let kind = if at == pod.gone {
                ObservationKind::PodDeleted(DeletedObject {
                    kind: "Pod".to_owned(),
                    name: pod.name.clone(),
                    uid: pod.name,
                })
            } else {
                ObservationKind::Pod(pod_snapshot(&pod, at))
            };
            self.observe(1, at, kind);
            self.change_times.push(at + 5);
        }
    }

    /// The samples that the metrics API serves; `None` during an outage.
    fn serve_metric(&self, at: u64) -> Option<Vec<MetricSample>> {
        if self.outages.iter().any(|(from, to)| (*from..*to).contains(&at)) {
            return None;
        }
        let sampled_ms = at.saturating_sub(self.hidden.metric_lag);
        let values: Vec<(String, i64)> = self
            .pods
            .iter()
            .enumerate()
            .filter_map(|(n, pod)| Some((pod.name.clone(), self.sample(n, pod, sampled_ms)?)))
            .collect();
        let sample = |object: Option<String>, value: i64| MetricSample {
            object,
            labels: Default::default(),
            value: Some(Milli(value)),
            timestamp: None,
        };
        let metric = self.run.scenario.hpa.spec.metrics.as_ref()?.first()?;
        let sum: i64 = values.iter().map(|(_, value)| value).sum();
        Some(match (&metric.pods, &metric.object) {
            (Some(_), _) => values.into_iter().map(|(name, value)| sample(Some(name), value)).collect(),
            (_, Some(object)) if object.target.type_ == "Value" => {
                vec![sample(None, sum / i64::try_from(values.len()).unwrap().max(1))]
            }
            _ => vec![sample(None, sum)],
        })
    }

    /// The last sample of a pod, with noise that depends on its time alone.
    fn sample(&self, n: usize, pod: &ModelPod, at: u64) -> Option<i64> {
        let phase = n as u64 * 377 % self.hidden.exporter_interval;
        let tick = (at.saturating_sub(phase)) / self.hidden.exporter_interval * self.hidden.exporter_interval + phase;
        if tick < pod.runs || tick >= pod.gone {
            return None;
        }
        let demand = self.demand.iter().rev().find(|(from, _)| *from <= tick)?.1;
        let running = self.pods.iter().filter(|p| p.runs <= tick && tick < p.deleting).count().max(1) as u64;
        let noise = SplitMix64::new(tick * 31 + n as u64).next_u64() % 17;
        i64::try_from((demand * 1000 / running + noise * 1000).min(100_000)).ok()
    }

    fn poll_metrics_api(&mut self) {
        let mut at = 700;
        let mut readings = Vec::new();
        while at < RUN_MS {
            let took = 5 + self.random_below(60);
            let missed = self.hidden.misses > 0 && self.random_below(self.hidden.misses) == 0;
            let (result, received_ms) = match self.serve_metric(at + took / 2) {
                _ if missed => (ReadingResult::NotReadable("no response within 5 s".to_owned()), at + 5_000),
                Some(samples) => (ReadingResult::Samples(samples), at + took),
                None => (ReadingResult::Failed("404".to_owned()), at + took),
            };
            readings.push((
                received_ms,
                ObservationKind::Metric(MetricReading { hop: MetricHop::Api, requested_ms: at, result }),
            ));
            at += if missed { 6_000 } else { 1_000 };
        }
        self.observations.extend(readings);
    }

    /// Adds a gap of one source, with a list of the current state at its end.
    fn add_gap(&mut self) {
        let Some(source) = ["workload", "pods", "hpa"].get(usize::try_from(self.random_below(6)).unwrap()) else {
            return;
        };
        let from = 30_000 + self.random_below(120_000);
        let to = from + 500 + self.random_below(40_000);
        let key = |kind: &ObservationKind| match kind {
            ObservationKind::Workload(_) if *source == "workload" => Some(String::new()),
            ObservationKind::Hpa(_) if *source == "hpa" => Some(String::new()),
            ObservationKind::Pod(pod) if *source == "pods" => Some(pod.name.clone()),
            ObservationKind::PodDeleted(deleted) if *source == "pods" => Some(deleted.name.clone()),
            _ => None,
        };
        self.observations.sort_by_key(|(at, _)| *at);
        let mut last = std::collections::BTreeMap::new();
        self.observations.retain(|(at, kind)| match key(kind) {
            Some(key) if (from..to).contains(at) => {
                last.insert(key, kind.clone());
                false
            }
            _ => true,
        });
        let gap = RecordedGap { source: (*source).to_owned(), from_ms: from, reason: "410".to_owned() };
        self.observations.push((to, ObservationKind::Gap(gap)));
        self.observations.extend(last.into_values().map(|kind| (to, kind)));
        self.observations.sort_by_key(|(at, _)| *at);
    }

    fn created_pods(&self, at: u64) -> i32 {
        let created = self.pods.iter().filter(|pod| pod.created <= at && at < pod.deleting).count();
        i32::try_from(created).unwrap()
    }

    fn workload(&self, at: u64) -> WorkloadSnapshot {
        let ready = self.pods.iter().filter(|pod| pod.runs <= at && at < pod.deleting).count();
        let writer = ReplicasManager {
            manager: "kube-controller-manager".to_owned(),
            operation: "Update".to_owned(),
            subresource: "scale".to_owned(),
            time: None,
        };
        let generation = self.sizes.iter().filter(|(since, _)| *since <= at).count();
        WorkloadSnapshot {
            uid: "w".to_owned(),
            generation: i64::try_from(generation).ok(),
            spec_replicas: self.sizes[generation - 1].1,
            replicas: self.created_pods(at),
            ready_replicas: i32::try_from(ready).unwrap(),
            selector: [("app".to_owned(), "x".to_owned())].into(),
            replicas_managers: vec![writer],
            ..WorkloadSnapshot::default()
        }
    }

    fn hpa(&self, _at: u64) -> HpaSnapshot {
        let condition = |c: &hpa::HpaCondition| ObjectCondition {
            kind: format!("{:?}", c.kind),
            status: format!("{:?}", c.status),
            reason: c.reason.clone(),
            message: c.message.clone(),
            last_transition_time: None,
        };
        let metric = |m: &Option<hpa::CurrentMetric>| {
            m.as_ref().map_or_else(HpaMetricStatus::default, |m| {
                let (value, average) = match m.reported {
                    ReportedValue::Value(value) => (Some(Milli(value)), None),
                    ReportedValue::AverageValue(value) => (None, Some(Milli(value))),
                };
                HpaMetricStatus { kind: String::new(), name: m.name.clone(), value, average_value: average }
            })
        };
        HpaSnapshot {
            name: "hpa".to_owned(),
            uid: "h".to_owned(),
            min_replicas: self.spec.min_replicas.unwrap_or(1),
            max_replicas: self.spec.max_replicas,
            current_replicas: Some(self.status.current_replicas),
            desired_replicas: self.status.desired_replicas,
            last_scale_time: self.last_scale.and_then(|at| self.cluster_time(at)),
            conditions: self.status.conditions.iter().map(condition).collect(),
            current_metrics: self.status.current_metrics.iter().map(metric).collect(),
            ..HpaSnapshot::default()
        }
    }

    /// A time by the cluster's clock, in whole seconds.
    fn cluster_time(&self, at: u64) -> Option<Timestamp> {
        let at =
            self.run.inventory.started + SignedDuration::from_millis(i64::try_from(at).unwrap() + self.hidden.skew);
        Timestamp::from_second(at.as_millisecond().div_euclid(1000)).ok()
    }
}

fn pod_state(pod: &ModelPod, at: u64) -> Option<PodState> {
    let phase = if at < pod.runs { PodPhase::Pending } else { PodPhase::Running };
    let exists = pod.created <= at && at < pod.gone;
    exists.then(|| PodState { name: pod.name.clone(), phase, ready: at >= pod.runs, deleting: at >= pod.deleting })
}

fn pod_snapshot(pod: &ModelPod, at: u64) -> PodSnapshot {
    let (runs, deleting) = (at >= pod.runs, at >= pod.deleting);
    PodSnapshot {
        name: pod.name.clone(),
        uid: pod.name.clone(),
        phase: if runs { "Running" } else { "Pending" }.to_owned(),
        ready: runs,
        deleting,
        labels: [("app".to_owned(), "x".to_owned())].into(),
        ..PodSnapshot::default()
    }
}

/// A random scenario with its assumptions. The assumed sync period may be as little as half of the actual one.
fn random_fixture(one: &mut impl FnMut(&[u64]) -> u64, hidden: &HiddenSettings) -> RunFixture {
    let target = |kind: &str, field: &str| json!({"type": kind, field: "60"});
    let metric = match one(&[0, 0, 0, 1, 2, 3]) {
        0 => {
            json!({"type": "Pods", "pods": {"metric": {"name": "gpu"}, "target": target("AverageValue", "averageValue")}})
        }
        1 => json!({"type": "Object", "object": {"metric": {"name": "gpu"}, "target": target("Value", "value"),
            "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "x"}}}),
        2 => {
            json!({"type": "Object", "object": {"metric": {"name": "gpu"}, "target": target("AverageValue", "averageValue"),
            "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "x"}}})
        }
        _ => {
            json!({"type": "External", "external": {"metric": {"name": "gpu"}, "target": target("AverageValue", "averageValue")}})
        }
    };
    let total = metric["object"]["target"]["type"] == "AverageValue" || metric["type"] == "External";
    let rules = |one: &mut dyn FnMut(&[u64]) -> u64, windows: &[u64]| {
        let policy = |one: &mut dyn FnMut(&[u64]) -> u64| {
            json!({"type": if one(&[0, 1]) == 0 { "Pods" } else { "Percent" },
            "value": one(&[1, 2, 50, 100]), "periodSeconds": one(&[5, 15, 60])})
        };
        let policies: Vec<_> = (0..one(&[1, 2])).map(|_| policy(one)).collect();
        let mut rules = json!({"stabilizationWindowSeconds": one(windows), "selectPolicy": if one(&[0, 0, 1]) == 0 { "Max" } else { "Min" }, "policies": policies});
        if one(&[0, 0, 1]) == 1 {
            rules["tolerance"] = json!(format!("{}m", one(&[0, 50, 300])));
        }
        rules
    };
    let mut spec = json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
        "minReplicas": one(&[1, 1, 2]), "maxReplicas": one(&[3, 5, 9]), "metrics": [metric]});
    if one(&[0, 1, 1, 1, 1]) == 1 {
        let mut down = rules(one, &[0, 20, 30, 60, 90]);
        if one(&[0, 0, 0, 1]) == 1 {
            down.as_object_mut().unwrap().remove("stabilizationWindowSeconds");
        }
        spec["behavior"] = json!({"scaleUp": rules(one, &[0, 0, 0, 20, 60]), "scaleDown": down});
    }
    let assumed = hidden.sync_period / one(&[1, 1, 2]);
    let mut run = healthy().scenario(|s| {
        s.hpa.spec = serde_json::from_value(spec).unwrap();
        s.assumptions.sync_period = HumanDuration::from_ms(assumed);
        s.assumptions.exporter_interval = HumanDuration::from_ms(hidden.exporter_interval);
        s.metric.range = Some([0.0, 100.0]).filter(|_| !total);
    });
    run.journal.truncate(0);
    let object = crate::model::journal::ObjectRef {
        api_version: "autoscaling/v2".to_owned(),
        kind: "HorizontalPodAutoscaler".to_owned(),
        plural: String::new(),
        namespace: None,
        name: "hpa".to_owned(),
    };
    let state = crate::model::journal::ChangeState::Intended(crate::model::journal::RunChange::Create(object));
    run.journal.push(crate::model::journal::JournalEntry {
        run: String::new(),
        change: 0,
        at_ms: HPA_CREATED_MS - 10,
        state,
    });
    run
}
