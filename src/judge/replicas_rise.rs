//! ScaleUp/ReplicasRise: from the first reading that asks for the expected size on, within the bound, the target has
//! that many replicas. A controller that does not act on a metric which asks for more: FAIL.

use super::ruling::{Ruling, Timely, seconds, timely};
use super::view::View;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let Some((began, end)) = view.loaded() else {
        return Ruling::open("the load has not begun");
    };
    let Some(asking) = view.served_in(began, end).find(|s| s.asks().is_some_and(|asks| asks >= view.expect)) else {
        return Ruling::open("no reading asks for more yet");
    };
    let bound = view.times.rise();
    let reached = view.first_workload(began, |workload| workload.replicas >= view.expect);
    let sizes = view.size_at(end).map_or(String::new(), |(_, workload)| {
        format!("spec.replicas {}, status.replicas {}", workload.spec_replicas, workload.replicas)
    });
    match (timely(asking.at_ms, &bound, reached.map(|(_, at, _)| at), end), reached) {
        (Timely::Yes, Some((seq, at, workload))) => Ruling::holds(format!(
            "{} replicas {} after the first reading that asks for {} (bound {bound})",
            workload.replicas,
            seconds(at.saturating_sub(asking.at_ms)),
            view.expect
        ))
        .cite([asking.seq, seq]),
        (Timely::Late, Some((seq, at, _))) => Ruling::unclear(format!(
            "{} replicas were reached {} after the metric asked for them: later than {bound}, but within twice its assumed terms",
            view.expect,
            seconds(at - asking.at_ms)
        ))
        .cite([asking.seq, seq]),
        (Timely::NotYet, _) => Ruling::open(format!("{} of {} replicas: {sizes}", view.min, view.expect)),
        _ => Ruling::broken(format!(
            "the metric asked for {} replicas, but {} later there were not so many ({sizes}); bound {bound}",
            view.expect,
            seconds(end.saturating_sub(asking.at_ms))
        ))
        .cite([asking.seq])
        .cite(view.size_at(end).map(|(seq, _)| seq)),
    }
}
