//! Checks a submission for our requirement by the rules of the programme's validator, without network access, and by
//! rules for what the validator does not detect.

mod folder;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use folder::{read_bytes, read_text};

use super::artifact::{self, ArtifactStatus, ArtifactTests};
use super::evidence_path::{EvidenceRef, parse};
use super::requirement::{CATEGORY, DESCRIPTION, ID, LEVEL};
use super::{FRAGMENT_FILE, ProgramVersion, REQUIREMENT_DIR};
use crate::error_chain::describe_yaml_error;

/// The statuses that the validator accepts.
const STATUSES: [&str; 4] = ["Implemented", "Not Implemented", "Partially Implemented", "N/A"];

/// Origin of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleOrigin {
    /// The validator rejects a violation.
    Validator,
    /// The validator accepts a violation, and a reviewer should not.
    Reviewer,
}

/// One violated rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidationFinding {
    /// The file, relative to the product's directory.
    pub(crate) file: String,
    /// Name of the rule.
    pub(crate) rule: &'static str,
    /// Origin of the rule.
    pub(crate) origin: RuleOrigin,
    /// Message of the finding.
    pub(crate) message: String,
}

/// Result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidationReport {
    /// Violated rules.
    pub(crate) findings: Vec<ValidationFinding>,
    /// What the submitter should look at, and violates no rule.
    pub(crate) notes: Vec<String>,
    /// What the validator checks, and this does not.
    pub(crate) unchecked: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProductYaml {
    spec: Option<BTreeMap<String, Option<Vec<RequirementEntry>>>>,
}

/// An entry as the validator reads it: it ignores unknown keys, and treats null as an empty string.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RequirementEntry {
    id: Option<String>,
    description: Option<String>,
    level: Option<String>,
    status: Option<String>,
    evidence: Option<Vec<Option<String>>>,
    notes: Option<String>,
}

/// Checks PRODUCT.yaml in the product's directory, or the fragment that export wrote if there is none yet.
///
/// # Errors
/// The directory is not a product's, or has neither file.
pub(crate) fn check(dir: &Path) -> Result<ValidationReport, String> {
    let version = ProgramVersion::from_product_dir(dir)?;
    let fragment = format!("{REQUIREMENT_DIR}/{FRAGMENT_FILE}");
    let name = if dir.join("PRODUCT.yaml").exists() { "PRODUCT.yaml" } else { &fragment };
    let text = read_text(dir, name)?;
    let mut validator = SubmissionValidator { dir, version: &version, file: name, report: ValidationReport::default() };
    if name != "PRODUCT.yaml" {
        validator.report.notes.push(format!("no PRODUCT.yaml yet; {name} was checked instead"));
    }
    validator.check_product(&text);
    validator.check_folder();
    validator.check_manifest();
    validator.report.unchecked = vec![
        "metadata of the product, membership of its vendor, the other requirements".to_owned(),
        "whether URLs are reachable".to_owned(),
    ];
    Ok(validator.report)
}

/// A check in progress.
struct SubmissionValidator<'a> {
    dir: &'a Path,
    version: &'a ProgramVersion,
    file: &'a str,
    report: ValidationReport,
}

impl SubmissionValidator<'_> {
    fn add_finding(&mut self, origin: RuleOrigin, rule: &'static str, message: impl Into<String>) {
        self.add_finding_in(self.file.to_owned(), origin, rule, message);
    }

    fn add_finding_in(&mut self, file: String, origin: RuleOrigin, rule: &'static str, message: impl Into<String>) {
        self.report.findings.push(ValidationFinding { file, rule, origin, message: message.into() });
    }

    fn check_product(&mut self, text: &str) {
        let product: ProductYaml = match serde_saphyr::from_str(text) {
            Ok(product) => product,
            Err(error) => {
                let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
                let text = format!("line {line}, column {column}: {}", describe_yaml_error(&error));
                return self.add_finding(RuleOrigin::Validator, "yaml", text);
            }
        };
        let Some(mut spec) = product.spec else {
            return self.add_finding(RuleOrigin::Validator, "spec", "`spec` is missing");
        };
        let Some(entries) = spec.remove(CATEGORY) else {
            return self.add_finding(RuleOrigin::Validator, "category", format!("spec has no category `{CATEGORY}`"));
        };
        let entries = entries.unwrap_or_default();
        let ours: Vec<&RequirementEntry> = entries.iter().filter(|entry| entry.id.as_deref() == Some(ID)).collect();
        let Some(entry) = ours.last() else {
            return self.add_finding(RuleOrigin::Validator, "requirement", format!("{CATEGORY} has no entry `{ID}`"));
        };
        if ours.len() > 1 {
            self.add_finding(
                RuleOrigin::Reviewer,
                "duplicate",
                format!("`{ID}` appears {} times; the last one counts", ours.len()),
            );
        }
        self.check_entry(entry);
    }

    fn check_entry(&mut self, entry: &RequirementEntry) {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (status, notes) = (text(&entry.status), text(&entry.notes));
        if !STATUSES.contains(&status.as_str()) {
            self.add_finding(
                RuleOrigin::Validator,
                "status",
                format!("`{status}` is not one of {}", STATUSES.join(", ")),
            );
        }
        if status != "Implemented" {
            self.add_finding(
                RuleOrigin::Validator,
                "must",
                format!("a MUST requirement must be `Implemented`; the status is `{status}`"),
            );
        }
        if status == "N/A" && notes.is_empty() {
            self.add_finding(RuleOrigin::Validator, "notes", "N/A needs notes");
        }
        for (field, found, wanted) in
            [("description", text(&entry.description), DESCRIPTION), ("level", text(&entry.level), LEVEL)]
        {
            if found != wanted {
                self.add_finding(
                    RuleOrigin::Reviewer,
                    "unedited",
                    format!("{field} is `{found}`, the checklist has `{wanted}`"),
                );
            }
        }
        let evidence: Vec<String> =
            entry.evidence.iter().flatten().flatten().filter(|one| !one.is_empty()).cloned().collect();
        if evidence.is_empty() {
            self.add_finding(RuleOrigin::Reviewer, "evidence", "a MUST requirement without evidence");
        }
        self.check_evidence(&evidence, &status);
    }

    fn check_evidence(&mut self, entries: &[String], status: &str) {
        if entries.iter().any(|entry| entry.starts_with("file://") || entry.contains('#')) {
            let note = "older revisions of the validator do not read artifacts, and take `file://` and `#` for a part of the file name; if it \
                does not find a file, ask the programme which revision is in use";
            self.report.notes.push(note.to_owned());
        }
        let mut artifacts: BTreeMap<String, ArtifactTests> = BTreeMap::new();
        for entry in entries {
            let (path, fragment) = match parse(entry, self.version) {
                Ok(EvidenceRef::File { path, fragment }) => (path, fragment),
                Ok(EvidenceRef::Url) => {
                    self.report.notes.push(format!("URL not fetched: {entry}"));
                    continue;
                }
                Err(error) => {
                    self.add_finding(RuleOrigin::Validator, "path", error);
                    continue;
                }
            };
            if !self.dir.join(&path).exists() {
                self.add_finding(RuleOrigin::Validator, "exists", format!("`{entry}` does not exist"));
                continue;
            }
            if !artifacts.contains_key(&path) {
                match self.read_artifact(&path) {
                    Some(tests) => artifacts.insert(path.clone(), tests),
                    None => continue,
                };
            }
            if let (Some(tests), Some(test)) = (artifacts.get(&path), &fragment) {
                self.check_cited_test(tests.look_up(test), &path, test, status);
            }
        }
        self.check_all_skipped(&artifacts, status);
        self.check_agreement(&artifacts);
    }

    /// Reads a file if it is an artifact, and reports its failing tests, once per file.
    fn read_artifact(&mut self, path: &str) -> Option<ArtifactTests> {
        let bytes = match read_bytes(self.dir, path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.add_finding_in(path.to_owned(), RuleOrigin::Validator, "artifact", error);
                return None;
            }
        };
        match artifact::parse(path, &bytes)? {
            Err(error) => {
                self.add_finding_in(path.to_owned(), RuleOrigin::Validator, "artifact", error);
                None
            }
            Ok(tests) => {
                let failed = tests.failed();
                if !failed.is_empty() {
                    let message = format!("it contains failing tests: {}", failed.join(", "));
                    self.add_finding_in(path.to_owned(), RuleOrigin::Validator, "failing", message);
                }
                Some(tests)
            }
        }
    }

    fn check_cited_test(&mut self, test_status: Option<ArtifactStatus>, path: &str, test: &str, status: &str) {
        let message = match test_status {
            None => format!("`{test}` is missing"),
            Some(ArtifactStatus::Failed) => format!("`{test}` failed"),
            Some(ArtifactStatus::Skipped) if status == "Implemented" => {
                format!("`{test}` was skipped, but the status is Implemented")
            }
            Some(ArtifactStatus::Skipped | ArtifactStatus::Passed) => return,
        };
        self.add_finding_in(path.to_owned(), RuleOrigin::Validator, "fragment", message);
    }

    /// Without a fragment the validator looks for failed tests only, and so accepts a run that skipped everything.
    fn check_all_skipped(&mut self, artifacts: &BTreeMap<String, ArtifactTests>, status: &str) {
        for (path, tests) in artifacts {
            if status == "Implemented" && tests.0.values().all(|test_status| *test_status == ArtifactStatus::Skipped) {
                self.add_finding_in(path.clone(), RuleOrigin::Reviewer, "skipped", "every test was skipped");
            }
        }
    }

    /// The artifacts in one directory must have the same tests with the same status.
    fn check_agreement(&mut self, artifacts: &BTreeMap<String, ArtifactTests>) {
        let parent = |path: &str| path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned());
        for (path, tests) in artifacts {
            for (other, others) in artifacts.iter().filter(|(other, _)| *other > path && parent(other) == parent(path))
            {
                if let Some(difference) = tests.first_difference(others) {
                    self.add_finding_in(
                        path.clone(),
                        RuleOrigin::Reviewer,
                        "agreement",
                        format!("{difference} in {other}"),
                    );
                }
            }
        }
    }
}
