//! From a scenario to a verdict, on whichever world: what verify and rehearse have in common. The bundle and the JUnit
//! file are written on every ending.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::watch;

use super::console::Loudness;
use super::{Console, Exit, doors, signing};
use crate::clock::Clock;
use crate::evidence;
use crate::evidence::{Facts, Kept, Signer};
use crate::judge;
use crate::record::inventory::Inventory;
use crate::record::observation::{Observation, Seen};
use crate::record::plan::Plan;
use crate::record::records::Records;
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::run::{self, Leaving, NotBegun, Place, Prepared, RunError, Script, Signals};
use crate::world::{Bundle, World};

/// Where a run's files go, and how much it says.
#[derive(Clone, Debug, Args)]
pub(super) struct OutputArgs {
    /// Folder of the evidence; must not exist, or be empty, or hold a rehearsal where one is to come [default:
    /// reports/RUN-ID, or reports/rehearsal]
    #[arg(long, value_name = "DIR")]
    pub(super) report_dir: Option<PathBuf>,
    /// Write the JUnit file here too
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Say nothing on the way
    #[arg(long, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more on the way
    #[arg(long, short)]
    pub(super) verbose: bool,
}

impl OutputArgs {
    fn loudness(&self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (_, true) => Loudness::Verbose,
            _ => Loudness::Normal,
        }
    }

    /// A run that did not come to have a scenario or a place for its bundle: a pipeline finds its JUnit file all the same.
    pub(super) fn no_run(&self, clock: Clock, error: &str) -> Exit {
        let inventory = Inventory { started: clock.started(), ..Inventory::default() };
        let seen =
            Observation { seq: 0, at_ms: clock.now_ms(), source: None, seen: Seen::NotBegun { why: error.to_owned() } };
        let scenario = Scenario::default();
        let verdict = judge::judge(Records::unchanged(&scenario, &inventory, &[seen]));
        let facts = Facts { verdict: &verdict, inventory: &inventory, run: "", scenario: &scenario.name, marks: &[] };
        put_junit(self.junit.as_deref(), &facts);
        Console::error(error, None, Exit::Usage)
    }
}

/// Why a run does not begin.
pub(super) struct Refused {
    pub(super) what: String,
    pub(super) hint: Option<String>,
    pub(super) exit: Exit,
}

impl Refused {
    pub(super) fn new(what: impl Into<String>, hint: Option<&str>, exit: Exit) -> Self {
        Self { what: what.into(), hint: hint.map(ToOwned::to_owned), exit }
    }
}

impl From<NotBegun> for Refused {
    fn from(why: NotBegun) -> Self {
        let (exit, hint) = match &why {
            NotBegun::Survey(error) => {
                let (exit, hint) = super::plan::unsurveyed(error);
                (exit, Some(hint))
            }
            NotBegun::Evidence(_) => (Exit::Internal, None),
            NotBegun::NotServed => (Exit::NotApplicable, None),
            NotBegun::Refused(refusals) => (Exit::Usage, refusals.first().map(|first| first.hint.as_str())),
        };
        Self::new(why.to_string(), hint, exit)
    }
}

/// What a command holds on its way to a verdict.
pub(super) struct Desk<'a> {
    pub(super) output: &'a OutputArgs,
    pub(super) scenario: Scenario,
    pub(super) signer: Option<Signer>,
    pub(super) bundle: Bundle,
    pub(super) clock: Clock,
    pub(super) prepared: Prepared,
    pub(super) leaving: Leaving,
    /// Do not ask before the first change.
    pub(super) yes: bool,
    /// The flags with which `clean` finds the same cluster; none where there is nothing to be found.
    pub(super) again: Option<String>,
}

impl<'a> Desk<'a> {
    /// A desk with nothing on it but the scenario.
    pub(super) fn new(output: &'a OutputArgs, scenario: Scenario, bundle: Bundle, clock: Clock, run: String) -> Self {
        Self {
            output,
            scenario,
            signer: None,
            bundle,
            clock,
            prepared: Prepared {
                inventory: Inventory { started: clock.started(), ..Inventory::default() },
                plan: Plan { run, ..Plan::default() },
            },
            leaving: Leaving::Restore,
            yes: true,
            again: None,
        }
    }

    /// Everything before the first change: inventory, plan, consent.
    pub(super) async fn prepare(&mut self, world: &World, place: &Place) -> Result<Kept, Refused> {
        // Known before anything else can fail.
        self.prepared.inventory.simulated.clone_from(&place.simulated);
        let prepared = run::prepare(world, &self.scenario, &self.prepared.plan.run, place).await;
        self.prepared = prepared.map_err(NotBegun::from)?;
        doors::tell_hosts(self.bundle.cover(), &self.prepared.inventory, &self.scenario);
        let kept = run::begin(world, &self.scenario, &self.prepared)?;
        self.consent().await?;
        Ok(kept)
    }

    /// Shows every change before the first one, and asks.
    async fn consent(&self) -> Result<(), Refused> {
        if !self.output.quiet {
            Console::say(
                &self.bundle.cover().text(&super::plan::changes(&self.prepared.inventory, &self.prepared.plan)),
            );
        }
        if self.yes {
            return Ok(());
        }
        match Console::ask("Make these changes?").await {
            Some(true) => Ok(()),
            Some(false) => Err(Refused::new("not confirmed; nothing was changed", None, Exit::Usage)),
            None => {
                let hint = Some("add --yes to run without a question");
                Err(Refused::new("there is no terminal to ask on; nothing was changed", hint, Exit::Usage))
            }
        }
    }

    /// The run, from the first change to the verdict.
    pub(super) async fn perform(&self, world: &World, kept: &Kept, signals: watch::Receiver<Signals>) -> Exit {
        let console = Console::new(self.clock, self.output.loudness(), self.bundle.cover().clone());
        let script = Script {
            world,
            scenario: &self.scenario,
            inventory: &self.prepared.inventory,
            kept,
            plan: &self.prepared.plan,
            progress: &console,
            signals,
            leaving: self.leaving,
        };
        let outcome = run::run(script).await;
        console.done();
        let signed = self.put(&outcome.verdict, kept);
        Console::verdict(&outcome.verdict);
        Console::say(&format!("evidence: {}", self.bundle.dir().display()));
        let exit = match signed {
            // Why the bundle could not be signed is told; what ended the run is told first.
            Err(exit) if outcome.error.is_none() => exit,
            _ => self.ending(&outcome),
        };
        if let Some(again) = self.again.as_ref().filter(|_| !outcome.verdict.restored) {
            Console::say(&format!("to remove what is left: gpuhpa clean {}{again}", self.bundle.dir().display()));
        }
        exit
    }

    /// The JUnit file where a pipeline looks for it, and the signature of a bundle that is whole.
    fn put(&self, verdict: &Verdict, kept: &Kept) -> Result<(), Exit> {
        let Kept { scenario, inventory, plan } = kept;
        let facts = Facts { verdict, inventory, run: &plan.run, scenario: &scenario.name, marks: &[] };
        put_junit(self.output.junit.as_deref(), &facts);
        self.signer.as_ref().map_or(Ok(()), |signer| signing::put(&self.bundle, signer, &facts))
    }

    fn ending(&self, outcome: &run::Outcome) -> Exit {
        let Some(error) = &outcome.error else { return Exit::of(&outcome.verdict) };
        let (hint, exit) = match error {
            RunError::Interrupted(_) => (None, Exit::Interrupted),
            error if error.is_evidence() => (
                Some("the run ended there; make room, or name a folder on another disk with --report-dir"),
                Exit::Internal,
            ),
            _ => (None, Exit::of(&outcome.verdict)),
        };
        Console::error(&self.bundle.cover().text(&error.to_string()), hint, exit)
    }

    /// A run that did not begin leaves its bundle and its JUnit file too.
    pub(super) fn give_up(&self, refused: &Refused) -> Exit {
        let (verdict, kept, failed) =
            run::give_up(&self.bundle, self.clock, &self.scenario, &self.prepared, &refused.what);
        let signed = self.put(&verdict, &kept);
        if let Some(error) = failed {
            Console::say(&format!("error: {error}"));
        }
        let exit = Console::error(&self.bundle.cover().text(&refused.what), refused.hint.as_deref(), refused.exit);
        signed.err().unwrap_or(exit)
    }
}

fn put_junit(path: Option<&Path>, facts: &Facts<'_>) {
    if let Some(path) = path
        && let Err(error) = evidence::put_junit(path, facts)
    {
        Console::say(&format!("error: {error}"));
    }
}
