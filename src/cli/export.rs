//! `gpuhpa export`: a bundle as files of a submission, and the check of what was written.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::{CliExit, Console};
use crate::env::Bundle;
use crate::evidence::submission::{
    self, ExportBlocker, FRAGMENT_FILE, ProgramVersion, REQUIREMENT_DIR, RuleOrigin, Submission,
};
use crate::evidence::{self, LoadedBundle};
use crate::model::verdict::Verdict;
use crate::run;

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

pub(super) fn export(args: &ExportArgs) -> CliExit {
    match (&args.check, &args.bundle, &args.dir) {
        (Some(dir), ..) => check_product(dir),
        (None, Some(bundle), Some(dir)) => write_submission(args, bundle, dir),
        // clap sees to it that one of the two is there.
        (None, ..) => Console::print_error("name a bundle and --dir, or --check", None, CliExit::Usage),
    }
}

fn write_submission(args: &ExportArgs, bundle: &Path, dir: &Path) -> CliExit {
    let edition = match std::path::absolute(dir)
        .map_err(|e| e.to_string())
        .and_then(|dir| ProgramVersion::from_product_dir(&dir))
    {
        Ok(edition) => edition,
        Err(what) => return Console::print_error(&what, None, CliExit::Usage),
    };
    let held = match evidence::open_bundle(bundle) {
        Ok(held) => held,
        Err(error) => {
            let exit = if error.is_not_found() { CliExit::Usage } else { CliExit::Unsound };
            return Console::print_error(&error.to_string(), Some(error.hint()), exit);
        }
    };
    let verdict = match require_sound(&held) {
        Ok(verdict) => verdict,
        Err(exit) => return exit,
    };
    let obstacles = submission::find_blockers(&held, &verdict, &edition);
    if let Some(exit) = report_blockers(&obstacles, args.force) {
        return exit;
    }
    let submission = Submission { bundle: &held, verdict: &verdict, version: &edition, overridden: &obstacles };
    match submission.files() {
        Ok(files) => write_files(args, dir, &files, &obstacles),
        Err(error) => Console::print_error(&error.to_string(), None, CliExit::Internal),
    }
}

/// The verdict of a bundle in which nothing is altered, as its observations have it; else the exit code. That it is
/// incomplete is an obstacle of its own.
fn require_sound(held: &LoadedBundle) -> Result<Verdict, CliExit> {
    let review =
        run::review_bundle(held).map_err(|e| Console::print_error(&e.to_string(), Some(e.hint()), CliExit::Unsound))?;
    let altered = review.checks.iter().filter(|check| check.name != "complete");
    let differences: Vec<&String> = altered.flat_map(|check| &check.differences).collect();
    if differences.is_empty() {
        return Ok(review.verdict);
    }
    differences.iter().for_each(|one| Console::print_message(&format!("error: not exported: {one}")));
    Console::print_message("  hint: `gpuhpa judge` says more; no flag overrides this");
    Err(CliExit::Unsound)
}

fn report_blockers(obstacles: &[ExportBlocker], force: bool) -> Option<CliExit> {
    let standing: Vec<&ExportBlocker> = obstacles.iter().filter(|one| !force || !one.can_force).collect();
    let last = standing.last()?;
    standing.iter().for_each(|one| Console::print_message(&format!("error: not exported: {}", one.what)));
    let hint = match last.can_force && standing.iter().all(|one| one.can_force) {
        true => "--force writes it all the same, and says so in every file",
        false => "no flag overrides this",
    };
    Console::print_message(&format!("  hint: {hint}"));
    Some(CliExit::Usage)
}

fn write_files(args: &ExportArgs, dir: &Path, files: &[(String, String)], obstacles: &[ExportBlocker]) -> CliExit {
    let folder = dir.join(REQUIREMENT_DIR);
    let differs = |name: &str, text: &str| std::fs::read(folder.join(name)).is_ok_and(|old| old != text.as_bytes());
    let there: Vec<&str> =
        files.iter().filter(|(name, text)| differs(name, text)).map(|(name, _)| name.as_str()).collect();
    if !there.is_empty() && !args.overwrite {
        let what = format!("{} holds other files of these names: {}", folder.display(), there.join(", "));
        return Console::print_error(&what, Some("--overwrite writes over them"), CliExit::Usage);
    }
    let bundle = Bundle::open(&folder);
    for (name, text) in files {
        if let Err(error) = bundle.write_file(name, text.as_bytes()) {
            return Console::print_error(&error.to_string(), None, CliExit::Internal);
        }
        Console::print_message(&format!("{}", folder.join(name).display()));
    }
    obstacles.iter().for_each(|one| Console::print_message(&format!("FORCED, and said in every file: {}", one.what)));
    Console::print_message(&format!(
        "next: put the entry of {REQUIREMENT_DIR}/{FRAGMENT_FILE} into PRODUCT.yaml, state in {REQUIREMENT_DIR}/README.md whose"
    ));
    Console::print_message(&format!("each layer is, and look with: gpuhpa export --check {}", dir.display()));
    Console::print_message("only the programme's own merge certifies a platform");
    CliExit::Ok
}

fn check_product(dir: &Path) -> CliExit {
    let report = match std::path::absolute(dir).map_err(|e| e.to_string()).and_then(|dir| submission::check(&dir)) {
        Ok(report) => report,
        Err(what) => return Console::print_error(&what, Some("name the product's folder: vX.Y/<dir>"), CliExit::Usage),
    };
    for finding in &report.findings {
        let whose = match finding.origin {
            RuleOrigin::Validator => "the validator refuses this",
            RuleOrigin::Reviewer => "the validator does not see this",
        };
        let _ = Console::print_data(&format!("{}: {}: {} ({whose})\n", finding.file, finding.rule, finding.what));
    }
    report.notes.iter().for_each(|note| Console::print_message(&format!("note: {note}")));
    report.unchecked.iter().for_each(|what| Console::print_message(&format!("not checked here: {what}")));
    let refusals = report.findings.iter().filter(|finding| finding.origin == RuleOrigin::Validator).count();
    let rest = report.findings.len() - refusals;
    Console::print_message(&format!("{refusals} that the validator refuses, {rest} that it does not see"));
    if report.findings.is_empty() { CliExit::Ok } else { CliExit::Unsound }
}
