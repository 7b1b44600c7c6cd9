//! A whole rehearsal: a simulated platform, a run on it, its verdict.

use jiff::Timestamp;
use tokio::sync::watch;

use super::run_state::ProgressReporter;
use super::{
    CleanupPolicy, ClusterIdentity, PreparedRun, ReceivedSignals, RunError, RunInputs, RunOutcome, RunStartError,
    abandon_run, begin_bundle, prepare, run, run_id,
};
use crate::env::Bundle;
use crate::judge::LiveStatus;
use crate::model::inventory::{Inventory, SimulationInfo};
use crate::model::observation::Phase;
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;
use crate::model::verdict::Verdict;
use crate::sim;
use crate::units::HumanDuration;

/// When a simulated run begins, 2026-01-01T00:00:00Z: fixed, so that the same seed gives the same bundle.
pub const EPOCH: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A simulated platform as a reader is told of it.
#[must_use]
pub fn simulated_cluster(simulated: SimulationInfo) -> ClusterIdentity {
    let word = "simulated".to_owned();
    ClusterIdentity { server: format!("https://{word}"), context: word, simulated: Some(simulated) }
}

/// What a rehearsal came to.
pub struct RehearsalOutcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The first error of a run that began.
    pub error: Option<RunError>,
}

/// Rehearses a scenario on a simulated platform that was begun just now, without a word on the way.
pub async fn rehearse(
    platform: &sim::Simulation,
    scenario: &Scenario,
    simulated: SimulationInfo,
    bundle: &Bundle,
    signals: watch::Receiver<ReceivedSignals>,
) -> RehearsalOutcome {
    let bundle = &platform.limit_bundle(bundle);
    let world = platform.env(scenario, bundle);
    let place = simulated_cluster(simulated);
    let not_begun = |prepared: &PreparedRun, why: RunStartError| {
        let (verdict, ..) = abandon_run(bundle, world.clock, scenario, prepared, &why.to_string());
        RehearsalOutcome { verdict, error: None }
    };
    let prepared = match prepare(&world, scenario, &run_id(EPOCH), &place).await {
        Ok(prepared) => prepared,
        Err(error) => {
            let inventory = Inventory { started: EPOCH, simulated: place.simulated.clone(), ..Inventory::default() };
            let prepared = PreparedRun { inventory, plan: Plan { run: run_id(EPOCH), ..Plan::default() } };
            return not_begun(&prepared, RunStartError::Survey(error));
        }
    };
    let kept = match begin_bundle(&world, scenario, &prepared) {
        Ok(kept) => kept,
        Err(why) => return not_begun(&prepared, why),
    };
    let (PreparedRun { inventory, plan }, kept, leaving) = (&prepared, &kept, CleanupPolicy::Restore);
    let script = RunInputs {
        env: &world,
        scenario,
        inventory,
        redacted: kept,
        plan,
        progress: &SilentProgress,
        signals,
        cleanup_policy: leaving,
    };
    let RunOutcome { verdict, error, .. } = run(script).await;
    RehearsalOutcome { verdict, error }
}

/// Nobody looks on.
pub(super) struct SilentProgress;

impl ProgressReporter for SilentProgress {
    fn phase_started(&self, _: Phase, _: HumanDuration) {}
    fn message(&self, _: &str) {}
    fn waiting(&self, _: &LiveStatus, _: &str) {}
}
