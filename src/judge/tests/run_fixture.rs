//! A run under test: the records of one of the four that were recorded on the rig, and small changes to them, each
//! named after what could have happened.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::judge::{Check, CheckResult, CheckStatus, Evaluator, Prerequisite, judge};
use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::observation::{
    EventSnapshot, HpaSnapshot, LeaderSnapshot, LoadSnapshot, Observation, ObservationKind, Phase, PhaseChange,
    PodSnapshot, ProbeRecord, RecordedGap, ReplicasManager, WorkloadSnapshot,
};
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};
use crate::model::run_records::RunRecords;
use crate::model::scenario::{Accelerator, Scenario};
use crate::model::verdict::{CaseResult, Verdict};
use crate::units::{HumanDuration, Milli};

/// The pod that is there from the beginning of the healthy run, and the two that come with the load.
pub(super) const OLD: &str = "ollama-7fd697578d-dfk6s";
pub(super) const SECOND: &str = "ollama-7fd697578d-fcd5l";
pub(super) const THIRD: &str = "ollama-7fd697578d-lb9np";

/// Moments of the healthy run, milliseconds: see fixtures/timelines/rig-healthy.
pub(super) const IDLE: u64 = 11_071;
pub(super) const RISE: u64 = 27_557;
pub(super) const SCALED_TO_2: u64 = 35_968;
pub(super) const TWO_PODS: u64 = 36_020;
pub(super) const SCALED_TO_3: u64 = 51_069;
pub(super) const FALL: u64 = 73_576;
pub(super) const SCALED_TO_1: u64 = 106_455;
pub(super) const CLEANUP: u64 = 107_919;

#[derive(Clone, Debug)]
pub(super) struct RunFixture {
    pub(super) scenario: Scenario,
    pub(super) inventory: Inventory,
    pub(super) journal: Vec<JournalEntry>,
    pub(super) timeline: Vec<Observation>,
    client_bound: Option<String>,
}

/// The healthy run: PASS (STAND-IN).
pub(super) fn healthy() -> RunFixture {
    recorded("healthy")
}

/// One value for the namespace: the healthy run's own values, summed.
pub(super) fn object_metric() -> RunFixture {
    let run = healthy().scenario(|s| {
        let namespace = s.namespace.clone();
        s.hpa.spec.metrics = serde_json::from_value(serde_json::json!([{"type": "Object", "object": {
            "describedObject": {"apiVersion": "v1", "kind": "Namespace", "name": namespace},
            "metric": {"name": "gpu_utilization"}, "target": {"type": "Value", "value": "60"}}}]))
        .unwrap();
    });
    let namespace = run.scenario.namespace.clone();
    run.readings(MetricHop::Api, 0, u64::MAX, |answer| {
        if let ReadingResult::Samples(all) = answer
            && let Some(first) = all.first().cloned()
        {
            let sum = all.iter().filter_map(|sample| sample.value).map(|milli| milli.0).sum();
            *all = vec![MetricSample { object: Some(namespace.clone()), value: Some(Milli(sum)), ..first }];
        }
    })
}

/// The healthy run on a metric whose values last for two polls, so that none can pass between them unseen. The lag is
/// the same.
pub(super) fn slow_metric() -> RunFixture {
    healthy().scenario(|s| {
        s.assumptions.exporter_interval = HumanDuration::from_secs(2);
        s.assumptions.scrape_interval = HumanDuration::from_secs(0);
    })
}

/// The healthy run as cards would have given it: the models are in their memory.
pub(super) fn real_accelerators() -> RunFixture {
    let run = healthy().scenario(|s| s.accelerator = Accelerator::Resource("nvidia.com/gpu".to_owned()));
    run.probes(|probe| probe.model_size_vram = probe.model_size)
}

/// A run that was recorded on the rig.
pub(super) fn recorded(name: &str) -> RunFixture {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/timelines").join(format!("rig-{name}"));
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    RunFixture {
        scenario: serde_saphyr::from_str(&read("scenario.yaml")).unwrap(),
        inventory: serde_json::from_str(&read("inventory.json")).unwrap(),
        journal: read("journal.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        timeline: read("timeline.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        client_bound: None,
    }
}

/// What the judge says.
impl RunFixture {
    pub(super) fn records(&self) -> RunRecords<'_> {
        RunRecords {
            scenario: &self.scenario,
            inventory: &self.inventory,
            journal: &self.journal,
            timeline: &self.timeline,
            client_bound: self.client_bound.as_deref(),
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        judge(self.records())
    }

    pub(super) fn result(&self) -> CaseResult {
        self.verdict().result
    }

    pub(super) fn with_evaluator<T>(&self, look: impl FnOnce(&Evaluator<'_>) -> T) -> T {
        look(&Evaluator::new(self.records()))
    }

    pub(super) fn evaluate(&self, check: Check) -> CheckResult {
        Evaluator::new(self.records()).evaluate(check)
    }

    pub(super) fn evaluate_prerequisite(&self, part: Prerequisite) -> CheckResult {
        Evaluator::new(self.records()).evaluate_prerequisite(part)
    }

    /// The check is in this state for a reason that holds these words, and the verdict comes to this.
    #[track_caller]
    pub(super) fn assert_case(&self, check: Check, state: CheckStatus, words: &str, verdict: CaseResult) {
        let ruling = self.evaluate(check);
        assert_eq!(ruling.status, state, "{}: {}", check.name(), ruling.reason);
        assert!(ruling.reason.contains(words), "{}: no `{words}` in: {}", check.name(), ruling.reason);
        let whole = self.verdict();
        assert_eq!(whole.result, verdict, "{}", whole.reason);
    }

    /// The check cannot be told, so neither can the whole.
    #[track_caller]
    pub(super) fn assert_inconclusive(&self, check: Check, words: &str) {
        self.assert_case(check, CheckStatus::Inconclusive, words, CaseResult::Inconclusive);
    }

    /// The check fails, so the whole does.
    #[track_caller]
    pub(super) fn assert_fails(&self, check: Check, words: &str) {
        self.assert_case(check, CheckStatus::Fail, words, CaseResult::Fail);
        assert!(self.verdict().reason.starts_with(check.name()), "{}", self.verdict().reason);
    }

    /// The check holds and the whole passes.
    #[track_caller]
    pub(super) fn assert_passes(&self, check: Check, words: &str) {
        self.assert_case(check, CheckStatus::Pass, words, CaseResult::Pass);
    }
}

/// Changes to the records.
impl RunFixture {
    pub(super) fn scenario(mut self, change: impl FnOnce(&mut Scenario)) -> Self {
        change(&mut self.scenario);
        self
    }

    pub(super) fn with_client_bound(mut self, why: &str) -> Self {
        self.client_bound = Some(why.to_owned());
        self
    }

    pub(super) fn each(mut self, change: impl FnMut(&mut Observation)) -> Self {
        self.timeline.iter_mut().for_each(change);
        self
    }

    pub(super) fn without(mut self, gone: impl Fn(&Observation) -> bool) -> Self {
        self.timeline.retain(|observation| !gone(observation));
        self
    }

    pub(super) fn without_events(self) -> Self {
        self.without(|o| matches!(o.kind, ObservationKind::Event(_)))
    }

    /// The timeline as it was when it had so many observations.
    pub(super) fn cut(mut self, length: usize) -> Self {
        self.timeline.truncate(length);
        self
    }

    /// The run ended at this moment and cleaned up.
    pub(super) fn ended_at(mut self, at_ms: u64) -> Self {
        self.timeline.retain(|o| o.at_ms < at_ms);
        self.with_observation(at_ms, phase_began(Phase::Cleanup))
    }

    /// One more observation, after all of the same moment.
    pub(super) fn with_observation(mut self, at_ms: u64, seen: ObservationKind) -> Self {
        let index = self.timeline.partition_point(|o| o.at_ms <= at_ms);
        self.timeline.insert(index, Observation { seq: 0, at_ms, source_time: None, kind: seen });
        self.renumber()
    }

    pub(super) fn renumber(mut self) -> Self {
        (0..).zip(&mut self.timeline).for_each(|(seq, observation)| observation.seq = seq);
        self
    }

    pub(super) fn workloads(self, mut change: impl FnMut(u64, &mut WorkloadSnapshot)) -> Self {
        self.each(|o| {
            if let ObservationKind::Workload(workload) = &mut o.kind {
                change(o.at_ms, workload);
            }
        })
    }

    pub(super) fn hpas(self, mut change: impl FnMut(u64, &mut HpaSnapshot)) -> Self {
        self.each(|o| {
            if let ObservationKind::Hpa(hpa) = &mut o.kind {
                change(o.at_ms, hpa);
            }
        })
    }

    pub(super) fn pods(self, name: &str, mut change: impl FnMut(u64, &mut PodSnapshot)) -> Self {
        self.each(|o| match &mut o.kind {
            ObservationKind::Pod(pod) if pod.name == name => change(o.at_ms, pod),
            _ => {}
        })
    }

    pub(super) fn probes(self, mut change: impl FnMut(&mut ProbeRecord)) -> Self {
        self.each(|o| match &mut o.kind {
            ObservationKind::Probe(probe) if !probe.pod.is_empty() => change(probe),
            _ => {}
        })
    }

    pub(super) fn events(self, mut change: impl FnMut(&mut EventSnapshot)) -> Self {
        self.each(|o| {
            if let ObservationKind::Event(event) = &mut o.kind {
                change(event);
            }
        })
    }

    pub(super) fn loads(self, mut change: impl FnMut(u64, &mut LoadSnapshot)) -> Self {
        self.each(|o| {
            if let ObservationKind::Load(load) = &mut o.kind {
                change(o.at_ms, load);
            }
        })
    }

    /// Readings at a hop within a span of time.
    pub(super) fn readings(
        self,
        hop: MetricHop,
        from_ms: u64,
        to_ms: u64,
        mut change: impl FnMut(&mut ReadingResult),
    ) -> Self {
        self.each(|o| match &mut o.kind {
            ObservationKind::Metric(reading) if reading.hop == hop && (from_ms..to_ms).contains(&o.at_ms) => {
                change(&mut reading.result);
            }
            _ => {}
        })
    }

    /// Every sample at the metrics API within a span of time has this value, thousandths.
    pub(super) fn metric(self, from_ms: u64, to_ms: u64, milli: Option<i64>) -> Self {
        self.readings(MetricHop::Api, from_ms, to_ms, |answer| {
            edit_samples(answer, |sample| sample.value = milli.map(Milli));
        })
    }

    /// The metrics API fails within a span of time.
    pub(super) fn api_fails(self, from_ms: u64, to_ms: u64) -> Self {
        self.readings(MetricHop::Api, from_ms, to_ms, |answer| *answer = ReadingResult::Failed("404".to_owned()))
    }

    /// We got no answer of the metrics API within a span of time.
    pub(super) fn not_read(self, from_ms: u64, to_ms: u64) -> Self {
        self.without(|o| is_api_reading(o) && (from_ms..to_ms).contains(&o.at_ms)).renumber()
    }

    /// A source could not be read.
    pub(super) fn gap(self, source: &str, from_ms: u64, to_ms: u64) -> Self {
        let gap = RecordedGap { source: source.to_owned(), from_ms, reason: "connection refused".to_owned() };
        self.with_observation(to_ms, ObservationKind::Gap(gap))
    }

    /// One process holds the controller manager's Lease all the while.
    pub(super) fn with_leader(mut self, holder: &str) -> Self {
        let end = self.timeline.last().map_or(0, |o| o.at_ms);
        for at in (0..=end).step_by(60_000) {
            self = self.with_leader_from(at, holder);
        }
        self
    }

    /// From a moment on, until told again, this process holds it.
    pub(super) fn with_leader_from(self, at_ms: u64, holder: &str) -> Self {
        let renewed = self.inventory.started + SignedDuration::from_millis(i64::try_from(at_ms).unwrap());
        let renewed = Timestamp::from_second(renewed.as_second().div_euclid(60) * 60).ok();
        let leader = LeaderSnapshot { holder: holder.to_owned(), transitions: 0, renewed };
        self.with_observation(at_ms, ObservationKind::Leader(leader))
    }

    /// The writer of the size from a moment on.
    pub(super) fn written_by(self, from_ms: u64, manager: &str, subresource: &str) -> Self {
        self.workloads(|at, workload| {
            if at >= from_ms {
                let (manager, subresource) = (manager.to_owned(), subresource.to_owned());
                workload.replicas_managers =
                    vec![ReplicasManager { manager, subresource, operation: "Update".to_owned(), time: None }];
            }
        })
    }

    /// Somebody sets the size at a moment; all that follows stays as it was but for the generation.
    pub(super) fn resized_by(self, at_ms: u64, size: i32, manager: &str, subresource: &str) -> Self {
        let mut workload = self.workload_at(at_ms);
        workload.spec_replicas = size;
        workload.generation = workload.generation.map(|generation| generation + 1);
        let (manager, subresource) = (manager.to_owned(), subresource.to_owned());
        workload.replicas_managers =
            vec![ReplicasManager { manager, subresource, operation: "Update".to_owned(), time: None }];
        let later = self.workloads(|at, w| {
            if at > at_ms {
                w.generation = w.generation.map(|generation| generation + 1);
            }
        });
        later.with_observation(at_ms, ObservationKind::Workload(workload))
    }

    pub(super) fn workload_at(&self, at_ms: u64) -> WorkloadSnapshot {
        let mut seen = self.timeline.iter().filter(|o| o.at_ms <= at_ms).filter_map(|o| match &o.kind {
            ObservationKind::Workload(workload) => Some(workload),
            _ => None,
        });
        seen.next_back().unwrap().clone()
    }

    pub(super) fn pod_at(&self, name: &str, at_ms: u64) -> PodSnapshot {
        let mut seen = self.timeline.iter().filter(|o| o.at_ms <= at_ms).filter_map(|o| match &o.kind {
            ObservationKind::Pod(pod) if pod.name == name => Some(pod),
            _ => None,
        });
        seen.next_back().unwrap().clone()
    }

    /// The HPA as it was last seen at a moment.
    pub(super) fn hpa_at(&self, at_ms: u64) -> HpaSnapshot {
        let mut seen = self.timeline.iter().filter(|o| o.at_ms <= at_ms).filter_map(|o| match &o.kind {
            ObservationKind::Hpa(hpa) => Some(hpa),
            _ => None,
        });
        seen.next_back().unwrap().clone()
    }
}

/// Changes to time.
impl RunFixture {
    /// The moment lasts longer by so much: all later things come later, the readings and the load go on as they were.
    pub(super) fn longer(mut self, at_ms: u64, by_ms: u64) -> Self {
        let last = |is: &dyn Fn(&Observation) -> bool, all: &[Observation]| {
            all.iter().rfind(|o| o.at_ms < at_ms && is(o)).cloned()
        };
        let goes_on = [
            last(&is_api_reading, &self.timeline),
            last(&|o| matches!(o.kind, ObservationKind::Load(_)), &self.timeline),
        ];
        let by = i64::try_from(by_ms).unwrap();
        self = self.shift(at_ms, by);
        for second in 0..by_ms / 1000 {
            for observation in goes_on.iter().flatten() {
                let mut seen = observation.kind.clone();
                let now = at_ms + second * 1000;
                if let ObservationKind::Metric(reading) = &mut seen {
                    reading.requested_ms = now.saturating_sub(10);
                }
                self = self.with_observation(now, seen);
            }
        }
        self
    }

    /// A span of time is taken out, with the readings and the load of it; all later things come earlier.
    pub(super) fn shorter(mut self, from_ms: u64, by_ms: u64) -> Self {
        self.timeline.retain(|o| {
            let inside = (from_ms..from_ms + by_ms).contains(&o.at_ms);
            let goes = matches!(
                o.kind,
                ObservationKind::Metric(_)
                    | ObservationKind::Load(_)
                    | ObservationKind::Hpa(_)
                    | ObservationKind::ClockSkew(_)
            );
            assert!(!inside || goes, "{o:?} is within the span that is taken out");
            !inside
        });
        self.shift(from_ms, -i64::try_from(by_ms).unwrap()).renumber()
    }

    fn shift(mut self, from_ms: u64, by_ms: i64) -> Self {
        let boundary = self.inventory.started + SignedDuration::from_millis(i64::try_from(from_ms).unwrap());
        let moved = |at_ms: u64| at_ms.checked_add_signed(by_ms).unwrap();
        let stamp = |at: &mut Option<Timestamp>| {
            *at = at.map(|at| {
                if at.as_second() >= boundary.as_second() { at + SignedDuration::from_millis(by_ms) } else { at }
            });
        };
        for o in self.timeline.iter_mut().filter(|o| o.at_ms >= from_ms) {
            o.at_ms = moved(o.at_ms);
            edit_timestamps(o, stamp);
            match &mut o.kind {
                ObservationKind::Metric(reading) => reading.requested_ms = moved(reading.requested_ms.max(from_ms)),
                ObservationKind::Probe(probe) if probe.began_ms >= from_ms => probe.began_ms = moved(probe.began_ms),
                ObservationKind::Gap(gap) if gap.from_ms >= from_ms => gap.from_ms = moved(gap.from_ms),
                _ => {}
            }
        }
        self.journal.iter_mut().filter(|e| e.at_ms >= from_ms).for_each(|e| e.at_ms = moved(e.at_ms));
        self
    }

    /// The cluster's clock was off by so much all along, and we measured it.
    pub(super) fn clock_off_by(self, by_ms: i64) -> Self {
        self.each(|o| {
            edit_timestamps(o, |at| *at = at.map(|at| at + SignedDuration::from_millis(by_ms)));
            if let ObservationKind::ClockSkew(skew) = &mut o.kind {
                skew.low_ms += by_ms;
                skew.high_ms += by_ms;
            }
        })
    }

    /// The clock was measured less exactly.
    pub(super) fn clock_unsure_by(self, by_ms: i64) -> Self {
        self.each(|o| {
            if let ObservationKind::ClockSkew(skew) = &mut o.kind {
                skew.low_ms -= by_ms;
                skew.high_ms += by_ms;
            }
        })
    }
}

/// Every time of the cluster that an observation carries.
fn edit_timestamps(o: &mut Observation, stamp: impl Fn(&mut Option<Timestamp>)) {
    stamp(&mut o.source_time);
    match &mut o.kind {
        ObservationKind::Hpa(hpa) => {
            stamp(&mut hpa.last_scale_time);
            hpa.conditions.iter_mut().for_each(|condition| stamp(&mut condition.last_transition_time));
        }
        ObservationKind::Event(event) => {
            stamp(&mut event.first_timestamp);
            stamp(&mut event.last_timestamp);
        }
        ObservationKind::Pod(pod) => {
            stamp(&mut pod.created);
            stamp(&mut pod.ready_since);
        }
        ObservationKind::Workload(workload) => {
            workload.replicas_managers.iter_mut().for_each(|writer| stamp(&mut writer.time))
        }
        _ => {}
    }
}

pub(super) fn is_api_reading(o: &Observation) -> bool {
    matches!(&o.kind, ObservationKind::Metric(MetricReading { hop: MetricHop::Api, .. }))
}

pub(super) fn is_phase(o: &Observation, phase: Phase) -> bool {
    matches!(&o.kind, ObservationKind::Phase(mark) if mark.phase == phase)
}

pub(super) fn phase_began(phase: Phase) -> ObservationKind {
    ObservationKind::Phase(PhaseChange { phase, edge: crate::model::observation::PhaseEdge::Began })
}

pub(super) fn edit_samples(answer: &mut ReadingResult, change: impl FnMut(&mut MetricSample)) {
    if let ReadingResult::Samples(samples) = answer {
        samples.iter_mut().for_each(change);
    }
}
