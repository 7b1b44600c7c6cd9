//! The layers of `src/lib.rs`: a module imports only from layers below its own, and modules of one layer do not import each
//! other.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The top-level modules of each layer, the lowest layer first.
const LAYERS: &[(&str, &[&str])] = &[
    ("primitives", &["cancel", "clock", "error_chain", "seed", "units"]),
    ("data model", &["model"]),
    ("HPA model: arithmetic", &["hpa"]),
    ("HPA model: time bounds", &["bounds"]),
    ("I/O boundary", &["env"]),
    ("parsers", &["metrics", "ollama"]),
    ("stages", &["evidence", "install", "judge", "live", "load", "observe", "plan", "scenario", "sim"]),
    ("orchestration", &["run"]),
    ("CLI", &["cli"]),
];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
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

/// The top-level module of a file; none for main.rs and lib.rs.
fn module_of(path: &Path) -> Option<String> {
    let below = path.strip_prefix("src").ok()?;
    let first = below.components().next()?.as_os_str().to_string_lossy().into_owned();
    let name = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
    (!matches!(name.as_str(), "main" | "lib")).then_some(name)
}

/// The modules of all paths from `crate::`, groups included: `crate::a::B`, `crate::{a, b::C}`.
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

/// The items of a `{...}` group, without those of nested groups.
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

/// Imports from the same layer or from a layer above, as text.
fn forbidden_imports(files: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut forbidden = Vec::new();
    for (file, imports) in files {
        let Some(own) = module_of(Path::new(file)) else { continue };
        let Some(own_layer) = layer_of(&own) else {
            forbidden.push(format!("{file}: module {own} has no layer"));
            continue;
        };
        for import in imports.iter().filter(|import| **import != own) {
            match layer_of(import) {
                Some(layer) if layer < own_layer => {}
                Some(_) => forbidden.push(format!("{file}: {own} must not import {import}")),
                None => forbidden.push(format!("{file}: imports {import}, which has no layer")),
            }
        }
    }
    forbidden
}

#[test]
fn modules_import_only_from_layers_below() {
    let mut paths = Vec::new();
    sources(Path::new("src"), &mut paths);
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source must be readable");
        (path.display().to_string(), imports(&text))
    };
    let files: BTreeMap<String, Vec<String>> = paths.iter().map(read).collect();
    assert!(files.len() > 50, "only {} sources were found", files.len());
    assert_eq!(forbidden_imports(&files), Vec::<String>::new());
}

#[test]
fn imports_from_the_same_layer_and_from_above_are_found() {
    let text = "use crate::{run, units::Milli, model::{a, b}};\nfn x() { crate::judge::judge() }";
    assert_eq!(imports(text), ["run", "units", "model", "judge"]);
    let files = BTreeMap::from([("src/load/mod.rs".to_owned(), imports(text))]);
    assert_eq!(
        forbidden_imports(&files),
        ["src/load/mod.rs: load must not import run", "src/load/mod.rs: load must not import judge"]
    );
    let reexports = fs::read_to_string("src/lib.rs").expect("lib.rs must be readable");
    assert!(!reexports.contains("pub use"), "a re-export from lib.rs would hide imports from this test");
}
