//! A twin of the programme's validator for our requirement, without the network: its rules, and those that only a reader
//! would see to.

mod folder;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use folder::{read_bytes, read_text};

use super::artifact::{self, ArtifactStatus, ArtifactTests};
use super::evidence_path::{EvidenceRef, parse};
use super::requirement::{CATEGORY, DESCRIPTION, ID, LEVEL};
use super::{FRAGMENT_FILE, ProgramVersion, REQUIREMENT_DIR};

/// The statuses that the validator knows.
const STATUSES: [&str; 4] = ["Implemented", "Not Implemented", "Partially Implemented", "N/A"];

/// Whose rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOrigin {
    /// The validator refuses it.
    Validator,
    /// The validator lets it pass, and a reviewer should not.
    Reviewer,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationFinding {
    /// The file, within the product's folder.
    pub file: String,
    /// Name of the rule.
    pub rule: &'static str,
    /// Whose rule it is.
    pub origin: RuleOrigin,
    /// What is wrong.
    pub what: String,
}

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidationReport {
    /// Broken rules.
    pub findings: Vec<ValidationFinding>,
    /// What is the submitter's to see to, and breaks no rule.
    pub notes: Vec<String>,
    /// What the validator does besides, and this does not.
    pub unchecked: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProductYaml {
    spec: Option<BTreeMap<String, Option<Vec<RequirementEntry>>>>,
}

/// An entry as the validator reads it: what it does not know it leaves alone, and nothing is an empty text.
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

/// Checks the product's folder: PRODUCT.yaml, or where it has none yet the fragment that export wrote.
///
/// # Errors
/// The folder is not a product's, or holds neither file.
pub fn check(dir: &Path) -> Result<ValidationReport, String> {
    let edition = ProgramVersion::from_product_dir(dir)?;
    let fragment = format!("{REQUIREMENT_DIR}/{FRAGMENT_FILE}");
    let name = if dir.join("PRODUCT.yaml").exists() { "PRODUCT.yaml" } else { &fragment };
    let text = read_text(dir, name)?;
    let mut twin = SubmissionValidator { dir, version: &edition, file: name, report: ValidationReport::default() };
    if name != "PRODUCT.yaml" {
        twin.report.notes.push(format!("there is no PRODUCT.yaml yet; {name} was checked in its place"));
    }
    twin.check_product(&text);
    twin.check_folder();
    twin.check_manifest();
    twin.report.unchecked = vec![
        "metadata of the product, membership of its vendor, the other requirements".to_owned(),
        "whether URLs answer".to_owned(),
    ];
    Ok(twin.report)
}

/// The check on its way.
struct SubmissionValidator<'a> {
    dir: &'a Path,
    version: &'a ProgramVersion,
    file: &'a str,
    report: ValidationReport,
}

impl SubmissionValidator<'_> {
    fn add_finding(&mut self, by: RuleOrigin, rule: &'static str, what: impl Into<String>) {
        self.add_finding_in(self.file.to_owned(), by, rule, what);
    }

    fn add_finding_in(&mut self, file: String, by: RuleOrigin, rule: &'static str, what: impl Into<String>) {
        self.report.findings.push(ValidationFinding { file, rule, origin: by, what: what.into() });
    }

    fn check_product(&mut self, text: &str) {
        let product: ProductYaml = match serde_saphyr::from_str(text) {
            Ok(product) => product,
            Err(error) => return self.add_finding(RuleOrigin::Validator, "yaml", error.without_snippet().to_string()),
        };
        let Some(mut spec) = product.spec else {
            return self.add_finding(RuleOrigin::Validator, "spec", "there is no `spec`");
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
                "twice",
                format!("`{ID}` stands there {} times; the last one counts", ours.len()),
            );
        }
        self.check_entry(entry);
    }

    fn check_entry(&mut self, entry: &RequirementEntry) {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (status, notes) = (text(&entry.status), text(&entry.notes));
        if !STATUSES.contains(&status.as_str()) {
            self.add_finding(RuleOrigin::Validator, "status", format!("`{status}` is none of {}", STATUSES.join(", ")));
        }
        if status != "Implemented" {
            self.add_finding(
                RuleOrigin::Validator,
                "must",
                format!("a MUST has to be `Implemented`; the status is `{status}`"),
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
                    format!("{field} is `{found}`, the checklist says `{wanted}`"),
                );
            }
        }
        let evidence: Vec<String> =
            entry.evidence.iter().flatten().flatten().filter(|one| !one.is_empty()).cloned().collect();
        if evidence.is_empty() {
            self.add_finding(RuleOrigin::Reviewer, "evidence", "a MUST without evidence");
        }
        self.check_evidence(&evidence, &status);
    }

    fn check_evidence(&mut self, entries: &[String], status: &str) {
        if entries.iter().any(|entry| entry.starts_with("file://") || entry.contains('#')) {
            let note = "a revision of the validator that reads no artifacts takes `file://` and `#` for parts of a file's name, \
                and finds none; ask which one is in force if it complains";
            self.report.notes.push(note.to_owned());
        }
        let mut read: BTreeMap<String, ArtifactTests> = BTreeMap::new();
        for entry in entries {
            let (path, fragment) = match parse(entry, self.version) {
                Ok(EvidenceRef::File { path, fragment }) => (path, fragment),
                Ok(EvidenceRef::Url) => {
                    self.report.notes.push(format!("not asked whether it answers: {entry}"));
                    continue;
                }
                Err(what) => {
                    self.add_finding(RuleOrigin::Validator, "path", what);
                    continue;
                }
            };
            if !self.dir.join(&path).exists() {
                self.add_finding(RuleOrigin::Validator, "exists", format!("`{entry}` is not there"));
                continue;
            }
            if !read.contains_key(&path) {
                match self.read_artifact(&path) {
                    Some(tests) => read.insert(path.clone(), tests),
                    None => continue,
                };
            }
            if let (Some(tests), Some(test)) = (read.get(&path), &fragment) {
                self.check_cited_test(tests.look_up(test), &path, test, status);
            }
        }
        self.check_all_skipped(&read, status);
        self.check_agreement(&read);
    }

    /// Reads an artifact, if the file is one; its failing tests are told once, whoever cites it.
    fn read_artifact(&mut self, path: &str) -> Option<ArtifactTests> {
        let bytes = match read_bytes(self.dir, path) {
            Ok(bytes) => bytes,
            Err(what) => {
                self.add_finding_in(path.to_owned(), RuleOrigin::Validator, "artifact", what);
                return None;
            }
        };
        match artifact::parse(path, &bytes)? {
            Err(what) => {
                self.add_finding_in(path.to_owned(), RuleOrigin::Validator, "artifact", what);
                None
            }
            Ok(tests) => {
                let failed = tests.failed();
                if !failed.is_empty() {
                    let what = format!("it contains failing tests: {}", failed.join(", "));
                    self.add_finding_in(path.to_owned(), RuleOrigin::Validator, "failing", what);
                }
                Some(tests)
            }
        }
    }

    fn check_cited_test(&mut self, mark: Option<ArtifactStatus>, path: &str, test: &str, status: &str) {
        let what = match mark {
            None => format!("`{test}` is not in it"),
            Some(ArtifactStatus::Failed) => format!("`{test}` failed"),
            Some(ArtifactStatus::Skipped) if status == "Implemented" => {
                format!("`{test}` was skipped, and the status is Implemented")
            }
            Some(ArtifactStatus::Skipped | ArtifactStatus::Passed) => return,
        };
        self.add_finding_in(path.to_owned(), RuleOrigin::Validator, "fragment", what);
    }

    /// Without a fragment nothing but a fail is looked at, so a run that skipped everything would do.
    fn check_all_skipped(&mut self, read: &BTreeMap<String, ArtifactTests>, status: &str) {
        for (path, tests) in read {
            if status == "Implemented" && tests.0.values().all(|mark| *mark == ArtifactStatus::Skipped) {
                self.add_finding_in(path.clone(), RuleOrigin::Reviewer, "skipped", "every test was skipped");
            }
        }
    }

    /// The artifacts of one folder are of one run: the same tests with the same results. Some tools leave the parents out.
    fn check_agreement(&mut self, read: &BTreeMap<String, ArtifactTests>) {
        let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        for (path, tests) in read {
            for (other, others) in read.iter().filter(|(other, _)| *other > path && folder(other) == folder(path)) {
                if let Some(what) = tests.first_difference(others) {
                    self.add_finding_in(path.clone(), RuleOrigin::Reviewer, "agreement", format!("{what} in {other}"));
                }
            }
        }
    }
}
