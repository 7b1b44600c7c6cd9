//! The way out: everything undone, under a bound of its own, on every path. A second signal stops it at once; what is
//! left then is in the journal, and `gpuhpa clean` takes it up from there.

use super::run_state::RunState;
use super::{CleanupPolicy, RunError, RunInputs};
use crate::env::{Bundle, BundleError, RunEnv};
use crate::evidence::{self, LoadedBundle};
use crate::install::{self, Journal};
use crate::judge;
use crate::model::observation::Phase;
use crate::model::verdict::Verdict;
use crate::units::HumanDuration;

pub(super) async fn run_cleanup(stage: &RunState<'_>, leaving: CleanupPolicy) -> Result<(), RunError> {
    let script = stage.inputs;
    let bound = script.scenario.phases.cleanup_timeout;
    stage.begin_phase(Phase::Cleanup, bound);
    let result = match leaving {
        CleanupPolicy::Keep => Ok(()),
        CleanupPolicy::Restore => {
            let tell = |text: &str| script.progress.message(text);
            until_second_signal(script, clean(script.env, stage.journal, bound, &tell)).await
        }
    };
    stage.end_phase(Phase::Cleanup);
    result
}

/// Does something that the end of a run asks for, and that a second signal stops.
pub(super) async fn until_second_signal(
    script: &RunInputs<'_>,
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
pub fn reissue_verdict(held: &LoadedBundle, bundle: &Bundle) -> Result<Verdict, BundleError> {
    let (verdict, prediction) = (judge::judge(held.records()), judge::predict(held.records()));
    evidence::finish(bundle, &held.finished_run(&verdict, &prediction))?;
    Ok(verdict)
}

/// Undoes what a journal made, within `bound` for each change.
///
/// # Errors
/// The first thing that could not be undone; the others were tried all the same.
pub async fn clean(
    world: &RunEnv,
    journal: &Journal,
    bound: HumanDuration,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), RunError> {
    Ok(install::undo(world, journal, bound, tell).await?)
}
