//! Everything before the first change: inventory, plan, and whether the plan can pass.

use super::resolve_hpa::{NOT_SIMULATED, resolve_hpa};
use crate::clock::RunClock;
use crate::env::{Bundle, BundleError, RunEnv, TimelineWriter};
use crate::evidence::{self, RedactedInputs};
use crate::judge;
use crate::model::inventory::{Inventory, SimulationInfo};
use crate::model::observation::ObservationKind;
use crate::model::plan::{Plan, PreflightProblem};
use crate::model::revision::RULES;
use crate::model::run_records::RunRecords;
use crate::model::scenario::Scenario;
use crate::model::verdict::Verdict;
use crate::plan::{self, SurveyError};

/// The result of [`prepare`].
#[derive(Clone, Debug)]
pub(crate) struct PreparedRun {
    /// The scenario, with the spec of its HPA.
    pub(crate) scenario: Scenario,
    /// The state of the cluster before the run.
    pub(crate) inventory: Inventory,
    /// What the run will do.
    pub(crate) plan: Plan,
}

/// The cluster of a run, as the evidence names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterIdentity {
    /// Context of the kubeconfig.
    pub(crate) context: String,
    /// Address of the API server.
    pub(crate) server: String,
    /// Seed, parameters and fault of a simulated cluster; absent for a real one.
    pub(crate) simulated: Option<SimulationInfo>,
}

/// Why a run does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunStartError {
    /// The API server or helm failed during the survey.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The bundle could not be written.
    #[error(transparent)]
    Evidence(#[from] BundleError),
    /// The platform has no HPA API.
    #[error("the platform does not serve autoscaling/v2")]
    HpaApiNotServed,
    /// The plan has preflight errors.
    #[error("{}", describe_refusal(.0))]
    PreflightFailed(Vec<PreflightProblem>),
}

/// Why a run is refused. Where the simulator is what does not know a thing, nothing is said of the run.
fn describe_refusal(problems: &[PreflightProblem]) -> String {
    let is_of_simulator = problems.iter().all(|problem| problem.message.starts_with(NOT_SIMULATED));
    let subject = if is_of_simulator { "this scenario cannot be rehearsed" } else { "this run cannot pass" };
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    format!("{subject}: {}", messages.join("; "))
}

/// Surveys the cluster and plans the run.
///
/// # Errors
/// The API server or helm fails.
pub(crate) async fn prepare(
    env: &RunEnv,
    scenario: &Scenario,
    run: &str,
    identity: &ClusterIdentity,
) -> Result<PreparedRun, SurveyError> {
    let ClusterIdentity { context, server, simulated } = identity.clone();
    let (scenario, adopted_hpa) = match resolve_hpa(env, scenario, run, simulated.as_ref()).await? {
        Ok(resolved) => resolved,
        Err(errors) => {
            let unread = Inventory::before_survey(env.clock.wall_start());
            let inventory = Inventory { kube_context: context, server, simulated, hpa_served: true, ..unread };
            let plan = Plan { rules: RULES, run: run.to_owned(), errors, ..Plan::default() };
            return Ok(PreparedRun { scenario: scenario.clone(), inventory, plan });
        }
    };
    let inventory = plan::survey(env, &scenario).await?;
    let inventory = Inventory { kube_context: context, server, simulated, adopted_hpa, ..inventory };
    let plan = plan::plan(&scenario, &inventory, run);
    Ok(PreparedRun { scenario, inventory, plan })
}

/// Writes the bundle's first files (scenario, inventory, plan).
///
/// # Errors
/// The bundle cannot be written, the platform has no HPA API, or the plan has preflight errors.
pub(crate) fn begin_bundle(env: &RunEnv, prepared: &PreparedRun) -> Result<RedactedInputs, RunStartError> {
    let PreparedRun { scenario, inventory, plan } = prepared;
    let redacted = evidence::begin(&env.bundle, scenario, inventory, plan)?;
    if !inventory.hpa_served {
        return Err(RunStartError::HpaApiNotServed);
    }
    if !plan.errors.is_empty() {
        return Err(RunStartError::PreflightFailed(plan.errors.clone()));
    }
    Ok(redacted)
}

/// Completes the bundle of a run that does not start. The reason is recorded as an observation, so that the verdict follows
/// from the bundle. Returns the first file that could not be written beside verdict and redacted inputs.
#[must_use]
pub(crate) fn abandon_run(
    bundle: &Bundle,
    clock: RunClock,
    prepared: &PreparedRun,
    reason: &str,
) -> (Verdict, RedactedInputs, Option<BundleError>) {
    let PreparedRun { scenario, inventory, plan } = prepared;
    let (redacted, write_error) = match evidence::begin(bundle, scenario, inventory, plan) {
        Ok(redacted) => (redacted, None),
        // The bundle cannot be written: the verdict is derived from the inputs as they are.
        Err(error) => (
            RedactedInputs { scenario: scenario.clone(), inventory: inventory.clone(), plan: plan.clone() },
            Some(error),
        ),
    };
    let writer = TimelineWriter::new(clock, bundle.clone());
    writer.record(ObservationKind::NotStarted { reason: reason.to_owned() }, None);
    let RedactedInputs { scenario, inventory, plan } = &redacted;
    let (verdict, prediction) = writer.with_observations(|timeline| {
        let records = RunRecords::without_changes(scenario, inventory, timeline);
        (judge::judge(records), judge::predict(records))
    });
    let finish_result = writer.with_observations(|timeline| {
        let finished_run = evidence::FinishedRun {
            scenario,
            inventory,
            plan,
            journal: &[],
            timeline,
            load: None,
            verdict: &verdict,
            prediction: &prediction,
        };
        evidence::finish(bundle, &finished_run)
    });
    let write_error = write_error.or(writer.take_failure()).or(finish_result.err());
    (verdict, redacted, write_error)
}
