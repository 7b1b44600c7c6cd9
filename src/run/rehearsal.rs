//! A whole rehearsal: a simulated platform, a run on it, its verdict.

use jiff::Timestamp;
use tokio::sync::watch;

use super::stage::Progress;
use super::{
    Leaving, NotBegun, Outcome, Place, Prepared, RunError, Script, Signals, begin, give_up, prepare, run, run_id,
};
use crate::judge::Picture;
use crate::record::inventory::{Inventory, Simulated};
use crate::record::observation::Phase;
use crate::record::plan::Plan;
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::sim;
use crate::units::Span;
use crate::world::Bundle;

/// When a simulated run begins, 2026-01-01T00:00:00Z: fixed, so that the same seed gives the same bundle.
pub const EPOCH: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A simulated platform as a reader is told of it.
#[must_use]
pub fn place(simulated: Simulated) -> Place {
    let word = "simulated".to_owned();
    Place { server: format!("https://{word}"), context: word, simulated: Some(simulated) }
}

/// What a rehearsal came to.
pub struct Rehearsed {
    /// The verdict.
    pub verdict: Verdict,
    /// The first error of a run that began.
    pub error: Option<RunError>,
}

/// Rehearses a scenario on a simulated platform that was begun just now, without a word on the way.
pub async fn rehearse(
    platform: &sim::Rehearsal,
    scenario: &Scenario,
    simulated: Simulated,
    bundle: &Bundle,
    signals: watch::Receiver<Signals>,
) -> Rehearsed {
    let bundle = &platform.disk(bundle);
    let world = platform.world(scenario, bundle);
    let place = place(simulated);
    let not_begun = |prepared: &Prepared, why: NotBegun| {
        let (verdict, ..) = give_up(bundle, world.clock, scenario, prepared, &why.to_string());
        Rehearsed { verdict, error: None }
    };
    let prepared = match prepare(&world, scenario, &run_id(EPOCH), &place).await {
        Ok(prepared) => prepared,
        Err(error) => {
            let inventory = Inventory { started: EPOCH, simulated: place.simulated.clone(), ..Inventory::default() };
            let prepared = Prepared { inventory, plan: Plan { run: run_id(EPOCH), ..Plan::default() } };
            return not_begun(&prepared, NotBegun::Survey(error));
        }
    };
    let kept = match begin(&world, scenario, &prepared) {
        Ok(kept) => kept,
        Err(why) => return not_begun(&prepared, why),
    };
    let (Prepared { inventory, plan }, kept, leaving) = (&prepared, &kept, Leaving::Restore);
    let script = Script { world: &world, scenario, inventory, kept, plan, progress: &Silent, signals, leaving };
    let Outcome { verdict, error, .. } = run(script).await;
    Rehearsed { verdict, error }
}

/// Nobody looks on.
pub(super) struct Silent;

impl Progress for Silent {
    fn phase(&self, _: Phase, _: Span) {}
    fn line(&self, _: &str) {}
    fn live(&self, _: &Picture, _: &str) {}
}
