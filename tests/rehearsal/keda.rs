//! Runs that test the HPA which KEDA makes of a ScaledObject.

use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::CaseResult;
use gpuhpa::sim::config::{ActiveWindow, SimConfig, WindowStart};
use gpuhpa::sim::faults::{self, ExpectedOutcome};

use super::catalogue::seed_count;
use super::rig_scenario;
use crate::runner::{RehearsalDir, collect_failures, rehearse};

/// Seeds per row.
const SEEDS: u64 = 4;

const SERVED: ExpectedOutcome = ExpectedOutcome::Inconclusive("Setup/MetricServed");
const ACTIVE: ExpectedOutcome = ExpectedOutcome::Inconclusive("Setup/AutoscalerActive");
const IDLE: ExpectedOutcome = ExpectedOutcome::Inconclusive("Control/IdleHolds");
const FOLLOWS: ExpectedOutcome = ExpectedOutcome::Inconclusive("Control/MetricFollowsLoad");

const ALWAYS: ActiveWindow = ActiveWindow::starting_at(WindowStart::SimulationStart);

const NO_OVERLAYS: &[&str] = &[];

/// A fault with KEDA: its name, the overlays on the rig's scenario with KEDA, and the outcomes that a run may have.
type KedaFault = (&'static str, &'static [&'static str], fn(&mut SimConfig), &'static [ExpectedOutcome]);

const KEDA_FAULTS: &[KedaFault] = &[
    ("a neighbour elsewhere, and a query over the cluster", &["keda-cluster.yaml"], busy_elsewhere, &[IDLE]),
    ("no store, and a fallback", &["keda-fallback.yaml"], |_| (), &[FOLLOWS]),
    ("no store", &[], |s| s.pipeline.store_missing = Some(ALWAYS), &[SERVED]),
    ("KEDA's metrics server is down", &[], |s| s.pipeline.adapter_down = Some(ALWAYS), &[SERVED]),
    ("KEDA's operator is away", &[], |s| s.pipeline.keda_away = Some(ALWAYS), &[SERVED]),
    ("no metric of the pods", &[], |s| s.pipeline.exporter_missing = Some(ALWAYS), &[SERVED]),
    ("labels of the exporter", &[], |s| s.pipeline.honor_labels = false, &[SERVED]),
    ("a second HPA", &[], |s| inject("second-hpa", s), &[ACTIVE]),
    ("a second ScaledObject", &[], |s| inject("second-scaled-object", s), &[ACTIVE]),
    ("an exporter that repeats an idle value", &[], |s| inject("frozen-low", s), &[FOLLOWS]),
];

const fn no_fault(_: &mut SimConfig) {}

fn busy_elsewhere(config: &mut SimConfig) {
    config.pipeline.neighbor_utilizations = vec![95.0];
    config.pipeline.neighbor_namespace = Some("elsewhere".to_owned());
}

fn inject(fault: &str, config: &mut SimConfig) {
    (faults::find(fault).expect("a fault of the catalogue").inject)(config);
}

fn keda_scenario(overlays: &[&str]) -> Scenario {
    rig_scenario(&[&["keda.yaml"][..], overlays].concat())
}

#[test]
fn a_scaled_object_passes_and_is_removed() {
    let shipped = gpuhpa::scenario::load(&[super::repository_path("scenarios/ollama-keda.yaml")], None);
    let all = [("rig", keda_scenario(&[])), ("shipped", shipped.expect("the scenario"))];
    for (name, scenario) in &all {
        for seed in 1..=seed_count(SEEDS) {
            let dir = RehearsalDir::new(&format!("keda-{name}-{seed}"));
            let config = SimConfig::from_scenario(scenario, seed).randomized(scenario);
            let verdict = rehearse(config, scenario, dir.path()).verdict;
            assert_eq!(verdict.result, CaseResult::Pass, "{name} seed {seed}: {}", verdict.reason);
            assert!(verdict.restored, "{name} seed {seed}");
            let journal = std::fs::read_to_string(dir.path().join("journal.jsonl")).expect("a journal");
            assert!(journal.contains(r#""kind":"ScaledObject""#) && journal.contains("keda-hpa-gpuhpa-"), "{journal}");
        }
    }
}

/// The query selects no pod of the neighbour, so that it is tolerated.
#[test]
fn a_query_that_names_its_pods_passes_beside_a_busy_neighbour() {
    let scenario = keda_scenario(&[]);
    let mut config = SimConfig::from_scenario(&scenario, 1);
    busy_elsewhere(&mut config);
    let dir = RehearsalDir::new("keda-beside");
    let verdict = rehearse(config, &scenario, dir.path()).verdict;
    assert_eq!(verdict.result, CaseResult::Pass, "{}", verdict.reason);
}

#[test]
fn no_fault_of_keda_ends_in_a_pass() {
    let of_keda = faults::of_keda().map(|fault| (fault.name, NO_OVERLAYS, fault.inject, fault.expected));
    let rows: Vec<KedaFault> = KEDA_FAULTS.iter().copied().chain(of_keda).collect();
    let seeds = seed_count(SEEDS);
    let failures = collect_failures("keda-faults", rows.len() as u64 * seeds, |number, dir| {
        let (name, overlays, inject, expected) = rows[usize::try_from(number / seeds).expect("small")];
        let scenario = keda_scenario(overlays);
        let mut config = SimConfig::from_scenario(&scenario, number % seeds).randomized(&scenario);
        inject(&mut config);
        let verdict = rehearse(config, &scenario, dir).verdict;
        std::fs::remove_dir_all(dir).expect("the directory");
        let is_met = verdict.result != CaseResult::Pass && expected.iter().any(|outcome| outcome.is_met(&verdict));
        let failure = format!("{name} seed {}: {}: {}", number % seeds, verdict.title(), verdict.reason);
        (!is_met).then_some(failure)
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The constant number of a fallback, and the place of the neighbour, are in the reason.
#[test]
fn a_fallback_and_a_neighbour_elsewhere_are_named() {
    for (overlay, inject, words) in [
        ("keda-fallback.yaml", no_fault as fn(&mut SimConfig), "KEDA's fallback was active"),
        ("keda-cluster.yaml", busy_elsewhere as fn(&mut SimConfig), "elsewhere/neighbor"),
    ] {
        let scenario = keda_scenario(&[overlay]);
        let mut config = SimConfig::from_scenario(&scenario, 1);
        inject(&mut config);
        let dir = RehearsalDir::new(overlay);
        let verdict = rehearse(config, &scenario, dir.path()).verdict;
        assert!(verdict.reason.contains(words), "{overlay}: {}", verdict.reason);
    }
}

/// Its condition tells it. KEDA records an event too where its own scale loop is the first to find it, and one of a trigger that fails
/// below the threshold.
#[test]
fn a_fallback_is_known_by_its_condition_with_and_without_an_event() {
    let events = |scenario: &Scenario, name: &str| {
        let dir = RehearsalDir::new(name);
        let verdict = rehearse(SimConfig::from_scenario(scenario, 1), scenario, dir.path()).verdict;
        let timeline = std::fs::read_to_string(dir.path().join("timeline.jsonl")).expect("a timeline");
        let has = |reason: &str| timeline.contains(&format!(r#""reason":"{reason}""#));
        assert!(verdict.reason.starts_with("Control/MetricFollowsLoad: ") && verdict.reason.contains(BY_CONDITION));
        (has("KEDAScalerFailed"), has("ScaledObjectFallbackActivated"))
    };
    assert_eq!(events(&keda_scenario(&["keda-fallback.yaml"]), "keda-fallback-served"), (true, false));
    let at_once = with_fallback(&["keda-fallback.yaml"], "{failureThreshold: 0, replicas: 1}");
    assert_eq!(events(&at_once, "keda-fallback-event"), (false, true));
}

/// Its number can lead to a scale-up that looks like the metric's.
#[test]
fn a_fallback_that_begins_under_load_is_no_metric_whatever_its_behavior() {
    for behavior in ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"] {
        let fallback = format!("{{failureThreshold: 0, replicas: 3, behavior: {behavior}}}");
        let scenario = with_fallback(&[], &fallback);
        let mut config = SimConfig::from_scenario(&scenario, 1);
        config.pipeline.store_missing = Some(ActiveWindow::starting_at(WindowStart::NthChat(2)));
        let dir = RehearsalDir::new(&format!("keda-fallback-{behavior}"));
        let verdict = rehearse(config, &scenario, dir.path()).verdict;
        assert!(FOLLOWS.is_met(&verdict), "{behavior}: {}: {}", verdict.title(), verdict.reason);
        assert!(verdict.reason.contains(BY_CONDITION), "{behavior}: {}", verdict.reason);
    }
}

const BY_CONDITION: &str = "KEDA's fallback was active (condition Fallback of ScaledObject";

/// The scenario with KEDA, these overlays and this fallback.
fn with_fallback(overlays: &[&str], fallback: &str) -> Scenario {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let overlay = std::env::temp_dir().join(format!("gpuhpa-fallback-{}-{number}.yaml", std::process::id()));
    std::fs::write(&overlay, format!("scaledObject: {{spec: {{fallback: {fallback}}}}}\n")).expect("a file");
    let scenario = keda_scenario(&[overlays, &[overlay.to_str().expect("a path")]].concat());
    std::fs::remove_file(&overlay).expect("the file");
    scenario
}
