//! The rules of the programme's validator: scripts/validate.go of giantswarm/ai-conformance at 9fc8e9b6, a fork that follows
//! cncf/k8s-ai-conformance. `fixtures/validator` has answers of the script, and `tests` compares with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::checklist::Checklist;
use super::folder::read_bytes;
use super::metadata::check_metadata;
use super::product_yaml::{ProductYaml, RequirementEntry};
use super::web_address::find_fault;
use crate::evidence::submission::ProgramVersion;
use crate::evidence::submission::artifact::{self, ArtifactStatus, ArtifactTests};
use crate::evidence::submission::evidence_path::{EvidencePathError, EvidenceRef, parse};
use crate::evidence::submission::requirement::{CATEGORY, ID};

/// The statuses that the validator accepts.
const STATUSES: [&str; 4] = ["Implemented", "Not Implemented", "Partially Implemented", "N/A"];

/// Requirements that a test of the upstream suite verifies, and the test.
const AUTO_TESTED: [(&str, &str); 3] = [
    ("secure_accelerator_access", "TestSecureAcceleratorAccess"),
    ("gang_scheduling", "TestGangScheduling"),
    ("cluster_autoscaling", "TestAcceleratorClusterAutoscaling"),
];

/// The MUST requirement that may be N/A.
const CONDITIONAL: &str = "cluster_autoscaling";

/// What the validator refuses or warns of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProgramRemark {
    /// Name of the rule.
    pub(super) rule: &'static str,
    /// The field, category, requirement or tests that violate it.
    pub(super) subject: String,
    /// The artifact; PRODUCT.yaml if absent.
    pub(super) file: Option<String>,
    pub(super) message: String,
}

impl ProgramRemark {
    pub(super) fn new(rule: &'static str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { rule, subject: subject.into(), file: None, message: message.into() }
    }

    fn in_file(self, file: &str) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }

    /// Whether the remark is of our requirement, or of the whole file and so of ours too.
    pub(super) fn concerns_requirement(&self) -> bool {
        match self.rule {
            "tests-failing"
            | "yaml-syntax"
            | "yaml-type"
            | "spec-section-missing"
            | "checklist-absent"
            | "checklist-unreadable" => true,
            "category-missing" => self.subject == CATEGORY,
            _ => self.subject.split(' ').next() == Some(ID),
        }
    }
}

/// The validator's answer.
#[derive(Debug, Default)]
pub(super) struct ProgramAnswer {
    pub(super) refusals: Vec<ProgramRemark>,
    pub(super) warnings: Vec<ProgramRemark>,
    /// Path → tests of each cited artifact; `None` if it cannot be read.
    pub(super) artifacts: BTreeMap<String, Option<ArtifactTests>>,
}

pub(super) struct ProgramValidator<'a> {
    dir: &'a Path,
    version: &'a ProgramVersion,
    answer: ProgramAnswer,
}

impl<'a> ProgramValidator<'a> {
    /// Applies all rules to a product; membership of its vendor only if the members are known.
    pub(super) fn validate(
        (dir, version): (&'a Path, &'a ProgramVersion),
        checklist: &Checklist,
        product: &ProductYaml,
        members: Option<&BTreeSet<String>>,
    ) -> ProgramAnswer {
        let mut validator = Self { dir, version, answer: ProgramAnswer::default() };
        validator.answer.refusals = check_metadata(product.metadata.as_ref(), members);
        let Some(spec) = &product.spec else {
            validator.refuse("spec-section-missing", "", "`spec` is missing");
            return validator.answer;
        };
        for (category, requirements) in checklist {
            let Some(entries) = spec.get(category) else {
                validator.refuse("category-missing", category, format!("spec has no category `{category}`"));
                continue;
            };
            for (id, level) in requirements {
                match entries.iter().rfind(|entry| entry.id == *id) {
                    Some(entry) => validator.check_entry(entry, level),
                    None => validator.refuse("requirement-missing", id, format!("{category} has no entry `{id}`")),
                }
            }
        }
        validator.answer
    }

    fn refuse(&mut self, rule: &'static str, subject: impl Into<String>, message: impl Into<String>) {
        self.answer.refusals.push(ProgramRemark::new(rule, subject, message));
    }

    fn refuse_artifact(&mut self, path: &str, rule: &'static str, subject: String, message: String) {
        self.answer.refusals.push(ProgramRemark::new(rule, subject, message).in_file(path));
    }

    fn check_entry(&mut self, entry: &RequirementEntry, level: &str) {
        if level == "SHOULD" && entry.status.is_empty() && entry.evidence.is_empty() {
            return;
        }
        self.check_status(entry, level);
        let mut has_artifact = false;
        for link in entry.evidence.iter().filter(|link| !link.is_empty()) {
            has_artifact |= self.check_link(entry, link);
        }
        let is_recommended = self.version.has_test_artifacts() && entry.status == "Implemented" && !has_artifact;
        if let Some(test) = mapped_test(&entry.id).filter(|_| is_recommended) {
            let message = format!("{}: e2e.log, junit.xml or results.json with `{test}` is recommended", entry.id);
            self.answer.warnings.push(ProgramRemark::new("artifact-recommended", &entry.id, message));
        }
    }

    fn check_status(&mut self, entry: &RequirementEntry, level: &str) {
        let (id, status) = (&entry.id, entry.status.as_str());
        if !STATUSES.contains(&status) {
            let message = format!("{id}: the status `{status}` is not one of {}", STATUSES.join(", "));
            self.refuse("status-unknown", id, message);
        }
        match (level, status) {
            ("MUST", "Implemented") => {}
            ("MUST", "N/A") if id == CONDITIONAL => {
                let message = format!("{id}: N/A is allowed, and reviewed by its notes");
                self.answer.warnings.push(ProgramRemark::new("na-to-review", id, message));
            }
            ("MUST", _) => {
                let alternative = if id == CONDITIONAL { " or `N/A`" } else { "" };
                let message = format!("{id}: a MUST has to be `Implemented`{alternative}; the status is `{status}`");
                self.refuse("must-unmet", id, message);
            }
            _ => {}
        }
        if status == "N/A" && entry.notes.trim().is_empty() {
            self.refuse("notes-missing", id, format!("{id}: N/A needs notes"));
        }
    }

    /// Checks one link, and returns whether it is an artifact.
    fn check_link(&mut self, entry: &RequirementEntry, link: &str) -> bool {
        let id = &entry.id;
        let (path, fragment) = match parse(link, self.version) {
            Ok(EvidenceRef::File { path, fragment }) => (path, fragment),
            Ok(EvidenceRef::Url) => {
                if let Some(fault) = find_fault(link) {
                    self.refuse("evidence-url", id, format!("{id}: `{link}` cannot be asked for: {fault}"));
                }
                return false;
            }
            Err(error) => {
                let (rule, why) = match error {
                    EvidencePathError::Empty => ("evidence-empty", "names no file"),
                    EvidencePathError::Foreign => ("evidence-foreign", "names another product's directory"),
                    EvidencePathError::Outside => ("evidence-outside", "is not below the product's directory"),
                };
                self.refuse(rule, id, format!("{id}: `{link}` {why}"));
                return false;
            }
        };
        // Like the script: any other error, for example a name that is too long, passes here.
        let is_absent = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        if std::fs::metadata(self.dir.join(&path)).is_err_and(is_absent) {
            self.refuse("evidence-absent", id, format!("{id}: `{link}` does not exist"));
            return false;
        }
        if !artifact::is_artifact(&path) {
            return false;
        }
        self.check_artifact(entry, &path, fragment.as_deref().or_else(|| mapped_test(id)));
        true
    }

    /// Checks a cited artifact. It is read, and its failing tests are reported, at its first citation only.
    fn check_artifact(&mut self, entry: &RequirementEntry, path: &str, test: Option<&str>) {
        if !self.answer.artifacts.contains_key(path) {
            let tests = self.read_artifact(&entry.id, path);
            self.answer.artifacts.insert(path.to_owned(), tests);
        }
        let (Some(Some(tests)), Some(test)) = (self.answer.artifacts.get(path), test) else { return };
        let (rule, message) = match tests.look_up(test) {
            None => ("test-absent", format!("`{test}` is missing")),
            Some(ArtifactStatus::Failed) => ("test-failed", format!("`{test}` failed")),
            Some(ArtifactStatus::Skipped) if entry.status == "Implemented" => {
                ("test-skipped", format!("`{test}` was skipped, but the status is Implemented"))
            }
            Some(ArtifactStatus::Skipped | ArtifactStatus::Passed) => return,
        };
        self.refuse_artifact(path, rule, format!("{} {test}", entry.id), message);
    }

    fn read_artifact(&mut self, id: &str, path: &str) -> Option<ArtifactTests> {
        let bytes = match read_bytes(self.dir, path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.refuse_artifact(path, "artifact-unreadable", id.to_owned(), error);
                return None;
            }
        };
        // The rules are checked in every version, although they came with v1.37.
        let is_newer = !self.version.has_test_artifacts();
        let newer = match is_newer {
            true => format!(
                "; this rule came with v1.37, so a submission of {} may have passed without it",
                self.version.label()
            ),
            false => String::new(),
        };
        match artifact::parse(path, &bytes)? {
            Err(error) => {
                let subject = error.line.map_or_else(|| id.to_owned(), |line| format!("{id} line {line}"));
                self.refuse_artifact(path, error.rule, subject, format!("{}{newer}", error.message));
                None
            }
            Ok(tests) => {
                let failed = tests.failed().join(", ");
                if !tests.failed().is_empty() {
                    let message = format!("it contains failing tests: {failed}{newer}");
                    self.refuse_artifact(path, "tests-failing", failed, message);
                }
                Some(tests)
            }
        }
    }
}

fn mapped_test(id: &str) -> Option<&'static str> {
    AUTO_TESTED.iter().find(|(auto_tested, _)| *auto_tested == id).map(|(_, test)| *test)
}
