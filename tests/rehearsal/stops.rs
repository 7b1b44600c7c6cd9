//! A run may be stopped at any moment: by Ctrl-C, by a second one, by `kill -9` with its journal or with that lost, by a disk
//! that is full. What is left then is taken away by the run itself or by `clean`, and the cluster is exactly as before.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use gpuhpa::clock::Clock;
use gpuhpa::evidence;
use gpuhpa::install::{self, Journal, read_journal};
use gpuhpa::record::inventory::Simulated;
use gpuhpa::record::scenario::Scenario;
use gpuhpa::record::verdict::CaseResult;
use gpuhpa::run::{self, EPOCH, Rehearsed, RunError, Signals};
use gpuhpa::sim::{self, Rehearsal, Setting};
use gpuhpa::units::Span;
use gpuhpa::world::Bundle;
use serde_json::Value;
use tokio::sync::watch;

use super::bench::{Folder, for_each, lawful, runtime};

/// How a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Ctrl-C: it cleans up itself.
    Interrupt,
    /// Ctrl-C, and again at the next step: it stops at once, and `clean` takes over.
    InterruptTwice,
    /// `kill -9`, then `clean` with the journal.
    Kill,
    /// `kill -9`, the journal is lost, then `clean --run-id`.
    KillWithoutJournal,
}

const ALL: [How; 4] = [How::Interrupt, How::InterruptTwice, How::Kill, How::KillWithoutJournal];

/// When a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// At a step of a change: on its way, made, or made in part.
    Step(u64),
    /// So many seconds after its beginning, whatever it does then.
    Second(u64),
}

impl When {
    async fn comes(self, platform: &Rehearsal) {
        match self {
            Self::Step(step) => {
                let mut steps = platform.steps();
                steps.wait_for(|steps| *steps >= step).await.expect("the platform lives");
            }
            Self::Second(second) => tokio::time::sleep(Duration::from_secs(second)).await,
        }
    }
}

/// Bound of each change that `clean` takes back.
const BOUND: Span = Span::from_secs(300);

/// A platform whose own controllers have done what they had to.
async fn settled(setting: Setting, scenario: &Scenario) -> (Rehearsal, BTreeMap<String, Value>) {
    let platform = sim::begin(setting, scenario, Clock::start_at(EPOCH));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = platform.standing();
    (platform, before)
}

/// Runs the scenario to its end.
async fn whole(platform: &Rehearsal, scenario: &Scenario, dir: &Path) -> Rehearsed {
    let bundle = Bundle::create(dir).expect("an empty folder").unsynced();
    let (_sender, signals) = watch::channel(Signals::default());
    run::rehearse(platform, scenario, Simulated::default(), &bundle, signals).await
}

/// Runs the scenario, stops it so, and cleans up where that is left to do; what went wrong.
async fn stopped(setting: Setting, scenario: &Scenario, dir: &Path, (how, when): (How, When)) -> Result<(), String> {
    let (platform, before) = settled(setting, scenario).await;
    let bundle = Bundle::create(dir).map_err(|e| e.to_string())?.unsynced();
    let (sender, signals) = watch::channel(Signals::default());
    let run = run::rehearse(&platform, scenario, Simulated::default(), &bundle, signals);
    let stop = async {
        when.comes(&platform).await;
        let killed = matches!(how, How::Kill | How::KillWithoutJournal);
        if !killed {
            sender.send_replace(Signals { count: 1, last: "SIGINT" });
        }
        if how == How::InterruptTwice {
            let next = *platform.steps().borrow() + 1;
            When::Step(next).comes(&platform).await;
            sender.send_replace(Signals { count: 2, last: "SIGINT" });
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
    if let Some(Rehearsed { verdict, error }) = &ended {
        // A run that was cleaning up anyway has all its records, and its verdict.
        let whole = error.is_none() && verdict.restored;
        let interrupted = matches!(error, Some(RunError::Interrupted(_))) && verdict.result != CaseResult::Fail;
        if !(whole || interrupted) || (how == How::Interrupt && !verdict.restored) {
            return Err(format!("{error:?}, {}: {}", verdict.title(), verdict.reason));
        }
    }
    if how != How::Interrupt {
        clean(&platform, scenario, dir, how).await?;
    }
    same(&before, &platform.standing())
}

/// What `gpuhpa clean` does, in another process.
async fn clean(platform: &Rehearsal, scenario: &Scenario, dir: &Path, how: How) -> Result<(), String> {
    let (bundle, clock) = (Bundle::open(dir).unsynced(), Clock::start_at(EPOCH));
    let world = platform.world(scenario, &bundle);
    let entries = match how {
        How::KillWithoutJournal => install::traces(&world, &run::run_id(EPOCH)).await.map_err(|e| e.to_string())?,
        // Stopped before it changed anything.
        _ if !dir.join("journal.jsonl").exists() => Vec::new(),
        _ => read_journal(dir).map_err(|e| e.to_string())?,
    };
    let journal = Journal::resumed(bundle, clock, entries);
    if install::is_at_work(&world, &journal).await.map_err(|e| e.to_string())? {
        return Err("clean takes it for a run at work".to_owned());
    }
    run::clean(&world, &journal, BOUND, &|_| {}).await.map_err(|e| e.to_string())
}

/// What stands in one and not in the other, or otherwise.
fn same(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Result<(), String> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let different = names.filter(|name| before.get(*name) != after.get(*name));
    let shown = |name: &String| format!("{name}: {:?}, was {:?}", after.get(name), before.get(name));
    let different: Vec<String> = different.map(shown).collect();
    if different.is_empty() { Ok(()) } else { Err(format!("the cluster is not as before: {}", different.join("; "))) }
}

/// Stops a run at each of its steps, and every 20 s, in each of these ways.
fn stop_everywhere(name: &str, scenario: &Scenario, setting: &Setting, hows: &[How]) {
    let folder = Folder::new(name);
    let (steps, seconds) = runtime().block_on(async {
        let (platform, before) = settled(setting.clone(), scenario).await;
        let ended = whole(&platform, scenario, folder.path()).await;
        assert_eq!((ended.verdict.result, ended.error.is_none()), (CaseResult::Pass, true), "{}", ended.verdict.reason);
        same(&before, &platform.standing()).expect("a run that is not stopped");
        let steps = *platform.steps().borrow();
        (steps, ended.verdict.took_ms / 1000)
    });
    assert!(steps >= 40 && seconds > 60, "{steps} steps in {seconds} s");
    let when = (1..=steps).map(When::Step).chain((0..seconds).step_by(20).map(When::Second));
    let all: Vec<(How, When)> = when.flat_map(|when| hows.iter().map(move |how| (*how, when))).collect();
    let wrong = for_each(name, all.len() as u64, |number, dir| {
        let stop = all[usize::try_from(number).expect("small")];
        let ended = runtime().block_on(stopped(setting.clone(), scenario, dir, stop));
        let _ = std::fs::remove_dir_all(dir);
        ended.err().map(|why| format!("{stop:?} of {steps} steps in {seconds} s: {why}"))
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
fn whenever_a_run_is_stopped_the_cluster_is_as_before() {
    let scenario = lawful(1);
    stop_everywhere("stopped", &scenario, &Setting::of(&scenario, 1), &ALL);
}

/// Nothing goes along with a namespace that stays.
#[test]
fn whenever_a_run_in_a_namespace_of_others_is_stopped_the_cluster_is_as_before() {
    let in_theirs = |file: &str, hows: &[How]| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file);
        let scenario = gpuhpa::scenario::load(&[path], None).expect("the scenario");
        let mut setting = Setting::of(&scenario, 1);
        setting.controllers.namespaces = vec![scenario.namespace.clone()];
        stop_everywhere(&format!("stopped-{file}"), &scenario, &setting, hows);
    };
    in_theirs("rig.yaml", &ALL);
    // Without a journal nobody knows which volume claims are the run's, and one may hold what others want to keep.
    in_theirs("rig-statefulset.yaml", &ALL[..3]);
}

/// Bytes of a folder's files.
fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("a file"));
    let bytes = |entry: std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => size(&path),
        _ => entry.metadata().expect("a file").len(),
    };
    entries.map(bytes).sum()
}

#[test]
fn wherever_the_disk_is_full_the_cluster_is_as_before_and_the_bundle_not_sound() {
    const PLACES: u64 = 40;
    let scenario = lawful(1);
    let folder = Folder::new("room");
    let healthy = runtime().block_on(async {
        let (platform, _) = settled(Setting::of(&scenario, 1), &scenario).await;
        whole(&platform, &scenario, folder.path()).await
    });
    assert_eq!(healthy.verdict.result, CaseResult::Pass);
    let bytes = size(folder.path());
    let wrong = for_each("disk", PLACES, |number, dir| {
        let mut setting = Setting::of(&scenario, 1);
        setting.client.room = Some(bytes * number / PLACES);
        let (same, ended) = runtime().block_on(async {
            let (platform, before) = settled(setting, &scenario).await;
            let ended = whole(&platform, &scenario, dir).await;
            (same(&before, &platform.standing()), ended)
        });
        let is_sound = evidence::open(dir).is_ok_and(|held| run::review(&held).is_ok_and(|review| review.sound));
        let _ = std::fs::remove_dir_all(dir);
        let is_told = match &ended.error {
            Some(error) => error.is_evidence(),
            None => ended.verdict.reason.contains("could not write evidence"),
        };
        let told = if is_told { Ok(()) } else { Err(format!("{:?}, {}", ended.error, ended.verdict.reason)) };
        let sound = if is_sound { Err("its bundle is sound".to_owned()) } else { Ok(()) };
        let wrong = same.and(told).and(sound);
        wrong.err().map(|why| format!("room for {number} of {PLACES} parts: {why}"))
    });
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
