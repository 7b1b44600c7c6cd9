//! The fault catalogue: on no faulty cluster does a run end in a PASS, whatever chance does, and what it says is what the
//! catalogue says; on a healthy cluster with other built_in numbers it always ends in one; and what disturbs a healthy
//! cluster for a while is never blamed on it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use gpuhpa::record::scenario::Scenario;
use gpuhpa::record::verdict::{CaseResult, Verdict};
use gpuhpa::sim::Setting;
use gpuhpa::sim::faults::{self, Fault, Must};

use super::bench::{built_in, for_each, rehearse};

/// Seeds of each fault.
const FAULTY: u64 = 25;
/// Seeds of each disturbance.
const DISTURBED: u64 = 10;
/// Seeds of healthy clusters.
const HEALTHY: u64 = 1000;

/// The number of seeds, fewer where somebody is in a hurry: `SEEDS=3 cargo test --profile catalogue --test rehearsal`.
#[expect(clippy::disallowed_methods, reason = "a test may be shortened by hand")]
fn seeds(all: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(all)
}

/// A run into this folder, which is empty again afterwards.
fn ended(setting: Setting, scenario: &Scenario, dir: &Path) -> Verdict {
    let verdict = rehearse(setting, scenario, dir).verdict;
    std::fs::remove_dir_all(dir).expect("the folder");
    verdict
}

/// Runs each with every seed; what did not end as it must, and those that never ended in what is `owed`, where all seeds
/// were tried.
fn each(name: &str, all: &[&Fault], of: u64, owed: Option<Must>) -> Vec<String> {
    let (scenario, seeds, seen) = (built_in(), seeds(of), Mutex::new(BTreeSet::new()));
    let mut wrong = for_each(name, all.len() as u64 * seeds, |number, dir| {
        let (fault, seed) = (all[usize::try_from(number / seeds).expect("small")], number % seeds);
        let mut setting = Setting::of(&scenario, seed).varied(&scenario);
        (fault.spoil)(&mut setting);
        let verdict = ended(setting, &scenario, dir);
        if owed.is_some_and(|owed| owed.is_met(&verdict)) {
            seen.lock().expect("no panic").insert(fault.name);
        }
        let is_met = fault.must.iter().any(|must| must.is_met(&verdict));
        (!is_met).then(|| {
            format!("{} seed {seed}: {}: {}, not {:?}", fault.name, verdict.title(), verdict.reason, fault.must)
        })
    });
    let seen = seen.into_inner().expect("no panic");
    let never = all.iter().filter(|fault| owed.is_some() && seeds >= of && !seen.contains(fault.name));
    wrong.extend(never.map(|fault| format!("{} never ended in {owed:?}, with {seeds} seeds", fault.name)));
    wrong
}

#[test]
fn no_fault_ends_in_a_pass_and_each_is_called_by_its_name() {
    let all: Vec<_> = faults::all().collect();
    assert!(all.len() >= 40 && all.iter().all(|fault| !fault.must.contains(&Must::Pass)));
    let wrong = each("faulty", &all, FAULTY, None);
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_disturbance_is_never_blamed_on_the_platform() {
    let all: Vec<_> = faults::mild().collect();
    assert!(all.iter().all(|mild| mild.must.contains(&Must::Pass)));
    // One under which no run passes is no mild one.
    let wrong = each("disturbed", &all, DISTURBED, Some(Must::Pass));
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
