//! The three artifacts of a submission: JUnit, the events of go test, and its log.

use std::path::Path;

use super::go_test::{render_e2e_log, render_results_json};
use super::junit::render_junit;
use super::test_tree::ArtifactInput;
use crate::env::BundleError;

/// The three artifacts of a submission by their canonical names, with the same tests and results.
///
/// # Errors
/// A writer fails.
pub fn render_artifacts(facts: &ArtifactInput<'_>) -> Result<[(&'static str, String); 3], BundleError> {
    let wrong = |name: &str| {
        let path = name.to_owned();
        move |why| BundleError { path, why }
    };
    Ok([
        ("junit.xml", render_junit(facts).map_err(wrong("junit.xml"))?),
        ("results.json", render_results_json(facts).map_err(wrong("results.json"))?),
        ("e2e.log", render_e2e_log(facts)),
    ])
}

/// Writes the JUnit file outside of the bundle, for a pipeline.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_junit(path: &Path, facts: &ArtifactInput<'_>) -> Result<(), BundleError> {
    let wrong = |why: String| BundleError { path: path.display().to_string(), why };
    let xml = render_junit(facts).map_err(wrong)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| wrong(e.to_string()))?;
    }
    std::fs::write(path, xml).map_err(|e| wrong(e.to_string()))
}
