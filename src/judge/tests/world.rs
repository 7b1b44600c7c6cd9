//! A small world with a controller that decides by `hpa::reconcile`, and everything about it hidden: flags, moments and
//! lengths of passes, lags of every view, restarts, values between our readings. What it shows is a timeline as ours.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::hpa::{
    self, ConditionStatus, ControllerFlags, HpaNames, HpaSpec, HpaStatus, Logs, PodPhase, PodSelector, PodState,
    ReconcileInput, ReconcileOutput, Reported, Scale,
};
use crate::record::observation::{
    Condition, GapSeen, Gone, HpaMetric, HpaSeen, LeaderSeen, Observation, PodSeen, Seen, SkewSeen, WorkloadSeen,
    Writer,
};
use crate::record::reading::{Answer, Hop, Reading, Sample};
use crate::seed::Seed;
use crate::units::{Milli, Span};

use super::run::{Run, healthy};

/// Length of a run, and when its HPA is made.
const LENGTH: u64 = 240_000;
const MADE: u64 = 5_000;

/// What the controller does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// It goes further up than it asked for.
    Jump,
    /// It knows no rate.
    Rate,
    /// It remembers no recommendation.
    Window,
    /// It scales up when it could compute nothing.
    Inactive,
    /// It goes above max.
    Outside,
}

/// What nobody outside can read.
#[derive(Debug)]
pub(super) struct Hidden {
    pub(super) sync: u64,
    flags: ControllerFlags,
    pass: u64,
    informer: u64,
    watch: [u64; 3],
    restarts: bool,
    skew: i64,
    exporter: u64,
    way: u64,
    misses: u64,
    lease: bool,
}

#[derive(Clone, Debug)]
struct Pod {
    name: String,
    created: u64,
    runs: u64,
    deleting: u64,
    gone: u64,
}

pub(super) struct World {
    chance: Seed,
    fault: Fault,
    hidden: Hidden,
    run: Run,
    spec: HpaSpec,
    size: i32,
    /// Sizes with their moments, and the moments at which anything of the target changed.
    sizes: Vec<(u64, i32)>,
    moments: Vec<u64>,
    pods: Vec<Pod>,
    status: HpaStatus,
    last_scale: Option<u64>,
    logs: Logs,
    passed: u64,
    demand: Vec<(u64, u64)>,
    outages: Vec<(u64, u64)>,
    noted: Vec<(u64, Seen)>,
    /// Writes that a sound controller would not have made.
    pub(super) wrongs: usize,
}

impl World {
    pub(super) fn new(seed: u64, fault: Fault) -> Self {
        let mut chance = Seed::new(seed);
        let mut one = |of: &[u64]| of[usize::try_from(chance.next_u64() % of.len() as u64).unwrap()];
        let hidden = Hidden {
            sync: one(&[3_000, 5_000, 10_000, 15_000]),
            flags: ControllerFlags {
                tolerance: one(&[0, 50, 100, 100, 100, 200]) as f64 / 1000.0,
                downscale_stabilization: Duration::from_secs(one(&[20, 45, 60, 300])),
            },
            pass: one(&[20, 100, 800, 1500]),
            informer: one(&[0, 100, 900, 1900]),
            watch: [one(&[5, 30, 400, 1100]), one(&[5, 30, 400, 1100]), one(&[5, 30, 400, 1100])],
            restarts: one(&[0, 0, 1]) == 1,
            skew: one(&[0, 600, 5_000, 90_000]) as i64 - 3000,
            exporter: one(&[1_000, 2_000, 5_000, 15_000]),
            way: one(&[0, 800, 4_000]),
            misses: one(&[0, 0, 0, 40, 8]),
            lease: one(&[0, 1]) == 1,
        };
        let run = scenario(&mut one, &hidden);
        let spec = &run.scenario.hpa.spec;
        let spec = HpaSpec {
            min_replicas: spec.min_replicas,
            max_replicas: spec.max_replicas,
            behavior: hpa::behavior_of(spec),
            metrics: Vec::new(),
        };
        let mut demand = vec![(0, 20)];
        while demand.last().unwrap().0 < LENGTH {
            let at = demand.last().unwrap().0 + one(&[10_000, 20_000, 40_000]);
            demand.push((at, one(&[0, 20, 65, 130, 300, 700])));
        }
        let failing = one(&[0, 0, 1]) == 1 || fault == Fault::Inactive;
        let outages = if failing { vec![(90_000, 90_000 + 2 * hidden.sync + 9_000)] } else { Vec::new() };
        let pod = Pod { name: "pod-0".to_owned(), created: 100, runs: 1_500, deleting: u64::MAX, gone: u64::MAX };
        Self {
            chance,
            fault,
            hidden,
            run,
            spec,
            size: 1,
            sizes: vec![(0, 1)],
            moments: vec![110, 1_500],
            pods: vec![pod],
            status: HpaStatus::default(),
            last_scale: None,
            logs: Logs::default(),
            passed: MADE,
            demand,
            outages,
            noted: Vec::new(),
            wrongs: 0,
        }
    }

    fn one(&mut self, of: &[u64]) -> u64 {
        of[usize::try_from(self.chance.next_u64() % of.len() as u64).unwrap()]
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.chance.next_u64() % limit.max(1)
    }

    fn note(&mut self, source: usize, at: u64, seen: Seen) {
        // One watch tells in order.
        self.noted.push((at + self.hidden.watch[source], seen));
    }

    /// The timeline of a run.
    pub(super) fn run(mut self) -> (Run, usize) {
        for at in [100, 1_500] {
            self.note(1, at, Seen::Pod(seen_pod(&self.pods[0], at)));
        }
        self.note(2, MADE, Seen::Hpa(self.hpa(MADE)));
        let mut next = MADE + 30 + self.one(&[0, self.hidden.sync]);
        let mut restart = if self.hidden.restarts { 30_000 + self.below(150_000) } else { u64::MAX };
        let (mut holder, mut again) = (0, u64::MAX);
        while next < LENGTH {
            if next >= restart {
                next = restart + self.below(20_000);
                (restart, again, holder) = (u64::MAX, next, holder + 1);
                self.logs = Logs::default();
            }
            let took = self.pass(next);
            next += took + self.hidden.sync + self.below(300);
        }
        if self.hidden.lease {
            let mut told = vec![0, again.min(LENGTH)];
            told.extend((1..=LENGTH / 60_000).map(|minute| minute * 60_000));
            for at in told.into_iter().filter(|at| *at < LENGTH) {
                let renewed = self.stamp(at / 60_000 * 60_000);
                let holder = u64::from(at >= again).to_string();
                self.noted.push((at, Seen::Leader(LeaderSeen { holder, transitions: 0, renewed })));
            }
        }
        for at in std::mem::take(&mut self.moments) {
            self.note(0, at, Seen::Workload(self.workload(at)));
        }
        self.polls();
        self.gap();
        let skew = self.hidden.skew;
        self.noted.push((1, Seen::Skew(SkewSeen { low_ms: skew - 20, high_ms: skew + 30 })));
        self.noted.sort_by_key(|(at, _)| *at);
        let all = (0..).zip(self.noted).map(|(seq, (at_ms, seen))| Observation { seq, at_ms, source: None, seen });
        self.run.timeline = all.collect();
        (self.run, self.wrongs)
    }

    /// One pass; how long it took.
    fn pass(&mut self, at: u64) -> u64 {
        let took = 10 + self.below(self.hidden.pass);
        let samples = self.served(at + took / 3);
        let seen_at = (at + took / 2).saturating_sub(self.below(self.hidden.informer + 1));
        let pods: Vec<PodState> = self.pods.iter().filter_map(|pod| state(pod, seen_at)).collect();
        let scenario = &self.run.scenario;
        let metric = hpa::metric_of(&scenario.hpa.spec, &scenario.namespace, samples.as_deref().unwrap_or_default());
        let mut logs = self.logs.clone().older_by(Duration::from_millis(at + took / 2 - self.passed));
        if self.fault == Fault::Window && !logs.recommendations.is_empty() {
            logs.recommendations = vec![hpa::Logged { age: Duration::from_secs(9_000), count: self.size }];
        }
        let mut spec = HpaSpec { metrics: metric.into_iter().collect(), ..self.spec.clone() };
        if self.fault == Fault::Rate
            && let Some(behavior) = &mut spec.behavior
        {
            let fast = |rules: &mut hpa::ScalingRules| rules.policies.iter_mut().for_each(|policy| policy.value = 1000);
            fast(&mut behavior.scale_up);
            fast(&mut behavior.scale_down);
        }
        let (spec_replicas, status_replicas) = (self.size, self.made(seen_at));
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
            scale: Ok(Scale { spec_replicas, status_replicas, selector }),
            pods,
            competing_hpa: None,
            put_failures: Vec::new(),
            logs,
        };
        let sound = hpa::reconcile(&ReconcileInput {
            spec: HpaSpec { metrics: input.spec.metrics.clone(), ..self.spec.clone() },
            ..input.clone()
        });
        let mut out = hpa::reconcile(&input);
        self.go_wrong(&mut out);
        let honest = matches!(self.fault, Fault::Jump | Fault::Rate | Fault::Inactive | Fault::Outside);
        if (honest && out.scale_written != sound.scale_written)
            || (self.fault == Fault::Window && self.fell_early(&out))
        {
            self.wrongs += 1;
        }
        self.remember(&out, at, took);
        took
    }

    fn go_wrong(&mut self, out: &mut ReconcileOutput) {
        let inactive = out
            .status
            .conditions
            .iter()
            .any(|c| c.kind == hpa::ConditionKind::ScalingActive && c.status == ConditionStatus::False);
        let size = match self.fault {
            Fault::Jump if out.scale_written.is_some_and(|size| size > self.size) => {
                out.scale_written.map(|size| (size + 2).min(self.spec.max_replicas))
            }
            Fault::Inactive if inactive && self.size < self.spec.max_replicas => Some(self.size + 1),
            Fault::Outside if out.scale_written.is_some_and(|size| size > self.size) => {
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

    /// A fall below what was recommended within the window that the spec states.
    fn fell_early(&self, out: &ReconcileOutput) -> bool {
        let window = self.spec.behavior.as_ref().and_then(|b| b.scale_down.stabilization_window_seconds);
        // Sound memory is not kept by such a world: a fall within a minute of a rise stands for it.
        let Some(size) = out.scale_written.filter(|size| *size < self.size) else { return false };
        window.is_some_and(|w| w >= 60)
            && self.last_scale.is_some_and(|at| self.passed < at + 20_000)
            && size < self.size
    }

    fn remember(&mut self, out: &ReconcileOutput, at: u64, took: u64) {
        (self.logs, self.passed, self.status) = (out.logs.clone(), at + took / 2, out.status.clone());
        let wrote = at + took;
        if let Some(size) = out.scale_written {
            (self.size, self.last_scale) = (size, Some(wrote));
            self.sizes.push((wrote, size));
            self.moments.push(wrote);
            self.resize(wrote);
        }
        self.note(2, wrote + 20, Seen::Hpa(self.hpa(wrote + 20)));
    }

    /// Pods come and go.
    fn resize(&mut self, at: u64) {
        let staying: Vec<usize> = (0..self.pods.len()).filter(|n| self.pods[*n].deleting == u64::MAX).collect();
        let wanted = usize::try_from(self.size).unwrap();
        let mut moments = Vec::new();
        for n in staying.len()..wanted {
            let created = at + 20 + n as u64;
            let runs = created + 500 + self.below(9_000);
            let name = format!("pod-{}", self.pods.len());
            self.pods.push(Pod { name, created, runs, deleting: u64::MAX, gone: u64::MAX });
            moments.extend([(self.pods.len() - 1, created), (self.pods.len() - 1, runs)]);
        }
        for n in staying.into_iter().skip(wanted) {
            let gone = at + 500 + self.below(5_000);
            (self.pods[n].deleting, self.pods[n].gone) = (at + 20, gone);
            moments.extend([(n, at + 20), (n, gone)]);
        }
        for (n, moment) in moments {
            let pod = self.pods[n].clone();
            let seen = if moment == pod.gone {
                Seen::PodGone(Gone { kind: "Pod".to_owned(), name: pod.name.clone(), uid: pod.name })
            } else {
                Seen::Pod(seen_pod(&pod, moment))
            };
            self.note(1, moment, seen);
            self.moments.push(moment + 5);
        }
    }

    /// What the metrics API serves.
    fn served(&self, at: u64) -> Option<Vec<Sample>> {
        if self.outages.iter().any(|(from, to)| (*from..*to).contains(&at)) {
            return None;
        }
        let seen = at.saturating_sub(self.hidden.way);
        let each: Vec<(String, i64)> = self
            .pods
            .iter()
            .enumerate()
            .filter_map(|(n, pod)| Some((pod.name.clone(), self.sample(n, pod, seen)?)))
            .collect();
        let sample = |object: Option<String>, value: i64| Sample {
            object,
            labels: Default::default(),
            value: Some(Milli(value)),
            at: None,
        };
        let metric = self.run.scenario.hpa.spec.metrics.as_ref()?.first()?;
        let sum: i64 = each.iter().map(|(_, value)| value).sum();
        Some(match (&metric.pods, &metric.object) {
            (Some(_), _) => each.into_iter().map(|(name, value)| sample(Some(name), value)).collect(),
            (_, Some(object)) if object.target.type_ == "Value" => {
                vec![sample(None, sum / i64::try_from(each.len()).unwrap().max(1))]
            }
            _ => vec![sample(None, sum)],
        })
    }

    /// The last sample of a pod, with noise that is the same whoever asks.
    fn sample(&self, n: usize, pod: &Pod, at: u64) -> Option<i64> {
        let phase = n as u64 * 377 % self.hidden.exporter;
        let tick = (at.saturating_sub(phase)) / self.hidden.exporter * self.hidden.exporter + phase;
        if tick < pod.runs || tick >= pod.gone {
            return None;
        }
        let demand = self.demand.iter().rev().find(|(from, _)| *from <= tick)?.1;
        let running = self.pods.iter().filter(|p| p.runs <= tick && tick < p.deleting).count().max(1) as u64;
        let noise = Seed::new(tick * 31 + n as u64).next_u64() % 17;
        i64::try_from((demand * 1000 / running + noise * 1000).min(100_000)).ok()
    }

    fn polls(&mut self) {
        let mut at = 700;
        let mut all = Vec::new();
        while at < LENGTH {
            let took = 5 + self.below(60);
            let missed = self.hidden.misses > 0 && self.below(self.hidden.misses) == 0;
            let (answer, heard) = match self.served(at + took / 2) {
                _ if missed => (Answer::NotReadable("no answer within 5 s".to_owned()), at + 5_000),
                Some(samples) => (Answer::Samples(samples), at + took),
                None => (Answer::Failed("404".to_owned()), at + took),
            };
            all.push((heard, Seen::Metric(Reading { hop: Hop::Api, asked_ms: at, answer })));
            at += if missed { 6_000 } else { 1_000 };
        }
        self.noted.extend(all);
    }

    /// A source that was not read for a while: a list at the end tells what stands then.
    fn gap(&mut self) {
        let Some(source) = ["workload", "pods", "hpa"].get(usize::try_from(self.below(6)).unwrap()) else { return };
        let from = 30_000 + self.below(120_000);
        let to = from + 500 + self.below(40_000);
        let key = |seen: &Seen| match seen {
            Seen::Workload(_) if *source == "workload" => Some(String::new()),
            Seen::Hpa(_) if *source == "hpa" => Some(String::new()),
            Seen::Pod(pod) if *source == "pods" => Some(pod.name.clone()),
            Seen::PodGone(gone) if *source == "pods" => Some(gone.name.clone()),
            _ => None,
        };
        self.noted.sort_by_key(|(at, _)| *at);
        let mut last = std::collections::BTreeMap::new();
        self.noted.retain(|(at, seen)| match key(seen) {
            Some(key) if (from..to).contains(at) => {
                last.insert(key, seen.clone());
                false
            }
            _ => true,
        });
        let gap = GapSeen { source: (*source).to_owned(), from_ms: from, why: "410".to_owned() };
        self.noted.push((to, Seen::Gap(gap)));
        self.noted.extend(last.into_values().map(|seen| (to, seen)));
        self.noted.sort_by_key(|(at, _)| *at);
    }

    fn made(&self, at: u64) -> i32 {
        let made = self.pods.iter().filter(|pod| pod.created <= at && at < pod.deleting).count();
        i32::try_from(made).unwrap()
    }

    fn workload(&self, at: u64) -> WorkloadSeen {
        let ready = self.pods.iter().filter(|pod| pod.runs <= at && at < pod.deleting).count();
        let writer = Writer {
            manager: "kube-controller-manager".to_owned(),
            operation: "Update".to_owned(),
            subresource: "scale".to_owned(),
            at: None,
        };
        let generation = self.sizes.iter().filter(|(since, _)| *since <= at).count();
        WorkloadSeen {
            uid: "w".to_owned(),
            generation: i64::try_from(generation).ok(),
            spec_replicas: self.sizes[generation - 1].1,
            replicas: self.made(at),
            ready: i32::try_from(ready).unwrap(),
            selector: [("app".to_owned(), "x".to_owned())].into(),
            writers: vec![writer],
            ..WorkloadSeen::default()
        }
    }

    fn hpa(&self, _at: u64) -> HpaSeen {
        let condition = |c: &hpa::Condition| Condition {
            kind: format!("{:?}", c.kind),
            status: format!("{:?}", c.status),
            reason: c.reason.clone(),
            message: c.message.clone(),
            since: None,
        };
        let metric = |m: &Option<hpa::CurrentMetric>| {
            m.as_ref().map_or_else(HpaMetric::default, |m| {
                let (value, average) = match m.reported {
                    Reported::Value(value) => (Some(Milli(value)), None),
                    Reported::AverageValue(value) => (None, Some(Milli(value))),
                };
                HpaMetric { kind: String::new(), name: m.name.clone(), value, average }
            })
        };
        HpaSeen {
            name: "hpa".to_owned(),
            uid: "h".to_owned(),
            min: self.spec.min_replicas.unwrap_or(1),
            max: self.spec.max_replicas,
            current: Some(self.status.current_replicas),
            desired: self.status.desired_replicas,
            last_scale: self.last_scale.and_then(|at| self.stamp(at)),
            conditions: self.status.conditions.iter().map(condition).collect(),
            metrics: self.status.current_metrics.iter().map(metric).collect(),
            ..HpaSeen::default()
        }
    }

    /// A moment by the cluster's clock, in whole seconds.
    fn stamp(&self, at: u64) -> Option<Timestamp> {
        let at =
            self.run.inventory.started + SignedDuration::from_millis(i64::try_from(at).unwrap() + self.hidden.skew);
        Timestamp::from_second(at.as_millisecond().div_euclid(1000)).ok()
    }
}

fn state(pod: &Pod, at: u64) -> Option<PodState> {
    let phase = if at < pod.runs { PodPhase::Pending } else { PodPhase::Running };
    let there = pod.created <= at && at < pod.gone;
    there.then(|| PodState { name: pod.name.clone(), phase, ready: at >= pod.runs, deleting: at >= pod.deleting })
}

fn seen_pod(pod: &Pod, at: u64) -> PodSeen {
    let (runs, deleting) = (at >= pod.runs, at >= pod.deleting);
    PodSeen {
        name: pod.name.clone(),
        uid: pod.name.clone(),
        phase: if runs { "Running" } else { "Pending" }.to_owned(),
        ready: runs,
        deleting,
        labels: [("app".to_owned(), "x".to_owned())].into(),
        ..PodSeen::default()
    }
}

/// The scenario as the spec and the assumptions of a run: what is assumed may be wrong, up to twice for the sync period.
fn scenario(one: &mut impl FnMut(&[u64]) -> u64, hidden: &Hidden) -> Run {
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
    let assumed = hidden.sync / one(&[1, 1, 2]);
    let mut run = healthy().scenario(|s| {
        s.hpa.spec = serde_json::from_value(spec).unwrap();
        s.assumptions.sync_period = Span::from_ms(assumed);
        s.assumptions.exporter_interval = Span::from_ms(hidden.exporter);
        s.metric.range = Some([0.0, 100.0]).filter(|_| !total);
    });
    run.journal.truncate(0);
    let object = crate::record::journal::ObjectRef {
        api_version: "autoscaling/v2".to_owned(),
        kind: "HorizontalPodAutoscaler".to_owned(),
        plural: String::new(),
        namespace: None,
        name: "hpa".to_owned(),
    };
    let step = crate::record::journal::Step::Intended(crate::record::journal::Change::Create(object));
    run.journal.push(crate::record::journal::Entry { run: String::new(), change: 0, at_ms: MADE - 10, step });
    run
}
