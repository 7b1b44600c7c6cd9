//! Whole runs against the simulated platform, through the library: the same seed gives the same bundle, byte for byte.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot read its own files has failed")]

mod adopted_hpa;
mod assumptions;
mod catalogue;
mod dra;
mod interruption;
mod keda;
mod parity;
mod profiles;
mod random_specs;
mod restarts;
mod runner;
mod true_reasons;

use std::path::{Path, PathBuf};

use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::sim::config::{
    ActiveWindow, ApiFaultWindow, ChatFault, ClusterInjection, DeniedPermission, FaultyChats, InjectionAction,
    InjectionTime, InjectionTrigger, RequestShare, SimConfig, WindowStart,
};
use gpuhpa::units::HumanDuration;
use runner::{RehearsalDir, built_in_scenario, rehearse};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the built-in scenario twice and compares the bundles.
fn run_twice(name: &str, config: &SimConfig) -> (Verdict, RehearsalDir) {
    let scenario = built_in_scenario();
    let (first, second) = (RehearsalDir::new(&format!("{name}-1")), RehearsalDir::new(&format!("{name}-2")));
    let verdict = rehearse(config.clone(), &scenario, first.path()).verdict;
    rehearse(config.clone(), &scenario, second.path());
    assert_eq!(first.differing_files(&second), Vec::<String>::new(), "{name}");
    (verdict, first)
}

fn read_verdict(dir: &Path) -> CaseResult {
    let text = std::fs::read(dir.join("verdict.json")).expect("there must be a verdict");
    let verdict: Verdict = serde_json::from_slice(&text).expect("a verdict");
    verdict.result
}

#[test]
fn the_same_seed_gives_the_same_bundle_and_another_seed_another_bundle() {
    let (verdict, first) = run_twice("seed", &SimConfig { seed: 1, ..SimConfig::default() });
    assert_eq!(verdict.result, CaseResult::Pass, "{}", verdict.reason);
    assert!(verdict.rehearsal && verdict.restored && read_verdict(first.path()) == CaseResult::Pass);
    let second = RehearsalDir::new("seed-3");
    rehearse(SimConfig { seed: 2, ..SimConfig::default() }, &built_in_scenario(), second.path());
    assert!(first.differing_files(&second).iter().any(|file| file.starts_with("timeline.jsonl")));
}

#[test]
fn a_faulty_api_server_gives_the_same_bundle() {
    let share = |percent| {
        Some(RequestShare {
            window: ApiFaultWindow { start: HumanDuration::default(), duration: HumanDuration::from_secs(3600) },
            percent,
        })
    };
    let mut config = SimConfig { seed: 3, ..SimConfig::default() };
    config.api.watch_lifetime = Some(HumanDuration::from_secs(20));
    (config.api.too_many_requests, config.api.server_errors, config.api.lost_responses) =
        (share(10), share(5), share(5));
    let (verdict, _) = run_twice("server", &config);
    assert!(verdict.duration_ms > 60_000, "the run must start: {}", verdict.reason);
}

#[test]
fn a_platform_that_breaks_during_the_run_gives_the_same_bundle() {
    let mut config = SimConfig { seed: 4, ..SimConfig::default() };
    let time = InjectionTime { trigger: InjectionTrigger::FirstScaleUp, after: HumanDuration::from_secs(40) };
    config.controllers.injections = vec![ClusterInjection { time, action: InjectionAction::NodeLost }];
    let faults = vec![ChatFault::ErrorLine, ChatFault::Reset, ChatFault::Status503];
    config.ollama.faulty_chats =
        Some(FaultyChats { faults, window: ActiveWindow::starting_at(WindowStart::NthChat(2)), every_nth: 5 });
    let (verdict, _) = run_twice("platform", &config);
    assert_ne!(verdict.result, CaseResult::Pass);
}

#[test]
fn a_run_that_cannot_start_writes_its_verdict() {
    let mut config = SimConfig::default();
    let (verb, group) = ("create".to_owned(), "autoscaling".to_owned());
    config.api.denied_permissions = vec![DeniedPermission {
        verb,
        group,
        resource: "horizontalpodautoscalers".to_owned(),
        ..DeniedPermission::default()
    }];
    let (verdict, dir) = run_twice("denied", &config);
    let reason = verdict.reason;
    assert!(reason.starts_with("this run cannot pass") && reason.contains("horizontalpodautoscalers"), "{reason}");
    assert_eq!(read_verdict(dir.path()), CaseResult::Inconclusive);
}

/// The controller enforces minReplicas before the baseline, and the run begins there.
#[test]
fn a_target_that_starts_below_min_replicas_passes() {
    let mut scenario = built_in_scenario();
    scenario.hpa.spec.min_replicas = Some(2);
    // Twice the pods of the built-in scenario need twice its load.
    scenario.load.concurrency *= 2;
    for seed in 1..4 {
        let dir = RehearsalDir::new(&format!("min-replicas-{seed}"));
        let verdict = rehearse(SimConfig::from_scenario(&scenario, seed), &scenario, dir.path()).verdict;
        assert_eq!(verdict.result, CaseResult::Pass, "seed {seed}: {}", verdict.reason);
    }
}

fn repository_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The built-in scenario with overlays of the rig.
fn built_in_with(overlays: &[&str]) -> Scenario {
    load_with(repository_path("scenarios/ollama-gpu-utilization.yaml"), overlays)
}

/// The rig's scenario with overlays.
fn rig_scenario(overlays: &[&str]) -> Scenario {
    load_with(repository_path("ci/rig/scenarios/rig.yaml"), overlays)
}

fn load_with(base: PathBuf, overlays: &[&str]) -> Scenario {
    let overlays = overlays.iter().map(|name| repository_path("ci/rig/scenarios").join(name));
    let files: Vec<_> = std::iter::once(base).chain(overlays).collect();
    gpuhpa::scenario::load(&files, None).expect("the scenario")
}

#[test]
fn an_external_metric_passes_and_one_of_the_whole_cluster_does_not() {
    for (overlays, expected) in [
        (&["external.yaml"][..], CaseResult::Pass),
        (&["external-value.yaml"], CaseResult::Pass),
        (&["external.yaml", "external-cluster.yaml"], CaseResult::Inconclusive),
    ] {
        let scenario = built_in_with(overlays);
        for seed in 1..4 {
            let dir = RehearsalDir::new(&format!("external-{}-{seed}", overlays.len()));
            let mut config = SimConfig::from_scenario(&scenario, seed);
            if expected != CaseResult::Pass {
                config.pipeline.neighbor_utilizations = vec![95.0];
            }
            let verdict = rehearse(config, &scenario, dir.path()).verdict;
            assert_eq!(verdict.result, expected, "{overlays:?} seed {seed}: {}", verdict.reason);
            let names_neighbor = expected == CaseResult::Pass || verdict.reason.contains("contamination");
            assert!(names_neighbor, "{overlays:?} seed {seed}: {}", verdict.reason);
        }
    }
}

/// A field that the API server drops is no verdict on the platform.
#[test]
fn an_hpa_that_is_stored_otherwise_is_inconclusive() {
    let mut scenario = built_in_scenario();
    let behavior = scenario.hpa.spec.behavior.as_mut().and_then(|behavior| behavior.scale_up.as_mut());
    behavior.expect("scaleUp").tolerance = Some(serde_json::from_value("0.5".into()).expect("a quantity"));
    let dir = RehearsalDir::new("tolerance-stored");
    let verdict = rehearse(SimConfig::from_scenario(&scenario, 1), &scenario, dir.path()).verdict;
    assert_eq!(verdict.result, CaseResult::Pass, "{}", verdict.reason);
    let mut config = SimConfig::from_scenario(&scenario, 1);
    config.api.hpa_spec_change = Some(gpuhpa::sim::config::HpaSpecChange::DropsField);
    let dir = RehearsalDir::new("tolerance-dropped");
    let verdict = rehearse(config, &scenario, dir.path()).verdict;
    let expected =
        "Setup/AutoscalerActive: the HPA is not what was applied: behavior.scaleUp.tolerance is missing (applied: 0.5";
    assert!(verdict.result == CaseResult::Inconclusive && verdict.reason.starts_with(expected), "{}", verdict.reason);
}
