//! From a scenario to a verdict: what verify and rehearse have in common. The bundle and the JUnit file are written on success
//! and on every error.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::watch;

use super::console::Verbosity;
use super::{CliExit, Console, environment, hints, signing};
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

/// The JUnit file and the verbosity of a run.
#[derive(Clone, Debug, Args)]
pub(super) struct OutputArgs {
    /// Also write the JUnit file here
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Print only errors and the result
    #[arg(long, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print every evaluation with its reason in full
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

    /// Fails before the run where the JUnit file certainly cannot be written after it.
    pub(super) fn check_junit_path(&self) -> Result<(), CliExit> {
        let Some(path) = self.junit.as_deref() else { return Ok(()) };
        let kind = match std::fs::metadata(path).map(|metadata| metadata.file_type()) {
            Ok(kind) if kind.is_dir() => "a folder",
            // One without a reader cannot even be opened.
            Ok(kind) if kind.is_fifo() => "a pipe",
            Ok(kind) if kind.is_socket() => "a socket",
            Ok(kind) if kind.is_block_device() => "a block device",
            _ => return Ok(()),
        };
        let text = format!("could not write the JUnit file: {} is {kind}; nothing was changed", path.display());
        Err(Console::print_error(&text, Some("name a file with --junit"), CliExit::Internal))
    }

    /// Ends a run without a scenario, or without a folder for its bundle, or of a scenario that cannot be simulated. A pipeline gets its JUnit file nevertheless.
    pub(super) fn report_not_started(&self, clock: RunClock, error: &str, hint: Option<&str>) -> CliExit {
        let inventory = Inventory::before_survey(clock.wall_start());
        let observation = Observation {
            seq: 0,
            at_ms: clock.now_ms(),
            source_time: None,
            kind: ObservationKind::NotStarted { reason: error.to_owned() },
        };
        let scenario = Scenario::default();
        let verdict = judge::judge(RunRecords::without_changes(&scenario, &inventory, &[observation]));
        let input = ArtifactInput {
            verdict: &verdict,
            inventory: &inventory,
            run: "",
            scenario: &scenario.name,
            extra_marks: &[],
        };
        let written = write_junit(self.junit.as_deref(), &input);
        let exit = Console::print_error(error, hint, CliExit::Usage);
        if written.is_ok() { exit } else { exit.with_lost_output() }
    }
}

/// Why a run does not start.
pub(super) struct PreflightFailure {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) exit: CliExit,
}

impl PreflightFailure {
    pub(super) fn new(message: impl Into<String>, hint: Option<&str>, exit: CliExit) -> Self {
        Self { message: message.into(), hint: hint.map(ToOwned::to_owned), exit }
    }
}

impl From<RunStartError> for PreflightFailure {
    fn from(error: RunStartError) -> Self {
        let (exit, hint) = match &error {
            RunStartError::Survey(survey_error) => {
                let (exit, hint) = super::plan::survey_failure(survey_error);
                (exit, Some(hint))
            }
            RunStartError::Evidence(_) => (CliExit::Internal, Some(hints::REPORT_DIR)),
            RunStartError::HpaApiNotServed => (CliExit::NotApplicable, Some(hints::NO_HPA_API)),
            RunStartError::PreflightFailed(problems) => {
                (CliExit::Usage, problems.first().map(|first| first.hint.as_str()))
            }
        };
        Self::new(error.to_string(), hint, exit)
    }
}

/// A run of verify or rehearse, from its scenario to its verdict.
pub(super) struct RunSession<'a> {
    pub(super) output: &'a OutputArgs,
    pub(super) signer: Option<BundleSigner>,
    pub(super) bundle: Bundle,
    pub(super) clock: RunClock,
    pub(super) prepared: PreparedRun,
    pub(super) cleanup_policy: CleanupPolicy,
    /// Skip the prompt before the first change.
    pub(super) assume_yes: bool,
    /// `file:line:column` of an `hpa` that the scenario states beside `adopt`.
    pub(super) hpa_beside_adopt: Option<String>,
    /// The flags of a `clean` command for the same cluster; none for a simulated cluster.
    pub(super) cluster_flags: Option<String>,
}

impl<'a> RunSession<'a> {
    /// A session before its preparation.
    pub(super) fn new(
        output: &'a OutputArgs,
        scenario: Scenario,
        bundle: Bundle,
        clock: RunClock,
        run: String,
    ) -> Self {
        Self {
            output,
            prepared: PreparedRun {
                scenario,
                inventory: Inventory::before_survey(clock.wall_start()),
                plan: Plan { run, ..Plan::default() },
            },
            signer: None,
            bundle,
            clock,
            cleanup_policy: CleanupPolicy::Restore,
            assume_yes: true,
            hpa_beside_adopt: None,
            cluster_flags: None,
        }
    }

    /// All steps before the first change: inventory, plan, confirmation.
    pub(super) async fn prepare(
        &mut self,
        env: &RunEnv,
        identity: &ClusterIdentity,
    ) -> Result<RedactedInputs, PreflightFailure> {
        // Set first, so that the bundle of a failure below names the cluster, and has the stamp REHEARSAL too.
        let ClusterIdentity { context, server, simulated } = identity.clone();
        self.bundle.redactor().add_url_host(&server);
        let unread = &mut self.prepared.inventory;
        (unread.kube_context, unread.server, unread.simulated) = (context, server, simulated);
        let prepared = run::prepare(env, &self.prepared.scenario, &self.prepared.plan.run, identity).await;
        let prepared = prepared.map_err(RunStartError::from)?;
        let place = self.hpa_beside_adopt.as_deref();
        let unused =
            place.and_then(|place| run::describe_unused_hpa(place, &self.prepared.scenario, &prepared.scenario));
        self.prepared = prepared;
        if let Some(text) = unused.filter(|_| !self.output.quiet) {
            let text = self.bundle.redactor().redact_text(&format!("warning: {text}"));
            Console::print_message(&Console::fit_lines(&text));
        }
        environment::register_hosts(self.bundle.redactor(), &self.prepared.inventory, &self.prepared.scenario);
        let redacted = run::begin_bundle(env, &self.prepared)?;
        self.confirm_changes().await?;
        Ok(redacted)
    }

    /// Prints all changes and asks for confirmation.
    async fn confirm_changes(&self) -> Result<(), PreflightFailure> {
        if !self.output.quiet {
            let PreparedRun { inventory, plan, .. } = &self.prepared;
            let changes = super::plan::format_changes(inventory, plan, self.output.verbose);
            Console::print_message(&Console::fit_lines(&self.bundle.redactor().redact_text(&changes)));
        }
        if self.assume_yes {
            return Ok(());
        }
        match Console::confirm("Make these changes?").await {
            Some(true) => Ok(()),
            Some(false) => Err(PreflightFailure::new("not confirmed; nothing was changed", None, CliExit::Usage)),
            None => {
                let hint = Some("add --yes to run without confirmation");
                Err(PreflightFailure::new(
                    "no terminal for the confirmation; nothing was changed",
                    hint,
                    CliExit::Usage,
                ))
            }
        }
    }

    /// Runs from the first change to the verdict.
    pub(super) async fn execute(
        &self,
        env: &RunEnv,
        redacted: &RedactedInputs,
        signals: watch::Receiver<ReceivedSignals>,
    ) -> CliExit {
        let console = Console::new(self.clock, self.output.verbosity(), self.bundle.redactor().clone());
        let inputs = RunInputs {
            env,
            scenario: &self.prepared.scenario,
            inventory: &self.prepared.inventory,
            redacted,
            plan: &self.prepared.plan,
            progress: &console,
            signals,
            cleanup_policy: self.cleanup_policy,
        };
        let outcome = run::run(inputs).await;
        console.finish();
        let written = self.write_outputs(&outcome.verdict, redacted);
        Console::print_verdict(&outcome.verdict);
        Console::print_message(&format!("evidence: {}", self.bundle.dir().display()));
        let exit = self.report_outcome(&outcome);
        // The error is printed already.
        let exit = if written.is_ok() { exit } else { exit.with_lost_output() };
        if let Some(flags) = self.cluster_flags.as_ref().filter(|_| !outcome.verdict.restored) {
            Console::print_message(&format!(
                "to remove the leftovers: gpuhpa clean {}{flags}",
                self.bundle.dir().display()
            ));
        }
        exit
    }

    /// Writes the JUnit file of `--junit`, and signs the complete bundle.
    fn write_outputs(&self, verdict: &Verdict, redacted: &RedactedInputs) -> Result<(), CliExit> {
        let RedactedInputs { scenario, inventory, plan } = redacted;
        let input = ArtifactInput { verdict, inventory, run: &plan.run, scenario: &scenario.name, extra_marks: &[] };
        let written = write_junit(self.output.junit.as_deref(), &input);
        let signed = self.signer.as_ref().map_or(Ok(()), |signer| signing::sign_bundle(&self.bundle, signer, &input));
        written.and(signed)
    }

    fn report_outcome(&self, outcome: &run::RunOutcome) -> CliExit {
        let Some(error) = &outcome.error else { return CliExit::from_verdict(&outcome.verdict) };
        let (hint, exit) = match error {
            RunError::Interrupted(_) => (None, CliExit::Interrupted),
            error if error.is_evidence_error() => (
                Some("the run ended there; free disk space, or choose a folder on another disk with --report-dir"),
                CliExit::Internal,
            ),
            _ => (None, CliExit::from_verdict(&outcome.verdict)),
        };
        Console::print_error(&self.bundle.redactor().redact_text(&error.to_string()), hint, exit)
    }

    /// Writes the bundle and the JUnit file of a run that does not start.
    pub(super) fn abort(&self, failure: &PreflightFailure) -> CliExit {
        let (verdict, redacted, write_error) =
            run::abandon_run(&self.bundle, self.clock, &self.prepared, &failure.message);
        let written = self.write_outputs(&verdict, &redacted);
        match write_error.map(|error| error.to_string()) {
            None => Console::print_message(&format!("evidence: {}", self.bundle.dir().display())),
            // A disk that is full may be why the run does not start.
            Some(error) if error == failure.message => {}
            Some(error) => Console::print_message(&format!("error: {error}")),
        }
        let exit = Console::print_error(
            &self.bundle.redactor().redact_text(&failure.message),
            failure.hint.as_deref(),
            failure.exit,
        );
        if written.is_ok() { exit } else { exit.with_lost_output() }
    }
}

fn write_junit(path: Option<&Path>, input: &ArtifactInput<'_>) -> Result<(), CliExit> {
    let Some(path) = path else { return Ok(()) };
    evidence::write_junit(path, input).map_err(|error| {
        let hint = "a JUnit file of that name is not of this run; name a file in a folder that can be written";
        Console::print_error(&error.to_string(), Some(hint), CliExit::Internal)
    })
}
