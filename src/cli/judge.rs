//! `gpuhpa judge`: the verdict of a bundle, derived again from what was observed, and whether anything was altered.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Console, Exit};
use crate::evidence::{self, OpenError};
use crate::run::{self, Review};

/// Arguments of `judge`.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// The bundle: a folder that verify has written, or a .tar.zst or .tar of it
    bundle: PathBuf,
    /// table: for people; json: checks and verdict for programs
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub(super) fn judge(args: &JudgeArgs) -> Exit {
    let reviewed = evidence::open(&args.bundle).and_then(|held| run::review(&held));
    let review = match reviewed {
        Ok(review) => review,
        Err(error) => return unreadable(&error),
    };
    match args.output {
        Output::Table => show(&review),
        Output::Json => match serde_json::to_string_pretty(&review) {
            Ok(text) => Console::data(&format!("{text}\n")),
            Err(error) => return Console::error(&error.to_string(), None, Exit::Internal),
        },
    };
    if review.sound {
        return Exit::of(&review.verdict);
    }
    let count: usize = review.checks.iter().map(|check| check.differences.len()).sum();
    let things = if count == 1 { "1 difference" } else { &format!("{count} differences") };
    Console::error(
        &format!("the bundle is not sound: {things}"),
        Some("the verdict above is what the observations in it come to, and no evidence of a run"),
        Exit::Unsound,
    )
}

/// A bundle that could not be read, and the exit code that goes with it.
fn unreadable(error: &OpenError) -> Exit {
    let exit = if error.is_elsewhere() { Exit::Usage } else { Exit::Unsound };
    Console::error(&error.to_string(), Some(error.hint()), exit)
}

/// The cases as `verify` shows them, then a line for each check.
fn show(review: &Review) -> Exit {
    Console::verdict(&review.verdict);
    let mut lines = format!("\nbundle of run {}:\n", review.run);
    for check in &review.checks {
        let mark = if check.differences.is_empty() { "sound" } else { "DIFFERENT" };
        lines += &format!("  {mark:9}  {}: {}\n", check.name, check.what);
        for difference in &check.differences {
            lines += &format!("             - {difference}\n");
        }
    }
    lines += "unsigned: digests show accidents, not forgery\n";
    if review.stamps.iter().any(|stamp| stamp == "REHEARSAL") {
        lines += "REHEARSAL: this run was simulated and says nothing about any platform\n";
    }
    Console::data(&super::console::plain(&lines))
}
