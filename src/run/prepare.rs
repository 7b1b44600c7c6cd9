//! Everything before the first change: what is there, what will be done, and whether that can pass.

use crate::clock::Clock;
use crate::evidence::{self, Kept};
use crate::judge;
use crate::plan::{self, SurveyError};
use crate::record::inventory::{Inventory, Simulated};
use crate::record::observation::Seen;
use crate::record::plan::{Plan, Refusal};
use crate::record::records::Records;
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::world::{Book, Bundle, BundleError, World};

/// What a run is prepared by.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What was found in the cluster.
    pub inventory: Inventory,
    /// What will be done.
    pub plan: Plan,
}

/// Where a run takes place, as a reader is told.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Context of the kubeconfig.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// What it is, where it is no real cluster.
    pub simulated: Option<Simulated>,
}

/// Why a run does not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// Cluster or helm could not be asked.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The bundle could not be begun.
    #[error(transparent)]
    Evidence(#[from] BundleError),
    /// The platform has no HPA API.
    #[error("the platform does not serve autoscaling/v2")]
    NotServed,
    /// The plan says that it cannot pass.
    #[error("this run cannot pass: {}", .0.iter().map(|refusal| refusal.what.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refusal>),
}

/// Surveys the cluster and plans the run.
///
/// # Errors
/// The API server or helm cannot be asked.
pub async fn prepare(world: &World, scenario: &Scenario, run: &str, place: &Place) -> Result<Prepared, SurveyError> {
    let inventory = plan::survey(world, scenario).await?;
    let Place { context, server, simulated } = place.clone();
    let inventory = Inventory { context, server, simulated, ..inventory };
    let plan = plan::plan(scenario, &inventory, run);
    Ok(Prepared { inventory, plan })
}

/// Begins the bundle, unless the run cannot pass.
///
/// # Errors
/// The bundle cannot be written, the platform has no HPA API, or the plan says that the run cannot pass.
pub fn begin(world: &World, scenario: &Scenario, prepared: &Prepared) -> Result<Kept, NotBegun> {
    let Prepared { inventory, plan } = prepared;
    let kept = evidence::begin(&world.bundle, scenario, inventory, plan)?;
    if !inventory.hpa_served {
        return Err(NotBegun::NotServed);
    }
    if !plan.refusals.is_empty() {
        return Err(NotBegun::Refused(plan.refusals.clone()));
    }
    Ok(kept)
}

/// The bundle of a run that does not begin. Why it does not is an observation as any other, so that the verdict can be
/// derived from the bundle. What could not be written is told beside.
#[must_use]
pub fn give_up(
    bundle: &Bundle,
    clock: Clock,
    scenario: &Scenario,
    prepared: &Prepared,
    why: &str,
) -> (Verdict, Kept, Option<BundleError>) {
    let Prepared { inventory, plan } = prepared;
    let (kept, failed) = match evidence::begin(bundle, scenario, inventory, plan) {
        Ok(kept) => (kept, None),
        // What would have been kept, where nothing can be.
        Err(error) => {
            (Kept { scenario: scenario.clone(), inventory: inventory.clone(), plan: plan.clone() }, Some(error))
        }
    };
    let book = Book::new(clock, bundle.clone());
    book.note(Seen::NotBegun { why: why.to_owned() }, None);
    let Kept { scenario, inventory, plan } = &kept;
    let (verdict, prediction) = book.read(|timeline| {
        let records = Records::unchanged(scenario, inventory, timeline);
        (judge::judge(records), judge::predict(records))
    });
    let (judged, prediction) = (&verdict, &prediction);
    let finished = book.read(|timeline| {
        let ending = evidence::Ending {
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
    let failed = failed.or(book.failure()).or(finished.err());
    (verdict, kept, failed)
}
