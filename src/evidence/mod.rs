//! Records → files of the bundle, and back. Renderers are pure, one file a format; this file says which there are and
//! when. `held` reads a bundle that somebody hands over.

mod go_test;
mod held;
mod junit;
mod manifest;
mod outline;
mod readme;
mod redact;
pub mod submission;

use std::path::Path;

use go_test::{e2e_log, results_json};
pub use held::{Held, OpenError, Requests, open};
use junit::junit;
pub use outline::Facts;
pub use redact::redact;

use crate::record::inventory::Inventory;
use crate::record::journal::Entry;
use crate::record::load::LoadReport;
use crate::record::observation::Observation;
use crate::record::plan::Plan;
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::world::{Bundle, BundleError};

/// Writes what is known before the first change. The bundle is readable from here on, and marked incomplete.
///
/// # Errors
/// A file cannot be written: then nothing must be changed.
pub fn begin(bundle: &Bundle, scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> Result<(), BundleError> {
    let shown = redact::scenario(scenario);
    let yaml = serde_saphyr::to_string(&shown)
        .map_err(|e| BundleError { path: "scenario.yaml".to_owned(), why: e.to_string() })?;
    bundle.put("scenario.yaml", yaml.as_bytes())?;
    put_json(bundle, "inventory.json", inventory)?;
    put_json(bundle, "plan.json", plan)?;
    manifest::write(bundle, &plan.run, scenario.accelerator.is_stand_in(), manifest::Written::Begun)
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
}

/// Writes what the end of a run leaves to write, and marks the bundle complete.
///
/// # Errors
/// A file cannot be written; the bundle stays marked incomplete.
pub fn finish(bundle: &Bundle, ending: &Ending<'_>) -> Result<(), BundleError> {
    if let Some(load) = ending.load {
        put_json(bundle, "load.json", load)?;
    }
    put_json(bundle, "verdict.json", ending.verdict)?;
    let Ending { verdict, inventory, plan, scenario, .. } = *ending;
    let facts = Facts { verdict, inventory, run: &plan.run, scenario: &scenario.name, marks: &[] };
    for (name, text) in artifacts(&facts)? {
        bundle.put(name, redact(&text).as_bytes())?;
    }
    bundle.put("README.md", readme::readme(ending).as_bytes())?;
    let stand_in = ending.scenario.accelerator.is_stand_in();
    manifest::write(bundle, &ending.plan.run, stand_in, manifest::Written::Complete)
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
    let xml = redact(&junit(facts).map_err(wrong)?);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| wrong(e.to_string()))?;
    }
    std::fs::write(path, xml).map_err(|e| wrong(e.to_string()))
}

fn put_json(bundle: &Bundle, name: &str, value: &impl serde::Serialize) -> Result<(), BundleError> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|e| BundleError { path: name.to_owned(), why: e.to_string() })?;
    text.push('\n');
    bundle.put(name, redact(&text).as_bytes())
}
