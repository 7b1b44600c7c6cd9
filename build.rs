//! Puts the commit that is built into the binary, for `--version` and for the bundle. A packager who builds without git sets
//! `GPUHPA_COMMIT`.

#![expect(clippy::disallowed_methods, reason = "a build script asks git; the bans are for the program")]

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=GPUHPA_COMMIT");
    for path in ["HEAD", "logs/HEAD"] {
        if let Some(file) = git(&["rev-parse", "--git-path", path]).filter(|file| std::path::Path::new(file).exists()) {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    let commit = std::env::var("GPUHPA_COMMIT").ok().or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    println!("cargo::rustc-env=GPUHPA_COMMIT={}", commit.unwrap_or_else(|| "unknown".to_owned()));
}

/// What git prints, if this is a checkout and git is there.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
