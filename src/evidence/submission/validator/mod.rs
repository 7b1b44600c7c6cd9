//! Checks a submission by the rules of the programme's validator, without network access, and by rules for what the validator
//! does not detect.

mod checklist;
mod folder;
mod metadata;
mod product_yaml;
mod program_rules;
mod reviewer;
mod web_address;

use std::collections::BTreeSet;
use std::path::Path;

use checklist::{ChecklistSource, load_checklist};
use folder::read_bytes;
use product_yaml::{ProductYaml, read_product_yaml};
use program_rules::{ProgramAnswer, ProgramRemark, ProgramValidator};

use super::{FRAGMENT_FILE, ProgramVersion, REQUIREMENT_DIR};

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
    /// What violates it, for example a field of the metadata or a requirement; empty if the rule says it.
    pub(crate) subject: String,
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
    /// What the validator warns of, and accepts.
    pub(crate) warnings: Vec<ValidationFinding>,
    /// What the submitter should look at, and violates no rule.
    pub(crate) notes: Vec<String>,
    /// What the validator checks, and this does not.
    pub(crate) unchecked: Vec<String>,
}

/// Checks PRODUCT.yaml in the product's directory, or the fragment that export wrote if there is none yet.
///
/// # Errors
/// The directory is not a product's, or has neither file.
pub(crate) fn check(dir: &Path) -> Result<ValidationReport, String> {
    check_with_members(dir, None)
}

/// Checks membership of the vendor as well if the foundation's members are known.
fn check_with_members(dir: &Path, members: Option<&BTreeSet<String>>) -> Result<ValidationReport, String> {
    let version = ProgramVersion::from_product_dir(dir)?;
    let fragment = format!("{REQUIREMENT_DIR}/{FRAGMENT_FILE}");
    let is_fragment = !dir.join("PRODUCT.yaml").exists();
    let name = if is_fragment { &fragment } else { "PRODUCT.yaml" };
    let bytes = read_bytes(dir, name).map_err(|error| format!("{}: {error}", dir.display()))?;
    let report = ValidationReport::default();
    let mut validator = SubmissionValidator { dir, version: &version, file: name, report };
    if is_fragment {
        validator.report.notes.push(format!("no PRODUCT.yaml yet; {name} was checked instead"));
        validator.report.unchecked.push("metadata of the product, the other requirements".to_owned());
    }
    let (answer, product) = validator.apply_program_rules(&bytes, members);
    let concerns = |remark: &ProgramRemark| !is_fragment || remark.concerns_requirement();
    for (remarks, is_refusal) in [(&answer.refusals, true), (&answer.warnings, false)] {
        remarks.iter().filter(|remark| concerns(remark)).for_each(|remark| validator.add_remark(remark, is_refusal));
    }
    if let Some(product) = product {
        validator.review_requirement(&product, &answer.artifacts);
    }
    validator.check_folder();
    validator.check_manifest();
    if members.is_none() && !is_fragment {
        validator.report.unchecked.push("whether the vendor is a member of the foundation".to_owned());
    }
    validator.report.unchecked.push("whether URLs are reachable".to_owned());
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
    fn add_finding(&mut self, rule: &'static str, message: impl Into<String>) {
        self.add_finding_in(self.file.to_owned(), rule, message);
    }

    /// Adds a finding of our own rules.
    fn add_finding_in(&mut self, file: String, rule: &'static str, message: impl Into<String>) {
        let (origin, subject) = (RuleOrigin::Reviewer, String::new());
        self.report.findings.push(ValidationFinding { file, rule, subject, origin, message: message.into() });
    }

    fn add_remark(&mut self, remark: &ProgramRemark, is_refusal: bool) {
        let ProgramRemark { rule, subject, file, message } = remark.clone();
        let file = file.unwrap_or_else(|| self.file.to_owned());
        let finding = ValidationFinding { file, rule, subject, origin: RuleOrigin::Validator, message };
        let findings = if is_refusal { &mut self.report.findings } else { &mut self.report.warnings };
        findings.push(finding);
    }

    /// The validator's answer to a file, and the file as it reads it.
    fn apply_program_rules(
        &mut self,
        bytes: &[u8],
        members: Option<&BTreeSet<String>>,
    ) -> (ProgramAnswer, Option<ProductYaml>) {
        let refusal = |rule, message: String| ProgramAnswer {
            refusals: vec![ProgramRemark::new(rule, "", message)],
            ..ProgramAnswer::default()
        };
        let label = self.version.label();
        let clone = self.dir.parent().and_then(Path::parent);
        let (checklist, source) = match load_checklist(clone, self.version) {
            Ok(Some(found)) => found,
            Ok(None) => {
                let message = format!("there is no checklist of {label}");
                return (refusal("checklist-absent", message), None);
            }
            Err(error) => return (refusal("checklist-unreadable", error), None),
        };
        self.report.notes.push(match source {
            ChecklistSource::Clone(name) => format!("checked against {name} of the clone"),
            ChecklistSource::BuiltIn => {
                format!("the directory is in no clone with docs/; checked against the built-in checklist of {label}")
            }
        });
        match read_product_yaml(bytes) {
            Ok(product) => {
                let answer = ProgramValidator::validate((self.dir, self.version), &checklist, &product, members);
                (answer, Some(product))
            }
            Err(error) => (refusal(error.rule, error.message), None),
        }
    }
}

#[cfg(test)]
mod tests;
