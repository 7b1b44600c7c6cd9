//! A bundle as files of a submission to the programme (CNCF AI Conformance), and what stands in the way of one.
//! `twin` checks what was written by the rules of the programme's own validator.

mod artifact;
mod blockers;
mod evidence_path;
mod product;
mod program_version;
mod readme;
mod validator;

use super::loaded_bundle::MANIFEST_FILE;
use super::{ArtifactInput, BundleError, LoadedBundle, SIGNATURE_FILE, render_artifacts};
use crate::model::verdict::Verdict;

pub use blockers::{ExportBlocker, find_blockers};
pub use product::FRAGMENT_FILE;
pub use program_version::ProgramVersion;
pub use validator::{RuleOrigin, ValidationFinding, ValidationReport, check};

/// The sub-folder of the product's folder that holds what is written here, apart from the upstream suite's artifacts.
pub const REQUIREMENT_DIR: &str = "pod_autoscaling";

/// The requirement, word for word as in every checklist from v1.33 to v1.37. Whoever submits must not edit it.
mod requirement {
    pub(super) const CATEGORY: &str = "schedulingOrchestration";
    pub(super) const ID: &str = "pod_autoscaling";
    pub(super) const LEVEL: &str = "MUST";
    pub(super) const DESCRIPTION: &str = "If the platform supports the HorizontalPodAutoscaler, it must function correctly \
        for pods utilizing accelerators. This includes the ability to scale these Pods based on custom metrics relevant to \
        AI/ML workloads.";
}

/// Files of the bundle that are taken over as they are.
const COPIED_FILES: [&str; 4] = ["junit.xml", "results.json", "e2e.log", "scenario.yaml"];
/// The word that marks every file of an export in spite of an obstacle.
const FORCED_MARK: &str = "FORCED EXPORT";
/// What the submitter has to put in.
const PLACEHOLDER: &str = "[to be stated by the submitter]";
/// Who decides.
const DISCLAIMER: &str = "Only the programme's own merge certifies a platform; this is evidence for its review.";

/// What a submission is made from.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The bundle.
    pub bundle: &'a LoadedBundle,
    /// Its verdict, or what its observations come to where it has none.
    pub verdict: &'a Verdict,
    /// The programme's version.
    pub version: &'a ProgramVersion,
    /// The obstacles in spite of which this is written.
    pub overridden: &'a [ExportBlocker],
}

impl Submission<'_> {
    /// What every reader must see before all else.
    fn forced_marks(&self) -> Vec<String> {
        self.overridden.iter().map(|obstacle| format!("{FORCED_MARK}: {}", obstacle.what)).collect()
    }

    /// The files of the sub-folder, by name.
    ///
    /// # Errors
    /// A writer fails.
    pub fn files(&self) -> Result<Vec<(String, String)>, BundleError> {
        let (held, marks) = (self.bundle, self.forced_marks());
        let run = &held.manifest.run;
        let facts = ArtifactInput {
            verdict: self.verdict,
            inventory: &held.inventory,
            run,
            scenario: &held.scenario.name,
            extra_marks: &marks,
        };
        let mut files: Vec<(String, String)> = Vec::new();
        for (name, text) in render_artifacts(&facts)? {
            if let Some(name) = self.version.artifact_name(name) {
                files.push((name.to_owned(), text));
            }
        }
        files.push(("README.md".to_owned(), readme::render_readme(self)));
        files.push(("scenario.yaml".to_owned(), self.scenario_yaml()));
        files.push((FRAGMENT_FILE.to_owned(), product::render_fragment(self)));
        files.extend(self.manifest_files());
        Ok(files)
    }

    /// The bundle's manifest and its signature, which name the digests of the files that are taken over as they are. What
    /// is forced is not as it was: each file has its marks.
    fn manifest_files(&self) -> Vec<(String, String)> {
        let taken = |name: &str| {
            let text = self.bundle.raw_files.get(name).filter(|_| self.is_unmodified())?;
            Some((name.to_owned(), String::from_utf8_lossy(text).into_owned()))
        };
        [MANIFEST_FILE, SIGNATURE_FILE].into_iter().filter_map(taken).collect()
    }

    /// The artifacts are those of the bundle, byte for byte.
    fn is_unmodified(&self) -> bool {
        self.overridden.is_empty() && self.version.has_test_artifacts()
    }

    /// The scenario as it ran, with the marks before it.
    fn scenario_yaml(&self) -> String {
        let text = self.bundle.raw_files.get("scenario.yaml").map(|text| String::from_utf8_lossy(text).into_owned());
        let marks: String = self.forced_marks().iter().map(|mark| format!("# {}\n", single_line(mark))).collect();
        marks + &text.unwrap_or_default()
    }
}

/// Text on one line, without control characters.
fn single_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;
