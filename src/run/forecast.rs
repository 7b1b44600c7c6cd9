//! What a rehearsal reports besides its verdict: the replicas over time, oscillation, the cost of a real run, and the length
//! of each phase.

use super::scaling_simulation;
use crate::judge::RunView;
use crate::model::observation::{Observation, ObservationKind, Phase, PhaseEdge};
use crate::model::run_records::RunRecords;

/// What to expect of a run on a cluster like the simulated one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RunForecast {
    /// Changes of the target's spec.replicas since the HPA's creation: milliseconds of the run's clock, and the new value.
    pub(crate) replicas: Vec<(u64, i32)>,
    /// Changes of direction under load: up after down, or down after up.
    pub(crate) direction_changes: usize,
    /// Accelerators of the target's pods, times the hours for which the pods existed.
    pub(crate) accelerator_hours: f64,
    /// Most pods of the target at one time.
    pub(crate) max_pods: usize,
    /// Length of each phase, milliseconds.
    pub(crate) phase_durations: Vec<(Phase, u64)>,
}

/// Derives the forecast from the records of a run; each pod uses `per_pod` accelerators.
#[must_use]
pub(crate) fn forecast_run(records: RunRecords<'_>, per_pod: i64) -> RunForecast {
    let view = RunView::new(records);
    let end_ms = records.timeline.last().map_or(0, |last| last.at_ms);
    let lifetimes: Vec<(u64, u64)> =
        view.target_pods().iter().map(|pod| (pod.first_seen_ms(), pod.gone_ms.unwrap_or(end_ms))).collect();
    let total_ms: u64 = lifetimes.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
    let pods_at = |at: u64| lifetimes.iter().filter(|(from, to)| (*from..*to).contains(&at)).count();
    let hours = std::time::Duration::from_millis(total_ms).as_secs_f64() / 3600.0;
    let from_ms = view.phase_start(Phase::Autoscaler).unwrap_or(end_ms);
    let to_ms = view.phase_start(Phase::Cleanup).unwrap_or(u64::MAX);
    let before = records.timeline.partition_point(|observation| observation.at_ms < to_ms);
    let target = &records.scenario.hpa.spec.scale_target_ref.name;
    let history = scaling_simulation::replica_history(&records.timeline[..before], target, from_ms);
    let history: Vec<(u64, i32)> =
        history.into_iter().map(|(after_ms, replicas)| (from_ms + after_ms, replicas)).collect();
    let scale_down_ms = view.phase_start(Phase::ScaleDown).unwrap_or(u64::MAX);
    let under_load = history.partition_point(|(at_ms, _)| *at_ms < scale_down_ms);
    let per_pod = f64::from(i32::try_from(per_pod).unwrap_or(0));
    RunForecast {
        direction_changes: scaling_simulation::direction_changes(&history[..under_load]),
        replicas: history,
        accelerator_hours: hours * per_pod,
        max_pods: lifetimes.iter().map(|(from, _)| pods_at(*from)).max().unwrap_or(0),
        phase_durations: phase_durations(records.timeline, end_ms),
    }
}

fn phase_durations(timeline: &[Observation], end_ms: u64) -> Vec<(Phase, u64)> {
    let edges = timeline.iter().filter_map(|observation| match &observation.kind {
        ObservationKind::Phase(change) => Some((change.phase, change.edge, observation.at_ms)),
        _ => None,
    });
    let mut all: Vec<(Phase, u64, Option<u64>)> = Vec::new();
    for (phase, edge, at_ms) in edges {
        match edge {
            PhaseEdge::Began => all.push((phase, at_ms, None)),
            PhaseEdge::Ended => all.iter_mut().filter(|one| one.0 == phase).for_each(|one| one.2 = Some(at_ms)),
        }
    }
    all.into_iter().map(|(phase, from, to)| (phase, to.unwrap_or(end_ms) - from)).collect()
}
