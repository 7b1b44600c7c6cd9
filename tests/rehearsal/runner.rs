//! One rehearsal without the face, on a runtime of its own, into a folder of its own.

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
use gpuhpa::sim::{self, SimConfig};
use gpuhpa::units::HumanDuration;
use tokio::sync::watch;

/// The scenario that is built in.
pub(crate) fn built_in_scenario() -> Scenario {
    gpuhpa::scenario::load(&[], None).expect("the built-in scenario")
}

/// Another lawful scenario for each seed: the built-in one with other stabilization windows, all longer than a sync period
/// and the metric's lag, with other loads, all enough for a second replica, and for clusters whose metric is quicker.
/// The windows are short mostly: each second of one is simulated twice.
pub(crate) fn varied_scenario(seed: u64) -> Scenario {
    let mut scenario = built_in_scenario();
    let assumed = &mut scenario.assumptions;
    let mut quicker = |exporter, scrape, relist| {
        assumed.exporter_interval = HumanDuration::from_secs(exporter);
        (assumed.scrape_interval, assumed.store_offset) =
            (HumanDuration::from_secs(scrape), HumanDuration::from_secs(5));
        assumed.relist_interval = HumanDuration::from_secs(relist);
    };
    let (window_secs, concurrency) = match seed % 10 {
        0 | 5 => (120, 10),
        1 | 6 => {
            quicker(10, 10, 30);
            (60, 8)
        }
        2 | 7 => (100, 12),
        3 | 8 => {
            quicker(1, 5, 10);
            (assumed.sync_period, assumed.pod_start) = (HumanDuration::from_secs(5), HumanDuration::from_secs(60));
            (60, 12)
        }
        4 => (if seed % 50 == 4 { 300 } else { 140 }, 16),
        _ => {
            quicker(15, 15, 60);
            (80, 14)
        }
    };
    let down = scenario.hpa.spec.behavior.as_mut().and_then(|behavior| behavior.scale_down.as_mut());
    down.expect("the built-in scenario states it").stabilization_window_seconds = Some(window_secs);
    scenario.load.concurrency = concurrency;
    scenario
}

/// One of them for each seed in which an autoscaler can be blamed: a value of the quickest metric may be missed between two
/// polls, and explain anything.
pub(crate) fn attributable_scenario(seed: u64) -> Scenario {
    varied_scenario([0, 1, 2, 9, 5, 6, 7, 4][seed as usize % 8])
}

/// The others.
pub(crate) fn fast_metric_scenario(seed: u64) -> Scenario {
    varied_scenario(3 + 5 * seed)
}

/// A runtime in whose virtual time a platform lives.
pub(crate) fn paused_runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime")
}

/// No run of the scenarios here may last longer, in virtual time: that is more than the plan of any of them allows.
const MAX_RUN: Duration = Duration::from_secs(4 * 3600);

/// Runs a scenario on a simulated platform, to its end.
pub(crate) fn rehearse(setting: SimConfig, scenario: &Scenario, dir: &Path) -> RehearsalOutcome {
    rehearse_with_timeout(setting, scenario, dir).expect("a run that ends")
}

/// The same; `None` where it does not come to an end.
pub(crate) fn rehearse_with_timeout(setting: SimConfig, scenario: &Scenario, dir: &Path) -> Option<RehearsalOutcome> {
    let bundle = Bundle::create(dir).expect("an empty folder").without_sync();
    let (_sender, signals) = watch::channel(ReceivedSignals::default());
    let simulated = SimulationInfo { seed: setting.seed, ..SimulationInfo::default() };
    paused_runtime().block_on(async {
        let platform = sim::start(setting, scenario, RunClock::start_at(EPOCH));
        tokio::time::timeout(MAX_RUN, run::rehearse(&platform, scenario, simulated, &bundle, signals)).await.ok()
    })
}

/// A folder for one bundle, removed at its end.
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

    /// Files that are not the same in both, each with its first lines that differ.
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
    let entries = std::fs::read_dir(dir).expect("a folder");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a file").path();
        let name = path.strip_prefix(dir).expect("a file of the folder").display().to_string();
        if path.is_dir() {
            return read_files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)).collect();
        }
        vec![(name, std::fs::read(&path).expect("a file must be readable"))]
    };
    entries.flat_map(read).collect()
}

/// The first lines that are not the same.
fn first_difference(one: Option<&Vec<u8>>, other: Option<&Vec<u8>>) -> String {
    let (Some(one), Some(other)) = (one, other) else { return "only in one".to_owned() };
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (lines(one), lines(other));
    match one.iter().zip(&other).position(|(one, other)| one != other) {
        Some(n) => format!("line {}: {} / {}", n + 1, one[n], other[n]),
        None => format!("{} lines / {}", one.len(), other.len()),
    }
}

/// So much that went wrong is enough to look at: nothing more is begun then.
pub(crate) const MAX_FAILURES: usize = 8;

/// Does this for each number below `count`, on every processor; what it returns is what went wrong.
pub(crate) fn collect_failures(
    name: &str,
    count: u64,
    work: impl Fn(u64, &Path) -> Option<String> + Sync,
) -> Vec<String> {
    let (next, wrong) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (next, wrong, work) = (&next, &wrong, &work);
            let dir: PathBuf = std::env::temp_dir().join(format!("gpuhpa-{name}-{}-{thread}", std::process::id()));
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || wrong.lock().expect("no panic").len() >= MAX_FAILURES {
                        return;
                    }
                    if let Some(text) = work(number, &dir) {
                        wrong.lock().expect("no panic").push(text);
                    }
                }
            });
        }
    });
    wrong.into_inner().expect("no panic")
}
