//! Everything before the first change: what is there, what will be done, and whether that can pass.

use crate::clock::RunClock;
use crate::env::{Bundle, BundleError, RunEnv, TimelineWriter};
use crate::evidence::{self, RedactedInputs};
use crate::judge;
use crate::model::inventory::{Inventory, SimulationInfo};
use crate::model::observation::ObservationKind;
use crate::model::plan::{Plan, PreflightProblem};
use crate::model::run_records::RunRecords;
use crate::model::scenario::Scenario;
use crate::model::verdict::Verdict;
use crate::plan::{self, SurveyError};

/// What a run is prepared by.
#[derive(Clone, Debug)]
pub struct PreparedRun {
    /// What was found in the cluster.
    pub inventory: Inventory,
    /// What will be done.
    pub plan: Plan,
}

/// Where a run takes place, as a reader is told.
#[derive(Clone, Debug, Default)]
pub struct ClusterIdentity {
    /// Context of the kubeconfig.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// What it is, where it is no real cluster.
    pub simulated: Option<SimulationInfo>,
}

/// Why a run does not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunStartError {
    /// Cluster or helm could not be asked.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The bundle could not be begun.
    #[error(transparent)]
    Evidence(#[from] BundleError),
    /// The platform has no HPA API.
    #[error("the platform does not serve autoscaling/v2")]
    HpaApiNotServed,
    /// The plan says that it cannot pass.
    #[error("this run cannot pass: {}", .0.iter().map(|refusal| refusal.message.as_str()).collect::<Vec<_>>().join("; "))]
    PreflightFailed(Vec<PreflightProblem>),
}

/// Surveys the cluster and plans the run.
///
/// # Errors
/// The API server or helm cannot be asked.
pub async fn prepare(
    world: &RunEnv,
    scenario: &Scenario,
    run: &str,
    place: &ClusterIdentity,
) -> Result<PreparedRun, SurveyError> {
    let inventory = plan::survey(world, scenario).await?;
    let ClusterIdentity { context, server, simulated } = place.clone();
    let inventory = Inventory { kube_context: context, server, simulated, ..inventory };
    let plan = plan::plan(scenario, &inventory, run);
    Ok(PreparedRun { inventory, plan })
}

/// Begins the bundle, unless the run cannot pass.
///
/// # Errors
/// The bundle cannot be written, the platform has no HPA API, or the plan says that the run cannot pass.
pub fn begin_bundle(
    world: &RunEnv,
    scenario: &Scenario,
    prepared: &PreparedRun,
) -> Result<RedactedInputs, RunStartError> {
    let PreparedRun { inventory, plan } = prepared;
    let kept = evidence::begin(&world.bundle, scenario, inventory, plan)?;
    if !inventory.hpa_served {
        return Err(RunStartError::HpaApiNotServed);
    }
    if !plan.errors.is_empty() {
        return Err(RunStartError::PreflightFailed(plan.errors.clone()));
    }
    Ok(kept)
}

/// The bundle of a run that does not begin. Why it does not is an observation as any other, so that the verdict can be
/// derived from the bundle. What could not be written is told beside.
#[must_use]
pub fn abandon_run(
    bundle: &Bundle,
    clock: RunClock,
    scenario: &Scenario,
    prepared: &PreparedRun,
    why: &str,
) -> (Verdict, RedactedInputs, Option<BundleError>) {
    let PreparedRun { inventory, plan } = prepared;
    let (kept, failed) = match evidence::begin(bundle, scenario, inventory, plan) {
        Ok(kept) => (kept, None),
        // What would have been kept, where nothing can be.
        Err(error) => (
            RedactedInputs { scenario: scenario.clone(), inventory: inventory.clone(), plan: plan.clone() },
            Some(error),
        ),
    };
    let book = TimelineWriter::new(clock, bundle.clone());
    book.record(ObservationKind::NotStarted { reason: why.to_owned() }, None);
    let RedactedInputs { scenario, inventory, plan } = &kept;
    let (verdict, prediction) = book.with_observations(|timeline| {
        let records = RunRecords::without_changes(scenario, inventory, timeline);
        (judge::judge(records), judge::predict(records))
    });
    let (judged, prediction) = (&verdict, &prediction);
    let finished = book.with_observations(|timeline| {
        let ending = evidence::FinishedRun {
            scenario,
            inventory,
            plan,
            journal: &[],
            timeline,
            load: None,
            verdict: judged,
            prediction,
        };
        evidence::finish(bundle, &ending)
    });
    let failed = failed.or(book.take_failure()).or(finished.err());
    (verdict, kept, failed)
}
