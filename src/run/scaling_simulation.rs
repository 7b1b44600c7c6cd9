//! What a scenario's HPA makes of a load that stays: on a simulated platform, without a verdict.

use tokio::sync::watch;

use super::rehearsal::{EPOCH, SilentProgress, simulated_cluster};
use super::run_state::RunState;
use super::{
    CleanupPolicy, ClusterIdentity, PreparedRun, ReceivedSignals, RunError, RunInputs, begin_bundle, phases, prepare,
    run_id,
};
use crate::clock::RunClock;
use crate::env::{Bundle, RunEnv};
use crate::install::Journal;
use crate::model::inventory::SimulationInfo;
use crate::model::load::RequestOutcome;
use crate::model::observation::{Observation, ObservationKind};
use crate::model::scenario::Scenario;
use crate::sim::{self, SimConfig};
use crate::units::HumanDuration;
use crate::{load, observe};

/// The course of the size under a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScalingSimulation {
    /// Sizes, each with the moment from which it was so, milliseconds since the load began.
    pub replicas: Vec<(u64, i32)>,
    /// Good answers.
    pub good: u64,
    /// All others that ended.
    pub failed: u64,
}

impl ScalingSimulation {
    /// The largest size.
    #[must_use]
    pub fn max_replicas(&self) -> i32 {
        self.replicas.iter().map(|(_, size)| *size).max().unwrap_or(0)
    }

    /// The size at the end.
    #[must_use]
    pub fn final_replicas(&self) -> i32 {
        self.replicas.last().map_or(0, |(_, size)| *size)
    }

    /// Changes of direction: up after down, or down after up.
    #[must_use]
    pub fn direction_changes(&self) -> usize {
        turns(&self.replicas)
    }
}

/// Changes of direction in a course of sizes.
pub(super) fn turns(sizes: &[(u64, i32)]) -> usize {
    let ups: Vec<bool> = sizes.windows(2).map(|pair| pair[1].1 > pair[0].1).collect();
    ups.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// Installs the scenario, applies its HPA, and keeps its load up for so long. Has to run on a paused runtime.
///
/// # Errors
/// The run cannot begin, or a change is refused; the text says why.
pub async fn simulate_scaling(
    setting: SimConfig,
    scenario: &Scenario,
    length: HumanDuration,
    bundle: &Bundle,
) -> Result<ScalingSimulation, String> {
    let clock = RunClock::start_at(EPOCH);
    let platform = sim::start(setting, scenario, clock);
    let world = platform.env(scenario, bundle);
    let place: ClusterIdentity = simulated_cluster(SimulationInfo::default());
    let prepared = prepare(&world, scenario, &run_id(EPOCH), &place).await.map_err(|e| e.to_string())?;
    let kept = begin_bundle(&world, scenario, &prepared).map_err(|e| e.to_string())?;
    let PreparedRun { inventory, plan } = &prepared;
    let (_sender, signals) = watch::channel(ReceivedSignals::default());
    let (progress, leaving) = (&SilentProgress, CleanupPolicy::Keep);
    let script = RunInputs {
        env: &world,
        scenario,
        inventory,
        redacted: &kept,
        plan,
        progress,
        signals,
        cleanup_policy: leaving,
    };
    let journal = Journal::new(bundle.clone(), clock, &plan.run);
    let observer =
        observe::start(&world, observe::ObserverConfig::from_scenario(scenario, &plan.hpa, Some(&plan.service)));
    let mut stage = RunState::new(&script, &journal);
    let performed = run_load(&mut stage, length).await;
    observer.stop().await;
    performed.map_err(|e| e.to_string())?.map_or_else(|| Err(failure_reason(&world)), Ok)
}

/// `None` where the target did not come to serve.
async fn run_load(stage: &mut RunState<'_>, length: HumanDuration) -> Result<Option<ScalingSimulation>, RunError> {
    let Some(url) = phases::run_until_autoscaled(stage).await? else { return Ok(None) };
    let began_ms = stage.env().clock.now_ms();
    let running = load::start(stage.env(), &stage.inputs.scenario.load, &url)?;
    tokio::time::sleep(length.to_std()).await;
    let report = running.stop().await?;
    let target = &stage.inputs.scenario.hpa.spec.scale_target_ref.name;
    let sizes = stage.env().timeline.with_observations(|timeline| replica_history(timeline, target, began_ms));
    let good = report.outcomes.get(RequestOutcome::Succeeded.as_str()).copied().unwrap_or(0);
    let cancelled = report.outcomes.get(RequestOutcome::CancelledByRampDown.as_str()).copied().unwrap_or(0);
    Ok(Some(ScalingSimulation { replicas: sizes, good, failed: report.requests.saturating_sub(good + cancelled) }))
}

/// The sizes from a moment on, counted from it.
pub(super) fn replica_history(timeline: &[Observation], target: &str, from_ms: u64) -> Vec<(u64, i32)> {
    let mut sizes: Vec<(u64, i32)> = Vec::new();
    for observation in timeline {
        let ObservationKind::Workload(workload) = &observation.kind else { continue };
        let (after_ms, size) = (observation.at_ms.saturating_sub(from_ms), workload.spec_replicas);
        if workload.name != target || sizes.last().is_some_and(|(_, last)| *last == size) {
            continue;
        }
        // Of the sizes before only the last one counts.
        if after_ms == 0 {
            sizes.clear();
        }
        sizes.push((after_ms, size));
    }
    sizes
}

fn failure_reason(world: &RunEnv) -> String {
    let last = world.timeline.with_observations(|timeline| {
        timeline.iter().rev().find_map(|observation| match &observation.kind {
            ObservationKind::Probe(probe) => probe.error.clone(),
            _ => None,
        })
    });
    last.unwrap_or_else(|| "the target did not come to serve, or no metric to be served".to_owned())
}
