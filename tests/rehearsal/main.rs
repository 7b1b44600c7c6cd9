//! Whole runs against the simulated platform, through the library: the same seed gives the same bundle, byte for byte.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

mod catalogue;
mod interruption;
mod parity;
mod runner;

use std::path::Path;

use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::sim::{
    ActiveWindow, ApiFaultWindow, ChatFault, ClusterInjection, DeniedPermission, FaultyChats, InjectionAction,
    InjectionTime, InjectionTrigger, RequestShare, SimConfig, WindowStart,
};
use gpuhpa::units::HumanDuration;
use runner::{RehearsalDir, built_in_scenario, rehearse};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs it twice; where the two bundles differ is an error.
fn run_twice(name: &str, setting: &SimConfig) -> (Verdict, RehearsalDir) {
    let scenario = built_in_scenario();
    let (one, other) = (RehearsalDir::new(&format!("{name}-1")), RehearsalDir::new(&format!("{name}-2")));
    let outcome = rehearse(setting.clone(), &scenario, one.path()).verdict;
    rehearse(setting.clone(), &scenario, other.path());
    assert_eq!(one.differing_files(&other), Vec::<String>::new(), "{name}");
    (outcome, one)
}

fn read_verdict(dir: &Path) -> CaseResult {
    let text = std::fs::read(dir.join("verdict.json")).expect("there must be a verdict");
    let verdict: Verdict = serde_json::from_slice(&text).expect("a verdict");
    verdict.result
}

#[test]
fn the_same_seed_gives_the_same_bundle_and_another_seed_another_bundle() {
    let (outcome, first) = run_twice("seed", &SimConfig { seed: 1, ..SimConfig::default() });
    assert_eq!(outcome.result, CaseResult::Pass, "{}", outcome.reason);
    assert!(outcome.rehearsal && outcome.restored && read_verdict(first.path()) == CaseResult::Pass);
    let second = RehearsalDir::new("seed-3");
    rehearse(SimConfig { seed: 2, ..SimConfig::default() }, &built_in_scenario(), second.path());
    assert!(first.differing_files(&second).iter().any(|file| file.starts_with("timeline.jsonl")));
}

#[test]
fn a_server_with_faults_is_the_same_every_time_too() {
    let share = |percent| {
        Some(RequestShare {
            window: ApiFaultWindow { start: HumanDuration::default(), duration: HumanDuration::from_secs(3600) },
            percent,
        })
    };
    let mut setting = SimConfig { seed: 3, ..SimConfig::default() };
    setting.api.watch_lifetime = Some(HumanDuration::from_secs(20));
    (setting.api.too_many_requests, setting.api.server_errors, setting.api.lost_responses) =
        (share(10), share(5), share(5));
    let (outcome, _) = run_twice("server", &setting);
    assert!(outcome.duration_ms > 60_000, "it began: {}", outcome.reason);
}

#[test]
fn a_platform_that_breaks_in_the_middle_is_the_same_every_time_too() {
    let mut setting = SimConfig { seed: 4, ..SimConfig::default() };
    let when = InjectionTime { trigger: InjectionTrigger::FirstScaleUp, after: HumanDuration::from_secs(40) };
    setting.controllers.injections = vec![ClusterInjection { time, action: InjectionAction::NodeLost }];
    let how = vec![ChatFault::ErrorLine, ChatFault::Reset, ChatFault::Status503];
    setting.ollama.faulty_chats =
        Some(FaultyChats { faults: how, window: ActiveWindow::starting_at(WindowStart::NthChat(2)), every_nth: 5 });
    let (outcome, _) = run_twice("platform", &setting);
    assert_ne!(outcome.result, CaseResult::Pass);
}

#[test]
fn a_run_that_cannot_begin_leaves_its_verdict() {
    let mut setting = SimConfig::default();
    let (verb, group) = ("create".to_owned(), "autoscaling".to_owned());
    setting.api.denied_permissions = vec![DeniedPermission {
        verb,
        group,
        resource: "horizontalpodautoscalers".to_owned(),
        ..DeniedPermission::default()
    }];
    let (outcome, folder) = run_twice("denied", &setting);
    let reason = outcome.reason;
    assert!(reason.starts_with("this run cannot pass") && reason.contains("horizontalpodautoscalers"), "{reason}");
    assert_eq!(read_verdict(folder.path()), CaseResult::Inconclusive);
}
