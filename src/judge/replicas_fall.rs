//! ScaleDown/ReplicasFall: by the load's removal alone, within the bound, the surplus pods are gone and replicas are
//! min. Nobody edits the HPA and nobody deletes the target; a controller that does not scale down: FAIL.

use super::attribution;
use super::check_result::{BoundResult, CheckResult, compare_with_bound, format_ms};
use super::run_view::{MAX_READING_GAP_MS, RunView};
use crate::model::observation::Phase;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some(began) = view.phase_start(Phase::ScaleDown) else {
        return CheckResult::pending("the load has not ended");
    };
    if let Some((why, seq)) = attribution::find_interference(view) {
        return CheckResult::inconclusive(why).with_cites([seq]);
    }
    if let Some((seq, workload)) =
        view.workload_at(began).filter(|(_, workload)| workload.spec_replicas <= view.min_replicas)
    {
        let size = workload.spec_replicas;
        return CheckResult::inconclusive(format!(
            "the target had {size} replicas when the load ended, so nothing was left to fall"
        ))
        .with_cites([seq]);
    }
    let bound = view.times.scale_down();
    let end = view.end_ms();
    // What the clean-up removes has not fallen.
    let down = view.first_workload(began, |w| w.spec_replicas == view.min_replicas && w.replicas == view.min_replicas);
    let down = down.filter(|(_, at, _)| *at <= end);
    let gone_ms = surplus_gone_ms(view, began, end);
    let came = down.zip(gone_ms).map(|((seq, at, _), gone)| (seq, at.max(gone)));
    let alive = view.target_pods().iter().filter(|life| life.exists_at(end)).count();
    match (compare_with_bound(began, &bound, came.map(|(_, at)| at), end), came) {
        (BoundResult::Within, Some((seq, at))) => CheckResult::pass(format!(
            "{} after the load ended replicas are {} and the surplus pods gone (bound {bound})",
            format_ms(at - began),
            view.min_replicas
        ))
        .with_cites([seq])
        .with_cites(view.size_changes.iter().filter(|c| c.at_ms >= began).map(|c| c.seq)),
        (BoundResult::Late, Some((seq, at))) => CheckResult::inconclusive(format!(
            "replicas were {} only {} after the load ended: later than {bound}, but within twice its assumed terms",
            view.min_replicas,
            format_ms(at - began)
        ))
        .with_cites([seq]),
        (BoundResult::Pending, _) => CheckResult::pending(format!(
            "spec.replicas {}, {alive} pods, {} after the load ended",
            view.workload_at(end).map_or(0, |(_, w)| w.spec_replicas),
            format_ms(end - began)
        )),
        (_, came) => {
            let until = came.map_or(end, |(_, at)| at);
            let text = format!(
                "{} after the load ended the target still had {} replicas and {alive} pods, not {} (bound {bound})",
                format_ms(until - began),
                view.workload_at(until.saturating_sub(1)).map_or(0, |(_, w)| w.spec_replicas),
                view.min_replicas
            );
            evaluate_overdue(view, began, until, text).with_cites(view.workload_at(end).map(|(seq, _)| seq))
        }
    }
}

/// Not in time. The controller is to blame only if the metric led back to min all the while for which it may wait: a
/// value that asks for more begins its window again.
fn evaluate_overdue(view: &RunView<'_>, began: u64, until: u64, text: String) -> CheckResult {
    let held = view.workload_at(began).map_or(view.expected_replicas, |(_, workload)| workload.spec_replicas);
    let readings: Vec<_> = view.api_readings_in(began, until).collect();
    let spans =
        view.spans_where(&readings, |served| served.converged_size(held, view.min_replicas) == Some(view.min_replicas));
    let quiet = spans.last().filter(|(_, to)| to + MAX_READING_GAP_MS >= until).map_or(0, |(from, _)| until - from);
    let patience = view.times.scale_down().lenient_ms() - view.times.metric_falls_back().lenient_ms();
    if quiet < patience {
        return CheckResult::inconclusive(format!(
            "{text}; but the readings lead back to {} on end only since {} before, of {} that twice the assumed times may take",
            view.min_replicas,
            format_ms(quiet),
            format_ms(patience)
        ));
    }
    let last = view.our_hpa_snapshots().take_while(|(o, _)| o.at_ms <= until).last();
    let silent = last.map_or(String::new(), |(o, _)| {
        format!("; the HPA's status last changed {} before", format_ms(until - o.at_ms))
    });
    CheckResult::fail(format!(
        "{text}, although the readings lead back to {} for {} on end{silent}",
        view.min_replicas,
        format_ms(quiet)
    ))
    .with_cites(last.map(|(o, _)| o.seq))
}

/// When no more than min pods of the target were left.
fn surplus_gone_ms(view: &RunView<'_>, began: u64, end: u64) -> Option<u64> {
    let lives = view.target_pods();
    let min = usize::try_from(view.min_replicas).unwrap_or(0);
    let left = |at: u64| lives.iter().filter(|life| life.exists_at(at)).count();
    let moments = std::iter::once(began)
        .chain(lives.iter().filter_map(|life| life.gone_ms).filter(|gone| (began..=end).contains(gone)));
    moments.filter(|at| left(*at) <= min).min()
}
