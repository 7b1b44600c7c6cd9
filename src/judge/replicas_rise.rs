//! ScaleUp/ReplicasRise: from the moment on at which the metric begins to ask for the expected size for a sync period
//! and the lag, within the bound, the target has that many replicas. A controller that does not act on a metric which
//! asks for more, and goes on asking: FAIL. Pods that a quota or an admission forbids are not its doing.

use super::ruling::{Ruling, Timely, seconds, timely};
use super::view::View;
use crate::bounds::SLACK;
use crate::record::observation::WorkloadSeen;
use crate::record::plan::Bound;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let Some((began, end)) = view.loaded() else {
        return Ruling::open("the load has not begun");
    };
    let need = view.times.sustained().ms();
    let Some((asking_ms, _)) = view.asking_spans().into_iter().find(|(from, to)| to - from >= need) else {
        return Ruling::open("the metric does not ask for more for long enough yet");
    };
    let asking = view.served_in(asking_ms, asking_ms).next().map(|served| served.seq);
    let bound = view.times.rise();
    let reached = reached(view, began);
    match (timely(asking_ms, &bound, reached.map(|(_, at, _)| at), end), reached) {
        (Timely::Yes, Some((seq, at, workload))) if at < asking_ms => Ruling::holds(format!(
            "{} replicas were there {} before the metric asked for {} over {} on end; it had asked for the rise before",
            workload.replicas,
            seconds(asking_ms - at),
            view.expect,
            seconds(need)
        ))
        .cite(asking)
        .cite([seq]),
        (Timely::Yes, Some((seq, at, workload))) => Ruling::holds(format!(
            "{} replicas {} after the metric began to ask for {} (bound {bound})",
            workload.replicas,
            seconds(at.saturating_sub(asking_ms)),
            view.expect
        ))
        .cite(asking)
        .cite([seq]),
        (Timely::Late, Some((seq, at, _))) => Ruling::unclear(format!(
            "{} replicas were reached {} after the metric began to ask for them: later than {bound}, but within twice its assumed terms",
            view.expect,
            seconds(at - asking_ms)
        ))
        .cite(asking)
        .cite([seq]),
        (Timely::NotYet, _) => Ruling::open(format!("{} of {} replicas: {}", view.min, view.expect, sizes(view, end))),
        _ => unmet(view, asking_ms, &bound).cite(asking).cite(view.size_at(end).map(|(seq, _)| seq)),
    }
}

/// When the target had the expected size under load: set, and made. Pods of a rollout make more than is set.
pub(super) fn reached<'a>(view: &View<'a>, began: u64) -> Option<(u64, u64, &'a WorkloadSeen)> {
    view.first_workload(began, |w| w.spec_replicas >= view.expect && w.replicas >= view.expect)
}

/// Not reached in time: whose fault is it?
fn unmet(view: &View<'_>, asking_ms: u64, bound: &Bound) -> Ruling {
    let (began, end) = view.loaded().unwrap_or_default();
    let by = asking_ms + bound.generous_ms();
    let text = format!(
        "the metric asked for {} replicas, but {} later there were not so many ({})",
        view.expect,
        seconds(end.saturating_sub(asking_ms)),
        sizes(view, end)
    );
    if view.first_workload(began, |w| w.spec_replicas >= view.expect).is_some_and(|(_, at, _)| at <= by) {
        let why = view.events.iter().rfind(|(o, event)| event.reason == "FailedCreate" && o.at_ms <= end);
        let why = why.map_or(String::new(), |(_, event)| format!(": {}", event.message));
        return Ruling::unclear(format!(
            "the autoscaler set the size, but the pods were not made ({}){why}",
            sizes(view, end)
        ));
    }
    // A pass of twice the assumed period would have seen it, if it was asked for all the time.
    let patience = bound.generous_ms().saturating_sub(SLACK.ms());
    if !view.asking_spans().iter().any(|(from, to)| to - from >= patience) {
        return Ruling::unclear(format!(
            "{text}; it asked for them, but not for as long as {} on end",
            seconds(patience)
        ));
    }
    Ruling::broken(format!("{text}; bound {bound}"))
}

fn sizes(view: &View<'_>, at_ms: u64) -> String {
    view.size_at(at_ms).map_or("the target was not seen".to_owned(), |(_, workload)| {
        format!("spec.replicas {}, status.replicas {}", workload.spec_replicas, workload.replicas)
    })
}
