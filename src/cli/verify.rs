//! `gpuhpa verify`: from arguments to a verdict on a real cluster.

use std::path::PathBuf;

use clap::Args;

use super::session::{OutputArgs, PreflightFailure, RunSession};
use super::{CliExit, ClusterArgs, Console, ScenarioArgs, environment, signals, signing};
use crate::clock::RunClock;
use crate::env::{Bundle, RunEnv};
use crate::evidence::RedactedInputs;
use crate::run::{self, CleanupPolicy, ClusterIdentity};
use crate::{live, scenario};

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Sign the bundle with this key: Ed25519, PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` makes it
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Do not ask before changing the cluster; needed without a terminal
    #[arg(long, short = 'y')]
    yes: bool,
    /// Numbers in place of the names and addresses of nodes and API server, and of the context, in evidence and output
    #[arg(long)]
    redact: bool,
    /// Leave everything standing, and print the clean command
    #[arg(long)]
    keep: bool,
}

pub(super) async fn verify(args: &VerifyArgs) -> CliExit {
    let clock = RunClock::start();
    let no_run = |error: String| args.output.report_not_started(clock, &error);
    let scenario = match scenario::load(&args.scenario.files, args.scenario.namespace.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => return no_run(error.to_string()),
    };
    let signer = match args.sign.as_deref().map(signing::read_signer).transpose() {
        Ok(signer) => signer,
        Err(error) => return no_run(error),
    };
    let run = run::run_id(clock.wall_start());
    let dir = args.output.report_dir.clone().unwrap_or_else(|| PathBuf::from("reports").join(&run));
    let bundle = match Bundle::create(&dir) {
        Ok(bundle) => bundle.with_redactor(super::new_redactor()),
        Err(error) => return no_run(error.to_string()),
    };
    if args.redact {
        bundle.redactor().redact_hosts();
    }
    let leaving = if args.keep { CleanupPolicy::Keep } else { CleanupPolicy::Restore };
    let again = Some(args.cluster.to_flags());
    let desk = RunSession::new(&args.output, scenario, bundle, clock, run);
    let mut desk = RunSession { signer, cleanup_policy: leaving, assume_yes: args.yes, cluster_flags: again, ..desk };
    let mut signals = match signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            return Console::print_error(&format!("signals cannot be handled: {error}"), None, CliExit::Internal);
        }
    };
    let prepared = tokio::select! {
        prepared = prepare(args, &mut desk) => prepared,
        // The sender lives as long as the process.
        Ok(signal) = async { signals.wait_for(|signals| signals.count > 0).await.map(|signals| signals.last) } => {
            Err(PreflightFailure::new(format!("interrupted by {signal}; nothing was changed"), None, CliExit::Interrupted))
        }
    };
    match prepared {
        Ok((world, kept)) => desk.execute(&world, &kept, signals).await,
        Err(refused) => desk.abort(&refused),
    }
}

/// The way to the cluster, and everything before the first change.
async fn prepare(args: &VerifyArgs, desk: &mut RunSession<'_>) -> Result<(RunEnv, RedactedInputs), PreflightFailure> {
    let hint = Some("name a kubeconfig with --kubeconfig, or a context with --context");
    let cluster = live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref())
        .await
        .map_err(|e| PreflightFailure::new(e.to_string(), hint, CliExit::Usage))?;
    let world = environment::build_env(&args.cluster, &cluster, &desk.scenario, desk.clock, &desk.bundle)
        .map_err(|e| PreflightFailure::new(e, None, CliExit::Internal))?;
    // Its name may be a word that stands elsewhere too, as k3s' `default`: only here it is the context's.
    let context = if args.redact { "CONTEXT".to_owned() } else { cluster.context };
    let place = ClusterIdentity { context, server: cluster.server, simulated: None };
    let kept = desk.prepare(&world, &place).await?;
    Ok((world, kept))
}
