//! Runs the fault catalogue with many seeds. With a fault, a run never ends in PASS and has an outcome that the
//! catalogue expects. On a healthy cluster with random valid settings it always passes. A tolerated disturbance never
//! causes a FAIL.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use gpuhpa::judge::Check;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::sim::config::SimConfig;
use gpuhpa::sim::faults::{self, ExpectedOutcome, FaultSpec};

use super::runner::{
    MAX_FAILURES, attributable_scenario, built_in_scenario, collect_failures, fast_metric_scenario,
    rehearse_with_timeout, varied_scenario,
};

/// Seeds per fault.
const FAULT_SEEDS: u64 = 25;
/// Seeds per fault with the fastest metric.
const FAST_METRIC_SEEDS: u64 = 3;
/// Seeds per tolerated disturbance.
const TOLERATED_SEEDS: u64 = 6;
/// Seeds of the healthy cluster; most healthy runs are random specs.
const HEALTHY_SEEDS: u64 = 200;

/// The number of seeds; the variable `SEEDS` reduces it: `SEEDS=3 cargo test --profile catalogue --test rehearsal`.
#[expect(clippy::disallowed_methods, reason = "the developer may reduce the number of seeds")]
pub(super) fn seed_count(default: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(default)
}

/// Whether the case that the variable `CASE` names must detect the fault; true without the variable (ci/mutations sets
/// it).
#[expect(clippy::disallowed_methods, reason = "ci/mutations selects the faults of one case")]
fn is_selected(fault: &FaultSpec) -> bool {
    std::env::var("CASE")
        .ok()
        .is_none_or(|case| fault.expected.iter().any(|outcome| outcome.deciding_case() == Some(&case)))
}

/// Runs the scenario on a platform with random valid settings and an injected fault; `None` if the run times out.
fn run_to_end(scenario: &Scenario, seed: u64, inject: fn(&mut SimConfig), dir: &Path) -> Option<Verdict> {
    let mut config = SimConfig::from_scenario(scenario, seed).randomized(scenario);
    inject(&mut config);
    let outcome = rehearse_with_timeout(config, scenario, dir);
    std::fs::remove_dir_all(dir).expect("the directory");
    outcome.map(|outcome| outcome.verdict)
}

/// Runs each fault with every seed. Returns the runs with an unexpected outcome and, unless `SEEDS` reduces the seeds,
/// the `required` outcomes that no seed has.
fn check_outcomes(
    faults: &[&FaultSpec],
    default_seeds: u64,
    scenario: fn(u64) -> Scenario,
    required: impl Fn(ExpectedOutcome) -> bool,
) -> Vec<String> {
    let (seeds, occurred) = (seed_count(default_seeds), Mutex::new(BTreeSet::new()));
    let mut failures = collect_failures(faults[0].name, faults.len() as u64 * seeds, |number, dir| {
        let (index, seed) = (usize::try_from(number / seeds).expect("small"), number % seeds);
        let fault = faults[index];
        let Some(verdict) = run_to_end(&scenario(seed), seed, fault.inject, dir) else {
            return Some(format!("{} seed {seed}: the run timed out", fault.name));
        };
        let met: Vec<usize> = (0..fault.expected.len()).filter(|n| fault.expected[*n].is_met(&verdict)).collect();
        let failure =
            format!("{} seed {seed}: {}: {}, not {:?}", fault.name, verdict.title(), verdict.reason, fault.expected);
        let is_met = !met.is_empty();
        occurred.lock().expect("no panic").extend(met.into_iter().map(|n| (index, n)));
        (!is_met).then_some(failure)
    });
    let occurred = occurred.into_inner().expect("no panic");
    let outcomes = |index: usize| (0..faults[index].expected.len()).map(move |n| (index, n));
    let outcomes = (0..faults.len()).flat_map(outcomes).filter(|(index, n)| required(faults[*index].expected[*n]));
    let is_complete = seeds >= default_seeds && failures.len() < MAX_FAILURES;
    let missing = outcomes.filter(|outcome| is_complete && !occurred.contains(outcome));
    failures.extend(missing.map(|(index, n)| {
        let fault = faults[index];
        format!("{} never ended in {:?} with {seeds} seeds", fault.name, fault.expected[n])
    }));
    failures
}

#[test]
fn every_deciding_case_is_a_check() {
    let known: BTreeSet<&str> = Check::all().map(Check::name).collect();
    let deciding = faults::all().chain(faults::tolerated()).flat_map(|fault| fault.expected);
    let unknown: Vec<_> =
        deciding.filter_map(|outcome| outcome.deciding_case()).filter(|n| !known.contains(n)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn no_fault_ends_in_a_pass_and_each_has_an_expected_outcome() {
    let all: Vec<_> = faults::all().filter(|fault| is_selected(fault)).collect();
    assert!(
        faults::all().count() >= 40
            && !all.is_empty()
            && all.iter().all(|fault| !fault.expected.contains(&ExpectedOutcome::Pass))
    );
    // Requires every outcome: one that no seed has is untested, and so is a check that only this outcome exercises.
    let failures = check_outcomes(&all, FAULT_SEEDS, attributable_scenario, |_| true);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// With the fastest metric, values may change between two readings, so that more outcomes than the expected ones occur.
#[test]
fn no_fault_ends_in_a_pass_if_readings_may_miss_values() {
    let (all, seeds) = (faults::all().collect::<Vec<_>>(), seed_count(FAST_METRIC_SEEDS));
    let failures = collect_failures("missed-values", all.len() as u64 * seeds, |number, dir| {
        let (fault, seed) = (all[usize::try_from(number / seeds).expect("small")], number % seeds);
        match run_to_end(&fast_metric_scenario(seed), seed, fault.inject, dir) {
            Some(verdict) if verdict.result != CaseResult::Pass || !verdict.restored => None,
            Some(verdict) => Some(format!("{} seed {seed}: {}", fault.name, verdict.title())),
            None => Some(format!("{} seed {seed}: the run timed out", fault.name)),
        }
    });
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_tolerated_disturbance_never_ends_in_a_fail() {
    let all: Vec<_> = faults::tolerated().collect();
    assert!(all.iter().all(|disturbance| disturbance.expected.contains(&ExpectedOutcome::Pass)));
    // Their times fit the built-in scenario. A disturbance under which no run passes would be a fault.
    let failures =
        check_outcomes(&all, TOLERATED_SEEDS, |_| built_in_scenario(), |outcome| outcome == ExpectedOutcome::Pass);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_healthy_cluster_always_passes() {
    let failures = collect_failures("healthy", seed_count(HEALTHY_SEEDS), |seed, dir| {
        let Some(verdict) = run_to_end(&varied_scenario(seed), seed, |_| (), dir) else {
            return Some(format!("seed {seed}: the run timed out"));
        };
        let is_pass = verdict.result == CaseResult::Pass && verdict.restored;
        (!is_pass).then(|| format!("seed {seed}: {}: {}", verdict.title(), verdict.reason))
    });
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
