//! `gpuhpa judge`: the verdict of a bundle, derived again from what was observed, and whether anything was altered; or two
//! bundles side by side.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::console::{plain, table};
use super::signing::{self, Signed};
use super::{Console, Exit};
use crate::evidence::{self, Held, OpenError};
use crate::run::{self, Review, Row};

/// Arguments of `judge`.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// The bundle: a folder that verify has written, or a .tar.zst or .tar of it
    #[arg(required_unless_present = "diff")]
    bundle: Option<PathBuf>,
    /// Two bundles side by side: cases, times, bounds, versions, load; what changed is marked
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "bundle")]
    diff: Option<Vec<PathBuf>>,
    /// The signer's public key in PEM: the bundle has to be signed with it
    #[arg(long, value_name = "PUB", conflicts_with = "diff")]
    verify_key: Option<PathBuf>,
    /// Sign the bundle with this key (Ed25519, PKCS#8 in PEM) if it is sound
    #[arg(long, value_name = "KEY", conflicts_with_all = ["diff", "verify_key"])]
    sign: Option<PathBuf>,
    /// table: for people; json: for programs
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub(super) fn judge(args: &JudgeArgs) -> Exit {
    match (&args.bundle, args.diff.as_deref()) {
        (_, Some([a, b])) => side_by_side(a, b, args.output),
        (Some(bundle), _) => one(bundle, args),
        // clap asks for one or for two.
        (None, _) => Exit::Usage,
    }
}

/// A bundle and what its review came to.
fn reviewed(path: &Path) -> Result<(Held, Review), Exit> {
    let read = evidence::open(path).and_then(|held| {
        let review = run::review(&held)?;
        Ok((held, review))
    });
    read.map_err(|error: OpenError| {
        let exit = if error.is_elsewhere() { Exit::Usage } else { Exit::Unsound };
        Console::error(&error.to_string(), Some(error.hint()), exit)
    })
}

fn one(path: &Path, args: &JudgeArgs) -> Exit {
    let keys = signing::keys(args.verify_key.as_deref(), args.sign.as_deref());
    let (verifier, signer) = match keys {
        Ok(keys) => keys,
        Err(what) => return Console::error(&what, None, Exit::Usage),
    };
    let (held, review) = match reviewed(path) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    let signed = Signed::of(&held, &review, verifier.as_ref());
    match args.output {
        Output::Table => show(&review, &signed),
        Output::Json => json(&Told { review: &review, signature: &signed }),
    };
    if let Some(exit) = unsound(path, &review) {
        return exit;
    }
    if let Signed::Wrong { why } = &signed {
        return Console::error(why, None, Exit::Unsound);
    }
    let put = signer.map_or(Ok(()), |signer| signing::judged(&held, &review, &signer));
    put.err().unwrap_or(Exit::of(&review.verdict))
}

/// What programs are told of one bundle.
#[derive(serde::Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    review: &'a Review,
    signature: &'a Signed,
}

/// Says that a bundle is not sound, if it is not.
fn unsound(path: &Path, review: &Review) -> Option<Exit> {
    if review.sound {
        return None;
    }
    let count: usize = review.checks.iter().map(|check| check.differences.len()).sum();
    let things = if count == 1 { "1 difference" } else { &format!("{count} differences") };
    let hint =
        "its verdict is what the observations in it come to, and no evidence of a run; judge names each difference";
    let text = format!("{} is not sound: {things}", path.display());
    Some(Console::error(&text, Some(hint), Exit::Unsound))
}

fn json(value: &impl serde::Serialize) -> Exit {
    match serde_json::to_string_pretty(value) {
        Ok(text) => Console::data(&format!("{text}\n")),
        Err(error) => Console::error(&error.to_string(), None, Exit::Internal),
    }
}

/// The cases as `verify` shows them, then a line for each check.
fn show(review: &Review, signed: &Signed) -> Exit {
    Console::verdict(&review.verdict);
    let mut lines = format!("\nbundle of run {}:\n", review.run);
    for check in &review.checks {
        let mark = if check.differences.is_empty() { "sound" } else { "DIFFERENT" };
        lines += &format!("  {mark:9}  {}: {}\n", check.name, check.what);
        for difference in &check.differences {
            lines += &format!("             - {difference}\n");
        }
    }
    if !review.sound {
        lines += "NOT SOUND: the verdict above is what this bundle's observations come to, and no evidence of a run\n";
    }
    lines += &format!("{}\n", signed.text());
    if review.stamps.iter().any(|stamp| stamp == "REHEARSAL") {
        lines += "REHEARSAL: this run was simulated and says nothing about any platform\n";
    }
    Console::data(&plain(&lines))
}

fn side_by_side(a: &Path, b: &Path, output: Output) -> Exit {
    let (left, right) = match (reviewed(a), reviewed(b)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let rows = run::diff((&left.0, &left.1), (&right.0, &right.1));
    match output {
        Output::Table => show_rows(&rows),
        Output::Json => json(&rows),
    };
    let exits = [unsound(a, &left.1), unsound(b, &right.1)];
    exits.into_iter().flatten().next().unwrap_or(Exit::Ok)
}

fn show_rows(rows: &[Row]) -> Exit {
    let mut shown = table(&["", "what", "A", "B", "change"]);
    for Row { part, what, a, b, change } in rows {
        shown.add_row([*part, what, a, b, change.as_deref().unwrap_or_default()]);
    }
    let changed = rows.iter().filter(|row| row.change.is_some()).count();
    Console::data(&plain(&format!("{shown}\n{changed} of {} lines changed\n", rows.len())))
}
