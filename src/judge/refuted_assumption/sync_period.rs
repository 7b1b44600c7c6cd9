//! The sync period of the controller, by the times between its statuses.

use super::RefutedAssumption;
use crate::bounds::SLACK;
use crate::judge::run_view::RunView;
use crate::units::HumanDuration;

pub(super) fn find_refutation(view: &RunView<'_>) -> Option<RefutedAssumption> {
    let assumed = view.times.assumptions.sync_period;
    // The controller may skip one sync.
    let refutes = |without_pass_ms: u64| without_pass_ms > 2 * assumed.ms() + SLACK.ms();
    let seen = view.longest_pass_interval().filter(|seen| refutes(seen.without_pass_ms))?;
    Some(RefutedAssumption {
        statement: format!(
            "assumptions.syncPeriod {assumed}: {}; set it to the --horizontal-pod-autoscaler-sync-period of kube-controller-manager",
            seen.describe()
        ),
        seqs: seen.seqs.to_vec(),
        observed: HumanDuration::from_ms(seen.ms),
        set: |assumptions, observed| assumptions.sync_period = observed,
    })
}
