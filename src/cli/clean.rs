//! `gpuhpa clean`: takes up the journal of an interrupted run and undoes what is left of it.

use std::path::PathBuf;

use clap::Args;

use super::{ClusterArgs, Console, Exit, verify};
use crate::clock::Clock;
use crate::install::{Journal, read_journal};
use crate::record::scenario::Scenario;
use crate::units::Span;
use crate::world::Bundle;
use crate::{live, run};

/// Arguments of `clean`.
#[derive(Debug, Args)]
pub(super) struct CleanArgs {
    /// Folder of the run's evidence, with its journal.jsonl
    bundle: PathBuf,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// At most this long for each change
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    timeout: Span,
}

pub(super) async fn clean(args: &CleanArgs) -> Exit {
    let entries = match read_journal(&args.bundle) {
        Ok(entries) => entries,
        Err(error) => {
            let text = error.to_string().replace("could not write evidence to", "could not read");
            return Console::error(&text, Some("name the folder of a run, for example reports/RUN-ID"), Exit::Usage);
        }
    };
    let cluster = match live::connect(args.cluster.kubeconfig.as_deref(), args.cluster.context.as_deref()).await {
        Ok(cluster) => cluster,
        Err(error) => return Console::error(&error.to_string(), None, Exit::Usage),
    };
    let (clock, bundle) = (Clock::start(), Bundle::open(&args.bundle));
    let world = match verify::world(&args.cluster, &cluster, &Scenario::default(), clock, &bundle) {
        Ok(world) => world,
        Err(error) => return Console::error(&error, None, Exit::Internal),
    };
    let journal = Journal::new(bundle, clock, entries);
    match run::clean(&world, &journal, args.timeout, &Console::say).await {
        Ok(()) => {
            Console::say("everything in the journal is undone");
            Exit::Ok
        }
        Err(error) => {
            Console::error(&error.to_string(), Some("run clean again once the cause is gone"), Exit::NotRestored)
        }
    }
}
