//! Writes the files of a bundle from the records of a run, and reads them back. Renderers are pure, one file per format; this
//! file says which there are and when they are written. `loaded_bundle` reads a bundle of any source.

mod artifacts;
mod finished_run;
mod go_test;
mod json_file;
mod junit;
mod loaded_bundle;
mod manifest;
mod readme;
mod report;
mod signature;
pub(crate) mod submission;
mod test_tree;

use crate::env::{Bundle, BundleError};
use crate::model::inventory::Inventory;
use crate::model::manifest::DIAGNOSTICS_DIR;
pub(crate) use crate::model::manifest::SIGNATURE_FILE;
use crate::model::plan::Plan;
use crate::model::revision::FORMAT;
use crate::model::scenario::Scenario;
use crate::model::stamp::RunStamp;
use crate::model::verdict::Verdict;
pub use artifacts::render_artifacts;
pub(crate) use artifacts::write_junit;
pub use finished_run::FinishedRun;
pub(crate) use loaded_bundle::read_inventory;
pub use loaded_bundle::{LoadedBundle, OpenError, open_bundle};
pub(crate) use manifest::manifest_json;
pub use report::render_report;
pub(crate) use signature::{BundleSigner, BundleVerifier, read_unverified, remove_signature, sign};
pub use test_tree::ArtifactInput;

use json_file::{pretty_json, put_redacted_json};

/// The inputs of a run as the bundle has them: without secrets and without the home folder's path. The run is judged by these, so
/// that its verdict can be derived again from the bundle alone.
#[derive(Clone, Debug)]
pub struct RedactedInputs {
    /// The scenario.
    pub(crate) scenario: Scenario,
    /// The inventory.
    pub inventory: Inventory,
    /// The plan.
    pub(crate) plan: Plan,
}

/// Writes the inputs of the run, before its first change. The bundle is readable from here on, and marked incomplete.
///
/// # Errors
/// A file cannot be written: then the run must not change the cluster.
pub fn begin(
    bundle: &Bundle,
    scenario: &Scenario,
    inventory: &Inventory,
    plan: &Plan,
) -> Result<RedactedInputs, BundleError> {
    let wrong = |e: String| BundleError { path: "scenario.yaml".to_owned(), why: e };
    let mut shown = scenario.clone();
    // Values that are secret by their key come first: the redactor then finds them in other places too.
    shown.releases.values_mut().for_each(|release| bundle.redactor().redact_map(&mut release.values));
    if let Some(scaled_object) = &mut shown.scaled_object {
        bundle.redactor().redact_map(&mut scaled_object.spec);
    }
    bundle.redactor().redact_value(&mut shown).map_err(|e| wrong(e.to_string()))?;
    let yaml = serde_saphyr::to_string(&shown).map_err(|e| wrong(e.to_string()))?;
    bundle.write_file("scenario.yaml", yaml.as_bytes())?;
    let kept = RedactedInputs {
        scenario: serde_saphyr::from_str(&yaml).map_err(|e| wrong(e.to_string()))?,
        inventory: put_redacted_json(bundle, "inventory.json", inventory)?,
        plan: put_redacted_json(bundle, "plan.json", plan)?,
    };
    let stamps = RunStamp::from_run(scenario, inventory);
    manifest::write(bundle, FORMAT, &plan.run, &stamps, manifest::ManifestState::Incomplete)?;
    Ok(kept)
}

/// Writes the derived files, and marks the bundle complete.
///
/// # Errors
/// A file cannot be written; the bundle stays marked incomplete.
pub fn finish(bundle: &Bundle, ending: &FinishedRun<'_>) -> Result<(), BundleError> {
    finish_in_format(bundle, ending, FORMAT)
}

/// As [`finish`], for a bundle that was read: its records keep the format in which they were written.
///
/// # Errors
/// A file cannot be written; the bundle stays marked incomplete.
pub(crate) fn finish_in_format(bundle: &Bundle, ending: &FinishedRun<'_>, format: u32) -> Result<(), BundleError> {
    // Derived from the redacted report, as a reader has it.
    let load = ending.load.map(|load| put_redacted_json(bundle, "load.json", load)).transpose()?;
    let has_diagnostics = bundle.has_files_in(DIAGNOSTICS_DIR);
    for (name, text) in derive_files(&FinishedRun { load: load.as_ref(), ..*ending }, has_diagnostics)? {
        bundle.write_file(name, text.as_bytes())?;
    }
    let stamps = RunStamp::from_run(ending.scenario, ending.inventory);
    manifest::write(bundle, format, &ending.plan.run, &stamps, manifest::ManifestState::Complete)
}

/// Names of the files that a run writes before its verdict.
const RECORD_FILES: [&str; 7] = [
    "scenario.yaml",
    "inventory.json",
    "plan.json",
    "journal.jsonl",
    "timeline.jsonl",
    "requests.jsonl.zst",
    "load.json",
];

/// True for the path of a file that gpuhpa writes to a bundle: a record, a file derived from the records, manifest and signature,
/// or `diagnostics/NAMESPACE/NAME` of objects (YAML) and logs.
#[must_use]
pub(crate) fn is_bundle_file(path: &str) -> bool {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [name] => {
            let own = [crate::model::manifest::MANIFEST_FILE, SIGNATURE_FILE];
            own.iter().chain(&RECORD_FILES).chain(&DERIVED_FILES).any(|known| known == name)
        }
        ["diagnostics", name] => *name == "incomplete.txt",
        ["diagnostics", _, name] => name.ends_with(".yaml") || name.ends_with(".log"),
        _ => false,
    }
}

/// Names of the files that [`derive_files`] makes.
pub const DERIVED_FILES: [&str; 6] =
    ["verdict.json", "junit.xml", "results.json", "e2e.log", "report.html", "README.md"];

/// The files that are made from the records and the verdict. The same input gives the same bytes, and has no secrets. README.md
/// lists the files of the bundle, so it has to know whether there are diagnostics, which no record shows.
///
/// # Errors
/// A writer fails.
pub(crate) fn derive_files(
    ending: &FinishedRun<'_>,
    has_diagnostics: bool,
) -> Result<Vec<(&'static str, String)>, BundleError> {
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
    files.push(("README.md", readme::render_readme(ending, has_diagnostics)));
    Ok(files)
}

/// The artifacts of a bundle whose results differ from its verdict. Their texts are not compared: they belong to the rules
/// under which they were written.
#[must_use]
pub(crate) fn compare_artifacts(bundle: &LoadedBundle, verdict: &Verdict) -> Vec<String> {
    let input = ArtifactInput {
        verdict,
        inventory: &bundle.inventory,
        run: &bundle.manifest.run,
        scenario: &bundle.scenario.name,
        extra_marks: &[],
    };
    let expected = match render_artifacts(&input) {
        Ok(files) => files,
        Err(error) => return vec![error.to_string()],
    };
    let differing = expected.iter().filter_map(|(name, text)| {
        let stored = bundle.raw_files.get(*name)?;
        submission::compare_test_results(name, stored, text.as_bytes())
    });
    differing.collect()
}
