//! `gpuhpa export`: a bundle as files of a submission, and the check of what was written.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::{Console, Exit};
use crate::evidence::submission::{self, By, Edition, FOLDER, FRAGMENT, Obstacle, Submission};
use crate::evidence::{self, Held};
use crate::record::verdict::Verdict;
use crate::run;
use crate::world::Bundle;

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["bundle", "check"])))]
pub(super) struct ExportArgs {
    /// Folder of the run's evidence, or a .tar.zst of it
    #[arg(requires = "dir")]
    bundle: Option<PathBuf>,
    /// The product's folder in a clone of the programme's repository: vX.Y/DIR. The files go into its pod_autoscaling/
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    dir: Option<PathBuf>,
    /// Write it although it is a STAND-IN, incomplete, not restored, of another version, or no PASS; every file then says so
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Write over files that are there already
    #[arg(long, conflicts_with = "check")]
    overwrite: bool,
    /// Check a product's folder by the rules of the programme's validator, without the network
    #[arg(long, value_name = "DIR")]
    check: Option<PathBuf>,
}

pub(super) fn export(args: &ExportArgs) -> Exit {
    match (&args.check, &args.bundle, &args.dir) {
        (Some(dir), ..) => check(dir),
        (None, Some(bundle), Some(dir)) => write(args, bundle, dir),
        // clap sees to it that one of the two is there.
        (None, ..) => Console::error("name a bundle and --dir, or --check", None, Exit::Usage),
    }
}

fn write(args: &ExportArgs, bundle: &Path, dir: &Path) -> Exit {
    let edition = match std::path::absolute(dir).map_err(|e| e.to_string()).and_then(|dir| Edition::of(&dir)) {
        Ok(edition) => edition,
        Err(what) => return Console::error(&what, None, Exit::Usage),
    };
    let held = match evidence::open(bundle) {
        Ok(held) => held,
        Err(error) => {
            let exit = if error.is_elsewhere() { Exit::Usage } else { Exit::Unsound };
            return Console::error(&error.to_string(), Some(error.hint()), exit);
        }
    };
    let verdict = match sound(&held) {
        Ok(verdict) => verdict,
        Err(exit) => return exit,
    };
    let obstacles = submission::obstacles(&held, &verdict, &edition);
    if let Some(exit) = refused(&obstacles, args.force) {
        return exit;
    }
    let submission = Submission { held: &held, verdict: &verdict, edition: &edition, forced: &obstacles };
    match submission.files() {
        Ok(files) => put(args, dir, &files, &obstacles),
        Err(error) => Console::error(&error.to_string(), None, Exit::Internal),
    }
}

/// The verdict of a bundle in which nothing is altered, as its observations have it; else the exit code. That it is
/// incomplete is an obstacle of its own.
fn sound(held: &Held) -> Result<Verdict, Exit> {
    let review = run::review(held).map_err(|e| Console::error(&e.to_string(), Some(e.hint()), Exit::Unsound))?;
    let altered = review.checks.iter().filter(|check| check.name != "complete");
    let differences: Vec<&String> = altered.flat_map(|check| &check.differences).collect();
    if differences.is_empty() {
        return Ok(review.verdict);
    }
    differences.iter().for_each(|one| Console::say(&format!("error: not exported: {one}")));
    Console::say("  hint: `gpuhpa judge` says more; no flag overrides this");
    Err(Exit::Unsound)
}

fn refused(obstacles: &[Obstacle], force: bool) -> Option<Exit> {
    let standing: Vec<&Obstacle> = obstacles.iter().filter(|one| !force || !one.forcible).collect();
    let last = standing.last()?;
    standing.iter().for_each(|one| Console::say(&format!("error: not exported: {}", one.what)));
    let hint = match last.forcible && standing.iter().all(|one| one.forcible) {
        true => "--force writes it all the same, and says so in every file",
        false => "no flag overrides this",
    };
    Console::say(&format!("  hint: {hint}"));
    Some(Exit::Usage)
}

fn put(args: &ExportArgs, dir: &Path, files: &[(String, String)], obstacles: &[Obstacle]) -> Exit {
    let folder = dir.join(FOLDER);
    let differs = |name: &str, text: &str| std::fs::read(folder.join(name)).is_ok_and(|old| old != text.as_bytes());
    let there: Vec<&str> =
        files.iter().filter(|(name, text)| differs(name, text)).map(|(name, _)| name.as_str()).collect();
    if !there.is_empty() && !args.overwrite {
        let what = format!("{} holds other files of these names: {}", folder.display(), there.join(", "));
        return Console::error(&what, Some("--overwrite writes over them"), Exit::Usage);
    }
    let bundle = Bundle::open(&folder);
    for (name, text) in files {
        if let Err(error) = bundle.put(name, text.as_bytes()) {
            return Console::error(&error.to_string(), None, Exit::Internal);
        }
        Console::say(&format!("{}", folder.join(name).display()));
    }
    obstacles.iter().for_each(|one| Console::say(&format!("FORCED, and said in every file: {}", one.what)));
    Console::say(&format!(
        "next: put the entry of {FOLDER}/{FRAGMENT} into PRODUCT.yaml, state in {FOLDER}/README.md whose"
    ));
    Console::say(&format!("each layer is, and look with: gpuhpa export --check {}", dir.display()));
    Console::say("only the programme's own merge certifies a platform");
    Exit::Ok
}

fn check(dir: &Path) -> Exit {
    let report = match std::path::absolute(dir).map_err(|e| e.to_string()).and_then(|dir| submission::check(&dir)) {
        Ok(report) => report,
        Err(what) => return Console::error(&what, Some("name the product's folder: vX.Y/<dir>"), Exit::Usage),
    };
    for finding in &report.findings {
        let whose = match finding.by {
            By::Validator => "the validator refuses this",
            By::Reviewer => "the validator does not see this",
        };
        let _ = Console::data(&format!("{}: {}: {} ({whose})\n", finding.file, finding.rule, finding.what));
    }
    report.notes.iter().for_each(|note| Console::say(&format!("note: {note}")));
    report.unchecked.iter().for_each(|what| Console::say(&format!("not checked here: {what}")));
    let refusals = report.findings.iter().filter(|finding| finding.by == By::Validator).count();
    let rest = report.findings.len() - refusals;
    Console::say(&format!("{refusals} that the validator refuses, {rest} that it does not see"));
    if report.findings.is_empty() { Exit::Ok } else { Exit::Unsound }
}
