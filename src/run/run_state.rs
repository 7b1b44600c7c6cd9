//! What the phases of a run share, and the one way in which they wait.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{ReceivedSignals, RunError, RunInputs};
use crate::bounds::POLL_INTERVAL;
use crate::env::{BundleError, RunEnv};
use crate::evidence;
use crate::install::Journal;
use crate::judge::{self, EvaluationCache, Evaluator, LiveStatus, Prerequisite, ProgressEvent, WaitingReason};
use crate::load;
use crate::model::load::LoadReport;
use crate::model::observation::{Phase, PhaseEdge};
use crate::model::run_records::RunRecords;
use crate::units::HumanDuration;

/// Least time between two evaluations of the checks: each evaluation reads all observations so far.
pub(crate) const EVALUATION_INTERVAL: Duration = Duration::from_secs(2);

/// Time between two calls of [`ProgressReporter::tick`].
pub(super) const TICK_INTERVAL: Duration = Duration::from_secs(10);

/// Shows the progress of a run. It has no influence on the run.
pub(crate) trait ProgressReporter: Send + Sync {
    /// A phase starts, with this time budget.
    fn phase_started(&self, phase: Phase, budget: HumanDuration);
    /// An event worth a line.
    fn message(&self, text: &str);
    /// A step of the run itself, of which its result tells enough.
    fn step(&self, text: &str);
    /// Sizes, pods or hops of the metric changed.
    fn changed(&self, event: &ProgressEvent);
    /// The run's status and what it waits for, about every [`EVALUATION_INTERVAL`].
    fn waiting(&self, status: &LiveStatus, reason: &WaitingReason);
    /// Time has passed, whatever the run does.
    fn tick(&self);
}

/// Ticks until it is dropped.
pub(super) async fn run_ticks(progress: &dyn ProgressReporter) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(TICK_INTERVAL).await;
        progress.tick();
    }
}

/// The state of a run, shared by its phases.
pub(super) struct RunState<'a> {
    pub(super) inputs: &'a RunInputs<'a>,
    pub(super) journal: &'a Journal,
    pub(super) load: Option<load::RunningLoad>,
    /// The load's report, once it has stopped.
    pub(super) load_report: Option<LoadReport>,
    /// Renews the target's Lease; stops when this is dropped.
    pub(super) lease_renewal: JoinSet<()>,
    signals: watch::Receiver<ReceivedSignals>,
    /// Results of earlier evaluations.
    cache: EvaluationCache,
    /// Sequence number of the first observation whose changes were not reported.
    unreported_seq: Cell<u64>,
}

impl<'a> RunState<'a> {
    pub(super) fn new(inputs: &'a RunInputs<'a>, journal: &'a Journal) -> Self {
        let signals = inputs.signals.clone();
        Self {
            inputs,
            journal,
            load: None,
            load_report: None,
            lease_renewal: JoinSet::new(),
            signals,
            cache: EvaluationCache::default(),
            unreported_seq: Cell::new(0),
        }
    }

    pub(super) fn env(&self) -> &'a RunEnv {
        self.inputs.env
    }

    /// Starts a phase: in the timeline and in the progress output.
    pub(super) fn begin_phase(&self, phase: Phase, budget: HumanDuration) {
        super::record_phase(self.env(), phase, PhaseEdge::Began);
        self.inputs.progress.phase_started(phase, budget);
    }

    pub(super) fn end_phase(&self, phase: Phase) {
        super::record_phase(self.env(), phase, PhaseEdge::Ended);
    }

    /// Evaluates the records so far.
    pub(super) fn with_evaluator<T>(&self, evaluate: impl FnOnce(&Evaluator<'_>) -> T) -> T {
        let client_bound = self.load_report.as_ref().and_then(|report| report.client_bound.as_deref());
        let evidence::RedactedInputs { scenario, inventory, .. } = self.inputs.redacted;
        self.journal.read(|journal| {
            self.env().timeline.with_observations(|timeline| {
                let records = RunRecords { scenario, inventory, journal, timeline, client_bound };
                evaluate(&Evaluator::with_cache(records, &self.cache))
            })
        })
    }

    /// Waits until all of these have a result, or the run is settled. It ends because each check has its own bound;
    /// observations arrive at least every second.
    pub(super) async fn wait_for_checks(&mut self, prerequisites: &[Prerequisite]) -> Result<(), RunError> {
        self.wait_while(|evaluator| judge::waiting_for(evaluator, prerequisites).filter(|_| !evaluator.is_settled()))
            .await
    }

    /// Waits until `waiting_reason` returns `None`; reports each reason, and what has changed meanwhile.
    pub(super) async fn wait_while(
        &mut self,
        waiting_reason: impl Fn(&Evaluator<'_>) -> Option<WaitingReason>,
    ) -> Result<(), RunError> {
        let mut changes = self.env().timeline.subscribe();
        loop {
            changes.borrow_and_update();
            let (reason, status, events) = self.with_evaluator(|evaluator| {
                (waiting_reason(evaluator), evaluator.view().live_status(), self.unreported_events(evaluator))
            });
            events.iter().for_each(|event| self.inputs.progress.changed(event));
            let Some(reason) = reason else { return Ok(()) };
            self.inputs.progress.waiting(&status, &reason);
            if let Some(error) = self.env().timeline.take_failure() {
                return Err(error.into());
            }
            self.wait_for_change(&mut changes).await?;
        }
    }

    /// The changes since the last call.
    fn unreported_events(&self, evaluator: &Evaluator<'_>) -> Vec<ProgressEvent> {
        let view = evaluator.view();
        let next_seq = view.records.timeline.last().map_or(0, |last| last.seq + 1);
        view.progress_from(self.unreported_seq.replace(next_seq))
    }

    /// Waits for the next observation. Fails immediately after a signal.
    async fn wait_for_change(&mut self, changes: &mut watch::Receiver<u64>) -> Result<(), RunError> {
        let next_change = async {
            tokio::time::sleep(EVALUATION_INTERVAL).await;
            // An error means that the writer was dropped, and with it this run.
            let _ = tokio::time::timeout(POLL_INTERVAL.to_std(), changes.changed()).await;
        };
        tokio::select! {
            biased;
            signal = wait_for_signal(&mut self.signals) => Err(RunError::Interrupted(signal)),
            () = next_change => Ok(()),
        }
    }

    /// Does work that a signal stops.
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

    /// Stops the load if it runs, and returns its report.
    pub(super) async fn stop_load(&mut self) -> Result<Option<LoadReport>, RunError> {
        if let Some(running) = self.load.take() {
            let mut report = running.stop().await?;
            let redact_result = self.env().bundle.redactor().redact_value(&mut report);
            redact_result.map_err(|e| BundleError { path: "load.json".to_owned(), why: e.to_string() })?;
            self.load_report = Some(report);
        }
        Ok(self.load_report.clone())
    }

    /// Names of new pods that are Ready and were not sent a direct chat.
    pub(super) fn unprobed_pods(&self) -> Vec<String> {
        self.with_evaluator(|evaluator| evaluator.view().unprobed_pods())
    }
}

/// Waits for a signal and returns its name.
async fn wait_for_signal(signals: &mut watch::Receiver<ReceivedSignals>) -> &'static str {
    match signals.wait_for(|signals| signals.count > 0).await {
        Ok(signals) => signals.last,
        // Without a sender no signal can arrive.
        Err(_) => std::future::pending().await,
    }
}
