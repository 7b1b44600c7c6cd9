//! A whole rehearsal: a simulated platform, a run on it, its verdict.

use jiff::Timestamp;
use tokio::sync::watch;

use super::stage::Progress;
use super::{Leaving, NotBegun, Place, Prepared, Script, Signals, begin, give_up, prepare, run, run_id};
use crate::clock::Clock;
use crate::judge::Picture;
use crate::record::inventory::{Inventory, Simulated};
use crate::record::observation::Phase;
use crate::record::plan::Plan;
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::sim::{self, Setting};
use crate::units::Span;
use crate::world::{Bundle, World};

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
    /// The doors to the platform, as they are after the run.
    pub world: World,
    /// The platform.
    pub platform: sim::Rehearsal,
}

/// Rehearses a scenario on such a platform, without a word on the way. Has to run on a paused runtime, begun for it.
pub async fn rehearse(
    setting: Setting,
    scenario: &Scenario,
    simulated: Simulated,
    bundle: &Bundle,
    signals: watch::Receiver<Signals>,
) -> Rehearsed {
    let clock = Clock::start_at(EPOCH);
    let platform = sim::begin(setting, scenario, clock);
    let world = platform.world(scenario, bundle);
    let place = place(simulated);
    let verdict = match prepare(&world, scenario, &run_id(EPOCH), &place).await {
        Ok(prepared) => perform(&world, scenario, &prepared, signals).await,
        Err(error) => {
            let inventory = Inventory { started: EPOCH, simulated: place.simulated.clone(), ..Inventory::default() };
            let prepared = Prepared { inventory, plan: Plan { run: run_id(EPOCH), ..Plan::default() } };
            give_up(bundle, clock, scenario, &prepared, &NotBegun::Survey(error).to_string()).0
        }
    };
    Rehearsed { verdict, world, platform }
}

async fn perform(
    world: &World,
    scenario: &Scenario,
    prepared: &Prepared,
    signals: watch::Receiver<Signals>,
) -> Verdict {
    let kept = match begin(world, scenario, prepared) {
        Ok(kept) => kept,
        Err(why) => return give_up(&world.bundle, world.clock, scenario, prepared, &why.to_string()).0,
    };
    let Prepared { inventory, plan } = prepared;
    let leaving = Leaving::Restore;
    run(Script { world, scenario, inventory, kept: &kept, plan, progress: &Silent, signals, leaving }).await.verdict
}

/// Nobody looks on.
pub(super) struct Silent;

impl Progress for Silent {
    fn phase(&self, _: Phase, _: Span) {}
    fn line(&self, _: &str) {}
    fn live(&self, _: &Picture, _: &str) {}
}
