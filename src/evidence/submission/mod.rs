//! A bundle as files of a submission to the programme (CNCF AI Conformance), and what stands in the way of one.
//! `twin` checks what was written by the rules of the programme's own validator.

mod artifact;
mod edition;
mod evidence_path;
mod obstacles;
mod product;
mod readme;
mod twin;

use super::held::MANIFEST;
use super::{BundleError, Facts, Held, SIGNATURE, artifacts};
use crate::record::verdict::Verdict;

pub use edition::Edition;
pub use obstacles::{Obstacle, obstacles};
pub use product::FRAGMENT;
pub use twin::{By, Finding, Report, check};

/// The sub-folder of the product's folder that holds what is written here, apart from the upstream suite's artifacts.
pub const FOLDER: &str = "pod_autoscaling";

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
const TAKEN: [&str; 4] = ["junit.xml", "results.json", "e2e.log", "scenario.yaml"];
/// The word that marks every file of an export in spite of an obstacle.
const FORCED: &str = "FORCED EXPORT";
/// What the submitter has to put in.
const OPEN: &str = "[to be stated by the submitter]";
/// Who decides.
const CERTIFIES: &str = "Only the programme's own merge certifies a platform; this is evidence for its review.";

/// What a submission is made from.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The bundle.
    pub held: &'a Held,
    /// Its verdict, or what its observations come to where it has none.
    pub verdict: &'a Verdict,
    /// The programme's version.
    pub edition: &'a Edition,
    /// The obstacles in spite of which this is written.
    pub forced: &'a [Obstacle],
}

impl Submission<'_> {
    /// What every reader must see before all else.
    fn marks(&self) -> Vec<String> {
        self.forced.iter().map(|obstacle| format!("{FORCED}: {}", obstacle.what)).collect()
    }

    /// The files of the sub-folder, by name.
    ///
    /// # Errors
    /// A writer fails.
    pub fn files(&self) -> Result<Vec<(String, String)>, BundleError> {
        let (held, marks) = (self.held, self.marks());
        let run = &held.manifest.run;
        let facts = Facts {
            verdict: self.verdict,
            inventory: &held.inventory,
            run,
            scenario: &held.scenario.name,
            marks: &marks,
        };
        let mut files: Vec<(String, String)> = Vec::new();
        for (name, text) in artifacts(&facts)? {
            if let Some(name) = self.edition.artifact(name) {
                files.push((name.to_owned(), text));
            }
        }
        files.push(("README.md".to_owned(), readme::readme(self)));
        files.push(("scenario.yaml".to_owned(), self.scenario()));
        files.push((FRAGMENT.to_owned(), product::fragment(self)));
        files.extend(self.seal());
        Ok(files)
    }

    /// The bundle's manifest and its signature, which name the digests of the files that are taken over as they are. What
    /// is forced is not as it was: each file has its marks.
    fn seal(&self) -> Vec<(String, String)> {
        let taken = |name: &str| {
            let text = self.held.texts.get(name).filter(|_| self.is_sealed())?;
            Some((name.to_owned(), String::from_utf8_lossy(text).into_owned()))
        };
        [MANIFEST, SIGNATURE].into_iter().filter_map(taken).collect()
    }

    /// The artifacts are those of the bundle, byte for byte.
    fn is_sealed(&self) -> bool {
        self.forced.is_empty() && self.edition.is_hybrid()
    }

    /// The scenario as it ran, with the marks before it.
    fn scenario(&self) -> String {
        let text = self.held.texts.get("scenario.yaml").map(|text| String::from_utf8_lossy(text).into_owned());
        let marks: String = self.marks().iter().map(|mark| format!("# {}\n", line(mark))).collect();
        marks + &text.unwrap_or_default()
    }
}

/// Text on one line, without control characters.
fn line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;
