//! ScaleDown/ReplicasFall: by the load's removal alone, within the bound, the surplus pods are gone and replicas are
//! min. Nobody edits the HPA and nobody deletes the target; a controller that does not scale down: FAIL.

use super::blame;
use super::ruling::{Ruling, Timely, seconds, timely};
use super::view::{TOGETHER_MS, View};
use crate::record::observation::Phase;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let Some(began) = view.began(Phase::Fall) else {
        return Ruling::open("the load has not ended");
    };
    if let Some((why, seq)) = blame::interference(view) {
        return Ruling::unclear(why).cite([seq]);
    }
    if let Some((seq, workload)) = view.size_at(began).filter(|(_, workload)| workload.spec_replicas <= view.min) {
        let size = workload.spec_replicas;
        return Ruling::unclear(format!(
            "the target had {size} replicas when the load ended, so nothing was left to fall"
        ))
        .cite([seq]);
    }
    let bound = view.times.fall();
    let end = view.end_ms();
    // What the clean-up removes has not fallen.
    let down = view.first_workload(began, |w| w.spec_replicas == view.min && w.replicas == view.min);
    let down = down.filter(|(_, at, _)| *at <= end);
    let gone_ms = surplus_gone(view, began, end);
    let came = down.zip(gone_ms).map(|((seq, at, _), gone)| (seq, at.max(gone)));
    let alive = view.lives().iter().filter(|life| life.is_there(end)).count();
    match (timely(began, &bound, came.map(|(_, at)| at), end), came) {
        (Timely::Yes, Some((seq, at))) => Ruling::holds(format!(
            "{} after the load ended replicas are {} and the surplus pods gone (bound {bound})",
            seconds(at - began),
            view.min
        ))
        .cite([seq])
        .cite(view.changes.iter().filter(|c| c.at_ms >= began).map(|c| c.seq)),
        (Timely::Late, Some((seq, at))) => Ruling::unclear(format!(
            "replicas were {} only {} after the load ended: later than {bound}, but within twice its assumed terms",
            view.min,
            seconds(at - began)
        ))
        .cite([seq]),
        (Timely::NotYet, _) => Ruling::open(format!(
            "spec.replicas {}, {alive} pods, {} after the load ended",
            view.size_at(end).map_or(0, |(_, w)| w.spec_replicas),
            seconds(end - began)
        )),
        (_, came) => {
            let until = came.map_or(end, |(_, at)| at);
            let text = format!(
                "{} after the load ended the target still had {} replicas and {alive} pods, not {} (bound {bound})",
                seconds(until - began),
                view.size_at(until.saturating_sub(1)).map_or(0, |(_, w)| w.spec_replicas),
                view.min
            );
            overdue(view, began, until, text).cite(view.size_at(end).map(|(seq, _)| seq))
        }
    }
}

/// Not in time. The controller is to blame only if the metric led back to min all the while for which it may wait: a
/// value that asks for more begins its window again.
fn overdue(view: &View<'_>, began: u64, until: u64, text: String) -> Ruling {
    let held = view.size_at(began).map_or(view.expect, |(_, workload)| workload.spec_replicas);
    let readings: Vec<_> = view.served_in(began, until).collect();
    let spans = view.spans(&readings, |served| served.leads_to(held, view.min) == Some(view.min));
    let quiet = spans.last().filter(|(_, to)| to + TOGETHER_MS >= until).map_or(0, |(from, _)| until - from);
    let patience = view.times.fall().generous_ms() - view.times.falls_back().generous_ms();
    if quiet < patience {
        return Ruling::unclear(format!(
            "{text}; but the readings lead back to {} on end only since {} before, of {} that twice the assumed times may take",
            view.min,
            seconds(quiet),
            seconds(patience)
        ));
    }
    let last = view.our_hpa().take_while(|(o, _)| o.at_ms <= until).last();
    let silent = last
        .map_or(String::new(), |(o, _)| format!("; the HPA's status last changed {} before", seconds(until - o.at_ms)));
    Ruling::broken(format!(
        "{text}, although the readings lead back to {} for {} on end{silent}",
        view.min,
        seconds(quiet)
    ))
    .cite(last.map(|(o, _)| o.seq))
}

/// When no more than min pods of the target were left.
fn surplus_gone(view: &View<'_>, began: u64, end: u64) -> Option<u64> {
    let lives = view.lives();
    let min = usize::try_from(view.min).unwrap_or(0);
    let left = |at: u64| lives.iter().filter(|life| life.is_there(at)).count();
    let moments = std::iter::once(began)
        .chain(lives.iter().filter_map(|life| life.gone_ms).filter(|gone| (began..=end).contains(gone)));
    moments.filter(|at| left(*at) <= min).min()
}
