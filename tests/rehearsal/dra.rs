//! Runs whose pods get their accelerators by resource claims (DRA).

use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::CaseResult;
use gpuhpa::sim::config::{AcceleratorOffer, SimConfig};
use gpuhpa::sim::faults;

use super::catalogue::seed_count;
use super::{load_with, repository_path};
use crate::runner::{RehearsalDir, collect_failures, rehearse};

/// Seeds of the healthy cluster.
const SEEDS: u64 = 10;

/// Faults of accelerators that a cluster with claims has as well.
const FAULTS_OF_ACCELERATORS: [&str; 2] = ["accelerator-requests-removed", "one-accelerator"];

fn claiming_scenario() -> Scenario {
    load_with(repository_path("ci/rig/scenarios/rig-dra.yaml"), &[])
}

#[test]
fn claims_pass_on_each_healthy_cluster_and_are_gone_after_the_run() {
    let scenario = claiming_scenario();
    let failures = collect_failures("dra-healthy", seed_count(SEEDS), |seed, dir| {
        let config = SimConfig::from_scenario(&scenario, seed).randomized(&scenario);
        let verdict = rehearse(config, &scenario, dir).verdict;
        let inventory = std::fs::read_to_string(dir.join("inventory.json")).expect("an inventory");
        std::fs::remove_dir_all(dir).expect("the directory");
        let is_pass = verdict.result == CaseResult::Pass && verdict.restored && inventory.contains("deviceClasses");
        (!is_pass).then(|| format!("seed {seed}: {}: {}", verdict.title(), verdict.reason))
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn no_fault_of_claims_ends_in_a_pass() {
    let scenario = claiming_scenario();
    let of_accelerators = FAULTS_OF_ACCELERATORS.map(|name| faults::find(name).expect("a fault of the catalogue"));
    let all: Vec<_> = faults::of_dra().chain(of_accelerators).collect();
    let failures = collect_failures("dra-faults", all.len() as u64, |number, dir| {
        let fault = all[usize::try_from(number).expect("small")];
        let mut config = SimConfig::from_scenario(&scenario, 1);
        (fault.inject)(&mut config);
        let verdict = rehearse(config, &scenario, dir).verdict;
        std::fs::remove_dir_all(dir).expect("the directory");
        let is_met =
            verdict.result != CaseResult::Pass && fault.expected.iter().any(|outcome| outcome.is_met(&verdict));
        (!is_met).then(|| format!("{}: {}: {}", fault.name, verdict.title(), verdict.reason))
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The scenario wants an extended resource, of which the cluster has none.
#[test]
fn a_cluster_with_a_dra_driver_alone_has_no_extended_resource() {
    let dir = RehearsalDir::new("dra-extended");
    let claiming = claiming_scenario();
    let scenario = super::built_in_with(&[]);
    let mut config = SimConfig::from_scenario(&scenario, 1);
    config.controllers.offer = AcceleratorOffer::DraDriver;
    let verdict = rehearse(config, &scenario, dir.path()).verdict;
    assert!(verdict.reason.contains("nvidia.com/gpu"), "{}", verdict.reason);
    assert_eq!(verdict.result, CaseResult::Inconclusive);
    let dir = RehearsalDir::new("dra-plugin");
    let mut config = SimConfig::from_scenario(&claiming, 1);
    config.controllers.offer = AcceleratorOffer::DevicePlugin;
    let verdict = rehearse(config, &claiming, dir.path()).verdict;
    assert!(verdict.reason.contains("DeviceClass gpu.rig.local does not exist"), "{}", verdict.reason);
}
