//! The stage: what the phases share while a run goes on, and the one way in which they wait.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{RunError, Script, Signals};
use crate::bounds::POLL;
use crate::evidence;
use crate::install::Journal;
use crate::judge::{Bench, Check, Memory, Part, Picture, Ruling, State};
use crate::load;
use crate::record::load::LoadReport;
use crate::record::observation::{Edge, Phase};
use crate::record::records::Records;
use crate::units::Span;
use crate::world::{BundleError, World};

/// Rulings are not asked for more often than this: each looks at all that was seen so far.
const PAUSE: Duration = Duration::from_secs(2);

/// Where a run shows how it gets on. It never decides anything.
pub trait Progress: Send + Sync {
    /// A phase begins; its time budget.
    fn phase(&self, phase: Phase, budget: Span);
    /// Something happened that is worth a line.
    fn line(&self, text: &str);
    /// The state of the run and what is waited for, every other second.
    fn live(&self, picture: &Picture, waiting: &str);
}

/// What the phases share.
pub(super) struct Stage<'a> {
    pub(super) script: &'a Script<'a>,
    pub(super) journal: &'a Journal,
    pub(super) load: Option<load::Running>,
    /// The load's report, once it was taken away.
    pub(super) report: Option<LoadReport>,
    /// Pods that were sent a chat of their own.
    pub(super) probed: BTreeSet<String>,
    /// Renews the claim on the target; ends with the stage.
    pub(super) renewal: JoinSet<()>,
    signals: watch::Receiver<Signals>,
    /// What the judge has worked out so far.
    memory: Memory,
}

impl<'a> Stage<'a> {
    pub(super) fn new(script: &'a Script<'a>, journal: &'a Journal) -> Self {
        let signals = script.signals.clone();
        let (probed, renewal, memory) = (BTreeSet::new(), JoinSet::new(), Memory::default());
        Self { script, journal, load: None, report: None, probed, renewal, signals, memory }
    }

    pub(super) fn world(&self) -> &'a World {
        self.script.world
    }

    /// Begins a phase: in the timeline and on the screen.
    pub(super) fn begin(&self, phase: Phase, budget: Span) {
        super::mark(self.world(), phase, Edge::Began);
        self.script.progress.phase(phase, budget);
    }

    pub(super) fn end(&self, phase: Phase) {
        super::mark(self.world(), phase, Edge::Ended);
    }

    /// Looks at the records so far with the judge's eyes.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Bench<'_>) -> T) -> T {
        let void = self.report.as_ref().and_then(|report| report.void.as_deref());
        let evidence::Kept { scenario, inventory, .. } = self.script.kept;
        self.journal.read(|journal| {
            self.world().book.read(|timeline| {
                let records = Records { scenario, inventory, journal, timeline, load_void: void };
                look(&Bench::with(records, &self.memory))
            })
        })
    }

    /// Waits until the judge can rule on all of these, or the run is settled. Each check has a bound of its own, so this
    /// ends; observations come every second at the least.
    pub(super) async fn until_ruled(&mut self, parts: &[Part]) -> Result<(), RunError> {
        self.until(|bench| {
            let open = parts.iter().map(|part| bench.part(*part)).find(|ruling| ruling.state == State::Open);
            open.filter(|_| !bench.is_settled()).map(|ruling: Ruling| ruling.reason)
        })
        .await
    }

    /// Waits until `waiting` says nothing more; what it says is shown.
    pub(super) async fn until(&mut self, waiting: impl Fn(&Bench<'_>) -> Option<String>) -> Result<(), RunError> {
        let mut changes = self.world().book.changes();
        loop {
            changes.borrow_and_update();
            let (why, picture) = self.look(|bench| (waiting(bench), bench.view().picture()));
            let Some(why) = why else { return Ok(()) };
            self.script.progress.live(&picture, &why);
            if let Some(error) = self.world().book.failure() {
                return Err(error.into());
            }
            self.pause(&mut changes).await?;
        }
    }

    /// Waits for something new, and not at all after a signal.
    async fn pause(&mut self, changes: &mut watch::Receiver<u64>) -> Result<(), RunError> {
        let news = async {
            tokio::time::sleep(PAUSE).await;
            // An error means that the book is gone, and with it this run.
            let _ = tokio::time::timeout(POLL.duration(), changes.changed()).await;
        };
        tokio::select! {
            biased;
            signal = interrupted(&mut self.signals) => Err(RunError::Interrupted(signal)),
            () = news => Ok(()),
        }
    }

    /// Does something that a signal may stop.
    pub(super) async fn heeding<T>(&mut self, work: impl Future<Output = Result<T, RunError>>) -> Result<T, RunError> {
        tokio::select! {
            biased;
            signal = interrupted(&mut self.signals) => Err(RunError::Interrupted(signal)),
            result = work => result,
        }
    }

    /// Ends the load if it runs, and hands over its report.
    pub(super) async fn take_load(&mut self) -> Result<Option<LoadReport>, RunError> {
        if let Some(running) = self.load.take() {
            let mut report = running.stop().await?;
            let kept = self.world().bundle.cover().value(&mut report);
            kept.map_err(|e| BundleError { path: "load.json".to_owned(), why: e.to_string() })?;
            self.report = Some(report);
        }
        Ok(self.report.clone())
    }

    /// The names of the new pods that are Ready and have not been sent a chat of their own.
    pub(super) fn unprobed(&self) -> Vec<String> {
        let ready = self.look(|bench| bench.view().new_ready_pods());
        ready.into_iter().filter(|pod| !self.probed.contains(pod)).collect()
    }
}

/// Waits for a signal and says which.
async fn interrupted(signals: &mut watch::Receiver<Signals>) -> &'static str {
    match signals.wait_for(|signals| signals.count > 0).await {
        Ok(signals) => signals.last,
        // Nobody can send one any more.
        Err(_) => std::future::pending().await,
    }
}

/// The checks as parts.
pub(super) const fn whole(check: Check) -> Part {
    Part::Whole(check)
}
