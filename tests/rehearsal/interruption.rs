//! A run may be stopped at any moment: by Ctrl-C, by a second one, by `kill -9` with its journal or with that lost, by a disk
//! that is full. What is left then is taken away by the run itself or by `clean`, and the cluster is exactly as before.

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
use gpuhpa::sim::{self, SimConfig, Simulation};
use gpuhpa::units::HumanDuration;
use serde_json::Value;
use tokio::sync::watch;

use super::runner::{RehearsalDir, collect_failures, paused_runtime, varied_scenario};

/// How a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopMethod {
    /// Ctrl-C: it cleans up itself.
    Interrupt,
    /// Ctrl-C, and again at the next step: it stops at once, and `clean` takes over.
    InterruptTwice,
    /// `kill -9`, then `clean` with the journal.
    Kill,
    /// `kill -9`, the journal is lost, then `clean --run-id`.
    KillWithoutJournal,
}

const ALL_METHODS: [StopMethod; 4] =
    [StopMethod::Interrupt, StopMethod::InterruptTwice, StopMethod::Kill, StopMethod::KillWithoutJournal];

/// When a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopTime {
    /// At a step of a change: on its way, made, or made in part.
    Step(u64),
    /// So many seconds after its beginning, whatever it does then.
    Second(u64),
}

impl StopTime {
    async fn wait(self, platform: &Simulation) {
        match self {
            Self::Step(step) => {
                let mut steps = platform.client_steps();
                steps.wait_for(|steps| *steps >= step).await.expect("the platform lives");
            }
            Self::Second(second) => tokio::time::sleep(Duration::from_secs(second)).await,
        }
    }
}

/// Bound of each change that `clean` takes back.
const CLEAN_TIMEOUT: HumanDuration = HumanDuration::from_secs(300);

/// A platform whose own controllers have done what they had to.
async fn start_settled(setting: SimConfig, scenario: &Scenario) -> (Simulation, BTreeMap<String, Value>) {
    let platform = sim::start(setting, scenario, RunClock::start_at(EPOCH));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = platform.snapshot_objects();
    (platform, before)
}

/// Runs the scenario to its end.
async fn run_to_end(platform: &Simulation, scenario: &Scenario, dir: &Path) -> RehearsalOutcome {
    let bundle = Bundle::create(dir).expect("an empty folder").without_sync();
    let (_sender, signals) = watch::channel(ReceivedSignals::default());
    run::rehearse(platform, scenario, SimulationInfo::default(), &bundle, signals).await
}

/// Runs the scenario, stops it so, and cleans up where that is left to do; what went wrong.
async fn run_and_stop(
    setting: SimConfig,
    scenario: &Scenario,
    dir: &Path,
    (how, when): (StopMethod, StopTime),
) -> Result<(), String> {
    let (platform, before) = start_settled(setting, scenario).await;
    let bundle = Bundle::create(dir).map_err(|e| e.to_string())?.without_sync();
    let (sender, signals) = watch::channel(ReceivedSignals::default());
    let run = run::rehearse(&platform, scenario, SimulationInfo::default(), &bundle, signals);
    let stop = async {
        when.wait(&platform).await;
        let killed = matches!(how, StopMethod::Kill | StopMethod::KillWithoutJournal);
        if !killed {
            sender.send_replace(ReceivedSignals { count: 1, last: "SIGINT" });
        }
        if how == StopMethod::InterruptTwice {
            let next = *platform.client_steps().borrow() + 1;
            StopTime::Step(next).wait(&platform).await;
            sender.send_replace(ReceivedSignals { count: 2, last: "SIGINT" });
        }
        if !killed {
            std::future::pending().await
        }
    };
    let ended = tokio::select! {
        biased;
        () = stop => None,
        ended = run => Some(ended),
    };
    if let Some(RehearsalOutcome { verdict, error }) = &ended {
        // A run that was cleaning up anyway has all its records, and its verdict.
        let whole = error.is_none() && verdict.restored;
        let interrupted = matches!(error, Some(RunError::Interrupted(_))) && verdict.result != CaseResult::Fail;
        if !(whole || interrupted) || (how == StopMethod::Interrupt && !verdict.restored) {
            return Err(format!("{error:?}, {}: {}", verdict.title(), verdict.reason));
        }
    }
    if how != StopMethod::Interrupt {
        run_clean(&platform, scenario, dir, how).await?;
    }
    check_unchanged(&before, &platform.snapshot_objects())
}

/// What `gpuhpa clean` does, in another process.
async fn run_clean(platform: &Simulation, scenario: &Scenario, dir: &Path, how: StopMethod) -> Result<(), String> {
    let (bundle, clock) = (Bundle::open(dir).without_sync(), RunClock::start_at(EPOCH));
    let world = platform.env(scenario, &bundle);
    let entries = match how {
        StopMethod::KillWithoutJournal => {
            install::find_leftovers(&world, &run::run_id(EPOCH)).await.map_err(|e| e.to_string())?
        }
        // Stopped before it changed anything.
        _ if !dir.join("journal.jsonl").exists() => Vec::new(),
        _ => read_journal(dir).map_err(|e| e.to_string())?,
    };
    let journal = Journal::from_entries(bundle, clock, entries);
    if install::is_run_active(&world, &journal).await.map_err(|e| e.to_string())? {
        return Err("clean takes it for a run at work".to_owned());
    }
    run::clean(&world, &journal, CLEAN_TIMEOUT, &|_| {}).await.map_err(|e| e.to_string())
}

/// What stands in one and not in the other, or otherwise.
fn check_unchanged(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Result<(), String> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let different = names.filter(|name| before.get(*name) != after.get(*name));
    let shown = |name: &String| format!("{name}: {:?}, was {:?}", after.get(name), before.get(name));
    let different: Vec<String> = different.map(shown).collect();
    if different.is_empty() { Ok(()) } else { Err(format!("the cluster is not as before: {}", different.join("; "))) }
}

/// Stops a run at each of its steps, and every 20 s, in each of these ways.
fn stop_everywhere(name: &str, scenario: &Scenario, setting: &SimConfig, hows: &[StopMethod]) {
    let folder = RehearsalDir::new(name);
    let (steps, seconds) = paused_runtime().block_on(async {
        let (platform, before) = start_settled(setting.clone(), scenario).await;
        let ended = run_to_end(&platform, scenario, folder.path()).await;
        assert_eq!((ended.verdict.result, ended.error.is_none()), (CaseResult::Pass, true), "{}", ended.verdict.reason);
        check_unchanged(&before, &platform.snapshot_objects()).expect("a run that is not stopped");
        let steps = *platform.client_steps().borrow();
        (steps, ended.verdict.duration_ms / 1000)
    });
    assert!(steps >= 40 && seconds > 60, "{steps} steps in {seconds} s");
    let when = (1..=steps).map(StopTime::Step).chain((0..seconds).step_by(20).map(StopTime::Second));
    let all: Vec<(StopMethod, StopTime)> = when.flat_map(|when| hows.iter().map(move |how| (*how, when))).collect();
    let wrong = collect_failures(name, all.len() as u64, |number, dir| {
        let stop = all[usize::try_from(number).expect("small")];
        let ended = paused_runtime().block_on(run_and_stop(setting.clone(), scenario, dir, stop));
        let _ = std::fs::remove_dir_all(dir);
        ended.err().map(|why| format!("{stop:?} of {steps} steps in {seconds} s: {why}"))
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
fn whenever_a_run_is_stopped_the_cluster_is_as_before() {
    let scenario = varied_scenario(1);
    stop_everywhere("stopped", &scenario, &SimConfig::from_scenario(&scenario, 1), &ALL_METHODS);
}

/// Nothing goes along with a namespace that stays.
#[test]
fn whenever_a_run_in_a_namespace_of_others_is_stopped_the_cluster_is_as_before() {
    let in_theirs = |file: &str, hows: &[StopMethod]| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file);
        let scenario = gpuhpa::scenario::load(&[path], None).expect("the scenario");
        let mut setting = SimConfig::from_scenario(&scenario, 1);
        setting.controllers.extra_namespaces = vec![scenario.namespace.clone()];
        stop_everywhere(&format!("stopped-{file}"), &scenario, &setting, hows);
    };
    in_theirs("rig.yaml", &ALL_METHODS);
    // Without a journal nobody knows which volume claims are the run's, and one may hold what others want to keep.
    in_theirs("rig-statefulset.yaml", &ALL_METHODS[..3]);
}

/// Bytes of a folder's files.
fn folder_size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("a file"));
    let bytes = |entry: std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => folder_size(&path),
        _ => entry.metadata().expect("a file").len(),
    };
    entries.map(bytes).sum()
}

#[test]
fn wherever_the_disk_is_full_the_cluster_is_as_before_and_the_bundle_not_sound() {
    const PLACES: u64 = 40;
    let scenario = varied_scenario(1);
    let folder = RehearsalDir::new("room");
    let healthy = paused_runtime().block_on(async {
        let (platform, _) = start_settled(SimConfig::from_scenario(&scenario, 1), &scenario).await;
        run_to_end(&platform, &scenario, folder.path()).await
    });
    assert_eq!(healthy.verdict.result, CaseResult::Pass);
    let bytes = folder_size(folder.path());
    let wrong = collect_failures("disk", PLACES, |number, dir| {
        let mut setting = SimConfig::from_scenario(&scenario, 1);
        setting.client.disk_limit_bytes = Some(bytes * number / PLACES);
        let (same, ended) = paused_runtime().block_on(async {
            let (platform, before) = start_settled(setting, &scenario).await;
            let ended = run_to_end(&platform, &scenario, dir).await;
            (check_unchanged(&before, &platform.snapshot_objects()), ended)
        });
        let is_sound =
            evidence::open_bundle(dir).is_ok_and(|held| run::review_bundle(&held).is_ok_and(|review| review.sound));
        let _ = std::fs::remove_dir_all(dir);
        let is_told = match &ended.error {
            Some(error) => error.is_evidence_error(),
            None => ended.verdict.reason.contains("could not write evidence"),
        };
        let told = if is_told { Ok(()) } else { Err(format!("{:?}, {}", ended.error, ended.verdict.reason)) };
        let sound = if is_sound { Err("its bundle is sound".to_owned()) } else { Ok(()) };
        let wrong = same.and(told).and(sound);
        wrong.err().map(|why| format!("room for {number} of {PLACES} parts: {why}"))
    });
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
