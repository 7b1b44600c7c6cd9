//! `gpuhpa export`: writes a bundle as files of a submission, and checks such files.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::{CliExit, Console};
use crate::env::{Bundle, read_regular_file};
use crate::evidence::submission::{
    self, ExportBlocker, FRAGMENT_FILE, ProgramVersion, REQUIREMENT_DIR, RuleOrigin, Submission,
};
use crate::evidence::{self, LoadedBundle};
use crate::model::verdict::Verdict;
use crate::run;

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("action").required(true).args(["bundle", "check"])))]
pub(super) struct ExportArgs {
    /// Folder of the run's evidence, or a .tar.zst or .tar of it
    #[arg(requires = "dir")]
    bundle: Option<PathBuf>,
    /// Required with BUNDLE: the product's folder in a clone of the programme's repository: vX.Y/DIR. The files go into its pod_autoscaling/
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    dir: Option<PathBuf>,
    /// Write it although it is a STAND-IN, incomplete, NOT RESTORED, of another version, or not PASS; every file then says so
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Overwrite existing files
    #[arg(long, conflicts_with = "check")]
    overwrite: bool,
    /// Check a product's folder by the rules of the programme's validator, without the network
    #[arg(long, value_name = "DIR")]
    check: Option<PathBuf>,
}

/// For a folder that is no product's.
const PRODUCT_DIR_HINT: &str = "name the product's folder in a clone of github.com/cncf/k8s-ai-conformance, vX.Y/<dir>, for example v1.37/acme; BUNDLE --dir creates it";

pub(super) fn export(args: &ExportArgs) -> CliExit {
    match (&args.check, &args.bundle, &args.dir) {
        (Some(dir), ..) => check_product(dir),
        (None, Some(bundle), Some(dir)) => write_submission(args, bundle, dir),
        // clap requires one of the two.
        (None, ..) => Console::print_error("name a bundle and --dir, or --check", None, CliExit::Usage),
    }
}

fn write_submission(args: &ExportArgs, bundle: &Path, dir: &Path) -> CliExit {
    let version = match std::path::absolute(dir)
        .map_err(|e| e.to_string())
        .and_then(|dir| ProgramVersion::from_product_dir(&dir))
    {
        Ok(version) => version,
        Err(error) => return Console::print_error(&error, Some(PRODUCT_DIR_HINT), CliExit::Usage),
    };
    let loaded = match evidence::open_bundle(bundle) {
        Ok(loaded) => loaded,
        Err(error) => {
            let exit = if error.is_not_found() { CliExit::Usage } else { CliExit::Unsound };
            return Console::print_error(&error.to_string(), Some(error.hint()), exit);
        }
    };
    let verdict = match require_sound(&loaded) {
        Ok(verdict) => verdict,
        Err(exit) => return exit,
    };
    let blockers = submission::find_blockers(&loaded, &verdict, &version);
    if let Some(exit) = report_blockers(&blockers, args.force) {
        return exit;
    }
    let submission = Submission { bundle: &loaded, verdict: &verdict, version: &version, overridden: &blockers };
    match submission.files() {
        Ok(files) => {
            let is_signed = loaded.raw_files.contains_key(evidence::SIGNATURE_FILE);
            write_files(args, dir, &files, (&blockers, is_signed))
        }
        Err(error) => Console::print_error(&error.to_string(), None, CliExit::Internal),
    }
}

/// The verdict of a bundle without alterations, as today's rules derive it; else the exit code. An incomplete bundle is a blocker
/// of its own.
fn require_sound(loaded: &LoadedBundle) -> Result<Verdict, CliExit> {
    let review = run::review_bundle(loaded)
        .map_err(|e| Console::print_error(&e.to_string(), Some(e.hint()), CliExit::Unsound))?;
    let altered = review.checks.iter().filter(|check| check.name != "complete");
    let differences: Vec<&String> = altered.flat_map(|check| &check.differences).collect();
    if differences.is_empty() && review.changed_cases.is_empty() {
        return Ok(review.verdict);
    }
    if differences.is_empty() {
        let hint = Some("export it with the release that wrote it, or make a new run");
        return Err(Console::print_error(&format!("not exported: {}", review.statement), hint, CliExit::Unsound));
    }
    differences.iter().for_each(|one| Console::print_message(&format!("error: not exported: {one}")));
    Console::print_message("  hint: `gpuhpa judge` says more; no flag overrides this");
    Err(CliExit::Unsound)
}

fn report_blockers(blockers: &[ExportBlocker], force: bool) -> Option<CliExit> {
    let remaining: Vec<&ExportBlocker> = blockers.iter().filter(|one| !force || !one.can_force).collect();
    let last = remaining.last()?;
    remaining.iter().for_each(|one| Console::print_message(&format!("error: not exported: {}", one.message)));
    let hint = match last.can_force && remaining.iter().all(|one| one.can_force) {
        true => "--force writes it nevertheless, and marks every file",
        false => "no flag overrides this",
    };
    Console::print_message(&format!("  hint: {hint}"));
    Some(CliExit::Usage)
}

fn write_files(
    args: &ExportArgs,
    dir: &Path,
    files: &[(String, String)],
    (blockers, is_signed): (&[ExportBlocker], bool),
) -> CliExit {
    let folder = dir.join(REQUIREMENT_DIR);
    if let Err(message) = require_plain_path(dir, files) {
        let hint = Some("export into a folder of the clone itself");
        return Console::print_error(&message, hint, CliExit::Usage);
    }
    // What cannot be read, such as a pipe, is not what this bundle gives either.
    let differs = |name: &str, text: &str| {
        let path = folder.join(name);
        path.symlink_metadata().is_ok()
            && read_regular_file(&path, text.len() as u64).map_or(true, |old| old != text.as_bytes())
    };
    let conflicting: Vec<&str> =
        files.iter().filter(|(name, text)| differs(name, text)).map(|(name, _)| name.as_str()).collect();
    if !conflicting.is_empty() && !args.overwrite {
        let message = format!("{} has other files of these names: {}", folder.display(), conflicting.join(", "));
        return Console::print_error(&message, Some("--overwrite replaces them"), CliExit::Usage);
    }
    let bundle = Bundle::open(&folder);
    for (name, text) in files {
        if let Err(error) = bundle.write_file(name, text.as_bytes()) {
            let hint = Some("make the folder writable, or free disk space, and export again with --overwrite");
            return Console::print_error(&error.to_string(), hint, CliExit::Internal);
        }
        Console::print_message(&format!("{}", folder.join(name).display()));
    }
    if is_signed {
        Console::print_message(&format!(
            "the bundle's signature ({}) is not exported: the programme takes no bundle; keep it, and hand it to a reviewer who asks",
            evidence::SIGNATURE_FILE
        ));
    }
    blockers
        .iter()
        .for_each(|one| Console::print_message(&format!("forced, and marked in every file: {}", one.message)));
    Console::print_message(&format!(
        "next: add the entry of {REQUIREMENT_DIR}/{FRAGMENT_FILE} to PRODUCT.yaml, state in {REQUIREMENT_DIR}/README.md who"
    ));
    Console::print_message(&format!("provides each layer, and run: gpuhpa export --check {}", dir.display()));
    Console::print_message("only the programme's review certifies a platform");
    CliExit::Ok
}

/// Creates the folder of the files. A link in the product's path, `vX.Y/<dir>/pod_autoscaling/<file>`, could lead the files out
/// of the clone, and is an error, as is a file in the place of a folder; what is above `vX.Y` is the user's own.
fn require_plain_path(dir: &Path, files: &[(String, String)]) -> Result<(), String> {
    let dir = std::path::absolute(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let folder = dir.join(REQUIREMENT_DIR);
    let names = files.iter().flat_map(|(name, _)| [name.clone(), Bundle::new_file_name(name)]);
    let folders = dir.parent().into_iter().chain([dir.as_path(), &folder]).map(Path::to_path_buf);
    let kind_of = |path: &Path| std::fs::symlink_metadata(path).map(|metadata| metadata.file_type());
    for path in folders.clone().chain(names.map(|name| folder.join(name))) {
        if kind_of(&path).is_ok_and(|kind| kind.is_symlink()) {
            return Err(format!("{} is a link; the files could leave the clone", path.display()));
        }
    }
    for path in folders {
        if kind_of(&path).is_ok_and(|kind| !kind.is_dir()) {
            return Err(format!("{} is not a folder", path.display()));
        }
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("could not create {}: {error}", folder.display()))
}

fn check_product(dir: &Path) -> CliExit {
    let report = match std::path::absolute(dir).map_err(|e| e.to_string()).and_then(|dir| submission::check(&dir)) {
        Ok(report) => report,
        Err(error) => {
            return Console::print_error(&error, Some(PRODUCT_DIR_HINT), CliExit::Usage);
        }
    };
    for finding in &report.findings {
        let origin = match finding.origin {
            RuleOrigin::Validator => "rejected by the validator",
            RuleOrigin::Reviewer => "not detected by the validator",
        };
        let _ = Console::print_data(&format!("{}: {}: {} ({origin})\n", finding.file, finding.rule, finding.message));
    }
    report.warnings.iter().for_each(|warning| {
        Console::print_message(&format!("warning: {}: {}: {}", warning.file, warning.rule, warning.message));
    });
    report.notes.iter().for_each(|note| Console::print_message(&format!("note: {note}")));
    report.unchecked.iter().for_each(|item| Console::print_message(&format!("not checked here: {item}")));
    let rejected = report.findings.iter().filter(|finding| finding.origin == RuleOrigin::Validator).count();
    let undetected = report.findings.len() - rejected;
    Console::print_message(&format!("{rejected} rejected by the validator, {undetected} not detected by it"));
    if report.findings.is_empty() { CliExit::Ok } else { CliExit::Unsound }
}
