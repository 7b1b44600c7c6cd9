//! ScaleUp/ReplicasRise: from the moment on at which the metric begins to ask for the expected size for a sync period
//! and the lag, within the bound, the target has that many replicas. A controller that does not act on a metric which
//! asks for more, and goes on asking: FAIL. Pods that a quota or an admission forbids are not its doing.

use super::check_result::{BoundResult, CheckResult, compare_with_bound, format_ms};
use super::run_view::RunView;
use crate::bounds::SLACK;
use crate::model::observation::WorkloadSnapshot;
use crate::model::plan::TimeBound;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some((began, end)) = view.load_span() else {
        return CheckResult::pending("the load has not begun");
    };
    let need = view.times.metric_sustained().total_ms();
    let Some((asking_ms, _)) = view.spans_for_expected().into_iter().find(|(from, to)| to - from >= need) else {
        return CheckResult::pending("the metric does not ask for more for long enough yet");
    };
    let asking = view.api_readings_in(asking_ms, asking_ms).next().map(|served| served.seq);
    let bound = view.times.scale_up();
    let reached = expected_size_reached(view, began);
    match (compare_with_bound(asking_ms, &bound, reached.map(|(_, at, _)| at), end), reached) {
        (BoundResult::Within, Some((seq, at, workload))) if at < asking_ms => CheckResult::pass(format!(
            "{} replicas were there {} before the metric asked for {} over {} on end; it had asked for the rise before",
            workload.replicas,
            format_ms(asking_ms - at),
            view.expected_replicas,
            format_ms(need)
        ))
        .with_cites(asking)
        .with_cites([seq]),
        (BoundResult::Within, Some((seq, at, workload))) => CheckResult::pass(format!(
            "{} replicas {} after the metric began to ask for {} (bound {bound})",
            workload.replicas,
            format_ms(at.saturating_sub(asking_ms)),
            view.expected_replicas
        ))
        .with_cites(asking)
        .with_cites([seq]),
        (BoundResult::Late, Some((seq, at, _))) => CheckResult::inconclusive(format!(
            "{} replicas were reached {} after the metric began to ask for them: later than {bound}, but within twice its assumed terms",
            view.expected_replicas,
            format_ms(at - asking_ms)
        ))
        .with_cites(asking)
        .with_cites([seq]),
        (BoundResult::Pending, _) => CheckResult::pending(format!("{} of {} replicas: {}", view.min_replicas, view.expected_replicas, describe_sizes(view, end))),
        _ => explain_not_reached(view, asking_ms, &bound).with_cites(asking).with_cites(view.workload_at(end).map(|(seq, _)| seq)),
    }
}

/// When the target had the expected size under load: set, and made. Pods of a rollout make more than is set.
pub(super) fn expected_size_reached<'a>(view: &RunView<'a>, began: u64) -> Option<(u64, u64, &'a WorkloadSnapshot)> {
    view.first_workload(began, |w| w.spec_replicas >= view.expected_replicas && w.replicas >= view.expected_replicas)
}

/// Not reached in time: whose fault is it?
fn explain_not_reached(view: &RunView<'_>, asking_ms: u64, bound: &TimeBound) -> CheckResult {
    let (began, end) = view.load_span().unwrap_or_default();
    let by = asking_ms + bound.lenient_ms();
    let text = format!(
        "the metric asked for {} replicas, but {} later there were not so many ({})",
        view.expected_replicas,
        format_ms(end.saturating_sub(asking_ms)),
        describe_sizes(view, end)
    );
    if view.first_workload(began, |w| w.spec_replicas >= view.expected_replicas).is_some_and(|(_, at, _)| at <= by) {
        let why = view.events.iter().rfind(|(o, event)| event.reason == "FailedCreate" && o.at_ms <= end);
        let why = why.map_or(String::new(), |(_, event)| format!(": {}", event.message));
        return CheckResult::inconclusive(format!(
            "the autoscaler set the size, but the pods were not made ({}){why}",
            describe_sizes(view, end)
        ));
    }
    // A pass of twice the assumed period would have seen it, if it was asked for all the time.
    let patience = bound.lenient_ms().saturating_sub(SLACK.ms());
    if !view.spans_for_expected().iter().any(|(from, to)| to - from >= patience) {
        return CheckResult::inconclusive(format!(
            "{text}; it asked for them, but not for as long as {} on end",
            format_ms(patience)
        ));
    }
    CheckResult::fail(format!("{text}; bound {bound}"))
}

fn describe_sizes(view: &RunView<'_>, at_ms: u64) -> String {
    view.workload_at(at_ms).map_or("the target was not seen".to_owned(), |(_, workload)| {
        format!("spec.replicas {}, status.replicas {}", workload.spec_replicas, workload.replicas)
    })
}
