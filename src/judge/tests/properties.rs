//! Properties of all runs, whatever they record: prefixes, missing observations, clocks, assumptions.

use super::run_fixture::{
    CLEANUP, FALL, IDLE, RISE, RunFixture, SCALED_TO_1, healthy, phase_began, recorded, slow_metric,
};
use crate::judge::{Check, CheckStatus};
use crate::model::observation::{LoadSnapshot, Observation, ObservationKind, Phase};
use crate::model::verdict::CaseResult;
use crate::units::HumanDuration;

/// Calls `visit` with each prefix of a run, as recorded so far and as interrupted there.
fn prefixes(run: &RunFixture, mut visit: impl FnMut(usize, &RunFixture)) {
    for length in 0..=run.timeline.len() {
        let cut = run.clone().cut(length);
        visit(length, &cut);
        if !cut.timeline.iter().any(|o| super::run_fixture::is_phase(o, Phase::Cleanup)) {
            let now = cut.timeline.last().map_or(0, |o| o.at_ms);
            visit(length, &cut.with_observation(now, phase_began(Phase::Cleanup)));
        }
    }
}

#[test]
fn no_prefix_of_the_healthy_run_fails_and_none_passes_before_the_scale_down_is_over() {
    for run in [healthy(), slow_metric()] {
        let last_deletion = run
            .timeline
            .iter()
            .rposition(|o| matches!(o.kind, ObservationKind::PodDeleted(_)) && o.at_ms < CLEANUP)
            .unwrap();
        prefixes(&run, |length, cut| {
            let verdict = cut.verdict();
            assert_ne!(verdict.result, CaseResult::Fail, "after {length}: {}", verdict.reason);
            assert!(verdict.result != CaseResult::Pass || length > last_deletion, "PASS after {length}");
        });
    }
}

#[test]
fn no_prefix_of_the_other_runs_passes_and_fail_comes_only_where_it_should() {
    for (name, fails) in [("wrong-sign", false), ("one-gpu", false), ("hpa-controller-off", true)] {
        let run = recorded(name);
        // The bound of the autoscaler with a doubled sync period, from the first observation of the HPA on.
        let from = if fails { 5_427 + 23_000 } else { u64::MAX };
        prefixes(&run, |length, cut| {
            let verdict = cut.verdict();
            assert_ne!(verdict.result, CaseResult::Pass, "{name} after {length}");
            let now = cut.timeline.last().map_or(0, |o| o.at_ms);
            assert!(verdict.result != CaseResult::Fail || now >= from, "{name} after {length}: {}", verdict.reason);
        });
    }
}

#[test]
fn a_check_that_was_settled_in_the_healthy_run_stays_settled() {
    // The results that end a phase are those of the verdict: no result of a longer record revokes one on which the run
    // acted.
    let run = healthy();
    let ended = |phase: Phase| run.timeline.iter().rposition(|o| super::run_fixture::is_phase(o, phase)).unwrap();
    for (phase, checks) in [
        (Phase::Metric, vec![Check::MetricServed]),
        (Phase::Autoscaler, vec![Check::AutoscalerActive]),
        (Phase::Baseline, vec![Check::IdleHolds]),
        (Phase::ScaleUp, vec![Check::ReplicasRise, Check::NewPodsRunOnAccelerators]),
        (Phase::Hold, vec![Check::HoldSteady, Check::NewPodsServe]),
        (Phase::ScaleDown, vec![Check::ReplicasFall, Check::NotEarly, Check::ByTheAutoscaler]),
    ] {
        for check in checks {
            for length in ended(phase)..=run.timeline.len() {
                let result = run.clone().cut(length).evaluate(check);
                // Pending while the status of a further change is awaited.
                let stays = matches!(result.status, CheckStatus::Pass | CheckStatus::Pending);
                assert!(stays, "{} after {length}: {}", check.name(), result.reason);
            }
        }
    }
}

#[test]
fn no_single_observation_that_is_missing_makes_the_healthy_run_fail() {
    for run in [healthy(), slow_metric()] {
        for index in 0..run.timeline.len() {
            let mut less = run.clone();
            let removed = less.timeline.remove(index);
            // The sequence numbers stay as they are.
            let verdict = less.verdict();
            assert_ne!(verdict.result, CaseResult::Fail, "without {removed:?}: {}", verdict.reason);
            assert!(verdict.result != CaseResult::Pass || !is_sole_evidence(&removed), "PASS without {removed:?}");
        }
    }
}

/// True when no other observation of the healthy run shows the same.
fn is_sole_evidence(o: &Observation) -> bool {
    match &o.kind {
        ObservationKind::Probe(probe) => !probe.pod.is_empty(),
        ObservationKind::Node(_) => true,
        ObservationKind::PodDeleted(_) => o.at_ms < CLEANUP,
        // A phase without its beginning is unknown; without its end the next phase ends it.
        ObservationKind::Phase(change) => {
            let begins = change.edge == crate::model::observation::PhaseEdge::Began;
            begins && matches!(change.phase, Phase::Baseline | Phase::ScaleUp | Phase::ScaleDown)
        }
        _ => false,
    }
}

#[test]
fn a_case_knows_its_span_when_an_observation_is_missing() {
    let mut run = healthy();
    let span_ms =
        |run: &RunFixture| run.verdict().cases.iter().find(|c| c.name == Check::ReplicasFall.name()).unwrap().span_ms;
    let before = span_ms(&run);
    run.timeline.remove(3);
    assert_eq!(span_ms(&run), before);
}

#[test]
fn a_clock_that_is_off_keeps_the_verdict() {
    for by_ms in [-7000, -3000, -1000, 1000, 3000, 7000, 3_600_000] {
        let run = healthy().clock_off_by(by_ms);
        assert_eq!(run.result(), CaseResult::Pass, "{by_ms}: {}", run.verdict().reason);
    }
    // Off and not measured: no times can be compared.
    let unmeasured = healthy().clock_off_by(60_000).without(|o| matches!(o.kind, ObservationKind::ClockSkew(_)));
    assert_eq!(unmeasured.result(), CaseResult::Inconclusive);
}

#[test]
fn a_clock_that_is_known_less_exactly_never_makes_fail() {
    for by_ms in [100, 1000, 5000, 30_000] {
        // The window is 30 s: within 30 s nothing is known to be early.
        let expected = if by_ms < 30_000 { CaseResult::Pass } else { CaseResult::Inconclusive };
        assert_eq!(healthy().clock_unsure_by(by_ms).result(), expected);
        assert_eq!(recorded("one-gpu").clock_unsure_by(by_ms).result(), CaseResult::Inconclusive);
        assert_eq!(recorded("wrong-sign").clock_unsure_by(by_ms).result(), CaseResult::Inconclusive);
    }
    healthy().clock_unsure_by(30_000).assert_inconclusive(Check::NotEarly, "so no scale-down would be too early");
}

#[test]
fn twice_an_assumed_time_never_makes_a_run_fail() {
    let early = || slow_metric().shorter(84_000, 21_000);
    let windowless = || {
        early().scenario(|s| {
            s.hpa.spec.behavior.as_mut().unwrap().scale_down.as_mut().unwrap().stabilization_window_seconds = None;
            s.assumptions.downscale_stabilization = HumanDuration::from_secs(10);
        })
    };
    let late = |by| slow_metric().longer(35_900, by);
    let slow_fall = |by| slow_metric().longer(106_000, by);
    let runs = [
        healthy(),
        slow_metric(),
        recorded("one-gpu"),
        recorded("wrong-sign"),
        windowless(),
        late(12_000),
        slow_fall(40_000),
        slow_metric().shorter(84_000, 8_000),
    ];
    for (n, run) in runs.iter().enumerate() {
        assert_ne!(run.result(), CaseResult::Fail, "run {n}: {}", run.verdict().reason);
        for (name, twice) in DOUBLED {
            let verdict = run.clone().scenario(twice).verdict();
            assert_ne!(verdict.result, CaseResult::Fail, "run {n}, twice the {name}: {}", verdict.reason);
        }
    }
}

type ScenarioEdit = fn(&mut crate::model::scenario::Scenario);

/// Without the exporter interval, which is no delay: it bounds how long a value lasts.
const DOUBLED: [(&str, ScenarioEdit); 7] = [
    ("sync period", |s| s.assumptions.sync_period = twice(s.assumptions.sync_period)),
    ("scrape interval", |s| s.assumptions.scrape_interval = twice(s.assumptions.scrape_interval)),
    ("store offset", |s| s.assumptions.store_offset = twice(s.assumptions.store_offset)),
    ("relist interval", |s| s.assumptions.relist_interval = twice(s.assumptions.relist_interval)),
    ("pod start", |s| s.assumptions.pod_start = twice(s.assumptions.pod_start)),
    ("window", |s| s.assumptions.downscale_stabilization = twice(s.assumptions.downscale_stabilization)),
    ("all", |s| {
        let a = &mut s.assumptions;
        for span in [&mut a.sync_period, &mut a.scrape_interval, &mut a.store_offset, &mut a.relist_interval] {
            *span = twice(*span);
        }
        a.pod_start = twice(a.pod_start);
        a.downscale_stabilization = twice(a.downscale_stabilization);
    }),
];

fn twice(span: HumanDuration) -> HumanDuration {
    HumanDuration::from_ms(2 * span.ms())
}

#[test]
fn a_time_without_metric_readings_never_makes_the_healthy_run_fail() {
    for from in (IDLE..CLEANUP).step_by(1500) {
        for length in [3000, 9000, 30_000] {
            for run in [slow_metric().not_read(from, from + length), slow_metric().api_fails(from, from + length)] {
                let verdict = run.verdict();
                assert_ne!(verdict.result, CaseResult::Fail, "from {from} for {length}: {}", verdict.reason);
            }
        }
    }
}

#[test]
fn a_gap_of_a_source_never_makes_the_healthy_run_fail() {
    let of = |o: &Observation| match &o.kind {
        ObservationKind::Hpa(_) => "hpa",
        ObservationKind::Workload(_) => "workload",
        ObservationKind::Pod(_) | ObservationKind::PodDeleted(_) => "pods",
        ObservationKind::Event(_) => "events",
        ObservationKind::Endpoints(_) => "endpoints",
        _ => "",
    };
    for source in ["hpa", "workload", "pods", "events", "endpoints"] {
        for from in (RISE..FALL + 40_000).step_by(2500) {
            for length in [2000, 10_000, 40_000] {
                // The end of a gap delivers the current state, as a list does.
                let run = slow_metric();
                let last = |name: &str| {
                    run.timeline.iter().rfind(|o| {
                        of(o) == source
                            && o.at_ms < from + length
                            && !matches!(&o.kind, ObservationKind::Pod(p) if p.name != name)
                    })
                };
                let names = if source == "pods" {
                    vec![super::run_fixture::OLD, super::run_fixture::SECOND, super::run_fixture::THIRD]
                } else {
                    vec![""]
                };
                let listed: Vec<ObservationKind> =
                    names.iter().filter_map(|name| last(name)).map(|o| o.kind.clone()).collect();
                let mut missed = run.clone().without(|o| of(o) == source && (from..from + length).contains(&o.at_ms));
                for kind in listed {
                    missed = missed.with_observation(from + length, kind);
                }
                let verdict = missed.gap(source, from, from + length).verdict();
                assert_ne!(verdict.result, CaseResult::Fail, "{source} from {from} for {length}: {}", verdict.reason);
            }
        }
    }
}

type ObservationFilter = fn(&ObservationKind) -> bool;

#[test]
fn a_run_without_one_kind_of_observation_neither_passes_nor_fails() {
    let kinds: [(&str, ObservationFilter); 9] = [
        ("hpa", |kind| matches!(kind, ObservationKind::Hpa(_))),
        ("workload", |kind| matches!(kind, ObservationKind::Workload(_))),
        ("pods", |kind| matches!(kind, ObservationKind::Pod(_))),
        ("ends of pods", |kind| matches!(kind, ObservationKind::PodDeleted(_))),
        ("nodes", |kind| matches!(kind, ObservationKind::Node(_))),
        ("metric", |kind| matches!(kind, ObservationKind::Metric(_))),
        ("load", |kind| matches!(kind, ObservationKind::Load(_))),
        ("probes", |kind| matches!(kind, ObservationKind::Probe(_))),
        ("phases", |kind| matches!(kind, ObservationKind::Phase(_))),
    ];
    for (name, is) in kinds {
        for run in [healthy(), slow_metric()] {
            let verdict = run.without(|o| is(&o.kind)).verdict();
            assert_eq!(verdict.result, CaseResult::Inconclusive, "without {name}: {}", verdict.reason);
        }
    }
    let events = healthy().without_events();
    assert_eq!(events.result(), CaseResult::Pass, "events can be lost");
}

#[test]
fn every_check_ends_by_itself_while_a_run_goes_on() {
    // After the beginning of any phase only the clock, the load and perhaps the metric go on.
    let phases = [Phase::Metric, Phase::Autoscaler, Phase::Baseline, Phase::ScaleUp, Phase::Hold, Phase::ScaleDown];
    let awaited = |phase: Phase| match phase {
        Phase::Metric => vec![Check::PodsRequestAccelerators, Check::MetricServed],
        Phase::Autoscaler => vec![Check::AutoscalerActive],
        Phase::Baseline => vec![Check::IdleHolds],
        Phase::ScaleUp => vec![Check::ReplicasRise, Check::NewPodsRunOnAccelerators],
        Phase::Hold => vec![Check::HoldSteady, Check::NewPodsServe],
        _ => vec![Check::ReplicasFall, Check::ByTheAutoscaler],
    };
    for phase in phases {
        let run = healthy();
        let began = run.timeline.iter().position(|o| super::run_fixture::is_phase(o, phase)).unwrap();
        let at = run.timeline[began].at_ms;
        let frozen = run.without(|o| o.at_ms > at + 100);
        for metric in [true, false] {
            let mut long = frozen.clone().longer(at + 101, 1_200_000);
            if !metric {
                long = long.without(|o| o.at_ms > at + 101 && super::run_fixture::is_api_reading(o));
            }
            let last = long.timeline.last().unwrap().at_ms.max(at + 1_200_000);
            let end = LoadSnapshot { answered_connections: 9, in_flight: 6, succeeded: 9, ..LoadSnapshot::default() };
            let long = long.with_observation(last, ObservationKind::Load(end));
            let evaluator = crate::judge::Evaluator::new(long.records());
            let settled = evaluator.is_settled();
            for check in awaited(phase) {
                let result = evaluator.evaluate(check);
                assert!(
                    result.status != CheckStatus::Pending || settled,
                    "{} in {phase:?}, metric {metric}: {}",
                    check.name(),
                    result.reason
                );
            }
        }
    }
}

#[test]
fn a_run_is_settled_when_nothing_can_worsen_its_verdict() {
    let settled = |run: RunFixture| crate::judge::Evaluator::new(run.records()).is_settled();
    let until = |run: RunFixture, ms: u64| run.without(|o| o.at_ms >= ms);
    assert!(!settled(until(healthy(), 60_000)), "it may still pass or fail");
    let off = |longer_ms: u64| until(recorded("hpa-controller-off").longer(28_000, longer_ms), 28_550 + longer_ms);
    assert!(!settled(off(0)), "a slower controller may still act");
    assert!(settled(off(45_000)), "it has failed");
    assert!(settled(until(recorded("wrong-sign"), 55_750)), "no remaining check can fail");
    assert!(!settled(until(recorded("wrong-sign"), 45_000)), "the metric may still follow");
    // The run cannot pass, but the scale-down can still fail.
    let missed = healthy().each(|o| {
        if let ObservationKind::Endpoints(endpoints) = &mut o.kind {
            endpoints.selector.insert("chosen".to_owned(), "yes".to_owned());
        }
    });
    assert_eq!(missed.evaluate(Check::NewPodsServe).status, CheckStatus::Inconclusive);
    assert!(!settled(until(missed, 60_000)));
    // The requirement does not cover pods without accelerators.
    let bare = healthy().pods(super::run_fixture::OLD, |_, pod| pod.extended_resources.clear());
    assert!(settled(until(bare, 12_000)));
}

/// The metrics adapter is unavailable for a minute at any time, and the controller scales as before, as late as it may.
#[test]
fn no_minute_without_the_metric_makes_a_run_fail() {
    const LONGER: u64 = 80_000;
    let falls = SCALED_TO_1 + LONGER - 500;
    for away in (IDLE..falls).step_by(2500) {
        let back = away + 65_000;
        for run in [healthy(), slow_metric()] {
            let run = run.longer(70_000, LONGER).longer(falls, back.saturating_sub(falls));
            let verdict = run.clone().api_fails(away, back).verdict();
            assert_ne!(verdict.result, CaseResult::Fail, "away at {away}: {}", verdict.reason);
            let verdict = run.not_read(away, back).verdict();
            assert_ne!(verdict.result, CaseResult::Fail, "not read at {away}: {}", verdict.reason);
        }
    }
}
