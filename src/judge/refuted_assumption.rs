//! A FAIL that rests on an assumed sync period which the observations refute. The check is evaluated again with what was
//! observed: where it is no FAIL then, the result is INCONCLUSIVE and names the assumption. A PASS always needs the
//! assumed one as well: an observed time takes blame off, and proves nothing.

use super::check_result::{CheckResult, CheckStatus, format_ms};
use super::checks::Prerequisite;
use super::run_view::RunView;
use crate::bounds::SLACK;
use crate::model::run_records::RunRecords;
use crate::units::HumanDuration;

/// Turns a FAIL into INCONCLUSIVE where the observed sync period explains it, or into Pending where it may.
pub(super) fn reconsider_fail(view: &RunView<'_>, prerequisite: Prerequisite, result: CheckResult) -> CheckResult {
    if !result.has_status(CheckStatus::Fail) {
        return result;
    }
    let assumed = view.times.assumptions.sync_period;
    // The controller may skip one sync.
    let refutes = |without_pass_ms: u64| without_pass_ms > 2 * assumed.ms() + SLACK.ms();
    let Some(seen) = view.longest_pass_interval().filter(|seen| refutes(seen.without_pass_ms)) else { return result };
    let mut scenario = view.records.scenario.clone();
    scenario.assumptions.sync_period = HumanDuration::from_ms(seen.ms);
    let records = RunRecords { scenario: &scenario, ..view.records };
    let again = prerequisite.evaluate_alone(&RunView::new(records));
    match again.status {
        CheckStatus::Fail => result,
        CheckStatus::Pending => CheckResult::pending(again.reason),
        CheckStatus::Pass | CheckStatus::Inconclusive | CheckStatus::NotApplicable => CheckResult::inconclusive(format!(
            "the observations refute assumptions.syncPeriod {assumed}: two statuses of the HPA came {} apart, and for {} between them no pass reported the value that the metrics API served; set it to the --horizontal-pod-autoscaler-sync-period of kube-controller-manager; so this is not counted as a FAIL: {}",
            format_ms(seen.ms),
            format_ms(seen.without_pass_ms),
            result.reason
        ))
        .with_cites(result.cites)
        .with_cites(seen.seqs),
    }
}
