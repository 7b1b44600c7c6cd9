//! Tests the permissions of `ci/rbac.yaml`, for `ci/suites/rights.sh`.
//!
//! `rights write DIR`: for each rule a folder with the roles without it and with it, for kubectl, and an access review that shows
//! when the API server's authorizer has seen the change.
//! `rights check NUMBER EXIT OUTPUT`: without rule NUMBER, `plan` ended with this exit code and this output.
//! `rights readings BUNDLE [api]`: how often the run read each hop; with `api`, no other hop may have been read.

mod readings;
mod rules;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use rules::{RbacFile, RuleRemoval};
use serde_json::json;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["write", dir] => write_removals(Path::new(dir)),
        ["check", number, exit_code, output] => check_removal(number, exit_code, Path::new(output)),
        ["readings", bundle] => readings::count(Path::new(bundle), false),
        ["readings", bundle, "api"] => readings::count(Path::new(bundle), true),
        _ => {
            Err("usage: rights write DIR, rights check NUMBER EXIT OUTPUT, or rights readings BUNDLE [api]".to_owned())
        }
    };
    let (text, code) = match result {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(error) => (error, ExitCode::FAILURE),
    };
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

fn load_removals() -> Result<Vec<RuleRemoval>, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/rbac.yaml");
    let text = std::fs::read_to_string(path).map_err(|error| format!("ci/rbac.yaml: {error}"))?;
    Ok(RbacFile::parse(&text).map_err(|error| format!("ci/rbac.yaml: {error}"))?.removals())
}

fn write_removals(dir: &Path) -> Result<String, String> {
    let removals = load_removals()?;
    for (number, removal) in removals.iter().enumerate() {
        let folder = dir.join(number.to_string());
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let list = |items: &[serde_json::Value]| json!({"apiVersion": "v1", "kind": "List", "items": items});
        for (name, object) in [
            ("without.json", list(&removal.roles_without)),
            ("whole.json", list(&removal.roles_whole)),
            ("review.json", removal.access_review()),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, object.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(format!("{} rules", removals.len()))
}

fn check_removal(number: &str, exit_code: &str, output: &Path) -> Result<String, String> {
    let removals = load_removals()?;
    let removal = number.parse().ok().and_then(|number: usize| removals.get(number));
    let removal = removal.ok_or_else(|| format!("there is no rule {number}"))?;
    let exit_code: u8 = exit_code.parse().map_err(|error| format!("{exit_code}: {error}"))?;
    let text = std::fs::read_to_string(output).map_err(|error| format!("{}: {error}", output.display()))?;
    let unnamed: Vec<String> = removal.permissions_not_named(&text);
    let (expected, lost) = (removal.expected_exit_code(), removal.lost.len());
    let summary = format!("{}: {} of {lost} permissions named, exit {exit_code}", removal.name, lost - unnamed.len());
    if exit_code == expected && unnamed.is_empty() {
        Ok(summary)
    } else {
        Err(format!("{text}\n{summary}, not {expected}; not named: {}", unnamed.join(", ")))
    }
}
