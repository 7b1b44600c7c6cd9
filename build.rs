//! Puts the commit that is built into the binary, for `--version` and for the bundle. A packager who builds without git sets
//! `GPUHPA_COMMIT`. Lists the files of the folder `profiles`, which are part of the binary.

#![expect(clippy::disallowed_methods, reason = "a build script asks git; the bans are for the program")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-env-changed=GPUHPA_COMMIT");
    for path in ["HEAD", "logs/HEAD"] {
        if let Some(file) = git(&["rev-parse", "--git-path", path]).filter(|file| std::path::Path::new(file).exists()) {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    let commit = std::env::var("GPUHPA_COMMIT").ok().or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    println!("cargo::rustc-env=GPUHPA_COMMIT={}", commit.unwrap_or_else(|| "unknown".to_owned()));
    write_profile_table()
}

/// Writes the table of the profiles, a Rust expression: name and text of each `profiles/NAME.yaml`, sorted by name.
fn write_profile_table() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=profiles");
    let mut names = Vec::new();
    for entry in std::fs::read_dir("profiles")? {
        let path = entry?.path();
        let name = path.file_stem().and_then(OsStr::to_str).filter(|_| path.extension() == Some(OsStr::new("yaml")));
        names.extend(name.map(ToOwned::to_owned));
    }
    names.sort();
    let row = |name: &String| {
        format!("    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/profiles/{name}.yaml\"))),\n")
    };
    let table: String = names.iter().map(row).collect();
    let folder = std::env::var("OUT_DIR").map_err(std::io::Error::other)?;
    std::fs::write(Path::new(&folder).join("shipped_profiles.rs"), format!("&[\n{table}]\n"))
}

/// What git prints, if this is a checkout and git is there.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
