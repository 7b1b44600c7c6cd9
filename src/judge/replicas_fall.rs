//! ScaleDown/ReplicasFall: by the load's removal alone, within the bound, the surplus pods are gone and replicas are
//! min. Nobody edits the HPA and nobody deletes the target; a controller that does not scale down: FAIL.

use super::ruling::{Ruling, Timely, seconds, timely};
use super::view::View;
use crate::record::observation::Phase;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let Some(began) = view.began(Phase::Fall) else {
        return Ruling::open("the load has not ended");
    };
    if let Some(ruling) = tampered(view) {
        return ruling;
    }
    let bound = view.times.fall();
    let end = view.end_ms();
    let down = view.first_workload(began, |w| w.spec_replicas == view.min && w.replicas == view.min);
    let gone_ms = surplus_gone(view, began);
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
        _ => Ruling::broken(format!(
            "{} after the load ended the target still has {} replicas and {alive} pods, not {} (bound {bound})",
            seconds(end - began),
            view.size_at(end).map_or(0, |(_, w)| w.spec_replicas),
            view.min
        ))
        .cite(view.size_at(end).map(|(seq, _)| seq)),
    }
}

/// When no more than min pods of the target were left.
fn surplus_gone(view: &View<'_>, began: u64) -> Option<u64> {
    let lives = view.lives();
    let min = usize::try_from(view.min).unwrap_or(0);
    let left = |at: u64| lives.iter().filter(|life| life.is_there(at)).count();
    let moments =
        std::iter::once(began).chain(lives.iter().filter_map(|life| life.gone_ms).filter(|gone| *gone >= began));
    moments.filter(|at| left(*at) <= min).min()
}

/// Somebody touched the HPA or the target while it was judged.
fn tampered(view: &View<'_>) -> Option<Ruling> {
    let end = view.end_ms();
    let mut specs = view.our_hpa().filter(|(o, _)| o.at_ms <= end);
    if let Some((_, first)) = specs.next()
        && let Some((o, _)) = specs.find(|(_, hpa)| hpa.spec_digest != first.spec_digest || hpa.uid != first.uid)
    {
        return Some(Ruling::unclear("the HPA was edited or replaced during the run").cite([o.seq]));
    }
    let from = view.began(Phase::Idle).unwrap_or(0);
    let mut targets = view.workloads.iter().filter(|(o, _)| (from..=end).contains(&o.at_ms));
    let (_, first) = targets.next()?;
    let (o, _) = targets.find(|(_, w)| w.uid != first.uid || w.template_digest != first.template_digest)?;
    Some(Ruling::unclear("the target was edited or replaced during the run").cite([o.seq]))
}
