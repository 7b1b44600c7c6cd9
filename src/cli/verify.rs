//! `gpuhpa verify`: a run on a real cluster.

use std::path::PathBuf;

use clap::Args;

use super::session::{OutputArgs, PreflightFailure, RunSession};
use super::{CliExit, ClusterArgs, Console, ScenarioArgs, environment, hints, signals, signing};
use crate::clock::RunClock;
use crate::env::{BearerToken, Bundle, RunEnv};
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
    /// Folder of the evidence; must not exist, or be empty [default: reports/RUN-ID]
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    /// Sign the bundle with this key: Ed25519, PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` creates it
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Do not ask before changing the cluster; required without a terminal
    #[arg(long, short = 'y')]
    yes: bool,
    /// Replace names and addresses of nodes and API server, and the context, by numbers in evidence and output
    #[arg(long)]
    redact: bool,
    /// Keep everything that was installed, and print the clean command
    #[arg(long)]
    keep: bool,
}

/// What to do without a bearer token.
const TOKEN_HINT: &str = "load.bearerToken names a file, relative to the working directory, or an environment variable that contains the token alone";

pub(super) async fn verify(args: &VerifyArgs) -> CliExit {
    if let Err(exit) = args.output.check_junit_path() {
        return exit;
    }
    let clock = RunClock::start();
    let not_started = |error: &str, hint| args.output.report_not_started(clock, error, hint);
    let loaded = scenario::load_with_places(&args.scenario.files, args.scenario.namespace.as_deref());
    let scenario::LoadedScenario { scenario, hpa_beside_adopt } = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return not_started(&error.to_string(), hints::scenario(&error)),
    };
    let signer = match args.sign.as_deref().map(signing::read_signer).transpose() {
        Ok(signer) => signer,
        Err(error) => return not_started(&error.what, Some(error.hint)),
    };
    let bearer_token = match scenario.load.bearer_token.as_ref().map(live::read_bearer_token).transpose() {
        Ok(bearer_token) => bearer_token,
        Err(error) => return not_started(&error, Some(TOKEN_HINT)),
    };
    let run = run::run_id(clock.wall_start());
    let dir = args.report_dir.clone().unwrap_or_else(|| PathBuf::from("reports").join(&run));
    let bundle = match Bundle::create(&dir) {
        Ok(bundle) => bundle.with_redactor(super::new_redactor()),
        Err(error) => return not_started(&error.to_string(), Some(hints::REPORT_DIR)),
    };
    if args.redact {
        bundle.redactor().redact_hosts();
    }
    if let Some(bearer_token) = &bearer_token {
        bearer_token.register(bundle.redactor());
    }
    let cleanup_policy = if args.keep { CleanupPolicy::Keep } else { CleanupPolicy::Restore };
    let cluster_flags = Some(args.cluster.to_flags());
    let session = RunSession::new(&args.output, scenario, bundle, clock, run);
    let mut session =
        RunSession { signer, cleanup_policy, assume_yes: args.yes, hpa_beside_adopt, cluster_flags, ..session };
    let mut signals = match signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            return Console::print_error(
                &format!("could not install the signal handlers: {error}"),
                None,
                CliExit::Internal,
            );
        }
    };
    let prepared = tokio::select! {
        prepared = prepare(args, &mut session, bearer_token) => prepared,
        // The sender lives as long as the process.
        Ok(signal) = async { signals.wait_for(|signals| signals.count > 0).await.map(|signals| signals.last) } => {
            Err(PreflightFailure::new(format!("interrupted by {signal}; nothing was changed"), None, CliExit::Interrupted))
        }
    };
    match prepared {
        Ok((env, redacted)) => session.execute(&env, &redacted, signals).await,
        Err(failure) => session.abort(&failure),
    }
}

/// Connects to the cluster, and does all steps before the first change.
async fn prepare(
    args: &VerifyArgs,
    session: &mut RunSession<'_>,
    bearer_token: Option<BearerToken>,
) -> Result<(RunEnv, RedactedInputs), PreflightFailure> {
    let cluster = live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref())
        .await
        .map_err(|e| PreflightFailure::new(e.to_string(), Some(e.hint()), CliExit::Usage))?;
    let scenario = &session.prepared.scenario;
    let env = environment::build_env(&args.cluster, &cluster, scenario, session.clock, &session.bundle)
        .map_err(|e| PreflightFailure::new(e, None, CliExit::Internal))?;
    let env = RunEnv { bearer_token, ..env };
    // The context's name may be a common word (k3s: `default`): it is replaced here only, not in all text.
    let context = if args.redact { "CONTEXT".to_owned() } else { cluster.context };
    let identity = ClusterIdentity { context, server: cluster.server, simulated: None };
    let redacted = session.prepare(&env, &identity).await?;
    Ok((env, redacted))
}
