//! ScaleDown/ReplicasFall: after the load ends, and without any other change of the HPA or the target, replicas reach
//! minReplicas and the surplus pods are gone within the bound. A controller that does not scale down: FAIL.

use crate::judge::attribution;
use crate::judge::check_result::{
    BoundResult, CheckResult, CheckStatus, compare_with_bound, format_ms, format_replicas,
};
use crate::judge::run_view::{ControllerProcess, MAX_READING_GAP_MS, RunView, TargetPod};
use crate::model::observation::Phase;
use crate::units::HumanDuration;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let Some(began) = view.phase_start(Phase::ScaleDown) else {
        return CheckResult::pending("the load has not ended");
    };
    if let Some((cause, seq)) = attribution::find_interference(view) {
        return CheckResult::inconclusive(cause).with_cites([seq]);
    }
    if let Some((seq, workload)) =
        view.workload_at(began).filter(|(_, workload)| workload.spec_replicas <= view.min_replicas)
    {
        return CheckResult::inconclusive(format!(
            "the target had {} when the load ended, so there was nothing to scale down",
            format_replicas(workload.spec_replicas)
        ))
        .with_cites([seq]);
    }
    let end = view.end_ms();
    // What the clean-up removes is no scale-down.
    let at_min =
        view.first_workload(began, |w| w.spec_replicas == view.min_replicas && w.replicas == view.min_replicas);
    let at_min = at_min.filter(|(_, at, _)| *at <= end);
    let gone_ms = surplus_gone_ms(view, began, end);
    let completed = at_min.zip(gone_ms).map(|((seq, at, _), gone)| (seq, at.max(gone)));
    let waited_until = completed.map_or(end, |(_, at)| at);
    let bound = view.bound_with_restarts(view.times.scale_down(), began, waited_until);
    let pods_left = view.target_pods().iter().filter(|pod| pod.exists_at(end)).count();
    match (compare_with_bound(began, &bound, completed.map(|(_, at)| at), end), completed) {
        (BoundResult::Within, Some((seq, at))) => CheckResult::pass(format!(
            "{} and no surplus pod {} after the load ended (bound {})",
            format_replicas(view.min_replicas),
            format_ms(at - began),
            HumanDuration::from_ms(bound.total_ms())
        ))
        .with_cites([seq])
        .with_cites(view.size_changes.iter().filter(|c| c.at_ms >= began).map(|c| c.seq)),
        (BoundResult::Late, Some((seq, at))) => CheckResult::inconclusive(format!(
            "replicas were {} only {} after the load ended: later than {bound}, but within the bound with its assumed terms doubled",
            view.min_replicas,
            format_ms(at - began)
        ))
        .with_cites([seq]),
        (BoundResult::Pending, _) => CheckResult::pending(format!(
            "spec.replicas {}, {pods_left} pods, {} after the load ended",
            view.workload_at(end).map_or(0, |(_, w)| w.spec_replicas),
            format_ms(end - began)
        )),
        (_, completed) => {
            let until = completed.map_or(end, |(_, at)| at);
            let text = format!(
                "{} after the load ended the target still had {} and {pods_left} pods, not {} (bound {bound})",
                format_ms(until - began),
                format_replicas(view.workload_at(until.saturating_sub(1)).map_or(0, |(_, w)| w.spec_replicas)),
                view.min_replicas
            );
            let result = evaluate_overdue(view, began, until, text.clone());
            let may_come = completed.is_none() && may_fall_later(view, began + bound.lenient_ms(), end);
            let result = if may_come && !result.has_status(CheckStatus::Fail) { CheckResult::pending(text) } else { result };
            result.with_cites(view.workload_at(end).map(|(seq, _)| seq))
        }
    }
}

/// True where a controller that may have restarted unseen has one more window after the bound.
fn may_fall_later(view: &RunView<'_>, bound_ms: u64, end: u64) -> bool {
    view.phase_start(Phase::Cleanup).is_none()
        && view.controller_process(end) == ControllerProcess::NotSeen
        && end < bound_ms + view.unseen_restart_ms()
}

/// Evaluates a scale-down that is not complete in time. It is a FAIL only if the metric recommended minReplicas for as
/// long as the controller may wait, and one process of the controller saw it: a larger recommendation and a new process
/// restart the stabilization window.
fn evaluate_overdue(view: &RunView<'_>, began: u64, until: u64, text: String) -> CheckResult {
    let replicas_before =
        view.workload_at(began).map_or(view.expected_replicas, |(_, workload)| workload.spec_replicas);
    let readings: Vec<_> = view.api_readings_in(began, until).collect();
    let spans = view.spans_where(&readings, |reading| {
        reading.converged_size(replicas_before, view.min_replicas) == Some(view.min_replicas)
    });
    let at_min_ms = spans.last().filter(|(_, to)| to + MAX_READING_GAP_MS >= until).map_or(0, |(from, _)| until - from);
    let allowed_ms = view.times.scale_down().lenient_ms() - view.times.metric_falls_back().lenient_ms();
    if at_min_ms < allowed_ms {
        return CheckResult::inconclusive(format!(
            "{text}; but the metric recommends {} without interruption only since {} before, of {} that the doubled assumed times allow",
            format_replicas(view.min_replicas),
            format_ms(at_min_ms),
            format_ms(allowed_ms)
        ));
    }
    if let Some((cause, seq)) =
        view.find_restart_in_wait((until - at_min_ms, until), allowed_ms, view.unseen_restart_ms())
    {
        return CheckResult::inconclusive(format!("{text}; but {cause}")).with_cites(seq);
    }
    let last = view.our_hpa_before(until.saturating_add(1));
    let status_age = last.map_or(String::new(), |(o, _)| {
        format!("; the HPA's status last changed {} before", format_ms(until - o.at_ms))
    });
    CheckResult::fail(format!(
        "{text}, although the metric recommends {} for {} without interruption{status_age}",
        format_replicas(view.min_replicas),
        format_ms(at_min_ms)
    ))
    .with_cites(last.map(|(o, _)| o.seq))
}

/// When no more than minReplicas pods of the target were left.
fn surplus_gone_ms(view: &RunView<'_>, began: u64, end: u64) -> Option<u64> {
    let pods = view.target_pods();
    let min = usize::try_from(view.min_replicas).unwrap_or(0);
    let sorted = |mut times: Vec<u64>| {
        times.sort_unstable();
        times
    };
    let created = sorted(pods.iter().map(TargetPod::first_seen_ms).collect());
    let gone = sorted(pods.iter().filter_map(|pod| Some(pod.gone_ms?.max(pod.first_seen_ms()))).collect());
    let until = |times: &[u64], at: u64| times.partition_point(|time| *time <= at);
    let left = |at: u64| until(&created, at).saturating_sub(until(&gone, at));
    let mut times = std::iter::once(began).chain(gone.iter().copied().filter(|gone| (began..=end).contains(gone)));
    times.find(|at| left(*at) <= min)
}
