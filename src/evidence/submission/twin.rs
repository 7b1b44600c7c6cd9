//! A twin of the programme's validator for our requirement, without the network: its rules, and those that only a reader
//! would see to.

mod folder;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use folder::{bytes_of, text_of};

use super::artifact::{self, Mark, Tests};
use super::evidence_path::{Pointer, pointer};
use super::requirement::{CATEGORY, DESCRIPTION, ID, LEVEL};
use super::{Edition, FOLDER, FRAGMENT};

/// The statuses that the validator knows.
const STATUSES: [&str; 4] = ["Implemented", "Not Implemented", "Partially Implemented", "N/A"];

/// Whose rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The validator refuses it.
    Validator,
    /// The validator lets it pass, and a reviewer should not.
    Reviewer,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, within the product's folder.
    pub file: String,
    /// Name of the rule.
    pub rule: &'static str,
    /// Whose rule it is.
    pub by: By,
    /// What is wrong.
    pub what: String,
}

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Broken rules.
    pub findings: Vec<Finding>,
    /// What is the submitter's to see to, and breaks no rule.
    pub notes: Vec<String>,
    /// What the validator does besides, and this does not.
    pub unchecked: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Product {
    spec: Option<BTreeMap<String, Option<Vec<Entry>>>>,
}

/// An entry as the validator reads it: what it does not know it leaves alone, and nothing is an empty text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
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
pub fn check(dir: &Path) -> Result<Report, String> {
    let edition = Edition::of(dir)?;
    let fragment = format!("{FOLDER}/{FRAGMENT}");
    let name = if dir.join("PRODUCT.yaml").exists() { "PRODUCT.yaml" } else { &fragment };
    let text = text_of(dir, name)?;
    let mut twin = Twin { dir, edition: &edition, file: name, report: Report::default() };
    if name != "PRODUCT.yaml" {
        twin.report.notes.push(format!("there is no PRODUCT.yaml yet; {name} was checked in its place"));
    }
    twin.product(&text);
    twin.folder();
    twin.seal();
    twin.report.unchecked = vec![
        "metadata of the product, membership of its vendor, the other requirements".to_owned(),
        "whether URLs answer".to_owned(),
    ];
    Ok(twin.report)
}

/// The check on its way.
struct Twin<'a> {
    dir: &'a Path,
    edition: &'a Edition,
    file: &'a str,
    report: Report,
}

impl Twin<'_> {
    fn find(&mut self, by: By, rule: &'static str, what: impl Into<String>) {
        self.find_in(self.file.to_owned(), by, rule, what);
    }

    fn find_in(&mut self, file: String, by: By, rule: &'static str, what: impl Into<String>) {
        self.report.findings.push(Finding { file, rule, by, what: what.into() });
    }

    fn product(&mut self, text: &str) {
        let product: Product = match serde_saphyr::from_str(text) {
            Ok(product) => product,
            Err(error) => return self.find(By::Validator, "yaml", error.without_snippet().to_string()),
        };
        let Some(mut spec) = product.spec else {
            return self.find(By::Validator, "spec", "there is no `spec`");
        };
        let Some(entries) = spec.remove(CATEGORY) else {
            return self.find(By::Validator, "category", format!("spec has no category `{CATEGORY}`"));
        };
        let entries = entries.unwrap_or_default();
        let ours: Vec<&Entry> = entries.iter().filter(|entry| entry.id.as_deref() == Some(ID)).collect();
        let Some(entry) = ours.last() else {
            return self.find(By::Validator, "requirement", format!("{CATEGORY} has no entry `{ID}`"));
        };
        if ours.len() > 1 {
            self.find(By::Reviewer, "twice", format!("`{ID}` stands there {} times; the last one counts", ours.len()));
        }
        self.entry(entry);
    }

    fn entry(&mut self, entry: &Entry) {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (status, notes) = (text(&entry.status), text(&entry.notes));
        if !STATUSES.contains(&status.as_str()) {
            self.find(By::Validator, "status", format!("`{status}` is none of {}", STATUSES.join(", ")));
        }
        if status != "Implemented" {
            self.find(By::Validator, "must", format!("a MUST has to be `Implemented`; the status is `{status}`"));
        }
        if status == "N/A" && notes.is_empty() {
            self.find(By::Validator, "notes", "N/A needs notes");
        }
        for (field, found, wanted) in
            [("description", text(&entry.description), DESCRIPTION), ("level", text(&entry.level), LEVEL)]
        {
            if found != wanted {
                self.find(By::Reviewer, "unedited", format!("{field} is `{found}`, the checklist says `{wanted}`"));
            }
        }
        let evidence: Vec<String> =
            entry.evidence.iter().flatten().flatten().filter(|one| !one.is_empty()).cloned().collect();
        if evidence.is_empty() {
            self.find(By::Reviewer, "evidence", "a MUST without evidence");
        }
        self.evidence(&evidence, &status);
    }

    fn evidence(&mut self, entries: &[String], status: &str) {
        if entries.iter().any(|entry| entry.starts_with("file://") || entry.contains('#')) {
            let note = "a revision of the validator that reads no artifacts takes `file://` and `#` for parts of a file's name, \
                and finds none; ask which one is in force if it complains";
            self.report.notes.push(note.to_owned());
        }
        let mut read: BTreeMap<String, Tests> = BTreeMap::new();
        for entry in entries {
            let (path, fragment) = match pointer(entry, self.edition) {
                Ok(Pointer::File { path, fragment }) => (path, fragment),
                Ok(Pointer::Url) => {
                    self.report.notes.push(format!("not asked whether it answers: {entry}"));
                    continue;
                }
                Err(what) => {
                    self.find(By::Validator, "path", what);
                    continue;
                }
            };
            if !self.dir.join(&path).exists() {
                self.find(By::Validator, "exists", format!("`{entry}` is not there"));
                continue;
            }
            if !read.contains_key(&path) {
                match self.artifact(&path) {
                    Some(tests) => read.insert(path.clone(), tests),
                    None => continue,
                };
            }
            if let (Some(tests), Some(test)) = (read.get(&path), &fragment) {
                self.named(tests.look_up(test), &path, test, status);
            }
        }
        self.skipped(&read, status);
        self.agreement(&read);
    }

    /// Reads an artifact, if the file is one; its failing tests are told once, whoever cites it.
    fn artifact(&mut self, path: &str) -> Option<Tests> {
        let bytes = match bytes_of(self.dir, path) {
            Ok(bytes) => bytes,
            Err(what) => {
                self.find_in(path.to_owned(), By::Validator, "artifact", what);
                return None;
            }
        };
        match artifact::read(path, &bytes)? {
            Err(what) => {
                self.find_in(path.to_owned(), By::Validator, "artifact", what);
                None
            }
            Ok(tests) => {
                let failed = tests.failed();
                if !failed.is_empty() {
                    let what = format!("it contains failing tests: {}", failed.join(", "));
                    self.find_in(path.to_owned(), By::Validator, "failing", what);
                }
                Some(tests)
            }
        }
    }

    fn named(&mut self, mark: Option<Mark>, path: &str, test: &str, status: &str) {
        let what = match mark {
            None => format!("`{test}` is not in it"),
            Some(Mark::Failed) => format!("`{test}` failed"),
            Some(Mark::Skipped) if status == "Implemented" => {
                format!("`{test}` was skipped, and the status is Implemented")
            }
            Some(Mark::Skipped | Mark::Passed) => return,
        };
        self.find_in(path.to_owned(), By::Validator, "fragment", what);
    }

    /// Without a fragment nothing but a fail is looked at, so a run that skipped everything would do.
    fn skipped(&mut self, read: &BTreeMap<String, Tests>, status: &str) {
        for (path, tests) in read {
            if status == "Implemented" && tests.0.values().all(|mark| *mark == Mark::Skipped) {
                self.find_in(path.clone(), By::Reviewer, "skipped", "every test was skipped");
            }
        }
    }

    /// The artifacts of one folder are of one run: the same tests with the same results. Some tools leave the parents out.
    fn agreement(&mut self, read: &BTreeMap<String, Tests>) {
        let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        for (path, tests) in read {
            for (other, others) in read.iter().filter(|(other, _)| *other > path && folder(other) == folder(path)) {
                if let Some(what) = tests.difference(others) {
                    self.find_in(path.clone(), By::Reviewer, "agreement", format!("{what} in {other}"));
                }
            }
        }
    }
}
