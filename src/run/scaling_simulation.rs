//! How a scenario's HPA scales the target under a constant load: on a simulated cluster, without a verdict.

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
use crate::sim;
use crate::sim::config::SimConfig;
use crate::units::HumanDuration;
use crate::{load, observe};

/// The target's replicas under a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScalingSimulation {
    /// Changes of spec.replicas: milliseconds since the load began, and the new value.
    pub(crate) replicas: Vec<(u64, i32)>,
    /// Requests that succeeded.
    pub(crate) good: u64,
    /// Requests that failed.
    pub(crate) failed: u64,
}

impl ScalingSimulation {
    /// The most replicas.
    #[must_use]
    pub(crate) fn max_replicas(&self) -> i32 {
        self.replicas.iter().map(|(_, replicas)| *replicas).max().unwrap_or(0)
    }

    /// The replicas at the end.
    #[must_use]
    pub(crate) fn final_replicas(&self) -> i32 {
        self.replicas.last().map_or(0, |(_, replicas)| *replicas)
    }

    /// Changes of direction: up after down, or down after up.
    #[must_use]
    pub(crate) fn direction_changes(&self) -> usize {
        direction_changes(&self.replicas)
    }
}

/// Changes of direction in a history of replicas.
pub(super) fn direction_changes(history: &[(u64, i32)]) -> usize {
    let ups: Vec<bool> = history.windows(2).map(|pair| pair[1].1 > pair[0].1).collect();
    ups.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// Installs the scenario, applies its HPA, and runs its load for `length`. Must run on a runtime with a paused clock.
///
/// # Errors
/// The run cannot start, or a change fails; the text says why.
pub(crate) async fn simulate_scaling(
    config: SimConfig,
    scenario: &Scenario,
    length: HumanDuration,
    bundle: &Bundle,
) -> Result<ScalingSimulation, String> {
    let clock = RunClock::start_at(EPOCH);
    let platform = sim::start(config, scenario, clock);
    let env = platform.env(scenario, bundle);
    let identity: ClusterIdentity = simulated_cluster(SimulationInfo::default());
    let prepared = prepare(&env, scenario, &run_id(EPOCH), &identity).await.map_err(|e| e.to_string())?;
    let redacted = begin_bundle(&env, &prepared).map_err(|e| e.to_string())?;
    let PreparedRun { scenario, inventory, plan } = &prepared;
    let (_sender, signals) = watch::channel(ReceivedSignals::default());
    let inputs = RunInputs {
        env: &env,
        scenario,
        inventory,
        redacted: &redacted,
        plan,
        progress: &SilentProgress,
        signals,
        cleanup_policy: CleanupPolicy::Keep,
    };
    let journal = Journal::new(bundle.clone(), clock, &plan.run);
    let observer = observe::start(&env, observe::ObserverConfig::from_plan(scenario, plan));
    let mut state = RunState::new(&inputs, &journal);
    let result = run_load(&mut state, length).await;
    observer.stop().await;
    result.map_err(|e| e.to_string())?.map_or_else(|| Err(failure_reason(&env)), Ok)
}

/// `None` if the target did not serve chats or the metric was not served.
async fn run_load(state: &mut RunState<'_>, length: HumanDuration) -> Result<Option<ScalingSimulation>, RunError> {
    let Some(url) = phases::run_until_autoscaled(state).await? else { return Ok(None) };
    let began_ms = state.env().clock.now_ms();
    let running = load::start(state.env(), &state.inputs.scenario.load, &url)?;
    tokio::time::sleep(length.to_std()).await;
    let report = running.stop().await?;
    let target = &state.inputs.scenario.hpa.spec.scale_target_ref.name;
    let replicas = state.env().timeline.with_observations(|timeline| replica_history(timeline, target, began_ms));
    let good = report.outcomes.get(RequestOutcome::Succeeded.as_str()).copied().unwrap_or(0);
    let cancelled = report.outcomes.get(RequestOutcome::CancelledByRampDown.as_str()).copied().unwrap_or(0);
    Ok(Some(ScalingSimulation { replicas, good, failed: report.requests.saturating_sub(good + cancelled) }))
}

/// Changes of the target's spec.replicas after `from_ms`, in milliseconds since then.
pub(super) fn replica_history(timeline: &[Observation], target: &str, from_ms: u64) -> Vec<(u64, i32)> {
    let mut history: Vec<(u64, i32)> = Vec::new();
    for observation in timeline {
        let ObservationKind::Workload(workload) = &observation.kind else { continue };
        let (after_ms, replicas) = (observation.at_ms.saturating_sub(from_ms), workload.spec_replicas);
        if workload.name != target || history.last().is_some_and(|(_, last)| *last == replicas) {
            continue;
        }
        // Of the values before `from_ms` only the last one counts.
        if after_ms == 0 {
            history.clear();
        }
        history.push((after_ms, replicas));
    }
    history
}

fn failure_reason(env: &RunEnv) -> String {
    let last_error = env.timeline.with_observations(|timeline| {
        timeline.iter().rev().find_map(|observation| match &observation.kind {
            ObservationKind::Probe(probe) => probe.error.clone(),
            _ => None,
        })
    });
    last_error.unwrap_or_else(|| "the target did not serve chats, or the metric was not served".to_owned())
}
