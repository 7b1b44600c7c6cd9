//! The scale-down window of the controller's flag, by the statuses in which the controller says that it keeps the size for
//! its window.

use super::RefutedAssumption;
use crate::bounds::SLACK;
use crate::hpa;
use crate::judge::check_result::format_ms;
use crate::judge::run_view::RunView;
use crate::model::observation::{HpaSnapshot, Phase};
use crate::model::plan::TermSource;
use crate::units::HumanDuration;

/// The controller keeps the size for its window after the load has ended.
pub(super) struct WindowHold {
    pub(super) since_ms: u64,
    /// Sequence number of the first status that says so.
    seq: u64,
    /// The scale-down that ended it: its time and sequence number.
    pub(super) ended: Option<(u64, u64)>,
}

impl WindowHold {
    /// Finds it where the window is the controller's flag, up to the first scale-down or to now. A new process begins its
    /// window anew.
    pub(super) fn find(view: &RunView<'_>) -> Option<Self> {
        let began =
            view.phase_start(Phase::ScaleDown).filter(|_| view.times.down_window.source == TermSource::Assumed)?;
        let end_ms = view.end_ms();
        let falls = view.size_changes.iter().filter(|c| c.to < c.from && (began..=end_ms).contains(&c.at_ms));
        let ended = falls.map(|fall| (fall.at_ms, fall.seq)).next();
        let until_ms = ended.map_or(end_ms, |(at_ms, _)| at_ms);
        let statuses = view.our_hpa_snapshots().rev().filter(|(o, _)| (began..=until_ms).contains(&o.at_ms));
        // The status of the scale-down itself may have been observed before it.
        let is_of_end = |at_ms: u64| ended.is_some() && at_ms + SLACK.ms() >= until_ms;
        let before_end = statuses.skip_while(|(o, hpa)| is_of_end(o.at_ms) && !is_stabilized(hpa));
        let (first, _) = before_end.take_while(|(_, hpa)| is_stabilized(hpa)).last()?;
        let is_restarted = view.controller_restarts().any(|one| (first.at_ms..=until_ms).contains(&one.at_ms));
        (!is_restarted).then_some(Self { since_ms: first.at_ms, seq: first.seq, ended })
    }
}

pub(super) fn find_refutation(view: &RunView<'_>) -> Option<RefutedAssumption> {
    let assumptions = view.times.assumptions;
    let assumed = assumptions.downscale_stabilization;
    let hold = WindowHold::find(view)?;
    let (ended_ms, ended_seq) = hold.ended?;
    let (kept_ms, sync_ms) = (ended_ms - hold.since_ms, assumptions.sync_period.ms());
    // The window begins up to a sync before the first status that names it, and ends up to two before the scale-down.
    (kept_ms > assumed.ms() + 2 * sync_ms + SLACK.ms()).then(|| RefutedAssumption {
        statement: format!(
            "assumptions.downscaleStabilization {assumed}: the HPA's status said {} for {} until the scale-down; set it to the --horizontal-pod-autoscaler-downscale-stabilization of kube-controller-manager, or set behavior.scaleDown.stabilizationWindowSeconds in the HPA",
            hpa::SCALE_DOWN_STABILIZED,
            format_ms(kept_ms)
        ),
        seqs: vec![hold.seq, ended_seq],
        observed: HumanDuration::from_ms(kept_ms + sync_ms),
        set: |assumptions, observed| assumptions.downscale_stabilization = observed,
    })
}

/// True when the pass of this status keeps the size although the metric recommends fewer replicas.
fn is_stabilized(hpa: &HpaSnapshot) -> bool {
    hpa.conditions.iter().any(|c| c.kind == "AbleToScale" && c.reason == hpa::SCALE_DOWN_STABILIZED)
}
