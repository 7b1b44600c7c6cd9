//! The stage: what the phases share while a run goes on, and the one way in which they wait.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{ReceivedSignals, RunError, RunInputs};
use crate::bounds::POLL_INTERVAL;
use crate::env::{BundleError, RunEnv};
use crate::evidence;
use crate::install::Journal;
use crate::judge::{Check, CheckResult, CheckStatus, EvaluationCache, Evaluator, LiveStatus, Prerequisite};
use crate::load;
use crate::model::load::LoadReport;
use crate::model::observation::{Phase, PhaseEdge};
use crate::model::run_records::RunRecords;
use crate::units::HumanDuration;

/// Rulings are not asked for more often than this: each looks at all that was seen so far.
const EVALUATION_INTERVAL: Duration = Duration::from_secs(2);

/// Where a run shows how it gets on. It never decides anything.
pub trait ProgressReporter: Send + Sync {
    /// A phase begins; its time budget.
    fn phase_started(&self, phase: Phase, budget: HumanDuration);
    /// Something happened that is worth a line.
    fn message(&self, text: &str);
    /// The state of the run and what is waited for, every other second.
    fn waiting(&self, picture: &LiveStatus, waiting: &str);
}

/// What the phases share.
pub(super) struct RunState<'a> {
    pub(super) inputs: &'a RunInputs<'a>,
    pub(super) journal: &'a Journal,
    pub(super) load: Option<load::RunningLoad>,
    /// The load's report, once it was taken away.
    pub(super) load_report: Option<LoadReport>,
    /// Pods that were sent a chat of their own.
    pub(super) probed_pods: BTreeSet<String>,
    /// Renews the claim on the target; ends with the stage.
    pub(super) lease_renewal: JoinSet<()>,
    signals: watch::Receiver<ReceivedSignals>,
    /// What the judge has worked out so far.
    cache: EvaluationCache,
}

impl<'a> RunState<'a> {
    pub(super) fn new(script: &'a RunInputs<'a>, journal: &'a Journal) -> Self {
        let signals = script.signals.clone();
        let (probed, renewal, memory) = (BTreeSet::new(), JoinSet::new(), EvaluationCache::default());
        Self {
            inputs: script,
            journal,
            load: None,
            load_report: None,
            probed_pods: probed,
            lease_renewal: renewal,
            signals,
            cache: memory,
        }
    }

    pub(super) fn env(&self) -> &'a RunEnv {
        self.inputs.env
    }

    /// Begins a phase: in the timeline and on the screen.
    pub(super) fn begin_phase(&self, phase: Phase, budget: HumanDuration) {
        super::record_phase(self.env(), phase, PhaseEdge::Began);
        self.inputs.progress.phase_started(phase, budget);
    }

    pub(super) fn end_phase(&self, phase: Phase) {
        super::record_phase(self.env(), phase, PhaseEdge::Ended);
    }

    /// Looks at the records so far with the judge's eyes.
    pub(super) fn with_evaluator<T>(&self, look: impl FnOnce(&Evaluator<'_>) -> T) -> T {
        let void = self.load_report.as_ref().and_then(|report| report.client_bound.as_deref());
        let evidence::RedactedInputs { scenario, inventory, .. } = self.inputs.redacted;
        self.journal.read(|journal| {
            self.env().timeline.with_observations(|timeline| {
                let records = RunRecords { scenario, inventory, journal, timeline, client_bound: void };
                look(&Evaluator::with_cache(records, &self.cache))
            })
        })
    }

    /// Waits until the judge can rule on all of these, or the run is settled. Each check has a bound of its own, so this
    /// ends; observations come every second at the least.
    pub(super) async fn wait_for_checks(&mut self, parts: &[Prerequisite]) -> Result<(), RunError> {
        self.wait_while(|bench| {
            let open = parts
                .iter()
                .map(|part| bench.evaluate_prerequisite(*part))
                .find(|ruling| ruling.status == CheckStatus::Pending);
            open.filter(|_| !bench.is_settled()).map(|ruling: CheckResult| ruling.reason)
        })
        .await
    }

    /// Waits until `waiting` says nothing more; what it says is shown.
    pub(super) async fn wait_while(
        &mut self,
        waiting: impl Fn(&Evaluator<'_>) -> Option<String>,
    ) -> Result<(), RunError> {
        let mut changes = self.env().timeline.subscribe();
        loop {
            changes.borrow_and_update();
            let (why, picture) = self.with_evaluator(|bench| (waiting(bench), bench.view().live_status()));
            let Some(why) = why else { return Ok(()) };
            self.inputs.progress.waiting(&picture, &why);
            if let Some(error) = self.env().timeline.take_failure() {
                return Err(error.into());
            }
            self.wait_for_change(&mut changes).await?;
        }
    }

    /// Waits for something new, and not at all after a signal.
    async fn wait_for_change(&mut self, changes: &mut watch::Receiver<u64>) -> Result<(), RunError> {
        let news = async {
            tokio::time::sleep(EVALUATION_INTERVAL).await;
            // An error means that the book is gone, and with it this run.
            let _ = tokio::time::timeout(POLL_INTERVAL.to_std(), changes.changed()).await;
        };
        tokio::select! {
            biased;
            signal = wait_for_signal(&mut self.signals) => Err(RunError::Interrupted(signal)),
            () = news => Ok(()),
        }
    }

    /// Does something that a signal may stop.
    pub(super) async fn unless_interrupted<T>(
        &mut self,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        tokio::select! {
            biased;
            signal = wait_for_signal(&mut self.signals) => Err(RunError::Interrupted(signal)),
            result = work => result,
        }
    }

    /// Ends the load if it runs, and hands over its report.
    pub(super) async fn stop_load(&mut self) -> Result<Option<LoadReport>, RunError> {
        if let Some(running) = self.load.take() {
            let mut report = running.stop().await?;
            let kept = self.env().bundle.redactor().redact_value(&mut report);
            kept.map_err(|e| BundleError { path: "load.json".to_owned(), why: e.to_string() })?;
            self.load_report = Some(report);
        }
        Ok(self.load_report.clone())
    }

    /// The names of the new pods that are Ready and have not been sent a chat of their own.
    pub(super) fn unprobed_pods(&self) -> Vec<String> {
        let ready = self.with_evaluator(|bench| bench.view().new_ready_pods());
        ready.into_iter().filter(|pod| !self.probed_pods.contains(pod)).collect()
    }
}

/// Waits for a signal and says which.
async fn wait_for_signal(signals: &mut watch::Receiver<ReceivedSignals>) -> &'static str {
    match signals.wait_for(|signals| signals.count > 0).await {
        Ok(signals) => signals.last,
        // Nobody can send one any more.
        Err(_) => std::future::pending().await,
    }
}

/// The checks as parts.
pub(super) const fn whole_check(check: Check) -> Prerequisite {
    Prerequisite::Whole(check)
}
