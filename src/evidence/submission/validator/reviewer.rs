//! Our own rules for the entry of the requirement: the validator accepts what violates them.

use std::collections::BTreeMap;

use super::SubmissionValidator;
use super::product_yaml::{ProductYaml, RequirementEntry};
use crate::evidence::submission::artifact::{ArtifactStatus, ArtifactTests, is_artifact};
use crate::evidence::submission::evidence_path::{EvidenceRef, parse};
use crate::evidence::submission::requirement::{CATEGORY, DESCRIPTION, ID, LEVEL};

impl SubmissionValidator<'_> {
    /// Checks our entry, and the artifacts that it cites.
    pub(super) fn review_requirement(
        &mut self,
        product: &ProductYaml,
        artifacts: &BTreeMap<String, Option<ArtifactTests>>,
    ) {
        let entries = product.spec.as_ref().and_then(|spec| spec.get(CATEGORY)).map_or(&[][..], Vec::as_slice);
        let ours: Vec<&RequirementEntry> = entries.iter().filter(|entry| entry.id == ID).collect();
        let Some(entry) = ours.last() else { return };
        if ours.len() > 1 {
            self.add_finding("duplicate", format!("`{ID}` appears {} times; the last one counts", ours.len()));
        }
        for (field, found, wanted) in [("description", &entry.description, DESCRIPTION), ("level", &entry.level, LEVEL)]
        {
            if found.split_whitespace().ne(wanted.split_whitespace()) {
                self.add_finding("unedited", format!("{field} is `{found}`, the checklist has `{wanted}`"));
            }
        }
        if entry.evidence.iter().all(String::is_empty) {
            self.add_finding("evidence", "a MUST requirement without evidence");
        }
        let cited = self.review_links(entry);
        let cited: BTreeMap<&str, &ArtifactTests> = artifacts
            .iter()
            .filter(|(path, _)| cited.contains(path))
            .filter_map(|(path, tests)| Some((path.as_str(), tests.as_ref()?)))
            .collect();
        self.check_all_skipped(&cited, &entry.status);
        self.check_agreement(&cited);
    }

    /// Adds notes on links, and returns the paths of files.
    fn review_links(&mut self, entry: &RequirementEntry) -> Vec<String> {
        let links = || entry.evidence.iter().filter(|link| !link.is_empty());
        let is_newer_form = |link: &String| link.starts_with("file://") || link.contains('#');
        if links().any(|link| is_newer_form(link) && !link.starts_with("http")) {
            let note = "older revisions of the validator do not read artifacts, and take `file://` and `#` for a part of the file name; if it \
                does not find a file, ask the programme which revision is in use";
            self.report.notes.push(note.to_owned());
        }
        let mut paths = Vec::new();
        for link in links() {
            match parse(link, self.version) {
                Ok(EvidenceRef::Url) => self.report.notes.push(format!("URL not fetched: {link}")),
                Ok(EvidenceRef::File { path, .. }) => {
                    let lower = path.to_lowercase();
                    if [".xml", ".json", ".jsonl", ".log"].iter().any(|end| lower.ends_with(end)) && !is_artifact(&path)
                    {
                        let note = "the validator reads junit.xml, results.json and e2e.log only";
                        self.report.notes.push(format!("{path} is not read: {note}"));
                    }
                    paths.push(path);
                }
                Err(_) => {}
            }
        }
        paths
    }

    /// Without a fragment the validator looks for failed tests only, and so accepts a run that skipped everything.
    fn check_all_skipped(&mut self, artifacts: &BTreeMap<&str, &ArtifactTests>, status: &str) {
        for (path, tests) in artifacts {
            let is_skipped = |status: &ArtifactStatus| *status == ArtifactStatus::Skipped;
            if status == "Implemented" && !tests.statuses.is_empty() && tests.statuses.values().all(is_skipped) {
                self.add_finding_in((*path).to_owned(), "skipped", "every test was skipped");
            }
        }
    }

    /// The artifacts in one directory must have the same tests with the same status.
    fn check_agreement(&mut self, artifacts: &BTreeMap<&str, &ArtifactTests>) {
        let parent = |path: &str| path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned());
        for (path, tests) in artifacts {
            for (other, others) in artifacts.iter().filter(|(other, _)| *other > path && parent(other) == parent(path))
            {
                if let Some(difference) = tests.first_difference(others) {
                    self.add_finding_in((*path).to_owned(), "agreement", format!("{difference} in {other}"));
                }
            }
        }
    }
}
