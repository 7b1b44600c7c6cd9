//! Files → [`Scenario`]. A scenario file may extend another one, and further files may override it. The result is complete and
//! validated; each problem has file, line, column and a hint.

mod built_in;
mod hpa_source;
mod json_schema;
mod layers;
mod locate;
mod merge_patch;
mod metric_spec;
mod names;
mod null_keys;
mod profile;
mod protocol_defaults;
mod renamed_keys;
mod scaled_object_schema;
mod scenario_error;
mod suggestion;
mod validate;

use std::path::{Path, PathBuf};

pub(crate) use self::built_in::{BUILT_IN, BUILT_IN_NAME, BUILT_IN_URL};
pub(crate) use self::hpa_source::find_hpa_problems;
pub(crate) use self::scenario_error::{ScenarioError, ScenarioProblem};
use crate::model::scenario::Scenario;

/// Reads the files in order, each overriding the ones before it, `-` from stdin; without files the built-in scenario.
///
/// # Errors
/// The first file that cannot be read or parsed, else all problems of the merged scenario.
pub fn load(files: &[PathBuf], namespace: Option<&str>) -> Result<Scenario, ScenarioError> {
    load_with_places(files, namespace).map(|loaded| loaded.scenario)
}

/// A scenario with what its files show and it does not.
#[derive(Clone, Debug)]
pub(crate) struct LoadedScenario {
    /// The scenario.
    pub(crate) scenario: Scenario,
    /// `file:line:column` of an `hpa` that is stated beside `adopt`: with a cluster nothing uses it.
    pub(crate) hpa_beside_adopt: Option<String>,
}

/// Reads the files as [`load`] does.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_with_places(files: &[PathBuf], namespace: Option<&str>) -> Result<LoadedScenario, ScenarioError> {
    let mut layers = Vec::new();
    if files.iter().filter(|file| file.as_os_str() == layers::STDIN).count() > 1 {
        let message = "stdin can be read once; name `-f -` once".to_owned();
        return Err(ScenarioError::Read { path: layers::STDIN.to_owned(), message });
    }
    for file in files {
        layers::read_layers(file, &mut layers)?;
    }
    if files.is_empty() {
        layers.push(layers::ScenarioLayer::parse(BUILT_IN_NAME, Path::new(""), BUILT_IN.to_owned())?);
    }
    let scenario = resolve(&layers, namespace)?;
    Ok(LoadedScenario { hpa_beside_adopt: hpa_source::find_hpa_beside_adopt(&layers), scenario })
}

/// The merged scenario with the namespace of the command line, if it has no problems.
fn resolve(layers: &[layers::ScenarioLayer], namespace: Option<&str>) -> Result<Scenario, ScenarioError> {
    let mut scenario = layers::merge_layers(layers)?;
    if let Some(namespace) = namespace {
        namespace.clone_into(&mut scenario.namespace);
    }
    if let Some(problem) = hpa_source::find_unused_hpa(layers, &scenario) {
        return Err(ScenarioError::Invalid(vec![problem]));
    }
    let mut problems = hpa_source::find_problems(&mut scenario);
    if problems.is_empty() {
        return Ok(scenario);
    }
    for problem in &mut problems {
        let path: Vec<String> = problem.field.split('.').map(ToOwned::to_owned).collect();
        problem.location = Some(match namespace.filter(|_| problem.field == "namespace") {
            Some(_) => "--namespace".to_owned(),
            None => layers::locate_field(layers, &path),
        });
    }
    Err(ScenarioError::Invalid(problems))
}

/// The JSON schema of a scenario file.
#[must_use]
pub fn schema() -> schemars::Schema {
    json_schema::scenario_schema()
}

#[cfg(test)]
mod tests;
