//! `gpuhpa init`: reads a cluster, and writes a commented scenario for it. Changes nothing in the cluster.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{CliExit, ClusterArgs, Console, environment, hints, new_redactor};
use crate::clock::RunClock;
use crate::env::Bundle;
use crate::init::{ScenarioBase, discover, write_scenario};
use crate::live::ClusterConnection;
use crate::scenario::BUILT_IN_URL;
use crate::{live, scenario};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Scenario that the written one extends [default: the built-in scenario]
    #[arg(long, value_name = "FILE")]
    extends: Option<PathBuf>,
    /// Write the scenario here instead of to stdout; an existing file is left alone
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file of --output
    #[arg(long, requires = "output")]
    force: bool,
}

pub(super) async fn init(args: &InitArgs) -> CliExit {
    let usage = |error: &str, hint: Option<&str>| Console::print_error(error, hint, CliExit::Usage);
    if let Some(path) = args.output.as_deref().filter(|path| !args.force && path.exists()) {
        return usage(&format!("{} exists already", path.display()), Some("name another file, or add --force"));
    }
    if let Err(error) = check_output(args) {
        return usage(&error, Some("name a file in a folder that exists and that you may write to"));
    }
    let base = match load_base(args.extends.as_deref()) {
        Ok(base) => base,
        Err((error, hint)) => return usage(&error, Some(hint)),
    };
    let clock = RunClock::start();
    let cluster = match live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref()).await {
        Ok(cluster) => cluster,
        Err(error) => return usage(&error.to_string(), Some(error.hint())),
    };
    let discarding = Bundle::discarding().with_redactor(new_redactor());
    let env = match environment::build_env(&args.cluster, &cluster, &base.scenario, clock, &discarding) {
        Ok(env) => env,
        Err(error) => return Console::print_error(&error, None, CliExit::Internal),
    };
    let found = match discover(&env, &|step| Console::print_message(&format!("reading {step}"))).await {
        Ok(found) => found,
        Err(error) => {
            let hint = Some("is the cluster reachable with this kubeconfig and context?");
            let error = format!("could not read the version from the API server: {error}");
            return Console::print_error(&error, hint, CliExit::Inconclusive);
        }
    };
    let text = write_scenario(&found, &base, &describe_cluster(&cluster, clock), &next_command(args));
    // An argument of a Deployment, such as the URL of a store, may contain a password.
    finish(args, &discarding.redactor().redact_text(&text))
}

/// The base, by the built-in scenario's URL or an absolute path: the written file may lie anywhere. The error has a hint.
fn load_base(path: Option<&Path>) -> Result<ScenarioBase, (String, &'static str)> {
    const INCOMPLETE: &str = "what --extends names is a whole scenario by itself: let it extend builtin://ollama-gpu-utilization.yaml or another scenario; gpuhpa plan --offline -f FILE shows when it is";
    let files: Vec<PathBuf> = path.into_iter().map(Path::to_owned).collect();
    let scenario = scenario::load(&files, None).map_err(|error| {
        let file = path.map_or(String::new(), |path| path.display().to_string());
        let hint = hints::scenario(&error).unwrap_or(INCOMPLETE);
        (format!("the scenario of --extends, {file}, cannot be loaded:\n{error}"), hint)
    })?;
    let reference = match path {
        None => BUILT_IN_URL.to_owned(),
        Some(path) => {
            let absolute = std::path::absolute(path);
            absolute.map_err(|e| (format!("{}: {e}", path.display()), INCOMPLETE))?.display().to_string()
        }
    };
    Ok(ScenarioBase { reference, scenario })
}

fn describe_cluster(cluster: &ClusterConnection, clock: RunClock) -> String {
    let date = clock.wall_start().strftime("%F");
    match cluster.context.as_str() {
        "" => format!("{} on {date}", cluster.server),
        context => format!("context {context} at {} on {date}", cluster.server),
    }
}

fn next_command(args: &InitArgs) -> String {
    let file = args.output.as_deref().unwrap_or(Path::new("FILE")).display();
    format!("gpuhpa plan -f {file}{}", args.cluster.to_flags())
}

/// Tests that the file can be written, before minutes of reading; what is in it stays.
fn check_output(args: &InitArgs) -> Result<(), String> {
    let Some(path) = &args.output else { return Ok(()) };
    let is_new = !path.exists();
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let tested = opened.and_then(|_| if is_new { std::fs::remove_file(path) } else { Ok(()) });
    tested.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Prints or writes the scenario, and says how to go on.
fn finish(args: &InitArgs, text: &str) -> CliExit {
    let Some(path) = &args.output else {
        return Console::print_yaml(text);
    };
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        let hint = Some("name another file with --output, in a folder that you may write to");
        return Console::print_error(&format!("could not write {}: {error}", path.display()), hint, CliExit::Internal);
    }
    if let Err(error) = scenario::load(std::slice::from_ref(path), None) {
        let hint = "correct the file, and report this: what init writes should load";
        return Console::print_error(&error.to_string(), Some(hint), CliExit::Internal);
    }
    Console::print_message(&format!("wrote {}; next: {}", path.display(), next_command(args)));
    CliExit::Ok
}

#[cfg(test)]
mod tests;
