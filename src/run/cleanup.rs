//! The way out: everything undone, under a bound of its own, on every path. A second signal stops it at once; what is
//! left then is in the journal, and `gpuhpa clean` takes it up from there.

use super::stage::Stage;
use super::{Leaving, RunError};
use crate::install::{self, Journal};
use crate::record::observation::Phase;
use crate::units::Span;
use crate::world::World;

pub(super) async fn cleanup(stage: &Stage<'_>, leaving: Leaving) -> Result<(), RunError> {
    let script = stage.script;
    let bound = script.scenario.phases.cleanup;
    stage.begin(Phase::Cleanup, bound);
    let result = match leaving {
        Leaving::Keep => Ok(()),
        Leaving::Restore => {
            let mut signals = script.signals.clone();
            let tell = |text: &str| script.progress.line(text);
            tokio::select! {
                // The sender outlives the run; should it not, nobody can interrupt.
                Ok(signals) = async { signals.wait_for(|signals| signals.count > 1).await.map(|s| *s) } => {
                    Err(RunError::Interrupted(signals.last))
                }
                result = clean(script.world, stage.journal, bound, &tell) => result,
            }
        }
    };
    stage.end(Phase::Cleanup);
    result
}

/// Undoes what a journal made, within `bound` for each change.
///
/// # Errors
/// The first thing that could not be undone; the others were tried all the same.
pub async fn clean(
    world: &World,
    journal: &Journal,
    bound: Span,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), RunError> {
    Ok(install::undo(world, journal, bound, tell).await?)
}
