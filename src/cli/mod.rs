//! The command line: arguments, output and exit codes. One file per command; only `console` prints.

mod clean;
mod clean_origin;
mod console;
mod environment;
mod exit;
mod export;
mod hints;
mod init;
mod judge;
mod plan;
mod progress;
mod rehearse;
mod session;
mod signals;
mod signing;
mod sweep;
mod text;
mod verify;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::model::revision;
use crate::units::{HumanDuration, ParseDurationError};

pub(crate) use console::Console;
pub(crate) use exit::CliExit;

/// Proves, or disproves, that a Kubernetes platform meets the CNCF AI Conformance MUST `pod_autoscaling`.
///
/// The requirement: the HorizontalPodAutoscaler must function correctly for pods utilizing accelerators, including scaling on
/// custom metrics relevant to AI/ML workloads.
#[derive(Debug, Parser)]
#[command(name = "gpuhpa", version = revision::build_text(), about, after_long_help = exit::EXIT_CODE_HELP, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Run the whole test against a cluster: install, scale up under load, scale down, clean up, verdict
    #[command(after_long_help = VERIFY_EXAMPLES)]
    Verify(verify::VerifyArgs),
    /// Read a cluster and write a commented scenario for it; changes nothing in the cluster
    #[command(after_long_help = INIT_EXAMPLES)]
    Init(init::InitArgs),
    /// Show what verify would do and whether it can pass at all; changes nothing
    #[command(after_long_help = PLAN_EXAMPLES)]
    Plan(plan::PlanArgs),
    /// The same run against a simulated cluster, in virtual time: what verify does, and whether a scenario can work at all
    #[command(after_long_help = REHEARSE_EXAMPLES)]
    Rehearse(rehearse::RehearseArgs),
    /// Derive the verdict of a bundle again from its observations, and find alterations; needs no cluster
    #[command(after_long_help = JUDGE_EXAMPLES)]
    Judge(judge::JudgeArgs),
    /// Undo the leftovers of an interrupted run
    #[command(after_long_help = CLEAN_EXAMPLES)]
    Clean(clean::CleanArgs),
    /// Write a run's evidence as files of a submission to the programme, or check such files
    #[command(after_long_help = EXPORT_EXAMPLES, override_usage = EXPORT_USAGE)]
    Export(export::ExportArgs),
    /// Print the JSON schema of scenario files
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  gpuhpa verify                    the built-in scenario, on the current context
  gpuhpa verify -f mine.yaml       a scenario of your own; it may `extends:` another file
  gpuhpa verify -f mine.yaml --yes --report-dir out --junit out/junit.xml
                                   in a pipeline: no prompt, files where it expects them
  gpuhpa verify --keep             keep what was installed, and print the clean command

Exit codes: see `gpuhpa --help`.";

const INIT_EXAMPLES: &str = "\
Examples:
  gpuhpa init -o mine.yaml              a scenario for the current context
  gpuhpa init --context prod            another cluster, to stdout
  gpuhpa init --extends team.yaml -o mine.yaml
                                        on top of a scenario of your own
  gpuhpa init -o mine.yaml --force      write the file anew

It reads for at most four minutes; one or two of them are for the intervals, which it measures. What
its rights do not show is a comment in the file, with what to do. Exits with 3 if the API server
cannot be read.";

const PLAN_EXAMPLES: &str = "\
Examples:
  gpuhpa plan                         all changes that verify would make, and why it cannot start
  gpuhpa plan -f mine.yaml -o yaml    the scenario with every default filled in
  gpuhpa plan -o json                 the plan for programs
  gpuhpa plan --offline -f mine.yaml  what needs no cluster: arithmetic, bounds, rules, chart values

Exits with 2 if the run cannot pass, and with 3 if the API server cannot be read. Without a cluster
it says what it did not look at.";

const REHEARSE_EXAMPLES: &str = "\
Examples:
  gpuhpa rehearse                          the built-in scenario; needs no cluster and no helm
  gpuhpa rehearse -f mine.yaml --seed 7    a scenario of your own, with another random seed
  gpuhpa rehearse --gpus 1                 is one accelerator enough?
  gpuhpa rehearse --fault wrong-sign       what a broken cluster looks like; --fault list shows all
  gpuhpa rehearse -f mine.yaml --sweep concurrency=1..32 --set percentPerSlot=20 --set slots=8
                                           under which loads it scales, oscillates, and is stable

All its output is stamped REHEARSAL: it is no evidence about any platform.";

const JUDGE_EXAMPLES: &str = "\
Examples:
  gpuhpa judge reports/20261124-101500-042       the cases, derived from the bundle, and each check
  gpuhpa judge evidence.tar.zst                  the same, for a bundle from someone else
  gpuhpa judge -o json evidence.tar.zst          for programs: soundness, checks, verdict
  gpuhpa judge --diff reports/A reports/B        two runs side by side, changes marked
  gpuhpa judge --sign key.pem reports/A          sign it, if it is sound (as verify --sign does)
  gpuhpa judge --verify-key pub.pem reports/A    it must have a valid signature of this key

A sound bundle exits with the code of its verdict; one that is altered, incomplete or not
reproducible exits with 6.";

const CLEAN_EXAMPLES: &str = "\
Examples:
  gpuhpa clean reports/20261124-101500-042     undo the leftovers of this run, by its journal
  gpuhpa clean --run-id 20261124-101500-042    without a journal: by the run's label on its objects
  gpuhpa clean --run-id 20261124-101500-042 --dry-run
                                               print what would be undone, and change nothing

Exits with 5 if something is left, or the API server cannot be read: nothing is known to be gone.";

const EXPORT_USAGE: &str = "\
gpuhpa export --dir <DIR> [--force] [--overwrite] <BUNDLE>
       gpuhpa export --check <DIR>";

const EXPORT_EXAMPLES: &str = "\
Examples:
  gpuhpa export reports/20261124-101500-042 --dir v1.37/acme
      into v1.37/acme/pod_autoscaling: junit.xml, results.json, e2e.log, README.md, scenario.yaml
      and the entry for PRODUCT.yaml
  gpuhpa export reports/20261124-101500-042 --dir v1.36/acme
      before v1.37: Markdown and text
  gpuhpa export --check v1.37/acme
      findings of the programme's validator, and those that it does not detect

Exits with 0 if the files are written, or nothing was found; 2 if the bundle cannot be submitted;
6 if it is altered, or --check has findings. Only the programme's review certifies a platform.";

/// Selects the cluster.
#[derive(Clone, Debug, Args)]
struct ClusterArgs {
    /// Path of the kubeconfig; else KUBECONFIG, ~/.kube/config, or the pod's service account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The helm binary, 3 or 4
    #[arg(long, value_name = "PATH", default_value = "helm")]
    helm: String,
}

impl ClusterArgs {
    /// The flags that select the same cluster, for a command in a message.
    fn to_flags(&self) -> String {
        let path = self.kubeconfig.as_ref().map(|path| format!(" --kubeconfig {}", path.display()));
        let context = self.context.as_ref().map(|name| format!(" --context {name}"));
        let helm = (self.helm != "helm").then(|| format!(" --helm {}", self.helm));
        [path, context, helm].into_iter().flatten().collect()
    }
}

/// Selects the scenario.
#[derive(Clone, Debug, Args)]
struct ScenarioArgs {
    /// Scenario file; may be given several times, each overrides the ones before it; - reads stdin
    #[arg(short = 'f', long = "scenario", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Namespace of the target, instead of the scenario's
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
}

/// Parses a duration of the command line: from a second to a day, gpuhpa's limits. Nothing that it bounds may last without an end.
fn parse_time_limit(text: &str) -> Result<HumanDuration, String> {
    let range = HumanDuration::from_secs(1)..=HumanDuration::from_secs(24 * 3600);
    let duration: HumanDuration = text.parse().map_err(|e: ParseDurationError| e.to_string())?;
    match range.contains(&duration) {
        true => Ok(duration),
        false => Err(format!("{duration} is not from {} to {}", range.start(), range.end())),
    }
}

/// The redactor of this process.
#[expect(clippy::disallowed_methods, reason = "the redactor removes the home folder's path")]
fn new_redactor() -> crate::env::Redactor {
    crate::env::Redactor::new(std::env::var("HOME").ok())
}

/// Parses the command line and runs the command, to its exit code.
#[must_use]
pub fn main() -> CliExit {
    let exit = match Cli::try_parse() {
        Ok(cli) => run_command(cli.command),
        Err(error) => Console::print_clap_error(&error),
    };
    Console::exit_code(exit)
}

fn run_command(command: CliCommand) -> CliExit {
    let runtime = match &command {
        CliCommand::Rehearse(_) => rehearse::virtual_time_runtime(),
        _ => tokio::runtime::Runtime::new(),
    };
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            return Console::print_error(
                &format!("could not start the async runtime: {error}"),
                None,
                CliExit::Internal,
            );
        }
    };
    let exit = runtime.block_on(dispatch(command));
    // A prompt without an answer and a DNS lookup block their threads; neither may delay the exit.
    runtime.shutdown_background();
    exit
}

async fn dispatch(command: CliCommand) -> CliExit {
    match command {
        CliCommand::Verify(args) => verify::verify(&args).await,
        CliCommand::Init(args) => init::init(&args).await,
        CliCommand::Plan(args) => plan::plan(&args).await,
        CliCommand::Rehearse(args) => rehearse::rehearse(&args).await,
        CliCommand::Judge(args) => judge::judge(&args),
        CliCommand::Clean(args) => clean::clean(&args).await,
        CliCommand::Export(args) => export::export(&args),
        CliCommand::Schema => Console::print_verbatim(&format!("{:#}\n", crate::scenario::schema().as_value())),
        CliCommand::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "gpuhpa", &mut script);
            Console::print_verbatim(&String::from_utf8_lossy(&script))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// clap wraps at 100 columns where the width of the terminal is unknown, and an example that is wrapped cannot be copied.
    #[test]
    fn no_line_of_the_examples_is_wrapped() {
        let texts = [
            VERIFY_EXAMPLES,
            INIT_EXAMPLES,
            PLAN_EXAMPLES,
            REHEARSE_EXAMPLES,
            JUDGE_EXAMPLES,
            CLEAN_EXAMPLES,
            EXPORT_EXAMPLES,
            exit::EXIT_CODE_HELP,
        ];
        let long: Vec<&str> = texts.iter().flat_map(|text| text.lines()).filter(|line| line.len() > 100).collect();
        assert_eq!(long, Vec::<&str>::new());
    }
}
