//! Files → [`Scenario`]. A scenario file may extend another one, and further files may override it. The result is complete and
//! validated; each problem has file, line, column and a hint.

mod layers;
mod locate;
mod validate;

use std::path::{Path, PathBuf};

use crate::model::scenario::Scenario;

/// The scenario that runs if the user names none.
pub const BUILT_IN: &str = include_str!("../../scenarios/ollama-gpu-utilization.yaml");

/// Its name in messages.
pub const BUILT_IN_NAME: &str = "ollama-gpu-utilization.yaml (built in)";

/// Why a scenario cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file could not be read.
    #[error("{path}: could not be read: {message}")]
    Read {
        /// The file.
        path: String,
        /// The system's error.
        message: String,
    },
    /// A file is not YAML, or not a scenario.
    #[error("{path}:{line}:{column}: {message}")]
    Parse {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        message: String,
    },
    /// Files extend each other without an end.
    #[error("{path}: extends itself, or nests more than {MAX_LAYERS} files")]
    ExtendsTooDeep {
        /// The file.
        path: String,
    },
    /// The scenario has problems.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<ScenarioProblem>),
}

/// Most files that may extend each other: more are taken for a cycle.
pub const MAX_LAYERS: usize = 8;

/// A problem of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioProblem {
    /// `file:line:column` of the nearest location; absent until the files are known.
    pub location: Option<String>,
    /// The field, for example `hpa.spec.maxReplicas`.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl ScenarioProblem {
    fn new(field: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { location: None, field: field.to_owned(), message: message.into(), hint: hint.into() }
    }
}

impl std::fmt::Display for ScenarioProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        write!(f, "{}: {}\n  hint: {}", self.field, self.message, self.hint)
    }
}

/// Reads the files in order, each overriding the ones before it; without files the built-in scenario.
///
/// # Errors
/// The first file that cannot be read or parsed, else all problems of the merged scenario.
pub fn load(files: &[PathBuf], namespace: Option<&str>) -> Result<Scenario, ScenarioError> {
    let mut layers = Vec::new();
    for file in files {
        layers::read_layers(file, &mut layers)?;
    }
    if files.is_empty() {
        layers.push(layers::ScenarioLayer::parse(BUILT_IN_NAME, Path::new(""), BUILT_IN.to_owned())?);
    }
    let mut scenario = resolve(&layers)?;
    if let Some(namespace) = namespace {
        namespace.clone_into(&mut scenario.namespace);
    }
    Ok(scenario)
}

/// The merged scenario, if it has no problems.
fn resolve(layers: &[layers::ScenarioLayer]) -> Result<Scenario, ScenarioError> {
    let scenario = layers::merge_layers(layers)?;
    let mut problems = validate::find_problems(&scenario);
    if problems.is_empty() {
        return Ok(scenario);
    }
    for problem in &mut problems {
        let path: Vec<String> = problem.field.split('.').map(ToOwned::to_owned).collect();
        problem.location = Some(locate::locate_field(layers, &path));
    }
    Err(ScenarioError::Invalid(problems))
}

/// The JSON schema of a scenario file.
#[must_use]
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Scenario)
}

#[cfg(test)]
mod tests;
