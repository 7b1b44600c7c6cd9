//! Compares a run on the rig with its row of `ci/cases`, and the files of the run with each other. `ci/on-rig` calls it after
//! each run.
//!
//! `expect check BUNDLE CASE EXIT`: the run ended as its row says, with this exit code of `verify`.
//! `expect summary BUNDLE CASE`: two cells of a table, the expected outcome and the deciding case with its reason.
//! `expect checks`: the names of the judge's checks, a line each, for `ci/mutations`.
//!
//! `BUNDLE.xml` is the JUnit file of `verify --junit`, `BUNDLE.log` its output.

mod cases;
mod faults;
mod files;
mod findings;
mod junit;
mod outcome;
mod passed;
mod rig_run;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use cases::RigCase;
use findings::Findings;
use gpuhpa::judge::Check;
use rig_run::RigRun;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["check", bundle, case, exit_code] => check(Path::new(bundle), case, exit_code),
        ["summary", bundle, case] => summarize(Path::new(bundle), case).map(|text| (text, true)),
        ["checks"] => Ok((Check::all().map(|check| format!("{}\n", check.name())).collect(), true)),
        _ => Err("usage: expect check BUNDLE CASE EXIT, expect summary BUNDLE CASE, or expect checks".to_owned()),
    };
    let (text, holds) = result.unwrap_or_else(|error| (format!("error: {error}\n"), false));
    let written = std::io::stdout().write_all(text.as_bytes());
    if holds && written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(bundle: &Path, case: &str, exit_code: &str) -> Result<(String, bool), String> {
    let case = RigCase::load(case)?;
    let exit_code = exit_code.parse().map_err(|error| format!("{exit_code}: {error}"))?;
    let run = RigRun::read(bundle)?;
    let findings = compare_run(&run, &case, exit_code);
    // The last line, which ci/on-rig repeats in its summary.
    Ok((format!("{}  {}\n", findings.text(), run.ended()), findings.differences.is_empty()))
}

/// Everything that is not as expected of a run.
fn compare_run(run: &RigRun, case: &RigCase, exit_code: i32) -> Findings {
    let mut findings = Findings::default();
    outcome::check_outcome(run, case, exit_code, &mut findings);
    junit::check_junit(run, &mut findings);
    if let Some(bundle) = &run.bundle {
        files::check_manifest(bundle, &mut findings);
        faults::check_faults(run, bundle, &mut findings);
        passed::check_pass(bundle, &mut findings);
    }
    findings
}

fn summarize(bundle: &Path, case: &str) -> Result<String, String> {
    let cells = [RigCase::load(case)?.to_string(), RigRun::read(bundle)?.ended()];
    let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
    Ok(format!("{}\n", cells.join(" | ")))
}
