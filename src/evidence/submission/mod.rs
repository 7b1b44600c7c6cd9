//! Renders the files of a submission to the CNCF AI Conformance programme from a bundle, and finds what blocks one.
//! `validator` checks a submission by the rules of the programme's own validator.

mod artifact;
mod blockers;
mod evidence_path;
mod product;
mod program_version;
mod readme;
mod validator;

use super::artifacts::render_artifacts;
use super::loaded_bundle::LoadedBundle;
use super::test_tree::ArtifactInput;
use crate::env::BundleError;
use crate::model::manifest::{MANIFEST_FILE, SIGNATURE_FILE};
use crate::model::verdict::Verdict;

pub(super) use artifact::compare_test_results;
pub(crate) use blockers::{ExportBlocker, find_blockers};
pub(crate) use product::FRAGMENT_FILE;
pub(crate) use program_version::ProgramVersion;
pub(crate) use validator::{RuleOrigin, check};

/// The subdirectory of the product's directory for our files, apart from the artifacts of the upstream suite.
pub(crate) const REQUIREMENT_DIR: &str = "pod_autoscaling";

/// The requirement, verbatim as in the checklists v1.33 to v1.37. A submitter must not edit it.
mod requirement {
    pub(super) const CATEGORY: &str = "schedulingOrchestration";
    pub(super) const ID: &str = "pod_autoscaling";
    pub(super) const LEVEL: &str = "MUST";
    pub(super) const DESCRIPTION: &str = "If the platform supports the HorizontalPodAutoscaler, it must function correctly \
        for pods utilizing accelerators. This includes the ability to scale these Pods based on custom metrics relevant to \
        AI/ML workloads.";
}

/// Files that are copied from the bundle unmodified.
const COPIED_FILES: [&str; 4] = ["junit.xml", "results.json", "e2e.log", "scenario.yaml"];
/// Marks every file of an export with `--force`.
const FORCED_MARK: &str = "FORCED EXPORT";
/// Text that the submitter has to replace.
const PLACEHOLDER: &str = "[to be stated by the submitter]";
const DISCLAIMER: &str = "Only the programme's review certifies a platform; this is evidence for it.";

/// Input of a submission.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submission<'a> {
    /// The bundle.
    pub(crate) bundle: &'a LoadedBundle,
    /// Its verdict, derived from its observations under today's rules.
    pub(crate) verdict: &'a Verdict,
    /// The programme's version.
    pub(crate) version: &'a ProgramVersion,
    /// Blockers that `--force` overrides.
    pub(crate) overridden: &'a [ExportBlocker],
}

impl Submission<'_> {
    /// A text per overridden blocker, shown first in every file.
    fn forced_marks(&self) -> Vec<String> {
        self.overridden.iter().map(|blocker| format!("{FORCED_MARK}: {}", blocker.message)).collect()
    }

    /// The files of the subdirectory: name and text.
    ///
    /// # Errors
    /// A writer fails.
    pub(crate) fn files(&self) -> Result<Vec<(String, String)>, BundleError> {
        let (bundle, marks) = (self.bundle, self.forced_marks());
        let run = &bundle.manifest.run;
        let input = ArtifactInput {
            verdict: self.verdict,
            inventory: &bundle.inventory,
            run,
            scenario: &bundle.scenario.name,
            extra_marks: &marks,
        };
        let mut files: Vec<(String, String)> = Vec::new();
        for (name, text) in render_artifacts(&input)? {
            if let Some(to) = self.version.artifact_name(name) {
                files.push((to.to_owned(), text));
            }
        }
        files.push(("README.md".to_owned(), readme::render_readme(self)));
        files.push(("scenario.yaml".to_owned(), self.scenario_yaml()));
        files.push((FRAGMENT_FILE.to_owned(), product::render_fragment(self)));
        files.extend(self.manifest_files());
        Ok(files)
    }

    /// The bundle's manifest and signature, for the digests of the exported files. Where these are not the bundle's own bytes,
    /// the export has neither.
    fn manifest_files(&self) -> Vec<(String, String)> {
        let copy = |name: &str| {
            let text = self.bundle.raw_files.get(name).filter(|_| self.is_unmodified())?;
            Some((name.to_owned(), String::from_utf8_lossy(text).into_owned()))
        };
        [MANIFEST_FILE, SIGNATURE_FILE].into_iter().filter_map(copy).collect()
    }

    /// Whether the artifacts are those of the bundle, byte for byte: not with the marks of a forced export, and not under older
    /// rules. There the stored texts follow from nothing that can be checked, so the export has the texts of today's rules.
    fn is_unmodified(&self) -> bool {
        self.overridden.is_empty() && self.version.has_test_artifacts() && !self.has_older_rules()
    }

    /// Whether the bundle was written under older rules than those of the verdict.
    fn has_older_rules(&self) -> bool {
        self.bundle.manifest.rules != self.verdict.rules
    }

    /// The scenario as it ran, after the marks as comments.
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
