//! `gpuhpa clean`: undoes what is left of an interrupted run, by its journal or by the labels in the cluster.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::{ClusterArgs, Console, Exit, doors};
use crate::clock::Clock;
use crate::install::{self, Journal, read_journal};
use crate::record::journal::Entry;
use crate::record::scenario::Scenario;
use crate::units::Span;
use crate::world::{Bundle, World};
use crate::{evidence, live, run};

/// Arguments of `clean`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("run").required(true).args(["bundle", "run_id"])))]
pub(super) struct CleanArgs {
    /// Folder of the run's evidence, with its journal.jsonl
    bundle: Option<PathBuf>,
    /// Without a journal: the id of the run, whose label is on everything that it made
    #[arg(long, value_name = "ID", value_parser = run_id)]
    run_id: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// At most this long for each change
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    timeout: Span,
}

/// An id as `verify` makes them: it goes into a label selector and into the name of a folder.
fn run_id(text: &str) -> Result<String, String> {
    match !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '-') {
        true => Ok(text.to_owned()),
        false => Err("a run's id is digits and hyphens, for example 20261124-101500-042".to_owned()),
    }
}

pub(super) async fn clean(args: &CleanArgs) -> Exit {
    let journal = match args.bundle.as_deref().map(journal_of).transpose() {
        Ok(entries) => entries,
        Err(exit) => return exit,
    };
    let cluster = match live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref()).await {
        Ok(cluster) => cluster,
        Err(error) => return Console::error(&error.to_string(), None, Exit::Usage),
    };
    let clock = Clock::start();
    // What is done is journalled where the run's journal is; where that is lost, in a folder of its own.
    let dir = args.bundle.clone().unwrap_or_else(|| {
        let run = args.run_id.as_deref().unwrap_or_default();
        PathBuf::from("reports").join(format!("clean-{run}-at-{}", run::run_id(clock.started())))
    });
    let bundle = Bundle::open(&dir).covered(super::cover());
    let world = match doors::world(&args.cluster, &cluster, &Scenario::default(), clock, &bundle) {
        Ok(world) => world,
        Err(error) => return Console::error(&error, None, Exit::Internal),
    };
    let entries = match (journal, &args.run_id) {
        (Some(entries), _) => entries,
        (None, run) => match install::traces(&world, run.as_deref().unwrap_or_default()).await {
            Ok(entries) => entries,
            Err(error) => return Console::error(&error.to_string(), Some(ADMIN), Exit::NotRestored),
        },
    };
    if entries.is_empty() {
        return nothing(&world, args.run_id.as_deref()).await;
    }
    let held = args.bundle.as_deref().and_then(|dir| evidence::open(dir).ok());
    let mut journal = Journal::resumed(bundle, clock, entries);
    if let Some(held) = &held {
        journal = journal.of_run_begun(held.inventory.started);
    }
    if args.dry_run {
        return say_what(&world, &journal).await;
    }
    if let Some(exit) = at_work(&world, &journal).await {
        return exit;
    }
    if args.bundle.is_none()
        && let Err(error) = Bundle::create(&dir)
    {
        return Console::error(&error.to_string(), None, Exit::Usage);
    }
    // A bundle that was sound before its journal grew is sound afterwards; any other is left as it is.
    let sound = held.is_some_and(|held| run::review(&held).is_ok_and(|review| review.sound));
    let cleaned = run::clean(&world, &journal, args.timeout, &Console::say).await;
    if let Some(exit) = args.bundle.as_deref().filter(|_| sound).and_then(|dir| concluded(dir, &world.bundle)) {
        return exit;
    }
    match cleaned {
        Ok(()) => {
            Console::say("everything that the run made is gone");
            Exit::Ok
        }
        Err(error) => {
            Console::error(&error.to_string(), Some("run clean again once the cause is gone"), Exit::NotRestored)
        }
    }
}

/// Brings the bundle up to its journal; what went wrong, if something did.
fn concluded(dir: &Path, bundle: &Bundle) -> Option<Exit> {
    let held = match evidence::open(dir) {
        Ok(held) => held,
        Err(error) => return Some(Console::error(&error.to_string(), Some(error.hint()), Exit::Internal)),
    };
    match run::conclude(&held, bundle) {
        Ok(verdict) => {
            Console::say(&format!("the run's verdict is now {}: {}", verdict.title(), verdict.reason));
            None
        }
        Err(error) => Some(Console::error(&error.to_string(), None, Exit::Internal)),
    }
}

/// A run at work is not cleaned up behind its back.
async fn at_work(world: &World, journal: &Journal) -> Option<Exit> {
    match install::is_at_work(world, journal).await {
        Ok(false) => None,
        Ok(true) => Some(Console::error(
            "the run is still at work: it renewed its claim on the target just now; nothing was changed",
            Some("end it by Ctrl-C or SIGTERM, and it cleans up by itself; or wait until it has ended"),
            Exit::Usage,
        )),
        Err(error) => {
            // What cannot be read is told by the clean-up itself, thing by thing.
            Console::say(&format!("it cannot be seen whether the run is still at work: {error}"));
            None
        }
    }
}

const ADMIN: &str = "--run-id looks through all namespaces; use an account that may, or the run's folder";

fn journal_of(dir: &Path) -> Result<Vec<Entry>, Exit> {
    read_journal(dir).map_err(|error| {
        let text = error.to_string().replace("could not write evidence to", "could not read");
        let hint = "name the folder of a run, for example reports/RUN-ID; if its journal is lost: gpuhpa clean --run-id RUN-ID";
        Console::error(&text, Some(hint), Exit::Usage)
    })
}

async fn say_what(world: &World, journal: &Journal) -> Exit {
    match install::would_undo(world, journal).await {
        Ok(all) => {
            let text = if all.is_empty() { "nothing is left to be done" } else { "this would be done, in this order:" };
            Console::say(text);
            all.iter().for_each(|line| Console::say(&format!("  {line}")));
            Exit::Ok
        }
        Err(error) => Console::error(&error.to_string(), None, Exit::NotRestored),
    }
}

/// Nothing was found: the run is gone, or it has another id.
async fn nothing(world: &World, run: Option<&str>) -> Exit {
    let Some(run) = run else {
        Console::say("the journal is empty: the run changed nothing");
        return Exit::Ok;
    };
    Console::say(&format!("nothing in this cluster carries the label of run {run}"));
    match install::runs(world).await {
        Ok(others) if others.is_empty() => Console::say("no other run has left anything either"),
        Ok(others) => {
            let others: Vec<String> = others.into_iter().collect();
            Console::say(&format!("runs that have something in this cluster: {}", others.join(", ")));
        }
        Err(error) => return Console::error(&error.to_string(), Some(ADMIN), Exit::NotRestored),
    }
    Exit::Ok
}
