//! ScaleUp/ReplicasRise: the target reaches the expected replicas within the bound after the metric starts to recommend
//! them for a sync period plus the metric lag; an interruption begins the bound anew. A controller that does not act on a lasting
//! recommendation: FAIL. Pods that a quota or an admission controller rejects are not the HPA's doing.

use crate::bounds::SLACK;
use crate::judge::check_result::{BoundResult, CheckResult, compare_with_bound, format_ms, format_replicas};
use crate::judge::run_view::RunView;
use crate::model::plan::TimeBound;
use crate::units::HumanDuration;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some((began, end)) = view.load_span() else {
        return CheckResult::pending("the load has not started");
    };
    let needed_ms = view.times.metric_sustained().total_ms();
    let spans = view.spans_for_expected();
    let Some((sustained_ms, _)) = spans.iter().copied().find(|(from, to)| to - from >= needed_ms) else {
        return CheckResult::pending("the metric does not recommend the expected replicas for long enough yet");
    };
    let reached = view.expected_size_reached(began);
    let recommended_ms = reached.map_or(sustained_ms, |(_, at, _)| recommended_since(view, &spans, sustained_ms, at));
    let recommends = if recommended_ms == sustained_ms { "first recommends" } else { "again recommends" };
    let reading_seq = view.api_readings_in(recommended_ms, recommended_ms).next().map(|reading| reading.seq);
    let waited_until = reached.map_or(end, |(_, at, _)| at);
    let bound = view.bound_with_restarts(view.times.scale_up(), recommended_ms, waited_until);
    match (compare_with_bound(recommended_ms, &bound, reached.map(|(_, at, _)| at), end), reached) {
        (BoundResult::Within, Some((seq, at, workload))) if at < recommended_ms => CheckResult::pass(format!(
            "{} {} before the metric recommends {} for {} without interruption; an earlier reading recommended the scale-up",
            format_replicas(workload.replicas),
            format_ms(recommended_ms - at),
            format_replicas(view.expected_replicas),
            format_ms(needed_ms)
        ))
        .with_cites(reading_seq)
        .with_cites([seq]),
        (BoundResult::Within, Some((seq, at, workload))) => CheckResult::pass(format!(
            "{} {} after the metric {recommends} {} (bound {})",
            format_replicas(workload.replicas),
            format_ms(at.saturating_sub(recommended_ms)),
            format_replicas(view.expected_replicas),
            HumanDuration::from_ms(bound.total_ms())
        ))
        .with_cites(reading_seq)
        .with_cites([seq]),
        (BoundResult::Late, Some((seq, at, _))) => CheckResult::inconclusive(format!(
            "{} were reached {} after the metric {recommends} them: later than {bound}, but within the bound with its assumed terms doubled",
            format_replicas(view.expected_replicas),
            format_ms(at - recommended_ms)
        ))
        .with_cites(reading_seq)
        .with_cites([seq]),
        (BoundResult::Pending, _) => CheckResult::pending(format!("{} of {} replicas: {}", view.min_replicas, view.expected_replicas, describe_sizes(view, end))),
        _ => explain_not_reached(view, recommended_ms, &bound).with_cites(reading_seq).with_cites(view.workload_at(end).map(|(seq, _)| seq)),
    }
}

/// Since when a size that was reached at `at_ms` had been recommended. The first recommendation that lasts counts, unless it was
/// interrupted before the controller had to act on it: what is not recommended, no controller sets.
fn recommended_since(view: &RunView<'_>, spans: &[(u64, u64)], sustained_ms: u64, at_ms: u64) -> u64 {
    let bound_ms = view.times.scale_up().total_ms();
    let before = || spans.iter().filter(|(from, _)| (sustained_ms..=at_ms).contains(from));
    let lasting = before().find(|(from, to)| to.min(&at_ms) - from >= bound_ms);
    lasting.or_else(|| before().next_back()).map_or(sustained_ms, |(from, _)| *from)
}

/// The size was not reached in time: decides whether the controller is the cause.
fn explain_not_reached(view: &RunView<'_>, recommended_ms: u64, bound: &TimeBound) -> CheckResult {
    let (began, end) = view.load_span().unwrap_or_default();
    let deadline_ms = recommended_ms + bound.lenient_ms();
    let text = format!(
        "the metric recommends {}, but {} later the target has fewer ({})",
        format_replicas(view.expected_replicas),
        format_ms(end.saturating_sub(recommended_ms)),
        describe_sizes(view, end)
    );
    if view
        .first_workload(began, |w| w.spec_replicas >= view.expected_replicas)
        .is_some_and(|(_, at, _)| at <= deadline_ms)
    {
        let event = view.events.iter().rfind(|(o, event)| event.reason == "FailedCreate" && o.at_ms <= end);
        let detail = event.map_or(String::new(), |(_, event)| format!(": {}", event.message));
        return CheckResult::inconclusive(format!(
            "the autoscaler set spec.replicas, but the pods were not created ({}){detail}",
            describe_sizes(view, end)
        ));
    }
    // A controller with twice the assumed sync period has a pass within a recommendation that lasts this long.
    let sustained_ms = view.times.scale_up().lenient_ms().saturating_sub(SLACK.ms());
    let spans = view.spans_for_expected();
    let sustained = || spans.iter().filter(|(from, to)| to - from >= sustained_ms);
    if sustained().next().is_none() {
        return CheckResult::inconclusive(format!(
            "{text}; it recommends them, but not for {} without interruption",
            format_ms(sustained_ms)
        ));
    }
    let restarted = |span: &(u64, u64)| view.find_restart_in_wait(*span, sustained_ms, view.times.up_window_ms);
    let causes: Vec<_> = sustained().map(restarted).collect();
    if let Some(Some((cause, seq))) = causes.iter().find(|_| causes.iter().all(Option::is_some)) {
        return CheckResult::inconclusive(format!("{text}; but {cause}")).with_cites(*seq);
    }
    CheckResult::fail(format!("{text}; bound {bound}"))
}

fn describe_sizes(view: &RunView<'_>, at_ms: u64) -> String {
    view.workload_at(at_ms).map_or("the target was not observed".to_owned(), |(_, workload)| {
        format!("spec.replicas {}, status.replicas {}", workload.spec_replicas, workload.replicas)
    })
}
