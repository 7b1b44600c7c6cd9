//! What a rehearsal tells besides its verdict: how the size went, whether it flapped, what it would have cost, and where
//! the time went.

use super::under_load;
use crate::judge::View;
use crate::record::observation::{Edge, Observation, Phase, Seen};
use crate::record::records::Records;

/// What a run on such a cluster would look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Sizes of the target from the HPA on, each with the moment from which it was so, milliseconds of the run's clock.
    pub sizes: Vec<(u64, i32)>,
    /// Changes of direction while the load ran: up after down, or down after up.
    pub turns: usize,
    /// Accelerators that the target's pods held, times the hours for which they did.
    pub accelerator_hours: f64,
    /// Most pods of the target at the same time.
    pub most_pods: usize,
    /// Length of each phase, milliseconds.
    pub phases: Vec<(Phase, u64)>,
}

/// Reads it from the records of a run; `per_pod` accelerators a pod.
#[must_use]
pub fn forecast(records: Records<'_>, per_pod: i64) -> Forecast {
    let view = View::new(records);
    let end_ms = records.timeline.last().map_or(0, |last| last.at_ms);
    let lives: Vec<(u64, u64)> =
        view.lives().iter().map(|life| (life.first_ms(), life.gone_ms.unwrap_or(end_ms))).collect();
    let held_ms: u64 = lives.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
    let at_once = |at: u64| lives.iter().filter(|(from, to)| (*from..*to).contains(&at)).count();
    let hours = std::time::Duration::from_millis(held_ms).as_secs_f64() / 3600.0;
    let from_ms = view.began(Phase::Autoscaler).unwrap_or(end_ms);
    let to_ms = view.began(Phase::Cleanup).unwrap_or(u64::MAX);
    let before = records.timeline.partition_point(|observation| observation.at_ms < to_ms);
    let target = &records.scenario.hpa.spec.scale_target_ref.name;
    let sizes = under_load::sizes(&records.timeline[..before], target, from_ms);
    let sizes: Vec<(u64, i32)> = sizes.into_iter().map(|(after_ms, size)| (from_ms + after_ms, size)).collect();
    let fall_ms = view.began(Phase::Fall).unwrap_or(u64::MAX);
    let under_load = sizes.partition_point(|(at_ms, _)| *at_ms < fall_ms);
    let per_pod = f64::from(i32::try_from(per_pod).unwrap_or(0));
    Forecast {
        turns: under_load::turns(&sizes[..under_load]),
        sizes,
        accelerator_hours: hours * per_pod,
        most_pods: lives.iter().map(|(from, _)| at_once(*from)).max().unwrap_or(0),
        phases: phases(records.timeline, end_ms),
    }
}

fn phases(timeline: &[Observation], end_ms: u64) -> Vec<(Phase, u64)> {
    let marks = timeline.iter().filter_map(|observation| match &observation.seen {
        Seen::Phase(mark) => Some((mark.phase, mark.edge, observation.at_ms)),
        _ => None,
    });
    let mut all: Vec<(Phase, u64, Option<u64>)> = Vec::new();
    for (phase, edge, at_ms) in marks {
        match edge {
            Edge::Began => all.push((phase, at_ms, None)),
            Edge::Ended => all.iter_mut().filter(|one| one.0 == phase).for_each(|one| one.2 = Some(at_ms)),
        }
    }
    all.into_iter().map(|(phase, from, to)| (phase, to.unwrap_or(end_ms) - from)).collect()
}
