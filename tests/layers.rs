//! The floors of the house: a module imports only from floors below its own, and strangers on one floor do not import
//! each other. The map itself stands in `src/lib.rs`.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Top-level modules by floor, the lowest first.
const FLOORS: &[&[&str]] = &[
    &["causes", "clock", "seed", "stop", "units"],
    &["record"],
    &["bounds", "hpa"],
    &["world"],
    &["metrics", "ollama"],
    &["evidence", "install", "judge", "live", "load", "observe", "plan", "scenario", "sim"],
    &["run"],
    &["cli"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src must be readable") {
        let path = entry.expect("src must be readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The top-level module that a file belongs to; none for main.rs and lib.rs.
fn module_of(path: &Path) -> Option<String> {
    let below = path.strip_prefix("src").ok()?;
    let first = below.components().next()?.as_os_str().to_string_lossy().into_owned();
    let name = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
    (!matches!(name.as_str(), "main" | "lib")).then_some(name)
}

/// Every module named after `crate::`, groups included: `crate::a::B`, `crate::{a, b::C}`.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let parts = match rest.strip_prefix('{') {
            Some(group) => split_group(group),
            None => vec![rest],
        };
        for part in parts {
            let name: String = part.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() {
                found.push(name);
            }
        }
    }
    found
}

/// The parts of a `{...}` group at its own depth.
fn split_group(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (n, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&group[start..n]);
                return parts;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..n]);
                start = n + 1;
            }
            _ => {}
        }
    }
    parts
}

/// Edges that climb or cross, as text.
fn wrong_edges(files: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, imports) in files {
        let Some(own) = module_of(Path::new(file)) else { continue };
        let Some(here) = floor(&own) else {
            wrong.push(format!("{file}: module {own} stands on no floor"));
            continue;
        };
        for import in imports.iter().filter(|import| **import != own) {
            match floor(import) {
                Some(there) if there < here => {}
                Some(_) => wrong.push(format!("{file}: {own} must not import {import}")),
                None => wrong.push(format!("{file}: imports {import}, which stands on no floor")),
            }
        }
    }
    wrong
}

#[test]
fn no_import_climbs_or_crosses() {
    let mut paths = Vec::new();
    sources(Path::new("src"), &mut paths);
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source must be readable");
        (path.display().to_string(), imports(&text))
    };
    let files: BTreeMap<String, Vec<String>> = paths.iter().map(read).collect();
    assert!(files.len() > 50, "only {} sources were found", files.len());
    assert_eq!(wrong_edges(&files), Vec::<String>::new());
}

#[test]
fn climbing_and_crossing_edges_are_found() {
    let text = "use crate::{run, units::Span, record::{a, b}};\nfn x() { crate::judge::judge() }";
    assert_eq!(imports(text), ["run", "units", "record", "judge"]);
    let files = BTreeMap::from([("src/load/mod.rs".to_owned(), imports(text))]);
    assert_eq!(
        wrong_edges(&files),
        ["src/load/mod.rs: load must not import run", "src/load/mod.rs: load must not import judge"]
    );
    let reexports = fs::read_to_string("src/lib.rs").expect("lib.rs must be readable");
    assert!(!reexports.contains("pub use"), "a re-export from lib.rs would hide edges from this test");
}
