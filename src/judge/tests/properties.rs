//! What no run may do, whatever it recorded: prefixes, deletions, clocks, assumptions.

use super::run_fixture::{
    CLEANUP, FALL, IDLE, RISE, RunFixture, SCALED_TO_1, healthy, phase_began, recorded, slow_metric,
};
use crate::judge::{Check, CheckStatus};
use crate::model::observation::{LoadSnapshot, Observation, ObservationKind, Phase};
use crate::model::verdict::CaseResult;
use crate::units::HumanDuration;

/// Each prefix of a run, as it stood and as it stands when it was interrupted there.
fn prefixes(run: &RunFixture, mut look: impl FnMut(usize, &RunFixture)) {
    for length in 0..=run.timeline.len() {
        let cut = run.clone().cut(length);
        look(length, &cut);
        if !cut.timeline.iter().any(|o| super::run_fixture::is_phase(o, Phase::Cleanup)) {
            let now = cut.timeline.last().map_or(0, |o| o.at_ms);
            look(length, &cut.with_observation(now, phase_began(Phase::Cleanup)));
        }
    }
}

#[test]
fn no_prefix_of_the_healthy_run_fails_and_none_passes_before_the_fall_is_over() {
    for run in [healthy(), slow_metric()] {
        let gone = run
            .timeline
            .iter()
            .rposition(|o| matches!(o.kind, ObservationKind::PodDeleted(_)) && o.at_ms < CLEANUP)
            .unwrap();
        prefixes(&run, |length, cut| {
            let verdict = cut.verdict();
            assert_ne!(verdict.result, CaseResult::Fail, "after {length}: {}", verdict.reason);
            assert!(verdict.result != CaseResult::Pass || length > gone, "PASS after {length}");
        });
    }
}

#[test]
fn no_prefix_of_the_other_runs_passes_and_fail_comes_only_where_it_should() {
    for (name, fails) in [("wrong-sign", false), ("one-gpu", false), ("hpa-controller-off", true)] {
        let run = recorded(name);
        // The bound of the autoscaler with twice the sync period, from the moment at which the HPA was seen.
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
    // What ends a phase is what will be judged: no ruling of a longer record takes back what the conductor acted on.
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
                let ruling = run.clone().cut(length).evaluate(check);
                // Open while the status of a further change is still to come.
                let stays = matches!(ruling.status, CheckStatus::Pass | CheckStatus::Pending);
                assert!(stays, "{} after {length}: {}", check.name(), ruling.reason);
            }
        }
    }
}

#[test]
fn no_single_observation_that_is_missing_makes_the_healthy_run_fail() {
    for run in [healthy(), slow_metric()] {
        for index in 0..run.timeline.len() {
            let mut less = run.clone();
            let gone = less.timeline.remove(index);
            // With the numbers as they were: a number is a name, not a place.
            let verdict = less.verdict();
            assert_ne!(verdict.result, CaseResult::Fail, "without {gone:?}: {}", verdict.reason);
            assert!(verdict.result != CaseResult::Pass || !carries_the_proof(&gone), "PASS without {gone:?}");
        }
    }
}

/// Nothing else in the healthy run shows what this one shows.
fn carries_the_proof(o: &Observation) -> bool {
    match &o.kind {
        ObservationKind::Probe(probe) => !probe.pod.is_empty(),
        ObservationKind::Node(_) => true,
        ObservationKind::PodDeleted(_) => o.at_ms < CLEANUP,
        // Without its beginning a phase is not known; without its end the next one ends it.
        ObservationKind::Phase(mark) => {
            let begins = mark.edge == crate::model::observation::PhaseEdge::Began;
            begins && matches!(mark.phase, Phase::Baseline | Phase::ScaleUp | Phase::ScaleDown)
        }
        _ => false,
    }
}

#[test]
fn a_case_knows_its_span_when_an_observation_is_missing() {
    let mut run = healthy();
    let whole =
        |run: &RunFixture| run.verdict().cases.iter().find(|c| c.name == Check::ReplicasFall.name()).unwrap().span_ms;
    let before = whole(&run);
    run.timeline.remove(3);
    assert_eq!(whole(&run), before);
}

#[test]
fn a_clock_that_is_off_keeps_the_verdict() {
    for by_ms in [-7000, -3000, -1000, 1000, 3000, 7000, 3_600_000] {
        let run = healthy().clock_off_by(by_ms);
        assert_eq!(run.result(), CaseResult::Pass, "{by_ms}: {}", run.verdict().reason);
    }
    // Off, and not measured: nothing can be put in order.
    let unmeasured = healthy().clock_off_by(60_000).without(|o| matches!(o.kind, ObservationKind::ClockSkew(_)));
    assert_eq!(unmeasured.result(), CaseResult::Inconclusive);
}

#[test]
fn a_clock_that_is_known_less_exactly_never_fails_and_never_makes_fail() {
    for by_ms in [100, 1000, 5000, 30_000] {
        assert_eq!(healthy().clock_unsure_by(by_ms).result(), CaseResult::Pass);
        assert_eq!(recorded("one-gpu").clock_unsure_by(by_ms).result(), CaseResult::Inconclusive);
        assert_eq!(recorded("wrong-sign").clock_unsure_by(by_ms).result(), CaseResult::Inconclusive);
    }
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

/// The exporter's interval stands alone: it is not a delay but says how long a value lasts.
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
fn a_stretch_in_which_no_metric_was_read_never_makes_the_healthy_run_fail() {
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
fn a_stretch_in_which_a_source_was_not_watched_never_makes_the_healthy_run_fail() {
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
                // What was missed is told at the gap's end, as a list would.
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
                let told: Vec<ObservationKind> =
                    names.iter().filter_map(|name| last(name)).map(|o| o.kind.clone()).collect();
                let mut missed = run.clone().without(|o| of(o) == source && (from..from + length).contains(&o.at_ms));
                for seen in told {
                    missed = missed.with_observation(from + length, seen);
                }
                let verdict = missed.gap(source, from, from + length).verdict();
                assert_ne!(verdict.result, CaseResult::Fail, "{source} from {from} for {length}: {}", verdict.reason);
            }
        }
    }
}

type ObservationFilter = fn(&ObservationKind) -> bool;

#[test]
fn a_run_without_any_of_what_it_rests_on_neither_passes_nor_fails() {
    let kinds: [(&str, ObservationFilter); 9] = [
        ("hpa", |seen| matches!(seen, ObservationKind::Hpa(_))),
        ("workload", |seen| matches!(seen, ObservationKind::Workload(_))),
        ("pods", |seen| matches!(seen, ObservationKind::Pod(_))),
        ("ends of pods", |seen| matches!(seen, ObservationKind::PodDeleted(_))),
        ("nodes", |seen| matches!(seen, ObservationKind::Node(_))),
        ("metric", |seen| matches!(seen, ObservationKind::Metric(_))),
        ("load", |seen| matches!(seen, ObservationKind::Load(_))),
        ("probes", |seen| matches!(seen, ObservationKind::Probe(_))),
        ("phases", |seen| matches!(seen, ObservationKind::Phase(_))),
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
    // The run stands still after any phase, with nothing but the clock and the load going on, or not even the metric.
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
        let still = run.without(|o| o.at_ms > at + 100);
        for metric in [true, false] {
            let mut long = still.clone().longer(at + 101, 1_200_000);
            if !metric {
                long = long.without(|o| o.at_ms > at + 101 && super::run_fixture::is_api_reading(o));
            }
            let last = long.timeline.last().unwrap().at_ms.max(at + 1_200_000);
            let end = LoadSnapshot { answered_connections: 9, in_flight: 6, succeeded: 9, ..LoadSnapshot::default() };
            let long = long.with_observation(last, ObservationKind::Load(end));
            let bench = crate::judge::Evaluator::new(long.records());
            let settled = bench.is_settled();
            for check in awaited(phase) {
                let ruling = bench.evaluate(check);
                assert!(
                    ruling.status != CheckStatus::Pending || settled,
                    "{} in {phase:?}, metric {metric}: {}",
                    check.name(),
                    ruling.reason
                );
            }
        }
    }
}

#[test]
fn a_run_is_settled_when_nothing_can_change_its_verdict_for_the_worse() {
    let settled = |run: RunFixture| crate::judge::Evaluator::new(run.records()).is_settled();
    let until = |run: RunFixture, ms: u64| run.without(|o| o.at_ms >= ms);
    assert!(!settled(until(healthy(), 60_000)), "it may still pass or fail");
    assert!(settled(until(recorded("hpa-controller-off"), 28_550)), "it has failed");
    assert!(settled(until(recorded("wrong-sign"), 55_750)), "nothing that is left can be judged");
    assert!(!settled(until(recorded("wrong-sign"), 45_000)), "the metric may still follow");
    // PASS is impossible, but the fall can still fail.
    let missed = healthy().each(|o| {
        if let ObservationKind::Endpoints(seen) = &mut o.kind {
            seen.selector.insert("chosen".to_owned(), "yes".to_owned());
        }
    });
    assert_eq!(missed.evaluate(Check::NewPodsServe).status, CheckStatus::Inconclusive);
    assert!(!settled(until(missed, 60_000)));
    // Of pods without accelerators the requirement does not speak, whatever the fall is like.
    let bare = healthy().pods(super::run_fixture::OLD, |_, pod| pod.extended_resources.clear());
    assert!(settled(until(bare, 12_000)));
}

/// The metrics adapter is away for a minute, at any moment, and the autoscaler does what it did, as late as it must.
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
