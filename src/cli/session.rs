//! From a scenario to a verdict, on whichever world: what verify and rehearse have in common. The bundle and the JUnit
//! file are written on every ending.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::watch;

use super::console::Verbosity;
use super::{CliExit, Console, environment, signing};
use crate::clock::RunClock;
use crate::env::{Bundle, RunEnv};
use crate::evidence;
use crate::evidence::{ArtifactInput, BundleSigner, RedactedInputs};
use crate::judge;
use crate::model::inventory::Inventory;
use crate::model::observation::{Observation, ObservationKind};
use crate::model::plan::Plan;
use crate::model::run_records::RunRecords;
use crate::model::scenario::Scenario;
use crate::model::verdict::Verdict;
use crate::run::{
    self, CleanupPolicy, ClusterIdentity, PreparedRun, ReceivedSignals, RunError, RunInputs, RunStartError,
};

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
    fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }

    /// A run that did not come to have a scenario or a place for its bundle: a pipeline finds its JUnit file all the same.
    pub(super) fn report_not_started(&self, clock: RunClock, error: &str) -> CliExit {
        let inventory = Inventory { started: clock.wall_start(), ..Inventory::default() };
        let seen = Observation {
            seq: 0,
            at_ms: clock.now_ms(),
            source_time: None,
            kind: ObservationKind::NotStarted { reason: error.to_owned() },
        };
        let scenario = Scenario::default();
        let verdict = judge::judge(RunRecords::without_changes(&scenario, &inventory, &[seen]));
        let facts = ArtifactInput {
            verdict: &verdict,
            inventory: &inventory,
            run: "",
            scenario: &scenario.name,
            extra_marks: &[],
        };
        write_junit(self.junit.as_deref(), &facts);
        Console::print_error(error, None, CliExit::Usage)
    }
}

/// Why a run does not begin.
pub(super) struct PreflightFailure {
    pub(super) what: String,
    pub(super) hint: Option<String>,
    pub(super) exit: CliExit,
}

impl PreflightFailure {
    pub(super) fn new(what: impl Into<String>, hint: Option<&str>, exit: CliExit) -> Self {
        Self { what: what.into(), hint: hint.map(ToOwned::to_owned), exit }
    }
}

impl From<RunStartError> for PreflightFailure {
    fn from(why: RunStartError) -> Self {
        let (exit, hint) = match &why {
            RunStartError::Survey(error) => {
                let (exit, hint) = super::plan::survey_failure(error);
                (exit, Some(hint))
            }
            RunStartError::Evidence(_) => (CliExit::Internal, None),
            RunStartError::HpaApiNotServed => (CliExit::NotApplicable, None),
            RunStartError::PreflightFailed(refusals) => {
                (CliExit::Usage, refusals.first().map(|first| first.hint.as_str()))
            }
        };
        Self::new(why.to_string(), hint, exit)
    }
}

/// What a command holds on its way to a verdict.
pub(super) struct RunSession<'a> {
    pub(super) output: &'a OutputArgs,
    pub(super) scenario: Scenario,
    pub(super) signer: Option<BundleSigner>,
    pub(super) bundle: Bundle,
    pub(super) clock: RunClock,
    pub(super) prepared: PreparedRun,
    pub(super) cleanup_policy: CleanupPolicy,
    /// Do not ask before the first change.
    pub(super) assume_yes: bool,
    /// The flags with which `clean` finds the same cluster; none where there is nothing to be found.
    pub(super) cluster_flags: Option<String>,
}

impl<'a> RunSession<'a> {
    /// A desk with nothing on it but the scenario.
    pub(super) fn new(
        output: &'a OutputArgs,
        scenario: Scenario,
        bundle: Bundle,
        clock: RunClock,
        run: String,
    ) -> Self {
        Self {
            output,
            scenario,
            signer: None,
            bundle,
            clock,
            prepared: PreparedRun {
                inventory: Inventory { started: clock.wall_start(), ..Inventory::default() },
                plan: Plan { run, ..Plan::default() },
            },
            cleanup_policy: CleanupPolicy::Restore,
            assume_yes: true,
            cluster_flags: None,
        }
    }

    /// Everything before the first change: inventory, plan, consent.
    pub(super) async fn prepare(
        &mut self,
        world: &RunEnv,
        place: &ClusterIdentity,
    ) -> Result<RedactedInputs, PreflightFailure> {
        // Known before anything else can fail.
        self.prepared.inventory.simulated.clone_from(&place.simulated);
        let prepared = run::prepare(world, &self.scenario, &self.prepared.plan.run, place).await;
        self.prepared = prepared.map_err(RunStartError::from)?;
        environment::register_hosts(self.bundle.redactor(), &self.prepared.inventory, &self.scenario);
        let kept = run::begin_bundle(world, &self.scenario, &self.prepared)?;
        self.confirm_changes().await?;
        Ok(kept)
    }

    /// Shows every change before the first one, and asks.
    async fn confirm_changes(&self) -> Result<(), PreflightFailure> {
        if !self.output.quiet {
            Console::print_message(
                &self
                    .bundle
                    .redactor()
                    .redact_text(&super::plan::format_changes(&self.prepared.inventory, &self.prepared.plan)),
            );
        }
        if self.assume_yes {
            return Ok(());
        }
        match Console::confirm("Make these changes?").await {
            Some(true) => Ok(()),
            Some(false) => Err(PreflightFailure::new("not confirmed; nothing was changed", None, CliExit::Usage)),
            None => {
                let hint = Some("add --yes to run without a question");
                Err(PreflightFailure::new("there is no terminal to ask on; nothing was changed", hint, CliExit::Usage))
            }
        }
    }

    /// The run, from the first change to the verdict.
    pub(super) async fn execute(
        &self,
        world: &RunEnv,
        kept: &RedactedInputs,
        signals: watch::Receiver<ReceivedSignals>,
    ) -> CliExit {
        let console = Console::new(self.clock, self.output.verbosity(), self.bundle.redactor().clone());
        let script = RunInputs {
            env: world,
            scenario: &self.scenario,
            inventory: &self.prepared.inventory,
            redacted: kept,
            plan: &self.prepared.plan,
            progress: &console,
            signals,
            cleanup_policy: self.cleanup_policy,
        };
        let outcome = run::run(script).await;
        console.finish();
        let signed = self.write_outputs(&outcome.verdict, kept);
        Console::print_verdict(&outcome.verdict);
        Console::print_message(&format!("evidence: {}", self.bundle.dir().display()));
        let exit = match signed {
            // Why the bundle could not be signed is told; what ended the run is told first.
            Err(exit) if outcome.error.is_none() => exit,
            _ => self.report_outcome(&outcome),
        };
        if let Some(again) = self.cluster_flags.as_ref().filter(|_| !outcome.verdict.restored) {
            Console::print_message(&format!(
                "to remove what is left: gpuhpa clean {}{again}",
                self.bundle.dir().display()
            ));
        }
        exit
    }

    /// The JUnit file where a pipeline looks for it, and the signature of a bundle that is whole.
    fn write_outputs(&self, verdict: &Verdict, kept: &RedactedInputs) -> Result<(), CliExit> {
        let RedactedInputs { scenario, inventory, plan } = kept;
        let facts = ArtifactInput { verdict, inventory, run: &plan.run, scenario: &scenario.name, extra_marks: &[] };
        write_junit(self.output.junit.as_deref(), &facts);
        self.signer.as_ref().map_or(Ok(()), |signer| signing::sign_bundle(&self.bundle, signer, &facts))
    }

    fn report_outcome(&self, outcome: &run::RunOutcome) -> CliExit {
        let Some(error) = &outcome.error else { return CliExit::from_verdict(&outcome.verdict) };
        let (hint, exit) = match error {
            RunError::Interrupted(_) => (None, CliExit::Interrupted),
            error if error.is_evidence_error() => (
                Some("the run ended there; make room, or name a folder on another disk with --report-dir"),
                CliExit::Internal,
            ),
            _ => (None, CliExit::from_verdict(&outcome.verdict)),
        };
        Console::print_error(&self.bundle.redactor().redact_text(&error.to_string()), hint, exit)
    }

    /// A run that did not begin leaves its bundle and its JUnit file too.
    pub(super) fn abort(&self, refused: &PreflightFailure) -> CliExit {
        let (verdict, kept, failed) =
            run::abandon_run(&self.bundle, self.clock, &self.scenario, &self.prepared, &refused.what);
        let signed = self.write_outputs(&verdict, &kept);
        if let Some(error) = failed {
            Console::print_message(&format!("error: {error}"));
        }
        let exit = Console::print_error(
            &self.bundle.redactor().redact_text(&refused.what),
            refused.hint.as_deref(),
            refused.exit,
        );
        signed.err().unwrap_or(exit)
    }
}

fn write_junit(path: Option<&Path>, facts: &ArtifactInput<'_>) {
    if let Some(path) = path
        && let Err(error) = evidence::write_junit(path, facts)
    {
        Console::print_message(&format!("error: {error}"));
    }
}
