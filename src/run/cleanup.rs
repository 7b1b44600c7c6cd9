//! The way out: everything undone, under a bound of its own, on every path. A second signal stops it at once; what is
//! left then is in the journal, and `gpuhpa clean` takes it up from there.

use super::stage::Stage;
use super::{Leaving, RunError, Script};
use crate::evidence::{self, Held};
use crate::install::{self, Journal};
use crate::judge;
use crate::record::observation::Phase;
use crate::record::verdict::Verdict;
use crate::units::Span;
use crate::world::{Bundle, BundleError, World};

pub(super) async fn cleanup(stage: &Stage<'_>, leaving: Leaving) -> Result<(), RunError> {
    let script = stage.script;
    let bound = script.scenario.phases.cleanup;
    stage.begin(Phase::Cleanup, bound);
    let result = match leaving {
        Leaving::Keep => Ok(()),
        Leaving::Restore => {
            let tell = |text: &str| script.progress.line(text);
            unless_twice(script, clean(script.world, stage.journal, bound, &tell)).await
        }
    };
    stage.end(Phase::Cleanup);
    result
}

/// Does something that the end of a run asks for, and that a second signal stops.
pub(super) async fn unless_twice(
    script: &Script<'_>,
    work: impl Future<Output = Result<(), RunError>>,
) -> Result<(), RunError> {
    let mut signals = script.signals.clone();
    tokio::select! {
        // Looked at first: where the second signal is there already, nothing more is begun.
        biased;
        // The sender outlives the run; should it not, nobody can interrupt.
        Ok(signals) = async { signals.wait_for(|signals| signals.count > 1).await.map(|s| *s) } => {
            Err(RunError::Interrupted(signals.last))
        }
        result = work => result,
    }
}

/// The bundle of a run that was cleaned up later: the verdict on its records as they stand now, with all that follows from
/// it. What was observed, and so what is said of the platform, stays.
///
/// # Errors
/// A file cannot be written.
pub fn conclude(held: &Held, bundle: &Bundle) -> Result<Verdict, BundleError> {
    let verdict = judge::judge(held.records());
    evidence::finish(bundle, &held.ending(&verdict))?;
    Ok(verdict)
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
