//! What a rehearsal tells besides its verdict: how the size went, whether it flapped, what it would have cost, and where
//! the time went.

use super::scaling_simulation;
use crate::judge::RunView;
use crate::model::observation::{Observation, ObservationKind, Phase, PhaseEdge};
use crate::model::run_records::RunRecords;

/// What a run on such a cluster would look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunForecast {
    /// Sizes of the target from the HPA on, each with the moment from which it was so, milliseconds of the run's clock.
    pub replicas: Vec<(u64, i32)>,
    /// Changes of direction while the load ran: up after down, or down after up.
    pub direction_changes: usize,
    /// Accelerators that the target's pods held, times the hours for which they did.
    pub accelerator_hours: f64,
    /// Most pods of the target at the same time.
    pub max_pods: usize,
    /// Length of each phase, milliseconds.
    pub phase_durations: Vec<(Phase, u64)>,
}

/// Reads it from the records of a run; `per_pod` accelerators a pod.
#[must_use]
pub fn forecast_run(records: RunRecords<'_>, per_pod: i64) -> RunForecast {
    let view = RunView::new(records);
    let end_ms = records.timeline.last().map_or(0, |last| last.at_ms);
    let lives: Vec<(u64, u64)> =
        view.target_pods().iter().map(|life| (life.first_seen_ms(), life.gone_ms.unwrap_or(end_ms))).collect();
    let held_ms: u64 = lives.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
    let at_once = |at: u64| lives.iter().filter(|(from, to)| (*from..*to).contains(&at)).count();
    let hours = std::time::Duration::from_millis(held_ms).as_secs_f64() / 3600.0;
    let from_ms = view.phase_start(Phase::Autoscaler).unwrap_or(end_ms);
    let to_ms = view.phase_start(Phase::Cleanup).unwrap_or(u64::MAX);
    let before = records.timeline.partition_point(|observation| observation.at_ms < to_ms);
    let target = &records.scenario.hpa.spec.scale_target_ref.name;
    let sizes = scaling_simulation::replica_history(&records.timeline[..before], target, from_ms);
    let sizes: Vec<(u64, i32)> = sizes.into_iter().map(|(after_ms, size)| (from_ms + after_ms, size)).collect();
    let fall_ms = view.phase_start(Phase::ScaleDown).unwrap_or(u64::MAX);
    let under_load = sizes.partition_point(|(at_ms, _)| *at_ms < fall_ms);
    let per_pod = f64::from(i32::try_from(per_pod).unwrap_or(0));
    RunForecast {
        direction_changes: scaling_simulation::turns(&sizes[..under_load]),
        replicas: sizes,
        accelerator_hours: hours * per_pod,
        max_pods: lives.iter().map(|(from, _)| at_once(*from)).max().unwrap_or(0),
        phase_durations: phase_durations(records.timeline, end_ms),
    }
}

fn phase_durations(timeline: &[Observation], end_ms: u64) -> Vec<(Phase, u64)> {
    let marks = timeline.iter().filter_map(|observation| match &observation.kind {
        ObservationKind::Phase(mark) => Some((mark.phase, mark.edge, observation.at_ms)),
        _ => None,
    });
    let mut all: Vec<(Phase, u64, Option<u64>)> = Vec::new();
    for (phase, edge, at_ms) in marks {
        match edge {
            PhaseEdge::Began => all.push((phase, at_ms, None)),
            PhaseEdge::Ended => all.iter_mut().filter(|one| one.0 == phase).for_each(|one| one.2 = Some(at_ms)),
        }
    }
    all.into_iter().map(|(phase, from, to)| (phase, to.unwrap_or(end_ms) - from)).collect()
}
