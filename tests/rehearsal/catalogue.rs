//! The fault catalogue: on no faulty cluster does a run end in a PASS, whatever chance does, and what it says is what the
//! catalogue says; on a healthy cluster with other lawful numbers it always ends in one.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use gpuhpa::record::scenario::Scenario;
use gpuhpa::record::verdict::{CaseResult, Verdict};
use gpuhpa::sim::{Setting, faults};

use super::bench::{built_in, rehearse};

/// Seeds of each fault.
const FAULTY: u64 = 25;
/// Seeds of healthy clusters.
const HEALTHY: u64 = 1000;

/// The number of seeds, fewer where somebody is in a hurry: `SEEDS=3 cargo test --profile catalogue --test rehearsal`.
#[expect(clippy::disallowed_methods, reason = "a test may be shortened by hand")]
fn seeds(all: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(all)
}

/// A run into this folder, which is empty again afterwards.
fn ended(setting: Setting, scenario: &Scenario, dir: &Path) -> Verdict {
    let verdict = rehearse(setting, scenario, dir);
    std::fs::remove_dir_all(dir).expect("the folder");
    verdict
}

/// Does this for each number below `count`, on every processor; what it returns is what went wrong.
fn for_each(name: &str, count: u64, work: impl Fn(u64, &Path) -> Option<String> + Sync) -> Vec<String> {
    let (next, wrong) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (next, wrong, work) = (&next, &wrong, &work);
            let dir: PathBuf = std::env::temp_dir().join(format!("gpuhpa-{name}-{}-{thread}", std::process::id()));
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
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

#[test]
fn no_fault_ends_in_a_pass_and_each_is_called_by_its_name() {
    let (scenario, all, seeds) = (built_in(), faults::all().collect::<Vec<_>>(), seeds(FAULTY));
    assert!(all.len() >= 40);
    let wrong = for_each("faulty", all.len() as u64 * seeds, |number, dir| {
        let (fault, seed) = (all[usize::try_from(number / seeds).expect("small")], number % seeds);
        let mut setting = Setting::of(&scenario, seed).varied(&scenario);
        (fault.spoil)(&mut setting);
        let verdict = ended(setting, &scenario, dir);
        let is_met = fault.must.iter().any(|must| must.is_met(&verdict));
        (!is_met).then(|| {
            format!("{} seed {seed}: {}: {}, not {:?}", fault.name, verdict.title(), verdict.reason, fault.must)
        })
    });
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_healthy_cluster_always_passes() {
    let scenario = built_in();
    let wrong = for_each("healthy", seeds(HEALTHY), |seed, dir| {
        let verdict = ended(Setting::of(&scenario, seed).varied(&scenario), &scenario, dir);
        let is_pass = verdict.result == CaseResult::Pass && verdict.restored;
        (!is_pass).then(|| format!("seed {seed}: {}: {}", verdict.title(), verdict.reason))
    });
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
