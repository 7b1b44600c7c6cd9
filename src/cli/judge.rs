//! `gpuhpa judge`: the verdict of a bundle, derived again from what was observed, and whether anything was altered; or two
//! bundles side by side.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::console::new_table;
use super::signing::{self, SignatureStatus};
use super::text::single_line;
use super::{CliExit, Console};
use crate::evidence::{self, LoadedBundle, OpenError};
use crate::run::{self, BundleReview, DiffRow, Soundness};

/// Arguments of `judge`.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// The bundle: a folder that verify has written, or a .tar.zst or .tar of it; - reads such an archive from stdin
    #[arg(required_unless_present = "diff")]
    bundle: Option<PathBuf>,
    /// Two bundles side by side: cases, times, figures of the scaling, bounds, versions, load; what changed is marked
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "bundle")]
    diff: Option<Vec<PathBuf>>,
    /// The signer's public key in PEM: the bundle has to be signed with it
    #[arg(long, value_name = "PUB", conflicts_with = "diff")]
    verify_key: Option<PathBuf>,
    /// Sign the bundle with this key (Ed25519, PKCS#8 in PEM) if it is sound
    #[arg(long, value_name = "KEY", conflicts_with_all = ["diff", "verify_key"])]
    sign: Option<PathBuf>,
    /// table: for people; json: for programs
    #[arg(short, long, value_enum, default_value_t = JudgeFormat::Table)]
    output: JudgeFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum JudgeFormat {
    Table,
    Json,
}

pub(super) fn judge(args: &JudgeArgs) -> CliExit {
    match (&args.bundle, args.diff.as_deref()) {
        (_, Some([a, b])) => diff_bundles(a, b, args.output),
        (Some(bundle), _) => judge_bundle(bundle, args),
        // clap asks for one or for two.
        (None, _) => CliExit::Usage,
    }
}

/// A bundle and what its review came to.
fn open_and_review(path: &Path) -> Result<(LoadedBundle, BundleReview), CliExit> {
    let read = evidence::open_bundle(path).and_then(|held| {
        let review = run::review_bundle(&held)?;
        Ok((held, review))
    });
    read.map_err(|error: OpenError| {
        let exit = if error.is_not_found() { CliExit::Usage } else { CliExit::Unsound };
        Console::print_error(&error.to_string(), Some(error.hint()), exit)
    })
}

fn judge_bundle(path: &Path, args: &JudgeArgs) -> CliExit {
    let keys = signing::read_keys(args.verify_key.as_deref(), args.sign.as_deref());
    let (verifier, signer) = match keys {
        Ok(keys) => keys,
        Err(error) => return Console::print_error(&error.what, Some(error.hint), CliExit::Usage),
    };
    let (held, review) = match open_and_review(path) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    let signed = SignatureStatus::check(&held, &review, verifier.as_ref());
    match args.output {
        JudgeFormat::Table => {
            // The signing below prints the signature that the bundle has then.
            let is_replaced = signer.is_some() && review.soundness.is_sound();
            let signature = if is_replaced { String::new() } else { format!("{}\n", signed.describe()) };
            print_review(&review, &signature)
        }
        JudgeFormat::Json => Console::print_json(&JudgeReport { review: &review, signature: &signed }),
    };
    if let Some(exit) = report_unsound(path, &held, &review) {
        return exit;
    }
    if let SignatureStatus::Invalid { reason: why } = &signed {
        let hint = match args.verify_key {
            Some(_) => "ask the signer for the public key and for the bundle as it was signed",
            None => "ask the sender for the bundle as it was signed",
        };
        return Console::print_error(why, Some(hint), CliExit::Unsound);
    }
    let put = signer.map_or(Ok(()), |signer| signing::sign_reviewed(&held, &review, &signer));
    put.err().unwrap_or(CliExit::from_verdict(&review.verdict))
}

/// What programs are told of one bundle.
#[derive(serde::Serialize)]
struct JudgeReport<'a> {
    #[serde(flatten)]
    review: &'a BundleReview,
    signature: &'a SignatureStatus,
}

/// Reports a bundle whose stored verdict is not what the observations give: altered, incomplete, or with another verdict under
/// today's rules.
fn report_unsound(path: &Path, bundle: &LoadedBundle, review: &BundleReview) -> Option<CliExit> {
    let hint = match review.soundness {
        Soundness::NotSound => "the verdict shown is derived from the observations, and is not evidence of a run",
        _ if bundle.verdict.as_ref().is_some_and(|stored| stored.result != review.verdict.result) => {
            "the verdict shown is today's; the stored one is reproduced by the release that wrote the bundle"
        }
        _ => return None,
    };
    let text = format!("{}: {}", path.display(), review.statement);
    Some(Console::print_error(&text, Some(hint), CliExit::Unsound))
}

/// The cases as `verify` shows them, then a line for each check.
fn print_review(review: &BundleReview, signature: &str) -> CliExit {
    Console::print_verdict(&review.verdict);
    let mut lines = format!("\nbundle of run {}:\n", single_line(&review.run));
    for check in &review.checks {
        let mark = match (check.differences.is_empty(), check.changed_by_rules.is_empty()) {
            (false, _) => "DIFFERENT",
            (true, false) => "by rules",
            (true, true) => "sound",
        };
        lines += &format!("  {mark:9}  {}: {}\n", check.name, single_line(&check.summary));
        for difference in check.differences.iter().chain(&check.changed_by_rules) {
            lines += &format!("             - {}\n", single_line(difference));
        }
    }
    lines += &match review.soundness {
        Soundness::NotSound => {
            "NOT SOUND: the verdict above is derived from this bundle's observations, and is not evidence of a run\n"
                .to_owned()
        }
        _ => format!("{}\n", review.statement),
    };
    lines += signature;
    if review.stamps.iter().any(|stamp| stamp == "REHEARSAL") {
        lines += "REHEARSAL: this run was simulated and says nothing about any platform\n";
    }
    Console::print_data(&lines)
}

fn diff_bundles(a: &Path, b: &Path, output: JudgeFormat) -> CliExit {
    let (left, right) = match (open_and_review(a), open_and_review(b)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let rows = run::diff_bundles((&left.0, &left.1), (&right.0, &right.1));
    match output {
        JudgeFormat::Table => print_diff(&rows),
        JudgeFormat::Json => Console::print_json(&rows),
    };
    let exits = [report_unsound(a, &left.0, &left.1), report_unsound(b, &right.0, &right.1)];
    exits.into_iter().flatten().next().unwrap_or(CliExit::Ok)
}

fn print_diff(rows: &[DiffRow]) -> CliExit {
    let mut shown = new_table(&["", "what", "A", "B", "change"]);
    for DiffRow { section: part, item: what, a, b, change } in rows {
        shown.add_row([*part, what, a, b, change.as_deref().unwrap_or_default()]);
    }
    let changed = rows.iter().filter(|row| row.change.is_some()).count();
    Console::print_data(&format!("{shown}\n{changed} of {} lines changed\n", rows.len()))
}
