//! The layers of `src/lib.rs`: a module imports only from layers below its own, and modules of one layer do not import each
//! other. The same holds for the children of some modules, one level deep.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The top-level modules of each layer, the lowest layer first.
const LAYERS: &[(&str, &[&str])] = &[
    ("primitives", &["cancel", "clock", "error_chain", "hidden_chars", "seed", "units"]),
    ("data model", &["model"]),
    ("HPA model: arithmetic", &["hpa"]),
    ("HPA model: time bounds", &["bounds"]),
    ("I/O boundary", &["env"]),
    ("parsers", &["metrics", "protocol", "snapshot"]),
    ("stages", &["evidence", "init", "install", "judge", "live", "load", "observe", "plan", "scenario", "sim"]),
    ("orchestration", &["run"]),
    ("CLI", &["cli"]),
];

/// The children of some modules, the lowest layer first. The module's own file is above them: a child imports none of its items.
const CHILD_LAYERS: &[(&str, &[&[&str]])] = &[
    (
        "evidence",
        &[
            &["finished_run", "json_file", "test_tree"],
            &["go_test", "junit", "loaded_bundle", "manifest", "readme", "report", "signature"],
            &["artifacts"],
            &["submission"],
        ],
    ),
    (
        "plan",
        &[
            &["chart_models", "claims"],
            &[
                "api_services",
                "capacity",
                "lease",
                "metric_direction",
                "mig",
                "offline",
                "preflight_error",
                "rendered_chart",
            ],
            &["adoption", "foreign_hpa"],
            &["adapter_rule", "double_average", "hpa_preflight", "permissions", "shared_accelerators"],
            &["changes", "install_preflight", "pulls", "survey", "trigger_query"],
            &["preflight"],
        ],
    ),
    (
        "scenario",
        &[
            &["built_in", "json_schema", "locate", "merge_patch", "protocol_defaults", "scenario_error", "suggestion"],
            &["metric_spec", "names", "null_keys", "profile", "renamed_keys", "scaled_object_schema"],
            &["layers", "validate"],
            &["hpa_source"],
        ],
    ),
    (
        "sim",
        &[
            &["pages"],
            &["config"],
            &["cluster", "faults", "params"],
            &["objects"],
            &["ollama"],
            &["pipeline"],
            &["platform"],
            &["api", "client", "network"],
            &["controllers", "helm"],
            &["unsupported"],
        ],
    ),
    (
        "sim/controllers",
        &[
            &["event", "existing_objects", "generated_names", "work_queue"],
            &["claimable_devices", "context", "keda_install"],
            &["claim_allocation", "resource_claim"],
            &[
                "deployment",
                "endpoint_slice",
                "event_handlers",
                "hpa_controller",
                "keda_operator",
                "lease",
                "load_balancer",
                "persistent_volume",
                "pods",
            ],
            &[
                "api_service",
                "garbage_collector",
                "kubelet",
                "node_lifecycle",
                "replica_set",
                "scheduler",
                "stateful_set",
            ],
            &["injections", "namespace", "populate"],
            &["manager"],
        ],
    ),
    (
        "sim/pipeline",
        &[
            &["devices", "url_query"],
            &["exposition"],
            &["device_labels"],
            &["exporter"],
            &["own_pages", "promql"],
            &["rules", "scaler_health", "store"],
            &["state"],
            &["keda_scaler"],
            &["adapter", "keda"],
            &["metrics_api"],
        ],
    ),
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
    let paths = text.split("crate::").skip(1).flat_map(members);
    paths.map(|path| first_name(path).to_owned()).filter(|name| name.starts_with(is_module_char)).collect()
}

fn is_module_char(c: char) -> bool {
    c.is_ascii_lowercase() || c == '_'
}

/// The first name of a path; `*` for a glob.
fn first_name(path: &str) -> &str {
    let end = path.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '*')).unwrap_or(path.len());
    &path[..end]
}

/// What follows a `::`: the items of a group, or one path.
fn members(rest: &str) -> Vec<&str> {
    let parts = rest.strip_prefix('{').map_or_else(|| vec![rest], split_group);
    // A trailing comma leaves an empty part.
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
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

/// How deep the module of a file lies below one of [`CHILD_LAYERS`], and which child it belongs to. None for files elsewhere,
/// for the module's own file, and for tests and their fixtures: the tests of a child may write a bundle in order to read it.
fn child_of(path: &Path, parent: &str) -> Option<(usize, String)> {
    let below = path.strip_prefix("src").ok()?.strip_prefix(parent).ok()?.with_extension("");
    let mut names: Vec<String> = below.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.iter().any(|name| matches!(name.as_str(), "tests" | "fixtures")) {
        return None;
    }
    names.pop_if(|last| *last == "mod");
    Some((names.len(), names.first()?.clone()))
}

/// What a file at this depth below `parent` imports from it: children, items of the parent's own file, and `super` for a
/// path that leads above the parent.
fn parent_imports(text: &str, parent: &str, depth: usize) -> Vec<String> {
    let code = text.split("mod tests {").next().unwrap_or_default();
    let modules: Vec<&str> = parent.split('/').collect();
    let paths = code.split("crate::").skip(1).flat_map(members).flat_map(|path| paths_below(path, &modules));
    let mut found: Vec<String> = paths.map(|path| first_name(path).to_owned()).collect();
    let mut rest = code;
    while let Some((_, path)) = rest.split_once("super::") {
        follow_super(path, depth - 1, &mut found);
        rest = path.trim_start_matches("super::");
    }
    found
}

/// Where a path leads below a module: `x::{low::A, high}` leads to `low::A` and `high` below `["x"]`. The module itself for
/// a path that ends there.
fn paths_below<'a>(path: &'a str, modules: &[&'a str]) -> Vec<&'a str> {
    let Some((module, deeper)) = modules.split_first() else { return vec![path] };
    if first_name(path) != *module {
        return Vec::new();
    }
    match path[module.len()..].strip_prefix("::") {
        Some(rest) => members(rest).into_iter().flat_map(|path| paths_below(path, deeper)).collect(),
        // A visibility, as `pub(in crate::evidence)`.
        None if path[module.len()..].starts_with(')') => Vec::new(),
        None => vec![module],
    }
}

/// Adds what a path after `super::` names, if that `super` is at most this many modules below the parent.
fn follow_super(path: &str, depth: usize, found: &mut Vec<String>) {
    for path in members(path) {
        match (path.strip_prefix("super::"), depth) {
            (Some(_), 0) => found.push("super".to_owned()),
            (Some(above), _) => follow_super(above, depth - 1, found),
            (None, 0) => found.push(first_name(path).to_owned()),
            (None, _) => {}
        }
    }
}

/// Imports by a child of `parent` that are not from a layer below, as text.
fn climbing_imports(file: &str, text: &str, parent: &str, layers: &[&[&str]]) -> Vec<String> {
    let Some((depth, own)) = child_of(Path::new(file), parent) else { return Vec::new() };
    let layer_of = |child: &str| layers.iter().position(|children| children.contains(&child));
    let name = parent.replace('/', "::");
    let Some(own_layer) = layer_of(&own) else { return vec![format!("{file}: {name}::{own} has no layer")] };
    let imports = parent_imports(text, parent, depth).into_iter().filter(|import| *import != own);
    let climbs = imports.filter(|import| layer_of(import).is_none_or(|layer| layer >= own_layer));
    climbs.map(|import| format!("{file}: {name}::{own} must not import {name}::{import}")).collect()
}

#[test]
fn children_import_only_from_layers_below() {
    let mut climbing = Vec::new();
    for (parent, layers) in CHILD_LAYERS {
        let (mut paths, mut children) = (Vec::new(), BTreeSet::new());
        sources(&Path::new("src").join(parent), &mut paths);
        for path in paths {
            let text = fs::read_to_string(&path).expect("a source must be readable");
            children.extend(child_of(&path, parent).map(|(_, child)| child));
            climbing.extend(climbing_imports(&path.display().to_string(), &text, parent, layers));
        }
        let listed: BTreeSet<String> = layers.iter().copied().flatten().map(ToString::to_string).collect();
        assert_eq!(children, listed, "the children of {parent}");
    }
    assert_eq!(climbing, Vec::<String>::new());
}

#[test]
fn imports_of_children_that_climb_are_found() {
    let climbs = |file: &str, text: &str| climbing_imports(file, text, "x", &[&["low", "lower"], &["high"]]);
    let wrong = |file: &str, own: &str, import: &str| vec![format!("{file}: x::{own} must not import x::{import}")];
    let (low, high, deep) = ("src/x/low.rs", "src/x/high/mod.rs", "src/x/low/deep/mod.rs");
    for text in ["use super::high::A;", "use crate::x::high;", "use crate::{b, x::{high::A}};", "super::high::a()"] {
        assert_eq!(climbs(low, text), wrong(low, "low", "high"), "{text}");
    }
    for text in ["use super::super::high::A;", "use super::{deeper, super::high};", "use crate::x::high::A;"] {
        assert_eq!(climbs(deep, text), wrong(deep, "low", "high"), "{text}");
    }
    assert_eq!(climbs(low, "use super::lower;"), wrong(low, "low", "lower"));
    // Items of the parent's own file, the parent itself, and a path that would hide a module of the crate.
    assert_eq!(climbs(high, "use super::Item;"), wrong(high, "high", "Item"));
    assert_eq!(climbs(high, "use super::*;"), wrong(high, "high", "*"));
    assert_eq!(climbs(high, "use crate::x;"), wrong(high, "high", "x"));
    assert_eq!(climbs(high, "use super::super::run;"), wrong(high, "high", "super"));
    assert_eq!(climbs("src/x/new.rs", ""), ["src/x/new.rs: x::new has no layer"]);
    let allowed = "use super::{\n    low::A, lower,\n};\npub(in crate::x) fn a() { crate::x::low::b() }\n";
    assert_eq!(climbs(high, &format!("{allowed}#[cfg(test)]\nmod tests {{\n    use super::*;\n}}")), [""; 0]);
    assert_eq!(climbs(deep, "use super::Item;\nuse super::super::Own;"), wrong(deep, "low", "Own"));
    assert_eq!(climbs("src/x/mod.rs", "use high::A;\nuse crate::x::low;"), [""; 0]);
    assert_eq!(climbs("src/x/low/tests.rs", "use crate::x::high;"), [""; 0]);
    assert_eq!(climbs("src/x/fixtures.rs", "use crate::x::high;"), [""; 0]);
}

#[test]
fn imports_of_grandchildren_that_climb_are_found() {
    let climbs = |text: &str| climbing_imports("src/x/y/low.rs", text, "x/y", &[&["low", "lower"], &["high"]]);
    let wrong = |import: &str| vec![format!("src/x/y/low.rs: x::y::low must not import x::y::{import}")];
    for text in ["use super::high::A;", "use crate::x::y::high;", "use crate::x::{z, y::{high::A}};"] {
        assert_eq!(climbs(text), wrong("high"), "{text}");
    }
    assert_eq!(climbs("use crate::x::y::Item;"), wrong("Item"));
    assert_eq!(climbs("use crate::x::y;"), wrong("y"));
    assert_eq!(climbs("use super::super::z::A;"), wrong("super"));
    assert_eq!(climbs("use crate::x::{z::high, low};\npub(in crate::x::y) fn a() {}"), [""; 0]);
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
