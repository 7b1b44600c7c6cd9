//! Clean-up: undoes every change, within its own bound, on every path. A second signal stops it immediately; `gpuhpa clean`
//! continues from the journal.

use super::run_state::RunState;
use super::{CleanupPolicy, RunError, RunInputs};
use crate::env::{Bundle, BundleError, RunEnv};
use crate::evidence::{self, FinishedRun, LoadedBundle};
use crate::install::{self, Journal};
use crate::judge;
use crate::load::client_bound_reason;
use crate::model::load::LoadReport;
use crate::model::observation::Phase;
use crate::model::run_records::RunRecords;
use crate::model::verdict::Verdict;
use crate::units::HumanDuration;

pub(super) async fn run_cleanup(state: &RunState<'_>, cleanup_policy: CleanupPolicy) -> Result<(), RunError> {
    let inputs = state.inputs;
    let bound = inputs.scenario.phases.cleanup_timeout;
    state.begin_phase(Phase::Cleanup, bound);
    let result = match cleanup_policy {
        CleanupPolicy::Keep => Ok(()),
        CleanupPolicy::Restore => {
            let on_progress = |text: &str| inputs.progress.step(text);
            until_second_signal(inputs, clean(inputs.env, state.journal, bound, &on_progress)).await
        }
    };
    state.end_phase(Phase::Cleanup);
    result
}

/// Does work of the run's end that a second signal stops.
pub(super) async fn until_second_signal(
    inputs: &RunInputs<'_>,
    work: impl Future<Output = Result<(), RunError>>,
) -> Result<(), RunError> {
    let mut signals = inputs.signals.clone();
    tokio::select! {
        // In order: if the second signal has already arrived, the work does not start.
        biased;
        // Without a sender no signal can arrive, and the work runs to its end.
        Ok(signals) = async { signals.wait_for(|signals| signals.count > 1).await.map(|s| *s) } => {
            Err(RunError::Interrupted(signals.last))
        }
        result = work => result,
    }
}

/// Rewrites the derived files of a bundle whose journal grew after the run, and returns the new verdict. The observations,
/// and so the results on the platform, do not change. A bundle of older rules is brought to today's.
///
/// # Errors
/// A file cannot be written.
pub fn reissue_verdict(loaded: &LoadedBundle, bundle: &Bundle) -> Result<Verdict, BundleError> {
    let load = loaded.load.clone().map(|load| LoadReport { client_bound: client_bound_reason(&load), ..load });
    let client_bound = load.as_ref().and_then(|load| load.client_bound.as_deref());
    let records = RunRecords { client_bound, ..loaded.records() };
    let (verdict, prediction) = (judge::judge(records), judge::predict(records));
    let ending = FinishedRun { load: load.as_ref(), ..loaded.finished_run(&verdict, &prediction) };
    // It was made of the manifest that is replaced.
    evidence::remove_signature(bundle)?;
    evidence::finish_in_format(bundle, &ending, loaded.manifest.format)?;
    Ok(verdict)
}

/// Undoes the changes of a journal, within `bound` for each.
///
/// # Errors
/// The first change that could not be undone; the others were attempted nevertheless.
pub async fn clean(
    env: &RunEnv,
    journal: &Journal,
    bound: HumanDuration,
    on_progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), RunError> {
    Ok(install::undo(env, journal, bound, on_progress).await?)
}
