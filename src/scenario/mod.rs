//! Files → [`Scenario`]. A scenario file may extend another one and be laid over by further files; what comes out is
//! complete and checked, and every complaint names file, line, column and what to do.

mod layers;
mod locate;
mod validate;

use std::path::{Path, PathBuf};

use crate::model::scenario::Scenario;

/// The scenario that runs when none is named.
pub const BUILT_IN: &str = include_str!("../../scenarios/ollama-gpu-utilization.yaml");

/// Its name in messages.
pub const BUILT_IN_NAME: &str = "ollama-gpu-utilization.yaml (built in)";

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file could not be read.
    #[error("{path}: could not be read: {why}")]
    Read {
        /// The file.
        path: String,
        /// The system's words.
        why: String,
    },
    /// A file is not YAML, or not a scenario.
    #[error("{path}:{line}:{column}: {what}")]
    Parse {
        /// The file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        what: String,
    },
    /// Files extend each other without end.
    #[error("{path}: extends itself, or more than {MAX_LAYERS} files on end")]
    ExtendsTooDeep {
        /// The file.
        path: String,
    },
    /// The scenario cannot be run as it stands.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<ScenarioProblem>),
}

/// Files that may extend each other: more is a mistake.
pub const MAX_LAYERS: usize = 8;

/// One thing that is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioProblem {
    /// `file:line:column` of the nearest place, as far as the field is written anywhere.
    pub location: String,
    /// The field, for example `hpa.spec.maxReplicas`.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What to do next.
    pub hint: String,
}

impl std::fmt::Display for ScenarioProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}\n  hint: {}", self.location, self.field, self.what, self.hint)
    }
}

/// Reads the files in their order, each laid over the ones before it; the built-in scenario when there are none.
///
/// # Errors
/// The first file that cannot be read or parsed, else everything that is wrong with the result.
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

/// The scenario that the layers come to, if nothing is wrong with it.
fn resolve(layers: &[layers::ScenarioLayer]) -> Result<Scenario, ScenarioError> {
    let scenario = layers::merge_layers(layers)?;
    let problems = validate::find_problems(&scenario);
    if problems.is_empty() {
        return Ok(scenario);
    }
    let complaints = problems.into_iter().map(|problem| ScenarioProblem {
        location: locate::locate_field(layers, &problem.field),
        field: problem.field.join("."),
        what: problem.what,
        hint: problem.hint,
    });
    Err(ScenarioError::Invalid(complaints.collect()))
}

/// The JSON schema of a scenario file.
#[must_use]
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Scenario)
}

#[cfg(test)]
mod tests;
