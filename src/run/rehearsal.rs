//! A rehearsal: a run on a simulated cluster, to its verdict.

use jiff::Timestamp;
use tokio::sync::watch;

use super::run_state::ProgressReporter;
use super::{
    CleanupPolicy, ClusterIdentity, PreparedRun, ReceivedSignals, RunError, RunInputs, RunOutcome, RunStartError,
    abandon_run, begin_bundle, prepare, run, run_id,
};
use crate::env::Bundle;
use crate::judge::{LiveStatus, ProgressEvent, WaitingReason};
use crate::model::inventory::{Inventory, SimulationInfo};
use crate::model::observation::Phase;
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;
use crate::model::verdict::Verdict;
use crate::sim;
use crate::units::HumanDuration;

/// Wall-clock start of every simulated run, 2026-01-01T00:00:00Z: fixed, so that the same seed gives the same bundle.
pub const EPOCH: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The identity of a simulated cluster, as the evidence names it.
#[must_use]
pub(crate) fn simulated_cluster(simulated: SimulationInfo) -> ClusterIdentity {
    let name = "simulated".to_owned();
    ClusterIdentity { server: format!("https://{name}"), context: name, simulated: Some(simulated) }
}

/// The result of a rehearsal.
pub struct RehearsalOutcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The first error of a run that started.
    pub error: Option<RunError>,
}

/// Rehearses a scenario on a freshly started simulation, without progress output.
pub async fn rehearse(
    platform: &sim::Simulation,
    scenario: &Scenario,
    simulated: SimulationInfo,
    bundle: &Bundle,
    signals: watch::Receiver<ReceivedSignals>,
) -> RehearsalOutcome {
    let bundle = &platform.limit_bundle(bundle);
    let env = platform.env(scenario, bundle);
    let identity = simulated_cluster(simulated);
    let not_started = |prepared: &PreparedRun, error: RunStartError| {
        let (verdict, ..) = abandon_run(bundle, env.clock, prepared, &error.to_string());
        RehearsalOutcome { verdict, error: None }
    };
    let prepared = match prepare(&env, scenario, &run_id(EPOCH), &identity).await {
        Ok(prepared) => prepared,
        Err(error) => {
            let inventory = Inventory { started: EPOCH, simulated: identity.simulated.clone(), ..Inventory::default() };
            let prepared = PreparedRun {
                scenario: scenario.clone(),
                inventory,
                plan: Plan { run: run_id(EPOCH), ..Plan::default() },
            };
            return not_started(&prepared, RunStartError::Survey(error));
        }
    };
    let redacted = match begin_bundle(&env, &prepared) {
        Ok(redacted) => redacted,
        Err(error) => return not_started(&prepared, error),
    };
    let PreparedRun { scenario, inventory, plan } = &prepared;
    let inputs = RunInputs {
        env: &env,
        scenario,
        inventory,
        redacted: &redacted,
        plan,
        progress: &SilentProgress,
        signals,
        cleanup_policy: CleanupPolicy::Restore,
    };
    let RunOutcome { verdict, error } = run(inputs).await;
    RehearsalOutcome { verdict, error }
}

/// Prints nothing.
pub(super) struct SilentProgress;

impl ProgressReporter for SilentProgress {
    fn phase_started(&self, _: Phase, _: HumanDuration) {}
    fn message(&self, _: &str) {}
    fn step(&self, _: &str) {}
    fn changed(&self, _: &ProgressEvent) {}
    fn waiting(&self, _: &LiveStatus, _: &WaitingReason) {}
    fn tick(&self) {}
}
