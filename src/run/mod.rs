//! The conductor: the phases in their order, load beside observation, clean-up on every path, the first error wins.
//! A phase ends as soon as the judge's own checks have what they wait for, so that nothing waits for a fixed time.

mod cleanup;
mod forecast;
mod phases;
mod prepare;
mod probes;
mod rehearsal;
mod review;
mod stage;
mod under_load;

use jiff::Timestamp;
use tokio::sync::watch;

pub use cleanup::{clean, conclude};
pub use forecast::{Forecast, forecast};
pub use prepare::{NotBegun, Place, Prepared, begin, give_up, prepare};
pub use rehearsal::{EPOCH, Rehearsed, place, rehearse};
pub use review::{Checked, Review, Row, diff, review};
pub use stage::Progress;
pub use under_load::{UnderLoad, under_load};

use crate::evidence;
use crate::install::{InstallError, Journal};
use crate::judge;
use crate::load::LoadError;
use crate::observe;
use crate::record::inventory::Inventory;
use crate::record::load::LoadReport;
use crate::record::observation::{Edge, Phase, PhaseMark, Seen};
use crate::record::plan::Plan;
use crate::record::records::Records;
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::world::{BundleError, World};

use stage::Stage;

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
    pub fn is_evidence(&self) -> bool {
        use RunError::{Evidence, Install, Load};
        matches!(self, Evidence(_) | Install(InstallError::Bundle(_)) | Load(LoadError::Evidence(_)))
    }
}

/// What a run is given.
pub struct Script<'a> {
    /// The doors.
    pub world: &'a World,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// Scenario and inventory as they stand in the bundle: what is judged by.
    pub kept: &'a evidence::Kept,
    /// The plan, without refusals.
    pub plan: &'a Plan,
    /// Where progress is shown.
    pub progress: &'a dyn Progress,
    /// Signals so far, the last one by name: the first ends the run with a clean-up, the second at once.
    pub signals: watch::Receiver<Signals>,
    /// What to do with what was made.
    pub leaving: Leaving,
}

/// Signals received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// How many.
    pub count: u32,
    /// Name of the last one.
    pub last: &'static str,
}

/// What to do with what was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Remove it.
    Restore,
    /// Leave it standing (`--keep`).
    Keep,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict on what was recorded.
    pub verdict: Verdict,
    /// The load, if it ran.
    pub load: Option<LoadReport>,
    /// The first error.
    pub error: Option<RunError>,
}

/// Runs the scenario to its verdict and writes the bundle, whatever happens on the way.
pub async fn run(script: Script<'_>) -> Outcome {
    let (world, scenario, plan) = (script.world, script.scenario, script.plan);
    let journal = Journal::new(world.bundle.clone(), world.clock, &plan.run);
    let watch = observe::Watch::of(scenario, &plan.hpa, Some(&plan.service));
    let observer = observe::start(world, watch);
    let mut stage = Stage::new(&script, &journal);
    let mut first = phases::perform(&mut stage).await;
    let load = match stage.take_load().await {
        Ok(report) => report,
        Err(error) => {
            first = first.and(Err(error));
            stage.report.take()
        }
    };
    let void = load.as_ref().and_then(|report| report.void.clone());
    if let Err(RunError::Interrupted(signal)) = &first {
        world.book.note(Seen::Interrupted { signal: (*signal).to_owned() }, None);
    }
    let passing =
        first.is_ok() && judged(&script, &journal, void.as_deref()).result == crate::record::verdict::CaseResult::Pass;
    if !passing {
        let diagnosis = async { Ok(observe::diagnose(world, scenario, script.inventory).await?) };
        first = first.and(cleanup::unless_twice(&script, diagnosis).await);
    }
    first = first.and(cleanup::cleanup(&stage, script.leaving).await);
    observer.stop().await;
    let verdict = judged(&script, &journal, void.as_deref());
    first = first.and(world.book.failure().map_or(Ok(()), |e| Err(e.into())));
    first = first.and(finish(&script, &journal, load.as_ref(), &verdict).map_err(RunError::from));
    Outcome { verdict, load, error: first.err() }
}

fn judged(script: &Script<'_>, journal: &Journal, void: Option<&str>) -> Verdict {
    let entries = journal.entries();
    script.world.book.read(|timeline| {
        judge::judge(Records {
            scenario: &script.kept.scenario,
            inventory: &script.kept.inventory,
            journal: &entries,
            timeline,
            load_void: void,
        })
    })
}

fn finish(
    script: &Script<'_>,
    journal: &Journal,
    load: Option<&LoadReport>,
    verdict: &Verdict,
) -> Result<(), BundleError> {
    let evidence::Kept { scenario, inventory, plan } = script.kept;
    let entries = journal.entries();
    script.world.book.read(|timeline| {
        let void = load.and_then(|report| report.void.as_deref());
        let records = Records { scenario, inventory, journal: &entries, timeline, load_void: void };
        let prediction = &judge::predict(records);
        let ending =
            evidence::Ending { scenario, inventory, plan, journal: &entries, timeline, load, verdict, prediction };
        evidence::finish(&script.world.bundle, &ending)
    })
}

/// The id of the run that began then, to the millisecond. Fit for the names of objects.
#[must_use]
pub fn run_id(started: Timestamp) -> String {
    started.strftime("%Y%m%d-%H%M%S-%3f").to_string()
}

fn mark(world: &World, phase: Phase, edge: Edge) {
    world.book.note(Seen::Phase(PhaseMark { phase, edge }), None);
}
