//! Hundreds of controllers, each with hidden flags, moments and lags: a sound one is never blamed, whatever they are, and
//! one with a fault is found where its fault can be proved.

use super::model_cluster::{ModelCluster, ModelFault};
use crate::judge::RunView;
use crate::judge::check_result::{CheckResult, CheckStatus};
use crate::judge::decisions_explained;

fn evaluate_model(seed: u64, fault: ModelFault) -> (CheckResult, usize, usize) {
    let (run, wrongs) = ModelCluster::new(seed, fault).run();
    let view = RunView::new(run.records());
    // The ruling cites each change that was judged.
    let ruling = decisions_explained::evaluate(&view);
    let judged = ruling.cites.len();
    (ruling, judged, wrongs)
}

#[test]
fn a_controller_without_a_fault_never_fails() {
    let (mut changes, mut findings) = (0, 0);
    for seed in 0..300 {
        let (ruling, sizes, _) = evaluate_model(seed, ModelFault::None);
        assert_ne!(ruling.status, CheckStatus::Fail, "seed {seed}: {}", ruling.reason);
        for finding in &ruling.findings {
            let known = ["twice the assumed sync period", "had been changed otherwise"];
            assert!(known.iter().any(|words| finding.contains(words)), "seed {seed}: {finding}");
        }
        (changes, findings) = (changes + sizes, findings + ruling.findings.len());
    }
    assert!(changes > 1200, "{changes} changes judged");
    assert!(findings * 100 < changes, "{findings} findings in {changes} changes");
}

#[test]
fn a_faulty_controller_is_found() {
    // Percent that fail at the least of those that did wrong. What is left: a gap hid what was before, the status of
    // the pass was not seen, or some hidden value explains it.
    for (fault, least) in [
        (ModelFault::Overshoot, 60),
        (ModelFault::NoRateLimit, 60),
        (ModelFault::NoWindow, 75),
        (ModelFault::ScalesWhileInactive, 60),
        (ModelFault::AboveMax, 85),
    ] {
        let (mut failed, mut found, mut all) = (0, 0, 0);
        for seed in 0..80 {
            let (ruling, _, wrongs) = evaluate_model(seed, fault);
            if wrongs > 0 {
                all += 1;
                failed += usize::from(ruling.has_status(CheckStatus::Fail));
                found += usize::from(ruling.has_status(CheckStatus::Fail) || !ruling.findings.is_empty());
            }
        }
        assert!(all >= 10, "{fault:?}: {all} did wrong");
        assert!(failed * 100 >= all * least, "{fault:?}: {failed} of {all} failed");
        assert!(found * 100 >= all * 70, "{fault:?}: {found} of {all} found");
    }
}
