//! Scenario files: read, each by itself, and merged, with the places of their fields.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use super::built_in::{BUILT_IN, BUILT_IN_NAME, BUILT_IN_URL};
use super::null_keys::TextWithoutNulls;
use super::scenario_error::{MAX_LAYERS, ScenarioError, ScenarioProblem};
use super::suggestion::suggest_key;
use super::{locate, merge_patch, protocol_defaults, renamed_keys};
use crate::env::{read_bounded_text, read_named_text};
use crate::error_chain::describe_yaml_error;
use crate::model::scenario::Scenario;

/// The name of a file that means stdin.
pub(super) const STDIN: &str = "-";
/// Largest size of a scenario file, bytes: a limit of gpuhpa. The values of a chart take some thousands.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// One scenario file.
pub(super) struct ScenarioLayer {
    /// Path as it was given.
    pub(super) name: String,
    /// The text of the file.
    pub(super) text: String,
    pub(super) values: Map<String, Value>,
}

impl ScenarioLayer {
    /// Parses a file by itself, so that an error names its own line.
    pub(super) fn parse(name: &str, dir: &Path, text: String) -> Result<Self, ScenarioError> {
        // An empty file is an empty overlay.
        let is_empty = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        let yaml = if is_empty { "{}" } else { &text };
        let values = serde_saphyr::from_str::<Map<String, Value>>(yaml);
        let without_nulls = values.as_ref().ok().and_then(|values| TextWithoutNulls::new(yaml, values));
        let parse_error = |e: &serde_saphyr::Error| {
            let (line, column) = match (e.location(), &without_nulls) {
                (Some(l), Some(written)) => written.place_in_file(l.line()),
                (Some(l), None) => (l.line(), l.column()),
                (None, _) => (1, 1),
            };
            let message = suggest_key(describe_yaml_error(e));
            let message = match locate::field_at(&text, line, column) {
                Some(field) => format!("{field}: {message}"),
                None => message,
            };
            ScenarioError::Parse { path: name.to_owned(), line, column, message }
        };
        let parsed = serde_saphyr::from_str::<Scenario>(without_nulls.as_ref().map_or(yaml, |written| &written.yaml));
        if let (Err(_), Ok(values)) = (&parsed, &values) {
            let renamed = renamed_keys::find_problems(name, &text, values);
            if !renamed.is_empty() {
                return Err(ScenarioError::Invalid(renamed));
            }
        }
        let parsed = parsed.map_err(|e| parse_error(&e))?;
        let mut values = values.map_err(|e| parse_error(&e))?;
        // These types always serialize.
        let parsed = serde_json::to_value(parsed).unwrap_or_default();
        take_texts(&mut values, &parsed);
        if let Some(field) = find_dropped_field(&values, &parsed) {
            let (line, column) = locate::field_position(&text, &field);
            return Err(ScenarioError::Parse {
                path: name.to_owned(),
                line,
                column,
                message: format!("unknown field `{}`: autoscaling/v2 has no such field", field.join(".")),
            });
        }
        resolve_chart_paths(&mut values, dir);
        Ok(Self { name: name.to_owned(), text, values })
    }
}

/// Reads a file and the files that it extends; the extended files come first. A base with `://` is never a path, so that the URL of
/// the built-in scenario cannot hide a file.
pub(super) fn read_layers(path: &Path, layers: &mut Vec<ScenarioLayer>) -> Result<(), ScenarioError> {
    let mut chain: Vec<ScenarioLayer> = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        if chain.len() == MAX_LAYERS {
            return Err(ScenarioError::ExtendsTooDeep { path: path.display().to_string() });
        }
        // Only the command line names stdin: a file extends files.
        let named_by = match chain.is_empty() {
            true if path.as_os_str() == STDIN => NamedBy::Stdin,
            true => NamedBy::User,
            false => NamedBy::File,
        };
        let name = match path.display().to_string() {
            _ if named_by == NamedBy::Stdin => "stdin".to_owned(),
            empty if empty.is_empty() => "the empty path".to_owned(),
            name => name,
        };
        let text = read_text(&path, named_by).map_err(|mut message| {
            if let Some(over) = chain.last() {
                message = format!("{message}; {} extends it", place_of_extends(over));
            }
            ScenarioError::Read { path: name.clone(), message }
        })?;
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut layer = ScenarioLayer::parse(&name, &dir, text)?;
        next = match layer.values.remove("extends") {
            Some(Value::String(base)) if base == BUILT_IN_URL => {
                chain.extend([layer, ScenarioLayer::parse(BUILT_IN_NAME, Path::new(""), BUILT_IN.to_owned())?]);
                break;
            }
            Some(Value::String(base)) if base.contains("://") => return Err(extends_url(&layer, &base)),
            Some(Value::String(base)) => match normalize_path(&dir.join(base)) {
                empty if empty.as_os_str().is_empty() => Some(PathBuf::from(".")),
                path => Some(path),
            },
            _ => None,
        };
        chain.push(layer);
    }
    layers.extend(chain.into_iter().rev());
    Ok(())
}

fn extends_url(layer: &ScenarioLayer, base: &str) -> ScenarioError {
    let mut problem = if base.starts_with("builtin://") {
        ScenarioProblem::new(
            "extends",
            "names no built-in scenario",
            format!("the built-in scenario is {BUILT_IN_URL}"),
        )
    } else {
        let hint = format!("download the file, and name its path; the built-in scenario is {BUILT_IN_URL}");
        ScenarioProblem::new("extends", "is a URL", hint)
    };
    problem.location = Some(place_of_extends(layer));
    ScenarioError::Invalid(vec![problem])
}

/// `file:line:column` of the file's `extends`.
fn place_of_extends(layer: &ScenarioLayer) -> String {
    let (line, column) = locate::field_position(&layer.text, &["extends".to_owned()]);
    format!("{}:{line}:{column}", layer.name)
}

/// The merged scenario, with the defaults of its protocol.
pub(super) fn merge_layers(layers: &[ScenarioLayer]) -> Result<Scenario, ScenarioError> {
    let mut all = Value::Object(Map::new());
    for layer in layers {
        merge_patch::merge_value(&mut all, &Value::Object(layer.values.clone()), &mut Vec::new());
    }
    all.as_object_mut().into_iter().for_each(protocol_defaults::fill_in);
    // Each layer is valid by itself; only a merge of values of different types can fail here.
    serde_json::from_value(all).map_err(|e| ScenarioError::Parse {
        path: layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>().join(" + "),
        line: 1,
        column: 1,
        message: e.to_string(),
    })
}

/// `file:line:column` of the field, in the last file that contains it or the longest prefix of its path. What is below a null key
/// is gone.
pub(super) fn locate_field(layers: &[ScenarioLayer], field: &[String]) -> String {
    let mut best: Option<(usize, String)> = None;
    for layer in layers {
        let (depth, line, column) = locate::find_field(&layer.text, field);
        if best.as_ref().is_none_or(|(deepest, _)| depth >= *deepest || removes_field(&layer.values, field)) {
            best = Some((depth, format!("{}:{line}:{column}", layer.name)));
        }
    }
    best.map(|(_, location)| location).unwrap_or_default()
}

/// Whether the field, or one that it is part of, is null here.
fn removes_field(values: &Map<String, Value>, field: &[String]) -> bool {
    let Some((key, rest)) = field.split_first() else { return false };
    match values.get(key) {
        Some(Value::Object(map)) => removes_field(map, rest),
        found => found.is_some_and(Value::is_null),
    }
}

/// The first field of `hpa.spec` that autoscaling/v2 does not have. The API types ignore unknown fields, and a `pod:` written
/// for `pods:` would silently become an HPA without a metric.
fn find_dropped_field(values: &Map<String, Value>, parsed: &Value) -> Option<Vec<String>> {
    let spec = values.get("hpa")?.get("spec")?;
    let mut path = vec!["hpa".to_owned(), "spec".to_owned()];
    find_missing_key(spec, &parsed["hpa"]["spec"], &mut path).then_some(path)
}

/// Takes the text of each number and each boolean where the scenario has a text, for example `averageValue: 10`, which
/// the API server takes as a quantity, or `port: 9090`. The typed read of the file keeps it as it is written; as a JSON
/// value it would not merge into the scenario.
fn take_texts(values: &mut Map<String, Value>, parsed: &Value) {
    for (key, value) in values.iter_mut() {
        take_text(value, &parsed[key]);
    }
}

fn take_text(value: &mut Value, parsed: &Value) {
    match (&mut *value, parsed) {
        (Value::Object(map), Value::Object(_)) => take_texts(map, parsed),
        (Value::Array(items), Value::Array(parsed)) => {
            items.iter_mut().zip(parsed).for_each(|(item, parsed)| take_text(item, parsed));
        }
        (Value::Number(_) | Value::Bool(_), Value::String(text)) => *value = Value::String(text.clone()),
        _ => {}
    }
}

/// Extends `path` to the first key of `source` that `parsed` does not have; false without one.
fn find_missing_key(source: &Value, parsed: &Value, path: &mut Vec<String>) -> bool {
    let children: Vec<(String, &Value)> = match source {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        _ => return false,
    };
    for (key, value) in children {
        let below = match parsed {
            Value::Object(map) => map.get(&key),
            Value::Array(items) => key.parse::<usize>().ok().and_then(|n| items.get(n)),
            _ => None,
        };
        path.push(key);
        match below {
            None if !value.is_null() => return true,
            Some(below) if find_missing_key(value, below, path) => return true,
            _ => {}
        }
        path.pop();
    }
    false
}

/// Resolves charts `./path` and `../path` relative to the scenario file instead of the working directory.
fn resolve_chart_paths(values: &mut Map<String, Value>, dir: &Path) {
    let Some(Value::Object(releases)) = values.get_mut("releases") else { return };
    for release in releases.values_mut() {
        if let Some(Value::String(chart)) = release.get_mut("chart")
            && (chart.starts_with("./") || chart.starts_with("../"))
        {
            let path = normalize_path(&dir.join(&*chart)).display().to_string();
            // helm takes `name/name` for a repository's chart unless it looks like a path.
            *chart = if path.starts_with(['/', '.']) { path } else { format!("./{path}") };
        }
    }
}

/// The path without `.` and without a folder followed by `..`, unless that folder is a link. Works on the text, so that no absolute
/// home path gets in.
fn normalize_path(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) && !out.is_symlink() =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Where a scenario file is named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NamedBy {
    /// The command line, as `-`.
    Stdin,
    /// The command line.
    User,
    /// Another scenario file, which may be a stranger's.
    File,
}

/// Reads a whole file, or stdin, up to the size limit.
fn read_text(path: &Path, named_by: NamedBy) -> Result<String, String> {
    match named_by {
        NamedBy::User => read_named_text(path, MAX_FILE_BYTES),
        NamedBy::File if path.is_dir() => Err("it is a folder".to_owned()),
        NamedBy::File => read_bounded_text(path, MAX_FILE_BYTES),
        NamedBy::Stdin => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
            read.map_err(|e| e.to_string())?;
            if bytes.len() as u64 > MAX_FILE_BYTES {
                return Err(format!("it has more than {MAX_FILE_BYTES} bytes"));
            }
            String::from_utf8(bytes).map_err(|e| format!("it is not UTF-8: {}", e.utf8_error()))
        }
    }
}
