//! `gpuhpa clean`: undoes the leftovers of an interrupted run, by its journal or by its label in the cluster.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::clean_origin::{check_cluster, read_origin};
use super::{CliExit, ClusterArgs, Console, environment};
use crate::clock::RunClock;
use crate::env::{Bundle, RunEnv};
use crate::install::{self, Journal, read_journal};
use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::scenario::Scenario;
use crate::units::HumanDuration;
use crate::{evidence, live, run};

/// Arguments of `clean`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("run").required(true).args(["bundle", "run_id"])))]
pub(super) struct CleanArgs {
    /// Folder of the run's evidence, with its journal.jsonl
    bundle: Option<PathBuf>,
    /// Without a journal: the id of the run, which is a label on its objects
    #[arg(long, value_name = "ID", value_parser = parse_run_id)]
    run_id: Option<String>,
    /// Print what would be undone, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// At most this long for each change
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = super::parse_time_limit)]
    timeout: HumanDuration,
}

/// Parses an id as `verify` creates them: it becomes part of a label selector and of a folder's name.
fn parse_run_id(text: &str) -> Result<String, String> {
    match !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '-') {
        true => Ok(text.to_owned()),
        false => Err("a run's id is digits and hyphens, for example 20261124-101500-042".to_owned()),
    }
}

pub(super) async fn clean(args: &CleanArgs) -> CliExit {
    let (journal, origin) = match args.bundle.as_deref().map(load_run).transpose() {
        Ok(run) => run.unzip(),
        Err(exit) => return exit,
    };
    let cluster = match live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref()).await {
        Ok(cluster) => cluster,
        Err(error) => return Console::print_error(&error.to_string(), Some(error.hint()), CliExit::Usage),
    };
    if let Some(inventory) = &origin
        && let Err(exit) = check_cluster(&cluster.kube.retrying, inventory).await
    {
        return exit;
    }
    let clock = RunClock::start();
    // The clean-up continues the run's journal; without one it writes its own, in a new folder.
    let dir = args.bundle.clone().unwrap_or_else(|| {
        let run = args.run_id.as_deref().unwrap_or_default();
        PathBuf::from("reports").join(format!("clean-{run}-at-{}", run::run_id(clock.wall_start())))
    });
    let bundle = Bundle::open(&dir).with_redactor(super::new_redactor());
    let env = match environment::build_env(&args.cluster, &cluster, &Scenario::default(), clock, &bundle) {
        Ok(env) => env,
        Err(error) => return Console::print_error(&error, None, CliExit::Internal),
    };
    let entries = match (journal, &args.run_id) {
        (Some(entries), _) => entries,
        (None, run) => match install::find_leftovers(&env, run.as_deref().unwrap_or_default()).await {
            Ok(entries) => entries,
            Err(error) => return Console::print_error(&error.to_string(), Some(RUN_ID_HINT), CliExit::NotRestored),
        },
    };
    if entries.is_empty() {
        return report_nothing_found(&env, args.run_id.as_deref()).await;
    }
    let loaded = args.bundle.as_deref().and_then(|dir| evidence::open_bundle(dir).ok());
    let mut journal = Journal::from_entries(bundle, clock, entries);
    if let Some(inventory) = &origin {
        journal = journal.with_run_start(inventory.started);
    }
    if args.dry_run {
        return print_dry_run(&env, &journal).await;
    }
    if let Some(exit) = refuse_active_run(&env, &journal).await {
        return exit;
    }
    if args.bundle.is_none()
        && let Err(error) = Bundle::create(&dir)
    {
        let hint = Some("run it in a folder that you may write to: clean records what it does below reports/");
        return Console::print_error(&error.to_string(), hint, CliExit::Usage);
    }
    // A bundle that was sound before its journal grew is sound again afterwards; no other is rewritten.
    let was_sound =
        loaded.is_some_and(|loaded| run::review_bundle(&loaded).is_ok_and(|review| review.soundness.is_sound()));
    let result = run::clean(&env, &journal, args.timeout, &Console::print_message).await;
    if let Some(exit) = args.bundle.as_deref().filter(|_| was_sound).and_then(|dir| update_verdict(dir, &env.bundle)) {
        return exit;
    }
    report_result(result)
}

fn report_result(result: Result<(), run::RunError>) -> CliExit {
    match result {
        Ok(()) => {
            Console::print_message("everything that the run installed is gone");
            CliExit::Ok
        }
        Err(error) => {
            let hint = "run clean again when the cause is fixed";
            Console::print_error(&error.to_string(), Some(hint), CliExit::NotRestored)
        }
    }
}

/// Rewrites the derived files of the bundle after the clean-up. Returns an exit code on error only.
fn update_verdict(dir: &Path, bundle: &Bundle) -> Option<CliExit> {
    let loaded = match evidence::open_bundle(dir) {
        Ok(loaded) => loaded,
        Err(error) => return Some(Console::print_error(&error.to_string(), Some(error.hint()), CliExit::Internal)),
    };
    match run::reissue_verdict(&loaded, bundle) {
        Ok(verdict) => {
            Console::print_message(&format!("the run's verdict is now {}: {}", verdict.title(), verdict.reason));
            if loaded.raw_files.contains_key(evidence::SIGNATURE_FILE) {
                Console::print_message("the signature was removed, as the verdict is a new one: gpuhpa judge --sign");
            }
            None
        }
        Err(error) => Some(Console::print_error(&error.to_string(), None, CliExit::Internal)),
    }
}

/// Refuses to clean up an active run.
async fn refuse_active_run(env: &RunEnv, journal: &Journal) -> Option<CliExit> {
    match install::is_run_active(env, journal).await {
        Ok(false) => None,
        Ok(true) => Some(Console::print_error(
            "the run is still active: it renewed its Lease on the target; nothing was changed",
            Some("stop it with Ctrl-C or SIGTERM, and it cleans up by itself; or wait until it has ended"),
            CliExit::Usage,
        )),
        Err(error) => {
            // The clean-up itself reports what cannot be read.
            Console::print_message(&format!("could not check whether the run is active: {error}"));
            None
        }
    }
}

const RUN_ID_HINT: &str = "--run-id lists all namespaces; use an account with that permission, or the run's folder";

/// The journal and the inventory of a run.
fn load_run(dir: &Path) -> Result<(Vec<JournalEntry>, Inventory), CliExit> {
    Ok((load_journal(dir)?, read_origin(dir)?))
}

fn load_journal(dir: &Path) -> Result<Vec<JournalEntry>, CliExit> {
    read_journal(dir).map_err(|error| {
        let text = error.to_string().replace("could not write evidence to", "could not read");
        let hint = "name the folder of a run, for example reports/RUN-ID; if its journal is lost: gpuhpa clean --run-id RUN-ID";
        Console::print_error(&text, Some(hint), CliExit::Usage)
    })
}

async fn print_dry_run(env: &RunEnv, journal: &Journal) -> CliExit {
    match install::dry_run_undo(env, journal).await {
        Ok(steps) => {
            let text = if steps.is_empty() { "nothing to undo" } else { "this would be undone, in this order:" };
            Console::print_message(text);
            steps.iter().for_each(|line| Console::print_message(&format!("  {line}")));
            CliExit::Ok
        }
        Err(error) => {
            let hint = "is the cluster reachable with this kubeconfig and context?";
            Console::print_error(&error.to_string(), Some(hint), CliExit::NotRestored)
        }
    }
}

/// Reports that the run has no leftovers, or that the id is another one.
async fn report_nothing_found(env: &RunEnv, run: Option<&str>) -> CliExit {
    let Some(run) = run else {
        Console::print_message("the journal is empty: the run changed nothing");
        return CliExit::Ok;
    };
    Console::print_message(&format!("no object in this cluster has the label of run {run}"));
    match install::runs_with_leftovers(env).await {
        Ok(others) if others.is_empty() => Console::print_message("no other run has leftovers"),
        Ok(others) => {
            let others: Vec<String> = others.into_iter().collect();
            Console::print_message(&format!("runs with leftovers: {}", others.join(", ")));
        }
        Err(error) => return Console::print_error(&error.to_string(), Some(RUN_ID_HINT), CliExit::NotRestored),
    }
    CliExit::Ok
}
