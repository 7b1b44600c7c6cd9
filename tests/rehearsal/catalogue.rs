//! The fault catalogue: on no faulty cluster does a run end in a PASS, whatever chance does, and what it says is what the
//! catalogue says; on a healthy cluster with other lawful numbers it always ends in one; and what disturbs a healthy
//! cluster for a while is never blamed on it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::sim::SimConfig;
use gpuhpa::sim::faults::{self, ExpectedOutcome, FaultSpec};

use super::runner::{
    MAX_FAILURES, attributable_scenario, built_in_scenario, collect_failures, fast_metric_scenario,
    rehearse_with_timeout, varied_scenario,
};

/// Seeds of each fault.
const FAULT_SEEDS: u64 = 25;
/// Seeds of each fault with the quickest metric.
const FAST_METRIC_SEEDS: u64 = 3;
/// Seeds of each disturbance.
const TOLERATED_SEEDS: u64 = 6;
/// Seeds of healthy clusters.
const HEALTHY_SEEDS: u64 = 1000;

/// The number of seeds, fewer where somebody is in a hurry: `SEEDS=3 cargo test --profile catalogue --test rehearsal`.
#[expect(clippy::disallowed_methods, reason = "a test may be shortened by hand")]
fn seed_count(all: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(all)
}

/// Only the faults that this case of the verdict has to notice, where somebody asks for them (ci/mutations).
#[expect(clippy::disallowed_methods, reason = "a test may be narrowed by hand")]
fn is_selected(fault: &FaultSpec) -> bool {
    std::env::var("CASE").ok().is_none_or(|case| fault.expected.iter().any(|must| must.deciding_case() == Some(&case)))
}

/// A run on a platform of the seed's own lawful numbers, spoilt so; `None` where it does not end.
fn run_to_end(scenario: &Scenario, seed: u64, spoil: fn(&mut SimConfig), dir: &Path) -> Option<Verdict> {
    let mut setting = SimConfig::from_scenario(scenario, seed).randomized(scenario);
    spoil(&mut setting);
    let ended = rehearse_with_timeout(setting, scenario, dir);
    std::fs::remove_dir_all(dir).expect("the folder");
    ended.map(|ended| ended.verdict)
}

/// Runs each with every seed; what did not end as it must, and which of the endings that are `owed` no seed has shown,
/// where all seeds were tried.
fn check_outcomes(
    all: &[&FaultSpec],
    of: u64,
    scenario: fn(u64) -> Scenario,
    owed: impl Fn(ExpectedOutcome) -> bool,
) -> Vec<String> {
    let (seeds, seen) = (seed_count(of), Mutex::new(BTreeSet::new()));
    let mut wrong = collect_failures(all[0].name, all.len() as u64 * seeds, |number, dir| {
        let (which, seed) = (usize::try_from(number / seeds).expect("small"), number % seeds);
        let fault = all[which];
        let Some(verdict) = run_to_end(&scenario(seed), seed, fault.inject, dir) else {
            return Some(format!("{} seed {seed}: it does not end", fault.name));
        };
        let met: Vec<usize> = (0..fault.expected.len()).filter(|must| fault.expected[*must].is_met(&verdict)).collect();
        let told =
            format!("{} seed {seed}: {}: {}, not {:?}", fault.name, verdict.title(), verdict.reason, fault.expected);
        let is_met = !met.is_empty();
        seen.lock().expect("no panic").extend(met.into_iter().map(|must| (which, must)));
        (!is_met).then_some(told)
    });
    let seen = seen.into_inner().expect("no panic");
    let ending = |which: usize| (0..all[which].expected.len()).map(move |must| (which, must));
    let endings = (0..all.len()).flat_map(ending).filter(|(which, must)| owed(all[*which].expected[*must]));
    let is_whole = seeds >= of && wrong.len() < MAX_FAILURES;
    let never = endings.filter(|ending| is_whole && !seen.contains(ending));
    wrong.extend(never.map(|(which, must)| {
        let fault = all[which];
        format!("{} never ended in {:?}, with {seeds} seeds", fault.name, fault.expected[must])
    }));
    wrong
}

#[test]
fn no_fault_ends_in_a_pass_and_each_is_called_by_its_name() {
    let all: Vec<_> = faults::all().filter(|fault| is_selected(fault)).collect();
    assert!(
        faults::all().count() >= 40
            && !all.is_empty()
            && all.iter().all(|fault| !fault.expected.contains(&ExpectedOutcome::Pass))
    );
    // An ending that no seed shows is not known to be right, and a check that only it speaks of is not known to work.
    let wrong = check_outcomes(&all, FAULT_SEEDS, attributable_scenario, |_| true);
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// A value of the quickest metric may be missed between two polls: readings blame nobody there, and the endings are others.
#[test]
fn no_fault_ends_in_a_pass_where_values_may_be_missed() {
    let (all, seeds) = (faults::all().collect::<Vec<_>>(), seed_count(FAST_METRIC_SEEDS));
    let wrong = collect_failures("missed", all.len() as u64 * seeds, |number, dir| {
        let (fault, seed) = (all[usize::try_from(number / seeds).expect("small")], number % seeds);
        match run_to_end(&fast_metric_scenario(seed), seed, fault.inject, dir) {
            Some(verdict) if verdict.result != CaseResult::Pass || !verdict.restored => None,
            Some(verdict) => Some(format!("{} seed {seed}: {}", fault.name, verdict.title())),
            None => Some(format!("{} seed {seed}: it does not end", fault.name)),
        }
    });
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_disturbance_is_never_blamed_on_the_platform() {
    let all: Vec<_> = faults::tolerated().collect();
    assert!(all.iter().all(|mild| mild.expected.contains(&ExpectedOutcome::Pass)));
    // They come at moments of the built-in scenario. One under which no run passes is no mild one.
    let wrong = check_outcomes(&all, TOLERATED_SEEDS, |_| built_in_scenario(), |must| must == ExpectedOutcome::Pass);
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_healthy_cluster_always_passes() {
    let wrong = collect_failures("healthy", seed_count(HEALTHY_SEEDS), |seed, dir| {
        let Some(verdict) = run_to_end(&varied_scenario(seed), seed, |_| (), dir) else {
            return Some(format!("seed {seed}: it does not end"));
        };
        let is_pass = verdict.result == CaseResult::Pass && verdict.restored;
        (!is_pass).then(|| format!("seed {seed}: {}: {}", verdict.title(), verdict.reason))
    });
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
