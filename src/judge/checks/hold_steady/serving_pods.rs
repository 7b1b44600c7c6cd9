//! Of Hold/Steady: the expected pods are Ready and endpoints of the Service until the load ends. Pods that lose their
//! readiness or restart are findings; where they leave too few, the hold shows nothing about the autoscaler.

use crate::bounds::SLACK;
use crate::judge::check_result::{CheckResult, CheckStatus, format_ms};
use crate::judge::checks::Check;
use crate::judge::run_view::RunView;

/// The result where too few pods served; `None` where enough did.
pub(super) fn evaluate_serving_pods(view: &RunView<'_>, reached_ms: u64, end_ms: u64) -> Option<CheckResult> {
    let spans = view.spans_with_serving_pods(view.expected_replicas);
    let serving_ms: u64 = spans.iter().map(|(from, to)| to - from).sum();
    let since_ms = spans.first().map_or(0, |(from, _)| end_ms.saturating_sub(*from));
    // As long as a change of a pod takes to show in the metric. The run stops the load a moment after it has looked.
    let needed_ms = view.times.metric_lag().total_ms() + SLACK.ms();
    let is_to_the_end = spans.last().is_some_and(|(from, to)| to + SLACK.ms() >= end_ms && to - from >= needed_ms);
    if is_to_the_end && 2 * serving_ms >= since_ms {
        let (text, seq) = view.describe_uncounted_pods(*spans.last()?, view.expected_replicas)?;
        return Some(CheckResult::inconclusive(text).with_cites([seq]));
    }
    let how_long = match spans.is_empty() {
        true => "they never were at the same time".to_owned(),
        false => {
            let last_ms = spans.last().filter(|(_, to)| to + SLACK.ms() >= end_ms).map_or(0, |(from, to)| to - from);
            format!(
                "they were for {} of {}, at last for {} of {} needed",
                format_ms(serving_ms),
                format_ms(since_ms),
                format_ms(last_ms),
                format_ms(needed_ms)
            )
        }
    };
    let losses = view.describe_readiness_losses();
    let kind = if losses.is_empty() { "" } else { "(workload) " };
    let losses = losses.into_iter().chain(view.describe_ended_pods(reached_ms, end_ms));
    let text = format!(
        "{kind}{} pods of the target must be Ready and endpoints of the Service until the load ends; {how_long}{}",
        view.expected_replicas,
        losses.map(|loss| format!("; {loss}")).collect::<String>()
    );
    let pod_start_ms = view.times.pod_start().lenient_ms();
    let latest_ms = reached_ms + 2 * pod_start_ms + view.times.hold().lenient_ms();
    let awaited_ms = match spans.last() {
        // A pod that restarts may become Ready again within the time of a start.
        Some((_, to)) => to + pod_start_ms + needed_ms,
        None => awaited_until_ms(view, latest_ms) + needed_ms,
    };
    let may_still_serve = view.is_under_load() && view.now_ms() < latest_ms.min(awaited_ms);
    Some(if may_still_serve { CheckResult::pending(text) } else { CheckResult::inconclusive(text) })
}

/// Until when pods that never served together are awaited: as long as a new pod may still become Ready, then until its endpoint
/// must be there. No pod is awaited that cannot start.
fn awaited_until_ms(view: &RunView<'_>, latest_ms: u64) -> u64 {
    match Check::NewPodsRunOnAccelerators.evaluate_alone(view).status {
        CheckStatus::Pending => latest_ms,
        CheckStatus::Pass => {
            let ready_ms = view.new_pods().iter().filter_map(|pod| Some(pod.first_ready()?.0.at_ms)).max();
            ready_ms.map_or(0, |ready_ms| ready_ms + view.times.new_connections().lenient_ms())
        }
        CheckStatus::Inconclusive | CheckStatus::Fail | CheckStatus::NotApplicable => 0,
    }
}
