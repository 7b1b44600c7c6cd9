//! Renders our part of PRODUCT.yaml: the entry of the requirement, which the submitter puts into the product's file.

use super::requirement::{CATEGORY, DESCRIPTION, ID, LEVEL};
use super::{DISCLAIMER, REQUIREMENT_DIR, Submission, single_line};
use crate::model::verdict::CaseResult;

/// Name of the fragment's file. Not PRODUCT.yaml, since the validator checks every file of that name at any depth.
pub(crate) const FRAGMENT_FILE: &str = "product-fragment.yaml";

pub(super) fn render_fragment(submission: &Submission<'_>) -> String {
    let mut out = format!(
        "# For PRODUCT.yaml of {}/{}: replace the entry `{ID}` under spec.{CATEGORY} with this one.\n# Do not edit id, \
         description and level: they are those of the checklist. {DISCLAIMER}\n",
        submission.version.label(),
        single_line(&submission.version.product_dir)
    );
    for mark in submission.forced_marks() {
        out += &format!("# {}\n", single_line(&mark));
    }
    out += &format!(
        "spec:\n  {CATEGORY}:\n    - id: {ID}\n      description: {}\n      level: {LEVEL}\n      status: {}\n      \
         evidence:\n",
        yaml_quoted(DESCRIPTION),
        yaml_quoted(requirement_status(submission))
    );
    for entry in evidence_entries(submission) {
        out += &format!("        - {}\n", yaml_quoted(&entry));
    }
    out + &format!("      notes: {}\n", yaml_quoted(&render_notes(submission)))
}

/// Status of the requirement by the verdict; empty for INCONCLUSIVE, which no status of the checklist expresses.
fn requirement_status(submission: &Submission<'_>) -> &'static str {
    match submission.verdict.result {
        CaseResult::Pass => "Implemented",
        CaseResult::Fail => "Not Implemented",
        CaseResult::Inconclusive => "",
        CaseResult::NotApplicable => "N/A",
    }
}

fn evidence_entries(submission: &Submission<'_>) -> Vec<String> {
    let suite = &submission.verdict.suite;
    match submission.version.has_test_artifacts() {
        true => ["junit.xml", "results.json", "e2e.log"]
            .map(|name| format!("file://{REQUIREMENT_DIR}/{name}#{suite}"))
            .into_iter()
            .chain([format!("file://{REQUIREMENT_DIR}/README.md")])
            .collect(),
        false => vec![format!("{REQUIREMENT_DIR}/README.md"), format!("{REQUIREMENT_DIR}/e2e-results.txt")],
    }
}

/// Notes from the records only: forced marks, run, result, and the reasons of the main cases.
fn render_notes(submission: &Submission<'_>) -> String {
    let (bundle, verdict) = (submission.bundle, submission.verdict);
    let marks: String = submission.forced_marks().iter().map(|mark| format!("{mark}. ")).collect();
    let passed = verdict.cases.iter().filter(|case| case.result == CaseResult::Pass).count();
    let reason_of = |name: &str| {
        let case = verdict.cases.iter().find(|case| case.name == name && case.result == CaseResult::Pass);
        // The findings name the pods and their devices.
        let texts = case.into_iter().flat_map(|case| [&case.reason].into_iter().chain(&case.findings));
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        if texts.is_empty() { String::new() } else { format!(" {}.", texts.join("; ")) }
    };
    let reasons: String =
        ["Setup/PodsRequestAccelerators", "Control/ByTheAutoscaler", "ScaleUp/NewPodsRunOnAccelerators"]
            .map(reason_of)
            .concat();
    single_line(&format!(
        "{marks}{} on {}, run {} of {}: {}, {passed} of {} cases passed.{reasons} {DISCLAIMER}",
        bundle.inventory.gpuhpa_build(),
        bundle.inventory.kubernetes(),
        bundle.manifest.run,
        bundle.inventory.started.strftime("%F"),
        verdict.title(),
        verdict.cases.len()
    ))
}

/// A YAML double-quoted string; a JSON string is one.
fn yaml_quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
