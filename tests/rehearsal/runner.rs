//! Runs rehearsals through the library, each on its own runtime and into its own directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gpuhpa::clock::RunClock;
use gpuhpa::env::Bundle;
use gpuhpa::model::inventory::SimulationInfo;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::run::{self, EPOCH, ReceivedSignals, RehearsalOutcome};
use gpuhpa::sim;
use gpuhpa::sim::config::SimConfig;
use gpuhpa::units::HumanDuration;
use tokio::sync::watch;

/// The built-in scenario.
pub(crate) fn built_in_scenario() -> Scenario {
    gpuhpa::scenario::load(&[], None).expect("the built-in scenario")
}

/// A valid scenario per seed: the built-in one with other stabilization windows, loads and metric pipelines. All
/// windows are longer than a sync period and the metric's lag; all loads require a second replica. Most windows are
/// short to limit the time of the test: a run passes through each twice.
pub(crate) fn varied_scenario(seed: u64) -> Scenario {
    let mut scenario = built_in_scenario();
    let assumed = &mut scenario.assumptions;
    let mut set_pipeline_secs = |exporter, scrape, relist| {
        assumed.exporter_interval = HumanDuration::from_secs(exporter);
        (assumed.scrape_interval, assumed.store_offset) =
            (HumanDuration::from_secs(scrape), HumanDuration::from_secs(5));
        assumed.relist_interval = HumanDuration::from_secs(relist);
    };
    let (window_secs, concurrency) = match seed % 10 {
        0 | 5 => (120, 10),
        1 | 6 => {
            set_pipeline_secs(10, 10, 30);
            (60, 8)
        }
        2 | 7 => (100, 12),
        3 | 8 => {
            set_pipeline_secs(1, 5, 10);
            (assumed.sync_period, assumed.pod_start) = (HumanDuration::from_secs(5), HumanDuration::from_secs(60));
            (60, 12)
        }
        4 => (if seed % 50 == 4 { 300 } else { 140 }, 16),
        _ => {
            set_pipeline_secs(15, 15, 60);
            (80, 14)
        }
    };
    let down = scenario.hpa.spec.behavior.as_mut().and_then(|behavior| behavior.scale_down.as_mut());
    down.expect("the built-in scenario sets scaleDown").stabilization_window_seconds = Some(window_secs);
    scenario.load.concurrency = concurrency;
    scenario
}

/// A varied scenario without the fastest metric. With that, readings may miss values that would explain a decision of
/// the HPA, and checks of the HPA cannot fail.
pub(crate) fn attributable_scenario(seed: u64) -> Scenario {
    varied_scenario([0, 1, 2, 9, 5, 6, 7, 4][seed as usize % 8])
}

/// A varied scenario with the fastest metric.
pub(crate) fn fast_metric_scenario(seed: u64) -> Scenario {
    varied_scenario(3 + 5 * seed)
}

/// A runtime with paused time.
pub(crate) fn paused_runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime")
}

/// Timeout of a run in virtual time, for one that does not end: longer than the plan of any scenario here allows.
const MAX_RUN: Duration = Duration::from_secs(4 * 3600);

/// Runs a scenario on a simulated platform.
pub(crate) fn rehearse(config: SimConfig, scenario: &Scenario, dir: &Path) -> RehearsalOutcome {
    rehearse_with_timeout(config, scenario, dir).expect("a run that ends")
}

/// Runs a scenario on a simulated platform; `None` if the run times out. A run that ends must not have taken longer than its plan
/// says.
pub(crate) fn rehearse_with_timeout(config: SimConfig, scenario: &Scenario, dir: &Path) -> Option<RehearsalOutcome> {
    let bundle = Bundle::create(dir).expect("an empty directory").without_sync();
    let (_sender, signals) = watch::channel(ReceivedSignals::default());
    let simulation = SimulationInfo { seed: config.seed, ..SimulationInfo::default() };
    let seed = config.seed;
    let outcome = paused_runtime().block_on(async {
        let platform = sim::start(config, scenario, RunClock::start_at(EPOCH));
        tokio::time::timeout(MAX_RUN, run::rehearse(&platform, scenario, simulation, &bundle, signals)).await.ok()
    })?;
    let verdict = &outcome.verdict;
    assert!(
        planned_max_ms(dir).is_none_or(|max_ms| verdict.duration_ms <= max_ms),
        "seed {seed}: the run took {} ms, longer than its plan says: {}",
        verdict.duration_ms,
        verdict.reason
    );
    Some(outcome)
}

/// The longest duration that the plan of a run states, milliseconds; `None` for a run that was refused before.
fn planned_max_ms(dir: &Path) -> Option<u64> {
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("plan.json")).ok()?).ok()?;
    plan["maxDurationMs"].as_u64()
}

/// A directory for a bundle, removed on drop.
pub(crate) struct RehearsalDir(PathBuf);

impl RehearsalDir {
    pub(crate) fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("gpuhpa-rehearsal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The files that differ between two directories, each with its first differing line.
    pub(crate) fn differing_files(&self, other: &Self) -> Vec<String> {
        let (own, others) = (read_files(&self.0), read_files(&other.0));
        let names = own.keys().chain(others.keys().filter(|name| !own.contains_key(*name)));
        let different = names.filter(|name| own.get(*name) != others.get(*name));
        different.map(|name| format!("{name}: {}", first_difference(own.get(name), others.get(name)))).collect()
    }
}

impl Drop for RehearsalDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read_files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a file").path();
        let name = path.strip_prefix(dir).expect("a file of the directory").display().to_string();
        if path.is_dir() {
            return read_files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)).collect();
        }
        vec![(name, std::fs::read(&path).expect("a file must be readable"))]
    };
    entries.flat_map(read).collect()
}

/// The first lines that differ.
fn first_difference(one: Option<&Vec<u8>>, other: Option<&Vec<u8>>) -> String {
    let (Some(one), Some(other)) = (one, other) else { return "only in one".to_owned() };
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (lines(one), lines(other));
    match one.iter().zip(&other).position(|(one, other)| one != other) {
        Some(n) => format!("line {}: {} / {}", n + 1, one[n], other[n]),
        None => format!("{} lines / {}", one.len(), other.len()),
    }
}

/// Number of failures after which no further run starts.
pub(crate) const MAX_FAILURES: usize = 8;

/// Calls `work` for each number below `count` on all CPUs, and collects the failures that it returns.
pub(crate) fn collect_failures(
    name: &str,
    count: u64,
    work: impl Fn(u64, &Path) -> Option<String> + Sync,
) -> Vec<String> {
    let (next, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (next, failures, work) = (&next, &failures, &work);
            let dir: PathBuf = std::env::temp_dir().join(format!("gpuhpa-{name}-{}-{thread}", std::process::id()));
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || failures.lock().expect("no panic").len() >= MAX_FAILURES {
                        return;
                    }
                    if let Some(failure) = work(number, &dir) {
                        failures.lock().expect("no panic").push(failure);
                    }
                }
            });
        }
    });
    failures.into_inner().expect("no panic")
}
