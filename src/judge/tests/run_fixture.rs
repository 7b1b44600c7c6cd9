//! The fixture of the judge's tests: the records of a recorded run, with small changes that are named after their
//! cause.

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

/// The first pod of the healthy run, and the two pods that the scale-up adds.
pub(super) const OLD: &str = "ollama-7fd697578d-dfk6s";
pub(super) const SECOND: &str = "ollama-7fd697578d-fcd5l";
pub(super) const THIRD: &str = "ollama-7fd697578d-lb9np";

/// Times of the healthy run, milliseconds: see fixtures/timelines/rig-healthy.
pub(super) const HPA_CREATED_MS: u64 = 10_809;
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

/// The healthy run with an Object metric: one value for the namespace, the sum of its pods' values.
pub(super) fn object_metric() -> RunFixture {
    let run = healthy().scenario(|s| {
        let namespace = s.namespace.clone();
        s.hpa.spec.metrics = serde_json::from_value(serde_json::json!([{"type": "Object", "object": {
            "describedObject": {"apiVersion": "v1", "kind": "Namespace", "name": namespace},
            "metric": {"name": "gpu_utilization"}, "target": {"type": "Value", "value": "60"}}}]))
        .unwrap();
    });
    let namespace = run.scenario.namespace.clone();
    let run = run.hpas(|_, hpa| {
        hpa.current_metrics.iter_mut().for_each(|entry| entry.kind = "Object".to_owned());
    });
    run.readings(MetricHop::Api, 0, u64::MAX, |result| {
        if let ReadingResult::Samples(all) = result
            && let Some(first) = all.first().cloned()
        {
            let sum = all.iter().filter_map(|sample| sample.value).map(|milli| milli.0).sum();
            *all = vec![MetricSample { object: Some(namespace.clone()), value: Some(Milli(sum)), ..first }];
        }
    })
}

/// The healthy run with a metric whose values last for two polls, so that no value can be missed between them. The
/// metric lag is the same.
pub(super) fn slow_metric() -> RunFixture {
    healthy().scenario(|s| {
        s.assumptions.exporter_interval = HumanDuration::from_secs(2);
        s.assumptions.scrape_interval = HumanDuration::from_secs(0);
    })
}

/// The healthy run as on real accelerators: the models are in their memory.
pub(super) fn real_accelerators() -> RunFixture {
    let run = healthy().scenario(|s| s.accelerator = Accelerator::Resource("nvidia.com/gpu".to_owned()));
    run.probes(|probe| probe.model_accelerator_bytes = probe.model_bytes)
}

/// A recorded run of fixtures/timelines.
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

/// The results of the judge.
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

    pub(super) fn with_evaluator<T>(&self, read: impl FnOnce(&Evaluator<'_>) -> T) -> T {
        read(&Evaluator::new(self.records()))
    }

    pub(super) fn evaluate(&self, check: Check) -> CheckResult {
        Evaluator::new(self.records()).evaluate(check)
    }

    pub(super) fn evaluate_prerequisite(&self, prerequisite: Prerequisite) -> CheckResult {
        Evaluator::new(self.records()).evaluate_prerequisite(prerequisite)
    }

    /// The check has this status, its reason contains this text, and the verdict has this result.
    #[track_caller]
    pub(super) fn assert_case(&self, check: Check, status: CheckStatus, text: &str, verdict_result: CaseResult) {
        let result = self.evaluate(check);
        assert_eq!(result.status, status, "{}: {}", check.name(), result.reason);
        assert!(result.reason.contains(text), "{}: no `{text}` in: {}", check.name(), result.reason);
        let verdict = self.verdict();
        assert_eq!(verdict.result, verdict_result, "{}", verdict.reason);
    }

    /// The check and the verdict are inconclusive.
    #[track_caller]
    pub(super) fn assert_inconclusive(&self, check: Check, text: &str) {
        self.assert_case(check, CheckStatus::Inconclusive, text, CaseResult::Inconclusive);
    }

    /// The check and the verdict fail, for this check.
    #[track_caller]
    pub(super) fn assert_fails(&self, check: Check, text: &str) {
        self.assert_case(check, CheckStatus::Fail, text, CaseResult::Fail);
        assert!(self.verdict().reason.starts_with(check.name()), "{}", self.verdict().reason);
    }

    /// The check and the verdict pass.
    #[track_caller]
    pub(super) fn assert_passes(&self, check: Check, text: &str) {
        self.assert_case(check, CheckStatus::Pass, text, CaseResult::Pass);
    }

    /// The check and the verdict pass, and a finding of the check contains this text.
    #[track_caller]
    pub(super) fn assert_passes_with_finding(&self, check: Check, text: &str) {
        self.assert_passes(check, "");
        let findings = self.evaluate(check).findings;
        assert!(
            findings.iter().any(|finding| finding.contains(text)),
            "{}: no `{text}` in: {findings:?}",
            check.name()
        );
    }
}

/// Changes to the records.
impl RunFixture {
    pub(super) fn scenario(mut self, change: impl FnOnce(&mut Scenario)) -> Self {
        change(&mut self.scenario);
        self
    }

    pub(super) fn with_client_bound(mut self, reason: &str) -> Self {
        self.client_bound = Some(reason.to_owned());
        self
    }

    pub(super) fn each(mut self, change: impl FnMut(&mut Observation)) -> Self {
        self.timeline.iter_mut().for_each(change);
        self
    }

    pub(super) fn without(mut self, is_removed: impl Fn(&Observation) -> bool) -> Self {
        self.timeline.retain(|observation| !is_removed(observation));
        self
    }

    pub(super) fn without_events(self) -> Self {
        self.without(|o| matches!(o.kind, ObservationKind::Event(_)))
    }

    /// The first `length` observations of the timeline.
    pub(super) fn cut(mut self, length: usize) -> Self {
        self.timeline.truncate(length);
        self
    }

    /// The run ended at this time and cleaned up.
    pub(super) fn ended_at(mut self, at_ms: u64) -> Self {
        self.timeline.retain(|o| o.at_ms < at_ms);
        self.with_observation(at_ms, phase_began(Phase::Cleanup))
    }

    /// Adds an observation, after all others of the same time.
    pub(super) fn with_observation(mut self, at_ms: u64, kind: ObservationKind) -> Self {
        let index = self.timeline.partition_point(|o| o.at_ms <= at_ms);
        self.timeline.insert(index, Observation { seq: 0, at_ms, source_time: None, kind });
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

    /// Every sample at the metrics API within a span of time has this value, in thousandths.
    pub(super) fn metric(self, from_ms: u64, to_ms: u64, milli: Option<i64>) -> Self {
        self.readings(MetricHop::Api, from_ms, to_ms, |result| {
            edit_samples(result, |sample| sample.value = milli.map(Milli));
        })
    }

    /// The metrics API fails within a span of time.
    pub(super) fn api_fails(self, from_ms: u64, to_ms: u64) -> Self {
        self.readings(MetricHop::Api, from_ms, to_ms, |result| *result = ReadingResult::Failed("404".to_owned()))
    }

    /// The metrics API was not read within a span of time.
    pub(super) fn not_read(self, from_ms: u64, to_ms: u64) -> Self {
        self.without(|o| is_api_reading(o) && (from_ms..to_ms).contains(&o.at_ms)).renumber()
    }

    /// Adds a gap of a source.
    pub(super) fn gap(self, source: &str, from_ms: u64, to_ms: u64) -> Self {
        let gap = RecordedGap { source: source.to_owned(), from_ms, reason: "connection refused".to_owned() };
        self.with_observation(to_ms, ObservationKind::Gap(gap))
    }

    /// One process holds the controller manager's Lease throughout the run.
    pub(super) fn with_leader(mut self, holder: &str) -> Self {
        let end = self.timeline.last().map_or(0, |o| o.at_ms);
        for at in (0..=end).step_by(60_000) {
            self = self.with_leader_from(at, holder);
        }
        self
    }

    /// From this time on, this process holds the Lease.
    pub(super) fn with_leader_from(self, at_ms: u64, holder: &str) -> Self {
        let renewed = self.inventory.started + SignedDuration::from_millis(i64::try_from(at_ms).unwrap());
        let renewed = Timestamp::from_second(renewed.as_second().div_euclid(60) * 60).ok();
        let leader = LeaderSnapshot { holder: holder.to_owned(), transitions: 0, renewed };
        self.with_observation(at_ms, ObservationKind::Leader(leader))
    }

    /// Sets the writer of spec.replicas from this time on.
    pub(super) fn written_by(self, from_ms: u64, manager: &str, subresource: &str) -> Self {
        self.workloads(|at, workload| {
            if at >= from_ms {
                let (manager, subresource) = (manager.to_owned(), subresource.to_owned());
                workload.replicas_managers =
                    vec![ReplicasManager { manager, subresource, operation: "Update".to_owned(), time: None }];
            }
        })
    }

    /// A writer sets spec.replicas at this time; later observations keep everything but the generation.
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
        let mut snapshots = self.timeline.iter().filter(|o| o.at_ms <= at_ms).filter_map(|o| match &o.kind {
            ObservationKind::Workload(workload) => Some(workload),
            _ => None,
        });
        snapshots.next_back().unwrap().clone()
    }

    pub(super) fn pod_at(&self, name: &str, at_ms: u64) -> PodSnapshot {
        let mut snapshots = self.timeline.iter().filter(|o| o.at_ms <= at_ms).filter_map(|o| match &o.kind {
            ObservationKind::Pod(pod) if pod.name == name => Some(pod),
            _ => None,
        });
        snapshots.next_back().unwrap().clone()
    }

    /// The last snapshot of the HPA at this time.
    pub(super) fn hpa_at(&self, at_ms: u64) -> HpaSnapshot {
        let mut snapshots = self.timeline.iter().filter(|o| o.at_ms <= at_ms).filter_map(|o| match &o.kind {
            ObservationKind::Hpa(hpa) => Some(hpa),
            _ => None,
        });
        snapshots.next_back().unwrap().clone()
    }
}

/// Changes to time.
impl RunFixture {
    /// Inserts a span of time at `at_ms`: later observations move, and readings and load samples repeat in it.
    pub(super) fn longer(mut self, at_ms: u64, by_ms: u64) -> Self {
        let last = |is: &dyn Fn(&Observation) -> bool, all: &[Observation]| {
            all.iter().rfind(|o| o.at_ms < at_ms && is(o)).cloned()
        };
        let repeated = [
            last(&is_api_reading, &self.timeline),
            last(&|o| matches!(o.kind, ObservationKind::Load(_)), &self.timeline),
        ];
        let by = i64::try_from(by_ms).unwrap();
        self = self.shift(at_ms, by);
        for second in 0..by_ms / 1000 {
            for observation in repeated.iter().flatten() {
                let mut kind = observation.kind.clone();
                let now = at_ms + second * 1000;
                if let ObservationKind::Metric(reading) = &mut kind {
                    reading.requested_ms = now.saturating_sub(10);
                }
                self = self.with_observation(now, kind);
            }
        }
        self
    }

    /// Removes a span of time with its readings and load samples; later observations move.
    pub(super) fn shorter(mut self, from_ms: u64, by_ms: u64) -> Self {
        self.timeline.retain(|o| {
            let inside = (from_ms..from_ms + by_ms).contains(&o.at_ms);
            let is_removable = matches!(
                o.kind,
                ObservationKind::Metric(_)
                    | ObservationKind::Load(_)
                    | ObservationKind::Hpa(_)
                    | ObservationKind::ClockSkew(_)
            );
            assert!(!inside || is_removable, "{o:?} is within the removed span");
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

    /// The cluster's clock is off by `by_ms`, and the run measured it.
    pub(super) fn clock_off_by(self, by_ms: i64) -> Self {
        self.each(|o| {
            edit_timestamps(o, |at| *at = at.map(|at| at + SignedDuration::from_millis(by_ms)));
            if let ObservationKind::ClockSkew(skew) = &mut o.kind {
                skew.low_ms += by_ms;
                skew.high_ms += by_ms;
            }
        })
    }

    /// The clock is measured with a larger uncertainty.
    pub(super) fn clock_unsure_by(self, by_ms: i64) -> Self {
        self.each(|o| {
            if let ObservationKind::ClockSkew(skew) = &mut o.kind {
                skew.low_ms -= by_ms;
                skew.high_ms += by_ms;
            }
        })
    }
}

/// Edits every time of the cluster in an observation.
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
    matches!(&o.kind, ObservationKind::Phase(change) if change.phase == phase)
}

pub(super) fn phase_began(phase: Phase) -> ObservationKind {
    ObservationKind::Phase(PhaseChange { phase, edge: crate::model::observation::PhaseEdge::Began })
}

pub(super) fn edit_samples(result: &mut ReadingResult, change: impl FnMut(&mut MetricSample)) {
    if let ReadingResult::Samples(samples) = result {
        samples.iter_mut().for_each(change);
    }
}
