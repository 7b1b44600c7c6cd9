//! Hundreds of simulated controllers, each with hidden flags, pass times and lags: one without a fault never fails, and
//! one with a fault fails where the observations prove the fault.

use super::model_cluster::{ModelCluster, ModelFault};
use crate::judge::check_result::{CheckResult, CheckStatus};
use crate::judge::{Check, RunView};

fn evaluate_model(seed: u64, fault: ModelFault) -> (CheckResult, usize, usize) {
    let (run, wrong_writes) = ModelCluster::new(seed, fault).run();
    let view = RunView::new(run.records());
    // The result cites each evaluated change.
    let result = Check::DecisionsExplained.evaluate_alone(&view);
    let evaluated = result.cites.len();
    (result, evaluated, wrong_writes)
}

#[test]
fn a_controller_without_a_fault_never_fails() {
    let (mut changes, mut findings) = (0, 0);
    for seed in 0..300 {
        let (result, sizes, _) = evaluate_model(seed, ModelFault::None);
        assert_ne!(result.status, CheckStatus::Fail, "seed {seed}: {}", result.reason);
        for finding in &result.findings {
            let known = ["twice the assumed sync period", "by another writer or unseen"];
            assert!(known.iter().any(|text| finding.contains(text)), "seed {seed}: {finding}");
        }
        (changes, findings) = (changes + sizes, findings + result.findings.len());
    }
    assert!(changes > 1200, "{changes} changes evaluated");
    assert!(findings * 100 < changes, "{findings} findings in {changes} changes");
}

#[test]
fn a_faulty_controller_is_found() {
    // The least percentage of the runs with wrong writes that must fail. In the others a gap hides the inputs, the
    // status of the pass was not observed, or a hidden value explains the change.
    for (fault, least) in [
        (ModelFault::Overshoot, 60),
        (ModelFault::NoRateLimit, 60),
        (ModelFault::NoWindow, 75),
        (ModelFault::ScalesWhileInactive, 60),
        (ModelFault::AboveMax, 85),
    ] {
        let (mut failed, mut found, mut all) = (0, 0, 0);
        for seed in 0..80 {
            let (result, _, wrong_writes) = evaluate_model(seed, fault);
            if wrong_writes > 0 {
                all += 1;
                failed += usize::from(result.has_status(CheckStatus::Fail));
                found += usize::from(result.has_status(CheckStatus::Fail) || !result.findings.is_empty());
            }
        }
        assert!(all >= 10, "{fault:?}: {all} runs with wrong writes");
        assert!(failed * 100 >= all * least, "{fault:?}: {failed} of {all} failed");
        assert!(found * 100 >= all * 70, "{fault:?}: {found} of {all} found");
    }
}
