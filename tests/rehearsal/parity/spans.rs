//! How long each part of a run took, by its records, and the bounds of its plan. Measured here anew, from the timeline
//! alone: what the judge makes of the same times is not asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gpuhpa::evidence::{self, Held};
use gpuhpa::record::observation::{Edge, Phase, PodSeen, Seen, WorkloadSeen};
use gpuhpa::record::plan::Bound;
use gpuhpa::record::verdict::{CaseResult, Verdict};
use gpuhpa::units::Span;

/// A time, and what it may be.
pub(super) struct Measured {
    what: &'static str,
    ms: u64,
    least_ms: u64,
    most_ms: u64,
}

impl Measured {
    /// Says so where it is not what it may be.
    pub(super) fn outside(&self) -> Option<String> {
        let Self { what, ms, least_ms, most_ms } = *self;
        let [seen, least, most] = [ms, least_ms, most_ms].map(Span::from_ms);
        (!(least_ms..=most_ms).contains(&ms)).then(|| format!("{what} took {seen}, not {least} to {most}"))
    }
}

/// All that the records tell of. What never came is not measured; the cases say that it did not.
pub(super) fn of(held: &Held, verdict: &Verdict) -> Vec<Measured> {
    let run = Run { held, bounds: held.plan.bounds.iter().map(|bound| (bound.name.as_str(), bound)).collect() };
    let passed = |case: &str| verdict.cases.iter().any(|c| c.name == case && c.result == CaseResult::Pass);
    let min = held.scenario.hpa.spec.min_replicas.unwrap_or(1);
    let mut all = vec![Measured {
        what: "the run",
        ms: verdict.took_ms,
        least_ms: if verdict.result == CaseResult::Pass { held.plan.least_ms } else { 0 },
        most_ms: held.plan.longest_ms,
    }];
    let mut within = |what, span: Option<(u64, u64)>, least: &[&str], most: &[&str]| {
        if let Some((from, to)) = span {
            let (least_ms, most_ms) = (run.sum(least, Bound::ms), run.sum(most, Bound::generous_ms));
            all.push(Measured { what, ms: to - from, least_ms, most_ms });
        }
    };
    let began = |phase| run.edge(phase, Edge::Began);
    let served = began(Phase::Metric)
        .zip(run.first(Phase::Metric, |seen| matches!(seen, Seen::Metric(reading) if reading.samples().is_some())));
    within("the metric's way", served, &[], &["metric served"]);
    if passed("Setup/AutoscalerActive") {
        within("the autoscaler's first pass", run.phase(Phase::Autoscaler), &[], &["autoscaler active"]);
    }
    if passed("Control/IdleHolds") {
        within(
            "the idle baseline",
            run.phase(Phase::Idle),
            &["idle baseline"],
            &["idle baseline", "autoscaler active"],
        );
    }
    let sized =
        |phase, is: &dyn Fn(&WorkloadSeen) -> bool| run.first(phase, |seen| matches!(seen, Seen::Workload(w) if is(w)));
    let risen = sized(Phase::Rise, &|w| w.replicas >= held.plan.expect);
    let rise = ["metric follows the load", "metric asks for it", "replicas rise"];
    within("the rise", began(Phase::Rise).zip(risen), &[], &rise);
    for start in run.starts() {
        within("the start of a pod", Some(start), &[], &["pod start"]);
    }
    if passed("Hold/Steady") {
        within("the hold", risen.zip(began(Phase::Fall)), &["hold"], &["pod start", "traffic seen", "hold", "hold"]);
    }
    let fallen = sized(Phase::Fall, &|w| w.spec_replicas == min && w.replicas == min);
    within("the fall", began(Phase::Fall).zip(fallen), &[], &["replicas fall"]);
    all
}

/// What was measured of a run: how far it came. Nothing where its bundle cannot be read.
pub(super) fn parts(bundle: &Path) -> BTreeSet<&'static str> {
    let held = evidence::open(bundle).ok();
    let measured = held.as_ref().and_then(|held| Some(of(held, held.verdict.as_ref()?)));
    measured.into_iter().flatten().map(|measured| measured.what).collect()
}

struct Run<'a> {
    held: &'a Held,
    bounds: BTreeMap<&'a str, &'a Bound>,
}

impl Run<'_> {
    fn sum(&self, names: &[&str], ms: fn(&Bound) -> u64) -> u64 {
        names.iter().map(|name| ms(self.bounds.get(name).expect("a bound of the plan"))).sum()
    }

    fn edge(&self, phase: Phase, edge: Edge) -> Option<u64> {
        let mut marks = self.held.timeline.iter();
        marks.find_map(|o| {
            matches!(&o.seen, Seen::Phase(mark) if mark.phase == phase && mark.edge == edge).then_some(o.at_ms)
        })
    }

    fn phase(&self, phase: Phase) -> Option<(u64, u64)> {
        self.edge(phase, Edge::Began).zip(self.edge(phase, Edge::Ended))
    }

    /// When something was first seen since a phase began, before the clean-up.
    fn first(&self, since: Phase, is: impl Fn(&Seen) -> bool) -> Option<u64> {
        let (from, to) = (self.edge(since, Edge::Began)?, self.edge(Phase::Cleanup, Edge::Began)?);
        let mut seen = self.held.timeline.iter().filter(|o| (from..to).contains(&o.at_ms));
        seen.find(|o| is(&o.seen)).map(|o| o.at_ms)
    }

    /// From when it was first seen to when it was Ready, of each pod that came under load.
    fn starts(&self) -> Vec<(u64, u64)> {
        let Some(from) = self.edge(Phase::Rise, Edge::Began) else { return Vec::new() };
        let pods = || {
            self.held.timeline.iter().filter_map(|o| match &o.seen {
                Seen::Pod(pod) => Some((o.at_ms, pod)),
                _ => None,
            })
        };
        let first =
            |uid: &str, is: fn(&PodSeen) -> bool| pods().find(|(_, pod)| pod.uid == uid && is(pod)).map(|(at, _)| at);
        let uids: BTreeSet<&str> = pods().map(|(_, pod)| pod.uid.as_str()).collect();
        let starts = uids.into_iter().filter_map(|uid| first(uid, |_| true).zip(first(uid, |pod| pod.ready)));
        starts.filter(|(came, _)| *came >= from).collect()
    }
}
