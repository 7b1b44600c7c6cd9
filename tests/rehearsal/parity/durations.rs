//! How long each part of a run took, by its records, and the bounds of its plan. Measured here anew, from the timeline
//! alone: what the judge makes of the same times is not asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gpuhpa::evidence::{self, LoadedBundle};
use gpuhpa::model::observation::{ObservationKind, Phase, PhaseEdge, PodSnapshot, WorkloadSnapshot};
use gpuhpa::model::plan::TimeBound;
use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::units::HumanDuration;

/// A time, and what it may be.
pub(super) struct MeasuredDuration {
    name: &'static str,
    ms: u64,
    min_ms: u64,
    max_ms: u64,
}

impl MeasuredDuration {
    /// Says so where it is not what it may be.
    pub(super) fn violation(&self) -> Option<String> {
        let Self { name: what, ms, min_ms: least_ms, max_ms: most_ms } = *self;
        let [seen, least, most] = [ms, least_ms, most_ms].map(HumanDuration::from_ms);
        (!(least_ms..=most_ms).contains(&ms)).then(|| format!("{what} took {seen}, not {least} to {most}"))
    }
}

/// All that the records tell of. What never came is not measured; the cases say that it did not.
pub(super) fn measure_run(held: &LoadedBundle, verdict: &Verdict) -> Vec<MeasuredDuration> {
    let run =
        ParityRun { bundle: held, bounds: held.plan.bounds.iter().map(|bound| (bound.name.as_str(), bound)).collect() };
    let passed = |case: &str| verdict.cases.iter().any(|c| c.name == case && c.result == CaseResult::Pass);
    let min = held.scenario.hpa.spec.min_replicas.unwrap_or(1);
    let mut all = vec![MeasuredDuration {
        name: "the run",
        ms: verdict.duration_ms,
        min_ms: if verdict.result == CaseResult::Pass { held.plan.min_duration_ms } else { 0 },
        max_ms: held.plan.max_duration_ms,
    }];
    let mut within = |what, span: Option<(u64, u64)>, least: &[&str], most: &[&str]| {
        if let Some((from, to)) = span {
            let (least_ms, most_ms) =
                (run.sum_bounds(least, TimeBound::total_ms), run.sum_bounds(most, TimeBound::lenient_ms));
            all.push(MeasuredDuration { name: what, ms: to - from, min_ms: least_ms, max_ms: most_ms });
        }
    };
    let began = |phase| run.phase_edge(phase, PhaseEdge::Began);
    let served = began(Phase::Metric).zip(run.first_observation(
        Phase::Metric,
        |seen| matches!(seen, ObservationKind::Metric(reading) if reading.samples().is_some()),
    ));
    within("the metric's way", served, &[], &["metric served"]);
    if passed("Setup/AutoscalerActive") {
        within("the autoscaler's first pass", run.phase_interval(Phase::Autoscaler), &[], &["autoscaler active"]);
    }
    if passed("Control/IdleHolds") {
        within(
            "the idle baseline",
            run.phase_interval(Phase::Baseline),
            &["idle baseline"],
            &["idle baseline", "autoscaler active"],
        );
    }
    let sized = |phase, is: &dyn Fn(&WorkloadSnapshot) -> bool| {
        run.first_observation(phase, |seen| matches!(seen, ObservationKind::Workload(w) if is(w)))
    };
    let risen = sized(Phase::ScaleUp, &|w| w.replicas >= held.plan.expected_replicas);
    let rise = ["metric follows the load", "metric asks for it", "replicas rise"];
    within("the rise", began(Phase::ScaleUp).zip(risen), &[], &rise);
    for start in run.pod_starts() {
        within("the start of a pod", Some(start), &[], &["pod start"]);
    }
    if passed("Hold/Steady") {
        within(
            "the hold",
            risen.zip(began(Phase::ScaleDown)),
            &["hold"],
            &["pod start", "traffic seen", "hold", "hold"],
        );
    }
    let fallen = sized(Phase::ScaleDown, &|w| w.spec_replicas == min && w.replicas == min);
    within("the fall", began(Phase::ScaleDown).zip(fallen), &[], &["replicas fall"]);
    all
}

/// What was measured of a run: how far it came. Nothing where its bundle cannot be read.
pub(super) fn measured_parts(bundle: &Path) -> BTreeSet<&'static str> {
    let held = evidence::open_bundle(bundle).ok();
    let measured = held.as_ref().and_then(|held| Some(measure_run(held, held.verdict.as_ref()?)));
    measured.into_iter().flatten().map(|measured| measured.name).collect()
}

struct ParityRun<'a> {
    bundle: &'a LoadedBundle,
    bounds: BTreeMap<&'a str, &'a TimeBound>,
}

impl ParityRun<'_> {
    fn sum_bounds(&self, names: &[&str], ms: fn(&TimeBound) -> u64) -> u64 {
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

    /// When something was first seen since a phase began, before the clean-up.
    fn first_observation(&self, since: Phase, is: impl Fn(&ObservationKind) -> bool) -> Option<u64> {
        let (from, to) =
            (self.phase_edge(since, PhaseEdge::Began)?, self.phase_edge(Phase::Cleanup, PhaseEdge::Began)?);
        let mut seen = self.bundle.timeline.iter().filter(|o| (from..to).contains(&o.at_ms));
        seen.find(|o| is(&o.kind)).map(|o| o.at_ms)
    }

    /// From when it was first seen to when it was Ready, of each pod that came under load.
    fn pod_starts(&self) -> Vec<(u64, u64)> {
        let Some(from) = self.phase_edge(Phase::ScaleUp, PhaseEdge::Began) else { return Vec::new() };
        let pods = || {
            self.bundle.timeline.iter().filter_map(|o| match &o.kind {
                ObservationKind::Pod(pod) => Some((o.at_ms, pod)),
                _ => None,
            })
        };
        let first = |uid: &str, is: fn(&PodSnapshot) -> bool| {
            pods().find(|(_, pod)| pod.uid == uid && is(pod)).map(|(at, _)| at)
        };
        let uids: BTreeSet<&str> = pods().map(|(_, pod)| pod.uid.as_str()).collect();
        let starts = uids.into_iter().filter_map(|uid| first(uid, |_| true).zip(first(uid, |pod| pod.ready)));
        starts.filter(|(came, _)| *came >= from).collect()
    }
}
