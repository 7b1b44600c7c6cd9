//! Records → files of the bundle, and back. Renderers are pure, one file a format; this file says which there are and
//! when. `held` reads a bundle that somebody hands over.

mod go_test;
mod junit;
mod loaded_bundle;
mod manifest;
mod readme;
mod report;
mod signature;
pub mod submission;
mod test_tree;

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::env::{Bundle, BundleError};
use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::load::LoadReport;
use crate::model::observation::Observation;
use crate::model::plan::Plan;
use crate::model::prediction::RunPrediction;
use crate::model::scenario::Scenario;
use crate::model::stamp::RunStamp;
use crate::model::verdict::Verdict;
pub use loaded_bundle::{LoadedBundle, OpenError, RequestFileDigest, open_bundle};
pub use manifest::manifest_json;
pub use report::render_report;
pub use signature::{BundleSigner, BundleVerifier, InTotoStatement, SIGNATURE_FILE, SignatureError, sign};
pub use test_tree::ArtifactInput;

use go_test::{render_e2e_log, render_results_json};
use junit::render_junit;

/// What is known before the first change, as whoever reads the bundle will find it: secrets and the home folder's path
/// are gone. The run is judged by these, so that its verdict can be derived again from the bundle alone.
#[derive(Clone, Debug)]
pub struct RedactedInputs {
    /// The scenario.
    pub scenario: Scenario,
    /// The inventory.
    pub inventory: Inventory,
    /// The plan.
    pub plan: Plan,
}

/// Writes what is known before the first change. The bundle is readable from here on, and marked incomplete.
///
/// # Errors
/// A file cannot be written: then nothing must be changed.
pub fn begin(
    bundle: &Bundle,
    scenario: &Scenario,
    inventory: &Inventory,
    plan: &Plan,
) -> Result<RedactedInputs, BundleError> {
    let wrong = |e: String| BundleError { path: "scenario.yaml".to_owned(), why: e };
    let mut shown = scenario.clone();
    // First what is a secret by its name, so that it is known wherever else it stands.
    shown.releases.values_mut().for_each(|release| bundle.redactor().redact_map(&mut release.values));
    bundle.redactor().redact_value(&mut shown).map_err(|e| wrong(e.to_string()))?;
    let yaml = serde_saphyr::to_string(&shown).map_err(|e| wrong(e.to_string()))?;
    bundle.write_file("scenario.yaml", yaml.as_bytes())?;
    let kept = RedactedInputs {
        scenario: serde_saphyr::from_str(&yaml).map_err(|e| wrong(e.to_string()))?,
        inventory: put_redacted_json(bundle, "inventory.json", inventory)?,
        plan: put_redacted_json(bundle, "plan.json", plan)?,
    };
    manifest::write(bundle, &plan.run, &RunStamp::from_run(scenario, inventory), manifest::ManifestState::Incomplete)?;
    Ok(kept)
}

/// Everything that the end of a run leaves to write.
#[derive(Clone, Copy, Debug)]
pub struct FinishedRun<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// The plan.
    pub plan: &'a Plan,
    /// Every change.
    pub journal: &'a [JournalEntry],
    /// Every observation.
    pub timeline: &'a [Observation],
    /// The load, if it ran.
    pub load: Option<&'a LoadReport>,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// What the controller's arithmetic says of it, for the report.
    pub prediction: &'a RunPrediction,
}

/// Writes what the end of a run leaves to write, and marks the bundle complete.
///
/// # Errors
/// A file cannot be written; the bundle stays marked incomplete.
pub fn finish(bundle: &Bundle, ending: &FinishedRun<'_>) -> Result<(), BundleError> {
    // What follows is derived from what is kept, as a reader has it.
    let load = ending.load.map(|load| put_redacted_json(bundle, "load.json", load)).transpose()?;
    for (name, text) in derive_files(&FinishedRun { load: load.as_ref(), ..*ending })? {
        bundle.write_file(name, text.as_bytes())?;
    }
    let stamps = RunStamp::from_run(ending.scenario, ending.inventory);
    manifest::write(bundle, &ending.plan.run, &stamps, manifest::ManifestState::Complete)
}

/// The files that follow from the records and the verdict on them: whoever derives them again gets them byte for byte.
/// What they are made from holds nothing that must be kept out of a bundle.
///
/// # Errors
/// A writer fails.
pub fn derive_files(ending: &FinishedRun<'_>) -> Result<Vec<(&'static str, String)>, BundleError> {
    let wrong = |name: &str, why: String| BundleError { path: name.to_owned(), why };
    let verdict = pretty_json(ending.verdict).map_err(|e| wrong("verdict.json", e.to_string()))?;
    let mut files = vec![("verdict.json", verdict)];
    let FinishedRun { verdict, inventory, plan, scenario, .. } = *ending;
    files.extend(render_artifacts(&ArtifactInput {
        verdict,
        inventory,
        run: &plan.run,
        scenario: &scenario.name,
        extra_marks: &[],
    })?);
    files.push(("report.html", render_report(ending)));
    files.push(("README.md", readme::render_readme(ending)));
    Ok(files)
}

/// The three artifacts of a submission, by their canonical names: they name the same tests with the same results.
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

/// Writes the JUnit file where a pipeline looks for it.
///
/// # Errors
/// The file cannot be written.
pub fn write_junit(path: &Path, facts: &ArtifactInput<'_>) -> Result<(), BundleError> {
    let wrong = |why: String| BundleError { path: path.display().to_string(), why };
    let xml = render_junit(facts).map_err(wrong)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| wrong(e.to_string()))?;
    }
    std::fs::write(path, xml).map_err(|e| wrong(e.to_string()))
}

fn pretty_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Writes a value as it may be kept, and gives it back so.
fn put_redacted_json<T: Clone + Serialize + DeserializeOwned>(
    bundle: &Bundle,
    name: &str,
    value: &T,
) -> Result<T, BundleError> {
    let wrong = |e: serde_json::Error| BundleError { path: name.to_owned(), why: e.to_string() };
    let mut kept = value.clone();
    bundle.redactor().redact_value(&mut kept).map_err(wrong)?;
    bundle.write_file(name, pretty_json(&kept).map_err(wrong)?.as_bytes())?;
    Ok(kept)
}
