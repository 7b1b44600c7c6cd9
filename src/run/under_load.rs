//! What a scenario's HPA makes of a load that stays: on a simulated platform, without a verdict.

use tokio::sync::watch;

use super::rehearsal::{EPOCH, Silent, place};
use super::stage::Stage;
use super::{Leaving, Place, Prepared, RunError, Script, Signals, begin, phases, prepare, run_id};
use crate::clock::Clock;
use crate::install::Journal;
use crate::record::inventory::Simulated;
use crate::record::load::Outcome;
use crate::record::observation::{Observation, Seen};
use crate::record::scenario::Scenario;
use crate::sim::{self, Setting};
use crate::units::Span;
use crate::world::{Bundle, World};
use crate::{load, observe};

/// The course of the size under a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnderLoad {
    /// Sizes, each with the moment from which it was so, milliseconds since the load began.
    pub sizes: Vec<(u64, i32)>,
    /// Good answers.
    pub good: u64,
    /// All others that ended.
    pub failed: u64,
}

impl UnderLoad {
    /// The largest size.
    #[must_use]
    pub fn most(&self) -> i32 {
        self.sizes.iter().map(|(_, size)| *size).max().unwrap_or(0)
    }

    /// The size at the end.
    #[must_use]
    pub fn last(&self) -> i32 {
        self.sizes.last().map_or(0, |(_, size)| *size)
    }

    /// Changes of direction: up after down, or down after up.
    #[must_use]
    pub fn turns(&self) -> usize {
        turns(&self.sizes)
    }
}

/// Changes of direction in a course of sizes.
pub(super) fn turns(sizes: &[(u64, i32)]) -> usize {
    let ups: Vec<bool> = sizes.windows(2).map(|pair| pair[1].1 > pair[0].1).collect();
    ups.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// Installs the scenario, applies its HPA, and keeps its load up for so long. Has to run on a paused runtime.
///
/// # Errors
/// The run cannot begin, or a change is refused; the text says why.
pub async fn under_load(
    setting: Setting,
    scenario: &Scenario,
    length: Span,
    bundle: &Bundle,
) -> Result<UnderLoad, String> {
    let clock = Clock::start_at(EPOCH);
    let platform = sim::begin(setting, scenario, clock);
    let world = platform.world(scenario, bundle);
    let place: Place = place(Simulated::default());
    let prepared = prepare(&world, scenario, &run_id(EPOCH), &place).await.map_err(|e| e.to_string())?;
    let kept = begin(&world, scenario, &prepared).map_err(|e| e.to_string())?;
    let Prepared { inventory, plan } = &prepared;
    let (_sender, signals) = watch::channel(Signals::default());
    let (progress, leaving) = (&Silent, Leaving::Keep);
    let script = Script { world: &world, scenario, inventory, kept: &kept, plan, progress, signals, leaving };
    let journal = Journal::new(bundle.clone(), clock, &plan.run);
    let observer = observe::start(&world, observe::Watch::of(scenario, &plan.hpa, Some(&plan.service)));
    let mut stage = Stage::new(&script, &journal);
    let performed = perform(&mut stage, length).await;
    observer.stop().await;
    performed.map_err(|e| e.to_string())?.map_or_else(|| Err(why_not(&world)), Ok)
}

/// `None` where the target did not come to serve.
async fn perform(stage: &mut Stage<'_>, length: Span) -> Result<Option<UnderLoad>, RunError> {
    let Some(url) = phases::until_autoscaled(stage).await? else { return Ok(None) };
    let began_ms = stage.world().clock.now_ms();
    let running = load::start(stage.world(), &stage.script.scenario.load, &url)?;
    tokio::time::sleep(length.duration()).await;
    let report = running.stop().await?;
    let target = &stage.script.scenario.hpa.spec.scale_target_ref.name;
    let sizes = stage.world().book.read(|timeline| sizes(timeline, target, began_ms));
    let good = report.outcomes.get(Outcome::Good.name()).copied().unwrap_or(0);
    let cancelled = report.outcomes.get(Outcome::CancelledByRampDown.name()).copied().unwrap_or(0);
    Ok(Some(UnderLoad { sizes, good, failed: report.requests.saturating_sub(good + cancelled) }))
}

/// The sizes from a moment on, counted from it.
pub(super) fn sizes(timeline: &[Observation], target: &str, from_ms: u64) -> Vec<(u64, i32)> {
    let mut sizes: Vec<(u64, i32)> = Vec::new();
    for observation in timeline {
        let Seen::Workload(workload) = &observation.seen else { continue };
        let (after_ms, size) = (observation.at_ms.saturating_sub(from_ms), workload.spec_replicas);
        if workload.name != target || sizes.last().is_some_and(|(_, last)| *last == size) {
            continue;
        }
        // Of the sizes before only the last one counts.
        if after_ms == 0 {
            sizes.clear();
        }
        sizes.push((after_ms, size));
    }
    sizes
}

fn why_not(world: &World) -> String {
    let last = world.book.read(|timeline| {
        timeline.iter().rev().find_map(|observation| match &observation.seen {
            Seen::Probe(probe) => probe.error.clone(),
            _ => None,
        })
    });
    last.unwrap_or_else(|| "the target did not come to serve, or no metric to be served".to_owned())
}
