//! A FAIL that rests on assumed times which the observations refute. The check is evaluated again with what was observed:
//! where it is no FAIL then, the result is INCONCLUSIVE and names the assumption. A PASS always needs the assumed times as
//! well: an observed time takes blame off, and proves nothing.
//!
//! Where the FAIL is that the controller does nothing, no observation shows its times yet, so the run waits for longer than
//! twice the assumed ones before that counts.

mod controller_silence;
mod metric_path;
mod pod_start;
mod scale_down_window;
mod sync_period;

use super::check_result::{CheckResult, CheckStatus};
use super::checks::{Check, Prerequisite};
use super::run_view::RunView;
use crate::model::assumptions::Assumptions;
use crate::model::run_records::RunRecords;
use crate::units::HumanDuration;

/// An assumption that the observations refute.
struct RefutedAssumption {
    /// The assumption, what refutes it, and what to do.
    statement: String,
    /// Sequence numbers of the observations that refute it.
    seqs: Vec<u64>,
    observed: HumanDuration,
    /// Puts the observed time in the place of the assumed one.
    set: fn(&mut Assumptions, HumanDuration),
}

/// Turns a FAIL into INCONCLUSIVE where observed times explain it, or into Pending where they may.
pub(super) fn reconsider_fail(view: &RunView<'_>, prerequisite: Prerequisite, result: CheckResult) -> CheckResult {
    if !result.has_status(CheckStatus::Fail) {
        return result;
    }
    let mut scenario = view.records.scenario.clone();
    let (mut statements, mut seqs) = (Vec::new(), Vec::new());
    for refutation in find_refutations(view, prerequisite) {
        (refutation.set)(&mut scenario.assumptions, refutation.observed);
        statements.push(refutation.statement);
        seqs.extend(refutation.seqs);
        let records = RunRecords { scenario: &scenario, ..view.records };
        let again = prerequisite.evaluate_alone(&RunView::new(records));
        match again.status {
            CheckStatus::Fail => {}
            CheckStatus::Pending => {
                let reason = format!("the observations refute {}; {}", statements.join("; they refute "), again.reason);
                return CheckResult::pending(reason).with_cites(seqs);
            }
            CheckStatus::Pass | CheckStatus::Inconclusive | CheckStatus::NotApplicable => {
                return CheckResult::inconclusive(format!(
                    "the observations refute {}; so this is not counted as a FAIL: {}",
                    statements.join("; they refute "),
                    result.reason
                ))
                .with_cites(result.cites)
                .with_cites(seqs);
            }
        }
    }
    match controller_silence::describe_wait(view, prerequisite) {
        Some(wait) => CheckResult::pending(format!("{}; {wait}", result.reason)),
        None => result,
    }
}

/// The refuted assumptions that a check rests on, those of the check itself first.
fn find_refutations(view: &RunView<'_>, prerequisite: Prerequisite) -> impl Iterator<Item = RefutedAssumption> {
    let own = match prerequisite {
        Prerequisite::Whole(Check::NewPodsRunOnAccelerators) => pod_start::find_refutation(view),
        Prerequisite::Whole(Check::NewPodsServe) => metric_path::find_refutation(view),
        Prerequisite::Whole(Check::ReplicasFall) => scale_down_window::find_refutation(view),
        _ => None,
    };
    own.into_iter().chain(sync_period::find_refutation(view))
}
