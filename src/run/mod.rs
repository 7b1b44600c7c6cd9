//! Orchestrates a run: the phases in order, load and observation concurrently, clean-up on every path; the first error wins.
//! A phase ends as soon as the checks that it waits for have a result, so that no phase waits for a fixed time.

mod cleanup;
mod forecast;
mod foreign_hpa;
mod phases;
mod prepare;
mod probes;
mod rehearsal;
mod resolve_hpa;
mod review;
mod run_state;
mod scaling_simulation;

use jiff::Timestamp;
use tokio::sync::watch;

pub use cleanup::{clean, reissue_verdict};
pub(crate) use forecast::{RunForecast, forecast_run};
pub(crate) use prepare::{ClusterIdentity, PreparedRun, RunStartError, abandon_run, begin_bundle, prepare};
pub(crate) use rehearsal::simulated_cluster;
pub use rehearsal::{EPOCH, RehearsalOutcome, rehearse};
pub(crate) use resolve_hpa::describe_unused_hpa;
pub use review::{BundleCheck, BundleReview, Soundness, review_bundle, review_under};
pub(crate) use review::{DiffRow, diff_bundles};
pub(crate) use run_state::{EVALUATION_INTERVAL, ProgressReporter};
pub(crate) use scaling_simulation::{ScalingSimulation, simulate_scaling};

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

/// Why a run stopped early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A change to the cluster failed, or its undo.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The load could not be generated or recorded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Evidence could not be written.
    #[error(transparent)]
    Evidence(#[from] BundleError),
    /// A signal arrived.
    #[error("interrupted by {0}")]
    Interrupted(&'static str),
}

impl RunError {
    /// Whether evidence could not be written, in any stage: a full disk is no fault of the platform.
    #[must_use]
    pub fn is_evidence_error(&self) -> bool {
        use RunError::{Evidence, Install, Load};
        matches!(self, Evidence(_) | Install(InstallError::Bundle(_)) | Load(LoadError::Evidence(_)))
    }
}

/// The inputs of a run.
pub(crate) struct RunInputs<'a> {
    /// The I/O boundary.
    pub(crate) env: &'a RunEnv,
    /// The scenario.
    pub(crate) scenario: &'a Scenario,
    /// The inventory.
    pub(crate) inventory: &'a Inventory,
    /// Scenario, inventory and plan as the bundle has them: the checks evaluate these.
    pub(crate) redacted: &'a evidence::RedactedInputs,
    /// The plan, without preflight errors.
    pub(crate) plan: &'a Plan,
    /// Receives the progress.
    pub(crate) progress: &'a dyn ProgressReporter,
    /// Signals so far: the first ends the run with a clean-up, the second ends it immediately.
    pub(crate) signals: watch::Receiver<ReceivedSignals>,
    /// Whether to undo the run's changes.
    pub(crate) cleanup_policy: CleanupPolicy,
}

/// The signals that the process has received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceivedSignals {
    /// Number of signals.
    pub count: u32,
    /// Name of the last one.
    pub last: &'static str,
}

/// Whether to undo the run's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CleanupPolicy {
    /// Undo them.
    Restore,
    /// Keep everything that was installed (`--keep`).
    Keep,
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct RunOutcome {
    /// The verdict on the records.
    pub(crate) verdict: Verdict,
    /// The first error.
    pub(crate) error: Option<RunError>,
}

/// Runs the scenario to its verdict and writes the bundle, on success and on every error.
pub(crate) async fn run(inputs: RunInputs<'_>) -> RunOutcome {
    let ticks = run_state::run_ticks(inputs.progress);
    tokio::select! {
        biased;
        outcome = run_to_verdict(inputs) => outcome,
        never = ticks => match never {},
    }
}

async fn run_to_verdict(inputs: RunInputs<'_>) -> RunOutcome {
    let (env, scenario, plan) = (inputs.env, inputs.scenario, inputs.plan);
    let journal = Journal::new(env.bundle.clone(), env.clock, &plan.run);
    let observer_config = observe::ObserverConfig::from_plan(scenario, plan);
    let observer = observe::start(env, observer_config);
    let mut state = RunState::new(&inputs, &journal);
    let mut result = phases::run_phases(&mut state).await;
    let load = match state.stop_load().await {
        Ok(report) => report,
        Err(error) => {
            result = result.and(Err(error));
            state.load_report.take()
        }
    };
    let client_bound = load.as_ref().and_then(|report| report.client_bound.clone());
    record_interruption(env, &result);
    let passes = result.is_ok()
        && evaluate_verdict(&inputs, &journal, client_bound.as_deref()).result
            == crate::model::verdict::CaseResult::Pass;
    if !passes {
        let diagnosis = async { Ok(observe::write_diagnostics(env, scenario, inputs.inventory).await?) };
        result = result.and(cleanup::until_second_signal(&inputs, diagnosis).await);
    }
    let cleaned = cleanup::run_cleanup(&state, inputs.cleanup_policy).await;
    record_interruption(env, &cleaned);
    result = result.and(cleaned);
    observer.stop().await;
    let verdict = evaluate_verdict(&inputs, &journal, client_bound.as_deref());
    result = result.and(env.timeline.take_failure().map_or(Ok(()), |e| Err(e.into())));
    result = result.and(write_results(&inputs, &journal, load.as_ref(), &verdict).map_err(RunError::from));
    RunOutcome { verdict, error: result.err() }
}

fn evaluate_verdict(inputs: &RunInputs<'_>, journal: &Journal, client_bound: Option<&str>) -> Verdict {
    let entries = journal.entries();
    inputs.env.timeline.with_observations(|timeline| {
        judge::judge(RunRecords {
            scenario: &inputs.redacted.scenario,
            inventory: &inputs.redacted.inventory,
            journal: &entries,
            timeline,
            client_bound,
        })
    })
}

fn write_results(
    inputs: &RunInputs<'_>,
    journal: &Journal,
    load: Option<&LoadReport>,
    verdict: &Verdict,
) -> Result<(), BundleError> {
    let evidence::RedactedInputs { scenario, inventory, plan } = inputs.redacted;
    let entries = journal.entries();
    inputs.env.timeline.with_observations(|timeline| {
        let client_bound = load.and_then(|report| report.client_bound.as_deref());
        let records = RunRecords { scenario, inventory, journal: &entries, timeline, client_bound };
        let prediction = &judge::predict(records);
        let finished_run =
            evidence::FinishedRun { scenario, inventory, plan, journal: &entries, timeline, load, verdict, prediction };
        evidence::finish(&inputs.env.bundle, &finished_run)
    })
}

/// The id of a run, from its start time to the millisecond. Valid in names of Kubernetes objects.
#[must_use]
pub fn run_id(started: Timestamp) -> String {
    started.strftime("%Y%m%d-%H%M%S-%3f").to_string()
}

/// Records that a signal ended the phases, or the clean-up.
fn record_interruption(env: &RunEnv, result: &Result<(), RunError>) {
    if let Err(RunError::Interrupted(signal)) = result {
        env.timeline.record(ObservationKind::Interrupted { signal: (*signal).to_owned() }, None);
    }
}

fn record_phase(env: &RunEnv, phase: Phase, edge: PhaseEdge) {
    env.timeline.record(ObservationKind::Phase(PhaseChange { phase, edge }), None);
}
