//! Measures the duration of each part of a run from its timeline, and compares it with the bounds of its plan. Does not
//! use the judge, so that an error there does not hide a difference.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gpuhpa::evidence::{self, LoadedBundle};
use gpuhpa::model::observation::{ObservationKind, Phase, PhaseEdge, PodSnapshot, WorkloadSnapshot};
use gpuhpa::model::plan::{BoundName, TimeBound};
use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::units::HumanDuration;

/// A measured duration and its limits.
pub(super) struct MeasuredDuration {
    name: &'static str,
    ms: u64,
    min_ms: u64,
    max_ms: u64,
}

impl MeasuredDuration {
    /// A message if the duration is outside its limits.
    pub(super) fn violation(&self) -> Option<String> {
        let Self { name, ms, min_ms, max_ms } = *self;
        let [duration, min, max] = [ms, min_ms, max_ms].map(HumanDuration::from_ms);
        (!(min_ms..=max_ms).contains(&ms)).then(|| format!("{name} took {duration}, not {min} to {max}"))
    }
}

/// The durations of all parts that the records have. A part that never ended has none; the cases report it.
pub(super) fn measure_run(bundle: &LoadedBundle, verdict: &Verdict) -> Vec<MeasuredDuration> {
    let run =
        ParityRun { bundle, bounds: bundle.plan.bounds.iter().map(|bound| (bound.name.clone(), bound)).collect() };
    let passed = |case: &str| verdict.cases.iter().any(|c| c.name == case && c.result == CaseResult::Pass);
    let min_replicas = bundle.scenario.hpa.spec.min_replicas.unwrap_or(1);
    let mut all = vec![MeasuredDuration {
        name: "the run",
        ms: verdict.duration_ms,
        min_ms: if verdict.result == CaseResult::Pass { bundle.plan.min_duration_ms } else { 0 },
        max_ms: bundle.plan.max_duration_ms,
    }];
    let mut measure = |name, interval: Option<(u64, u64)>, min: &[BoundName], max: &[BoundName]| {
        if let Some((from, to)) = interval {
            let (min_ms, max_ms) =
                (run.sum_bounds(min, TimeBound::total_ms), run.sum_bounds(max, TimeBound::lenient_ms));
            all.push(MeasuredDuration { name, ms: to - from, min_ms, max_ms });
        }
    };
    let start = |phase| run.phase_edge(phase, PhaseEdge::Began);
    let served = start(Phase::Metric).zip(run.first_observation(
        Phase::Metric,
        |kind| matches!(kind, ObservationKind::Metric(reading) if reading.samples().is_some()),
    ));
    measure("metric pipeline", served, &[], &[BoundName::MetricServed]);
    if passed("Setup/AutoscalerActive") {
        measure("first HPA sync", run.phase_interval(Phase::Autoscaler), &[], &[BoundName::HpaActive]);
    }
    if passed("Control/IdleHolds") {
        measure(
            "idle baseline",
            run.phase_interval(Phase::Baseline),
            &[BoundName::Baseline],
            &[BoundName::Baseline, BoundName::HpaActive],
        );
    }
    let reached = |phase, has_replicas: &dyn Fn(&WorkloadSnapshot) -> bool| {
        run.first_observation(phase, |kind| matches!(kind, ObservationKind::Workload(w) if has_replicas(w)))
    };
    let scaled_up_ms = reached(Phase::ScaleUp, &|w| w.replicas >= bundle.plan.expected_replicas);
    let scale_up = [BoundName::MetricFollowsLoad, BoundName::RecommendationSustained, BoundName::ScaleUp];
    measure("scale-up", start(Phase::ScaleUp).zip(scaled_up_ms), &[], &scale_up);
    for interval in run.pod_starts() {
        measure("pod startup", Some(interval), &[], &[BoundName::PodStartup]);
    }
    if passed("Hold/Steady") {
        measure(
            "hold",
            scaled_up_ms.zip(start(Phase::ScaleDown)),
            &[BoundName::Hold],
            &[BoundName::PodStartup, BoundName::TrafficVisible, BoundName::Hold, BoundName::Hold],
        );
    }
    let scaled_down_ms = reached(Phase::ScaleDown, &|w| w.spec_replicas == min_replicas && w.replicas == min_replicas);
    measure("scale-down", start(Phase::ScaleDown).zip(scaled_down_ms), &[], &[BoundName::ScaleDown]);
    all
}

/// The names of the parts of a run that have a duration. Empty if the bundle cannot be read.
pub(super) fn measured_parts(path: &Path) -> BTreeSet<&'static str> {
    let bundle = evidence::open_bundle(path).ok();
    let durations = bundle.as_ref().and_then(|bundle| Some(measure_run(bundle, bundle.verdict.as_ref()?)));
    durations.into_iter().flatten().map(|duration| duration.name).collect()
}

struct ParityRun<'a> {
    bundle: &'a LoadedBundle,
    bounds: BTreeMap<BoundName, &'a TimeBound>,
}

impl ParityRun<'_> {
    fn sum_bounds(&self, names: &[BoundName], ms: fn(&TimeBound) -> u64) -> u64 {
        names.iter().map(|name| ms(self.bounds.get(name).expect("a bound of the plan"))).sum()
    }

    fn phase_edge(&self, phase: Phase, edge: PhaseEdge) -> Option<u64> {
        let mut marks = self.bundle.timeline.iter();
        marks.find_map(|o| {
            matches!(&o.kind, ObservationKind::Phase(mark) if mark.phase == phase && mark.edge == edge)
                .then_some(o.at_ms)
        })
    }

    fn phase_interval(&self, phase: Phase) -> Option<(u64, u64)> {
        self.phase_edge(phase, PhaseEdge::Began).zip(self.phase_edge(phase, PhaseEdge::Ended))
    }

    /// Time of the first matching observation between the start of a phase and the clean-up.
    fn first_observation(&self, since: Phase, is_match: impl Fn(&ObservationKind) -> bool) -> Option<u64> {
        let (from, to) =
            (self.phase_edge(since, PhaseEdge::Began)?, self.phase_edge(Phase::Cleanup, PhaseEdge::Began)?);
        let mut observations = self.bundle.timeline.iter().filter(|o| (from..to).contains(&o.at_ms));
        observations.find(|o| is_match(&o.kind)).map(|o| o.at_ms)
    }

    /// The interval from the first observation to readiness of each pod that was created under load.
    fn pod_starts(&self) -> Vec<(u64, u64)> {
        let Some(from) = self.phase_edge(Phase::ScaleUp, PhaseEdge::Began) else { return Vec::new() };
        let pods = || {
            self.bundle.timeline.iter().filter_map(|o| match &o.kind {
                ObservationKind::Pod(pod) => Some((o.at_ms, pod)),
                _ => None,
            })
        };
        let first = |uid: &str, is_match: fn(&PodSnapshot) -> bool| {
            pods().find(|(_, pod)| pod.uid == uid && is_match(pod)).map(|(at_ms, _)| at_ms)
        };
        let uids: BTreeSet<&str> = pods().map(|(_, pod)| pod.uid.as_str()).collect();
        let starts = uids.into_iter().filter_map(|uid| first(uid, |_| true).zip(first(uid, |pod| pod.ready)));
        starts.filter(|(created_ms, _)| *created_ms >= from).collect()
    }
}
