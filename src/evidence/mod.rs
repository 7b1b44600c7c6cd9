//! Records → files of the bundle, and back. Renderers are pure, one file a format; this file says which there are and
//! when. `held` reads a bundle that somebody hands over.

mod go_test;
mod held;
mod junit;
mod manifest;
mod outline;
mod readme;
mod report;
mod signature;
pub mod submission;

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::inventory::Inventory;
use crate::record::journal::Entry;
use crate::record::load::LoadReport;
use crate::record::observation::Observation;
use crate::record::plan::Plan;
use crate::record::prediction::Prediction;
use crate::record::scenario::Scenario;
use crate::record::stamp::Stamp;
use crate::record::verdict::Verdict;
use crate::world::{Bundle, BundleError};
pub use held::{Held, OpenError, Requests, open};
pub use manifest::manifest_json;
pub use outline::Facts;
pub use report::report;
pub use signature::{SIGNATURE, SignatureError, Signer, Statement, Verifier, sign};

use go_test::{e2e_log, results_json};
use junit::junit;

/// What is known before the first change, as whoever reads the bundle will find it: secrets and the home folder's path
/// are gone. The run is judged by these, so that its verdict can be derived again from the bundle alone.
#[derive(Clone, Debug)]
pub struct Kept {
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
pub fn begin(bundle: &Bundle, scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> Result<Kept, BundleError> {
    let wrong = |e: String| BundleError { path: "scenario.yaml".to_owned(), why: e };
    let mut shown = scenario.clone();
    // First what is a secret by its name, so that it is known wherever else it stands.
    shown.releases.values_mut().for_each(|release| bundle.cover().map(&mut release.values));
    bundle.cover().value(&mut shown).map_err(|e| wrong(e.to_string()))?;
    let yaml = serde_saphyr::to_string(&shown).map_err(|e| wrong(e.to_string()))?;
    bundle.put("scenario.yaml", yaml.as_bytes())?;
    let kept = Kept {
        scenario: serde_saphyr::from_str(&yaml).map_err(|e| wrong(e.to_string()))?,
        inventory: put_json(bundle, "inventory.json", inventory)?,
        plan: put_json(bundle, "plan.json", plan)?,
    };
    manifest::write(bundle, &plan.run, &Stamp::of(scenario, inventory), manifest::Written::Begun)?;
    Ok(kept)
}

/// Everything that the end of a run leaves to write.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// The plan.
    pub plan: &'a Plan,
    /// Every change.
    pub journal: &'a [Entry],
    /// Every observation.
    pub timeline: &'a [Observation],
    /// The load, if it ran.
    pub load: Option<&'a LoadReport>,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// What the controller's arithmetic says of it, for the report.
    pub prediction: &'a Prediction,
}

/// Writes what the end of a run leaves to write, and marks the bundle complete.
///
/// # Errors
/// A file cannot be written; the bundle stays marked incomplete.
pub fn finish(bundle: &Bundle, ending: &Ending<'_>) -> Result<(), BundleError> {
    // What follows is derived from what is kept, as a reader has it.
    let load = ending.load.map(|load| put_json(bundle, "load.json", load)).transpose()?;
    for (name, text) in derived(&Ending { load: load.as_ref(), ..*ending })? {
        bundle.put(name, text.as_bytes())?;
    }
    let stamps = Stamp::of(ending.scenario, ending.inventory);
    manifest::write(bundle, &ending.plan.run, &stamps, manifest::Written::Complete)
}

/// The files that follow from the records and the verdict on them: whoever derives them again gets them byte for byte.
/// What they are made from holds nothing that must be kept out of a bundle.
///
/// # Errors
/// A writer fails.
pub fn derived(ending: &Ending<'_>) -> Result<Vec<(&'static str, String)>, BundleError> {
    let wrong = |name: &str, why: String| BundleError { path: name.to_owned(), why };
    let verdict = pretty(ending.verdict).map_err(|e| wrong("verdict.json", e.to_string()))?;
    let mut files = vec![("verdict.json", verdict)];
    let Ending { verdict, inventory, plan, scenario, .. } = *ending;
    files.extend(artifacts(&Facts { verdict, inventory, run: &plan.run, scenario: &scenario.name, marks: &[] })?);
    files.push(("report.html", report(ending)));
    files.push(("README.md", readme::readme(ending)));
    Ok(files)
}

/// The three artifacts of a submission, by their canonical names: they name the same tests with the same results.
///
/// # Errors
/// A writer fails.
pub fn artifacts(facts: &Facts<'_>) -> Result<[(&'static str, String); 3], BundleError> {
    let wrong = |name: &str| {
        let path = name.to_owned();
        move |why| BundleError { path, why }
    };
    Ok([
        ("junit.xml", junit(facts).map_err(wrong("junit.xml"))?),
        ("results.json", results_json(facts).map_err(wrong("results.json"))?),
        ("e2e.log", e2e_log(facts)),
    ])
}

/// Writes the JUnit file where a pipeline looks for it.
///
/// # Errors
/// The file cannot be written.
pub fn put_junit(path: &Path, facts: &Facts<'_>) -> Result<(), BundleError> {
    let wrong = |why: String| BundleError { path: path.display().to_string(), why };
    let xml = junit(facts).map_err(wrong)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| wrong(e.to_string()))?;
    }
    std::fs::write(path, xml).map_err(|e| wrong(e.to_string()))
}

fn pretty(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Writes a value as it may be kept, and gives it back so.
fn put_json<T: Clone + Serialize + DeserializeOwned>(bundle: &Bundle, name: &str, value: &T) -> Result<T, BundleError> {
    let wrong = |e: serde_json::Error| BundleError { path: name.to_owned(), why: e.to_string() };
    let mut kept = value.clone();
    bundle.cover().value(&mut kept).map_err(wrong)?;
    bundle.put(name, pretty(&kept).map_err(wrong)?.as_bytes())?;
    Ok(kept)
}
