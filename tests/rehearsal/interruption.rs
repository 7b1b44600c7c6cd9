//! Interrupts runs at every step: by SIGINT, by two SIGINTs, by `kill -9` with and without the journal, and by a full
//! disk. The run itself or `clean` removes the leftovers, and the cluster is exactly as before.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use gpuhpa::clock::RunClock;
use gpuhpa::env::Bundle;
use gpuhpa::evidence;
use gpuhpa::install::{self, Journal, read_journal};
use gpuhpa::model::inventory::SimulationInfo;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::CaseResult;
use gpuhpa::run::{self, EPOCH, ReceivedSignals, RehearsalOutcome, RunError};
use gpuhpa::sim::config::SimConfig;
use gpuhpa::sim::{self, Simulation};
use gpuhpa::units::HumanDuration;
use serde_json::Value;
use tokio::sync::watch;

use super::runner::{RehearsalDir, collect_failures, paused_runtime, varied_scenario};

/// How to stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopMethod {
    /// SIGINT: the run cleans up itself.
    Interrupt,
    /// SIGINT, and another at the next step: the run stops at once, and `clean` cleans up.
    InterruptTwice,
    /// `kill -9`, then `clean` with the journal.
    Kill,
    /// `kill -9`, then `clean --run-id` because the journal is lost.
    KillWithoutJournal,
}

const ALL_METHODS: [StopMethod; 4] =
    [StopMethod::Interrupt, StopMethod::InterruptTwice, StopMethod::Kill, StopMethod::KillWithoutJournal];

/// When to stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopTime {
    /// At a step of a write: sent, applied, or partly applied.
    Step(u64),
    /// This many seconds after the start.
    Second(u64),
}

impl StopTime {
    async fn wait(self, platform: &Simulation) {
        match self {
            Self::Step(step) => {
                let mut steps = platform.client_steps();
                steps.wait_for(|steps| *steps >= step).await.expect("the platform runs");
            }
            Self::Second(second) => tokio::time::sleep(Duration::from_secs(second)).await,
        }
    }
}

/// Timeout of each change that `clean` reverts.
const CLEAN_TIMEOUT: HumanDuration = HumanDuration::from_secs(300);

/// Starts a platform and waits until its controllers have settled; returns its objects as well.
async fn start_settled(config: SimConfig, scenario: &Scenario) -> (Simulation, BTreeMap<String, Value>) {
    let platform = sim::start(config, scenario, RunClock::start_at(EPOCH));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = platform.snapshot_objects();
    (platform, before)
}

/// Runs the scenario without interruption.
async fn run_to_end(platform: &Simulation, scenario: &Scenario, dir: &Path) -> RehearsalOutcome {
    let bundle = Bundle::create(dir).expect("an empty directory").without_sync();
    let (_sender, signals) = watch::channel(ReceivedSignals::default());
    run::rehearse(platform, scenario, SimulationInfo::default(), &bundle, signals).await
}

/// Runs the scenario, stops it, and cleans up unless the run does.
async fn run_and_stop(
    config: SimConfig,
    scenario: &Scenario,
    dir: &Path,
    (method, time): (StopMethod, StopTime),
) -> Result<(), String> {
    let (platform, before) = start_settled(config, scenario).await;
    let bundle = Bundle::create(dir).map_err(|e| e.to_string())?.without_sync();
    let (sender, signals) = watch::channel(ReceivedSignals::default());
    let run = run::rehearse(&platform, scenario, SimulationInfo::default(), &bundle, signals);
    let stop = async {
        time.wait(&platform).await;
        let is_killed = matches!(method, StopMethod::Kill | StopMethod::KillWithoutJournal);
        if !is_killed {
            sender.send_replace(ReceivedSignals { count: 1, last: "SIGINT" });
        }
        if method == StopMethod::InterruptTwice {
            let next = *platform.client_steps().borrow() + 1;
            StopTime::Step(next).wait(&platform).await;
            sender.send_replace(ReceivedSignals { count: 2, last: "SIGINT" });
        }
        if !is_killed {
            std::future::pending().await
        }
    };
    let outcome = tokio::select! {
        biased;
        () = stop => None,
        outcome = run => Some(outcome),
    };
    if let Some(RehearsalOutcome { verdict, error }) = &outcome {
        // A run that was cleaning up already completes its records and its verdict.
        let is_complete = error.is_none() && verdict.restored;
        let is_interrupted = matches!(error, Some(RunError::Interrupted(_))) && verdict.result != CaseResult::Fail;
        if !(is_complete || is_interrupted) || (method == StopMethod::Interrupt && !verdict.restored) {
            return Err(format!("{error:?}, {}: {}", verdict.title(), verdict.reason));
        }
    }
    if method != StopMethod::Interrupt {
        run_clean(&platform, scenario, dir, method).await?;
    }
    check_unchanged(&before, &platform.snapshot_objects())
}

/// Runs the steps of `gpuhpa clean`, as another process would.
async fn run_clean(platform: &Simulation, scenario: &Scenario, dir: &Path, method: StopMethod) -> Result<(), String> {
    let (bundle, clock) = (Bundle::open(dir).without_sync(), RunClock::start_at(EPOCH));
    let env = platform.env(scenario, &bundle);
    let entries = match method {
        StopMethod::KillWithoutJournal => {
            install::find_leftovers(&env, &run::run_id(EPOCH)).await.map_err(|e| e.to_string())?
        }
        // The run stopped before its first change.
        _ if !dir.join("journal.jsonl").exists() => Vec::new(),
        _ => read_journal(dir).map_err(|e| e.to_string())?,
    };
    let journal = Journal::from_entries(bundle, clock, entries);
    if install::is_run_active(&env, &journal).await.map_err(|e| e.to_string())? {
        return Err("clean considers the run active".to_owned());
    }
    run::clean(&env, &journal, CLEAN_TIMEOUT, &|_| {}).await.map_err(|e| e.to_string())
}

/// Fails if the objects differ, and names those that do.
fn check_unchanged(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Result<(), String> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let different = names.filter(|name| before.get(*name) != after.get(*name));
    let describe = |name: &String| format!("{name}: {:?}, was {:?}", after.get(name), before.get(name));
    let different: Vec<String> = different.map(describe).collect();
    if different.is_empty() { Ok(()) } else { Err(format!("the cluster is not as before: {}", different.join("; "))) }
}

/// Stops a run at each of its steps and every 20 s, with each method.
fn stop_everywhere(name: &str, scenario: &Scenario, config: &SimConfig, methods: &[StopMethod]) {
    let dir = RehearsalDir::new(name);
    let (steps, seconds) = paused_runtime().block_on(async {
        let (platform, before) = start_settled(config.clone(), scenario).await;
        let outcome = run_to_end(&platform, scenario, dir.path()).await;
        assert_eq!(
            (outcome.verdict.result, outcome.error.is_none()),
            (CaseResult::Pass, true),
            "{}",
            outcome.verdict.reason
        );
        check_unchanged(&before, &platform.snapshot_objects()).expect("a run that is not stopped");
        let steps = *platform.client_steps().borrow();
        (steps, outcome.verdict.duration_ms / 1000)
    });
    assert!(steps >= 40 && seconds > 60, "{steps} steps in {seconds} s");
    let times = (1..=steps).map(StopTime::Step).chain((0..seconds).step_by(20).map(StopTime::Second));
    let all: Vec<(StopMethod, StopTime)> =
        times.flat_map(|time| methods.iter().map(move |method| (*method, time))).collect();
    let failures = collect_failures(name, all.len() as u64, |number, dir| {
        let stop = all[usize::try_from(number).expect("small")];
        let result = paused_runtime().block_on(run_and_stop(config.clone(), scenario, dir, stop));
        let _ = std::fs::remove_dir_all(dir);
        result.err().map(|error| format!("{stop:?} of {steps} steps in {seconds} s: {error}"))
    });
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), all.len(), failures.join("\n"));
}

#[test]
fn whenever_a_run_is_stopped_the_cluster_is_as_before() {
    let scenario = varied_scenario(1);
    stop_everywhere("stopped", &scenario, &SimConfig::from_scenario(&scenario, 1), &ALL_METHODS);
}

/// In an existing namespace, the deletion of the namespace does not delete leftovers.
#[test]
fn whenever_a_run_in_an_existing_namespace_is_stopped_the_cluster_is_as_before() {
    let stop_in_existing_namespace = |file: &str, methods: &[StopMethod]| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/rig/scenarios").join(file);
        let scenario = gpuhpa::scenario::load(&[path], None).expect("the scenario");
        let mut config = SimConfig::from_scenario(&scenario, 1);
        config.controllers.extra_namespaces = vec![scenario.namespace.clone()];
        stop_everywhere(&format!("stopped-{file}"), &scenario, &config, methods);
    };
    stop_in_existing_namespace("rig.yaml", &ALL_METHODS);
    // Without a journal, `clean` cannot tell which PersistentVolumeClaims are the run's, and keeps them all.
    stop_in_existing_namespace("rig-statefulset.yaml", &ALL_METHODS[..3]);
}

/// Total size of the files in a directory, bytes.
fn directory_size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("a file"));
    let bytes = |entry: std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => directory_size(&path),
        _ => entry.metadata().expect("a file").len(),
    };
    entries.map(bytes).sum()
}

#[test]
fn wherever_the_disk_is_full_the_cluster_is_as_before_and_the_bundle_is_not_sound() {
    const LIMITS: u64 = 40;
    let scenario = varied_scenario(1);
    let healthy_dir = RehearsalDir::new("disk-size");
    let healthy = paused_runtime().block_on(async {
        let (platform, _) = start_settled(SimConfig::from_scenario(&scenario, 1), &scenario).await;
        run_to_end(&platform, &scenario, healthy_dir.path()).await
    });
    assert_eq!(healthy.verdict.result, CaseResult::Pass);
    let bytes = directory_size(healthy_dir.path());
    let failures = collect_failures("disk", LIMITS, |number, dir| {
        let mut config = SimConfig::from_scenario(&scenario, 1);
        config.client.disk_limit_bytes = Some(bytes * number / LIMITS);
        let (unchanged, outcome) = paused_runtime().block_on(async {
            let (platform, before) = start_settled(config, &scenario).await;
            let outcome = run_to_end(&platform, &scenario, dir).await;
            (check_unchanged(&before, &platform.snapshot_objects()), outcome)
        });
        let is_sound = evidence::open_bundle(dir)
            .is_ok_and(|bundle| run::review_bundle(&bundle).is_ok_and(|review| review.soundness.is_sound()));
        let _ = std::fs::remove_dir_all(dir);
        let is_reported = match &outcome.error {
            Some(error) => error.is_evidence_error(),
            None => outcome.verdict.reason.contains("could not write evidence"),
        };
        let reported =
            if is_reported { Ok(()) } else { Err(format!("{:?}, {}", outcome.error, outcome.verdict.reason)) };
        let unsound = if is_sound { Err("the bundle is sound".to_owned()) } else { Ok(()) };
        let result = unchanged.and(reported).and(unsound);
        result.err().map(|error| format!("disk limit of {number}/{LIMITS} of the bundle: {error}"))
    });
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
