//! The conductor: the phases in their order, load beside observation, clean-up on every path, the first error wins.
//! A phase ends as soon as the judge's own checks have what they wait for, so that nothing waits for a fixed time.

mod cleanup;
mod forecast;
mod phases;
mod prepare;
mod probes;
mod rehearsal;
mod review;
mod run_state;
mod scaling_simulation;

use jiff::Timestamp;
use tokio::sync::watch;

pub use cleanup::{clean, reissue_verdict};
pub use forecast::{RunForecast, forecast_run};
pub use prepare::{ClusterIdentity, PreparedRun, RunStartError, abandon_run, begin_bundle, prepare};
pub use rehearsal::{EPOCH, RehearsalOutcome, rehearse, simulated_cluster};
pub use review::{BundleCheck, BundleReview, DiffRow, diff_bundles, review_bundle};
pub use run_state::ProgressReporter;
pub use scaling_simulation::{ScalingSimulation, simulate_scaling};

use crate::env::{BundleError, RunEnv};
use crate::evidence;
use crate::install::{InstallError, Journal};
use crate::judge;
use crate::load::LoadError;
use crate::model::inventory::Inventory;
use crate::model::load::LoadReport;
use crate::model::observation::{ObservationKind, Phase, PhaseChange, PhaseEdge};
use crate::model::plan::Plan;
use crate::model::run_records::RunRecords;
use crate::model::scenario::Scenario;
use crate::model::verdict::Verdict;
use crate::observe;

use run_state::RunState;

/// Why a run stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A change could not be made, or not be undone.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The load could not be given or recorded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Evidence could not be written.
    #[error(transparent)]
    Evidence(#[from] BundleError),
    /// A signal came.
    #[error("interrupted by {0}")]
    Interrupted(&'static str),
}

impl RunError {
    /// Evidence could not be kept, wherever that showed: a full disk is no word on the platform.
    #[must_use]
    pub fn is_evidence_error(&self) -> bool {
        use RunError::{Evidence, Install, Load};
        matches!(self, Evidence(_) | Install(InstallError::Bundle(_)) | Load(LoadError::Evidence(_)))
    }
}

/// What a run is given.
pub struct RunInputs<'a> {
    /// The doors.
    pub env: &'a RunEnv,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// Scenario and inventory as they stand in the bundle: what is judged by.
    pub redacted: &'a evidence::RedactedInputs,
    /// The plan, without refusals.
    pub plan: &'a Plan,
    /// Where progress is shown.
    pub progress: &'a dyn ProgressReporter,
    /// Signals so far, the last one by name: the first ends the run with a clean-up, the second at once.
    pub signals: watch::Receiver<ReceivedSignals>,
    /// What to do with what was made.
    pub cleanup_policy: CleanupPolicy,
}

/// Signals received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceivedSignals {
    /// How many.
    pub count: u32,
    /// Name of the last one.
    pub last: &'static str,
}

/// What to do with what was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CleanupPolicy {
    /// Remove it.
    Restore,
    /// Leave it standing (`--keep`).
    Keep,
}

/// What a run came to.
#[derive(Debug)]
pub struct RunOutcome {
    /// The verdict on what was recorded.
    pub verdict: Verdict,
    /// The load, if it ran.
    pub load: Option<LoadReport>,
    /// The first error.
    pub error: Option<RunError>,
}

/// Runs the scenario to its verdict and writes the bundle, whatever happens on the way.
pub async fn run(script: RunInputs<'_>) -> RunOutcome {
    let (world, scenario, plan) = (script.env, script.scenario, script.plan);
    let journal = Journal::new(world.bundle.clone(), world.clock, &plan.run);
    let watch = observe::ObserverConfig::from_scenario(scenario, &plan.hpa, Some(&plan.service));
    let observer = observe::start(world, watch);
    let mut stage = RunState::new(&script, &journal);
    let mut first = phases::run_phases(&mut stage).await;
    let load = match stage.stop_load().await {
        Ok(report) => report,
        Err(error) => {
            first = first.and(Err(error));
            stage.load_report.take()
        }
    };
    let void = load.as_ref().and_then(|report| report.client_bound.clone());
    if let Err(RunError::Interrupted(signal)) = &first {
        world.timeline.record(ObservationKind::Interrupted { signal: (*signal).to_owned() }, None);
    }
    let passing = first.is_ok()
        && evaluate_verdict(&script, &journal, void.as_deref()).result == crate::model::verdict::CaseResult::Pass;
    if !passing {
        let diagnosis = async { Ok(observe::write_diagnostics(world, scenario, script.inventory).await?) };
        first = first.and(cleanup::until_second_signal(&script, diagnosis).await);
    }
    first = first.and(cleanup::run_cleanup(&stage, script.cleanup_policy).await);
    observer.stop().await;
    let verdict = evaluate_verdict(&script, &journal, void.as_deref());
    first = first.and(world.timeline.take_failure().map_or(Ok(()), |e| Err(e.into())));
    first = first.and(write_results(&script, &journal, load.as_ref(), &verdict).map_err(RunError::from));
    RunOutcome { verdict, load, error: first.err() }
}

fn evaluate_verdict(script: &RunInputs<'_>, journal: &Journal, void: Option<&str>) -> Verdict {
    let entries = journal.entries();
    script.env.timeline.with_observations(|timeline| {
        judge::judge(RunRecords {
            scenario: &script.redacted.scenario,
            inventory: &script.redacted.inventory,
            journal: &entries,
            timeline,
            client_bound: void,
        })
    })
}

fn write_results(
    script: &RunInputs<'_>,
    journal: &Journal,
    load: Option<&LoadReport>,
    verdict: &Verdict,
) -> Result<(), BundleError> {
    let evidence::RedactedInputs { scenario, inventory, plan } = script.redacted;
    let entries = journal.entries();
    script.env.timeline.with_observations(|timeline| {
        let void = load.and_then(|report| report.client_bound.as_deref());
        let records = RunRecords { scenario, inventory, journal: &entries, timeline, client_bound: void };
        let prediction = &judge::predict(records);
        let ending =
            evidence::FinishedRun { scenario, inventory, plan, journal: &entries, timeline, load, verdict, prediction };
        evidence::finish(&script.env.bundle, &ending)
    })
}

/// The id of the run that began then, to the millisecond. Fit for the names of objects.
#[must_use]
pub fn run_id(started: Timestamp) -> String {
    started.strftime("%Y%m%d-%H%M%S-%3f").to_string()
}

fn record_phase(world: &RunEnv, phase: Phase, edge: PhaseEdge) {
    world.timeline.record(ObservationKind::Phase(PhaseChange { phase, edge }), None);
}
