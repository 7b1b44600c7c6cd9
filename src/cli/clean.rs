//! `gpuhpa clean`: undoes what is left of an interrupted run, by its journal or by the labels in the cluster.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::{CliExit, ClusterArgs, Console, environment};
use crate::clock::RunClock;
use crate::env::{Bundle, RunEnv};
use crate::install::{self, Journal, read_journal};
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
    /// Without a journal: the id of the run, whose label is on everything that it made
    #[arg(long, value_name = "ID", value_parser = parse_run_id)]
    run_id: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// At most this long for each change
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    timeout: HumanDuration,
}

/// An id as `verify` makes them: it goes into a label selector and into the name of a folder.
fn parse_run_id(text: &str) -> Result<String, String> {
    match !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '-') {
        true => Ok(text.to_owned()),
        false => Err("a run's id is digits and hyphens, for example 20261124-101500-042".to_owned()),
    }
}

pub(super) async fn clean(args: &CleanArgs) -> CliExit {
    let journal = match args.bundle.as_deref().map(load_journal).transpose() {
        Ok(entries) => entries,
        Err(exit) => return exit,
    };
    let cluster = match live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref()).await {
        Ok(cluster) => cluster,
        Err(error) => return Console::print_error(&error.to_string(), None, CliExit::Usage),
    };
    let clock = RunClock::start();
    // What is done is journalled where the run's journal is; where that is lost, in a folder of its own.
    let dir = args.bundle.clone().unwrap_or_else(|| {
        let run = args.run_id.as_deref().unwrap_or_default();
        PathBuf::from("reports").join(format!("clean-{run}-at-{}", run::run_id(clock.wall_start())))
    });
    let bundle = Bundle::open(&dir).with_redactor(super::new_redactor());
    let world = match environment::build_env(&args.cluster, &cluster, &Scenario::default(), clock, &bundle) {
        Ok(world) => world,
        Err(error) => return Console::print_error(&error, None, CliExit::Internal),
    };
    let entries = match (journal, &args.run_id) {
        (Some(entries), _) => entries,
        (None, run) => match install::find_leftovers(&world, run.as_deref().unwrap_or_default()).await {
            Ok(entries) => entries,
            Err(error) => return Console::print_error(&error.to_string(), Some(RUN_ID_HINT), CliExit::NotRestored),
        },
    };
    if entries.is_empty() {
        return report_nothing_found(&world, args.run_id.as_deref()).await;
    }
    let held = args.bundle.as_deref().and_then(|dir| evidence::open_bundle(dir).ok());
    let mut journal = Journal::from_entries(bundle, clock, entries);
    if let Some(held) = &held {
        journal = journal.with_run_start(held.inventory.started);
    }
    if args.dry_run {
        return print_dry_run(&world, &journal).await;
    }
    if let Some(exit) = refuse_active_run(&world, &journal).await {
        return exit;
    }
    if args.bundle.is_none()
        && let Err(error) = Bundle::create(&dir)
    {
        return Console::print_error(&error.to_string(), None, CliExit::Usage);
    }
    // A bundle that was sound before its journal grew is sound afterwards; any other is left as it is.
    let sound = held.is_some_and(|held| run::review_bundle(&held).is_ok_and(|review| review.sound));
    let cleaned = run::clean(&world, &journal, args.timeout, &Console::print_message).await;
    if let Some(exit) = args.bundle.as_deref().filter(|_| sound).and_then(|dir| update_verdict(dir, &world.bundle)) {
        return exit;
    }
    match cleaned {
        Ok(()) => {
            Console::print_message("everything that the run made is gone");
            CliExit::Ok
        }
        Err(error) => Console::print_error(
            &error.to_string(),
            Some("run clean again once the cause is gone"),
            CliExit::NotRestored,
        ),
    }
}

/// Brings the bundle up to its journal; what went wrong, if something did.
fn update_verdict(dir: &Path, bundle: &Bundle) -> Option<CliExit> {
    let held = match evidence::open_bundle(dir) {
        Ok(held) => held,
        Err(error) => return Some(Console::print_error(&error.to_string(), Some(error.hint()), CliExit::Internal)),
    };
    match run::reissue_verdict(&held, bundle) {
        Ok(verdict) => {
            Console::print_message(&format!("the run's verdict is now {}: {}", verdict.title(), verdict.reason));
            None
        }
        Err(error) => Some(Console::print_error(&error.to_string(), None, CliExit::Internal)),
    }
}

/// A run at work is not cleaned up behind its back.
async fn refuse_active_run(world: &RunEnv, journal: &Journal) -> Option<CliExit> {
    match install::is_run_active(world, journal).await {
        Ok(false) => None,
        Ok(true) => Some(Console::print_error(
            "the run is still at work: it renewed its claim on the target just now; nothing was changed",
            Some("end it by Ctrl-C or SIGTERM, and it cleans up by itself; or wait until it has ended"),
            CliExit::Usage,
        )),
        Err(error) => {
            // What cannot be read is told by the clean-up itself, thing by thing.
            Console::print_message(&format!("it cannot be seen whether the run is still at work: {error}"));
            None
        }
    }
}

const RUN_ID_HINT: &str = "--run-id looks through all namespaces; use an account that may, or the run's folder";

fn load_journal(dir: &Path) -> Result<Vec<JournalEntry>, CliExit> {
    read_journal(dir).map_err(|error| {
        let text = error.to_string().replace("could not write evidence to", "could not read");
        let hint = "name the folder of a run, for example reports/RUN-ID; if its journal is lost: gpuhpa clean --run-id RUN-ID";
        Console::print_error(&text, Some(hint), CliExit::Usage)
    })
}

async fn print_dry_run(world: &RunEnv, journal: &Journal) -> CliExit {
    match install::dry_run_undo(world, journal).await {
        Ok(all) => {
            let text = if all.is_empty() { "nothing is left to be done" } else { "this would be done, in this order:" };
            Console::print_message(text);
            all.iter().for_each(|line| Console::print_message(&format!("  {line}")));
            CliExit::Ok
        }
        Err(error) => Console::print_error(&error.to_string(), None, CliExit::NotRestored),
    }
}

/// Nothing was found: the run is gone, or it has another id.
async fn report_nothing_found(world: &RunEnv, run: Option<&str>) -> CliExit {
    let Some(run) = run else {
        Console::print_message("the journal is empty: the run changed nothing");
        return CliExit::Ok;
    };
    Console::print_message(&format!("nothing in this cluster carries the label of run {run}"));
    match install::runs_with_leftovers(world).await {
        Ok(others) if others.is_empty() => Console::print_message("no other run has left anything either"),
        Ok(others) => {
            let others: Vec<String> = others.into_iter().collect();
            Console::print_message(&format!("runs that have something in this cluster: {}", others.join(", ")));
        }
        Err(error) => return Console::print_error(&error.to_string(), Some(RUN_ID_HINT), CliExit::NotRestored),
    }
    CliExit::Ok
}
