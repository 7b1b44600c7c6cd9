//! A controller that does nothing within twice the assumed times: it is broken, or slower than assumed. Its next status
//! shows which, so the run waits for one.

use super::scale_down_window::WindowHold;
use crate::bounds::SLACK;
use crate::judge::check_result::format_ms;
use crate::judge::checks::{Check, Prerequisite};
use crate::judge::run_view::RunView;
use crate::model::assumptions::Assumptions;
use crate::model::observation::Phase;

/// How many times the assumed time the run waits. Assumed times are guesses, and rarely wrong by more.
const FACTOR: u64 = 6;

/// What the run waits for before it counts that the controller does nothing; `None` once it has waited, or has ended.
pub(super) fn describe_wait(view: &RunView<'_>, prerequisite: Prerequisite) -> Option<String> {
    if view.phase_start(Phase::Cleanup).is_some() {
        return None;
    }
    match prerequisite {
        Prerequisite::Whole(Check::AutoscalerActive | Check::ReplicasRise) => describe_silence(view),
        Prerequisite::Whole(Check::ReplicasFall) => describe_silence(view).or_else(|| describe_window(view)),
        _ => None,
    }
}

/// No status of the HPA reports the value that the metrics API serves, for longer than the assumed sync period allows: a pass
/// of a slower controller may still come.
fn describe_silence(view: &RunView<'_>) -> Option<String> {
    let (assumed, default) = (view.times.assumptions.sync_period, Assumptions::default().sync_period);
    // The controller may skip one sync.
    let with_skip_ms = |period_ms: u64| 2 * period_ms + SLACK.ms();
    // An assumption that is shorter than the default of Kubernetes may be too short.
    let longest_ms = with_skip_ms((FACTOR * assumed.ms()).max(2 * default.ms()));
    let silent_ms = view.silent_ms();
    (with_skip_ms(assumed.ms()) < silent_ms && silent_ms < longest_ms).then(|| {
        format!(
            "no pass has reported the value of the metrics API for {}, and the sync period may be longer than assumed: waiting up to {} for one",
            format_ms(silent_ms),
            format_ms(longest_ms)
        )
    })
}

/// The controller says that it keeps the size for its window, which is a flag of the controller.
fn describe_window(view: &RunView<'_>) -> Option<String> {
    let default = Assumptions::default().downscale_stabilization;
    let longest_ms = (FACTOR * view.times.down_window.ms).max(2 * default.ms());
    let hold = WindowHold::find(view).filter(|hold| hold.ended.is_none())?;
    let kept_ms = view.end_ms().saturating_sub(hold.since_ms);
    (kept_ms < longest_ms).then(|| {
        format!(
            "the HPA's status says that the controller keeps the size for its window, since {}, which may be longer than assumed: waiting up to {}",
            format_ms(kept_ms),
            format_ms(longest_ms)
        )
    })
}
