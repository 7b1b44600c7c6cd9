//! The part of PRODUCT.yaml that is ours: the entry of the requirement, to be put into the product's own file.

use super::requirement::{CATEGORY, DESCRIPTION, ID, LEVEL};
use super::{DISCLAIMER, REQUIREMENT_DIR, Submission, single_line};
use crate::model::verdict::CaseResult;

/// Name of the fragment's file. The validator runs on every PRODUCT.yaml, at any depth, so it has another name.
pub const FRAGMENT_FILE: &str = "product-fragment.yaml";

pub(super) fn render_fragment(submission: &Submission<'_>) -> String {
    let mut out = format!(
        "# For PRODUCT.yaml of {}/{}: put this in the place of the entry `{ID}` under spec.{CATEGORY}.\n# id, description \
         and level stand as in the checklist, and must stay so. {DISCLAIMER}\n",
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
    for one in evidence_entries(submission) {
        out += &format!("        - {}\n", yaml_quoted(&one));
    }
    out + &format!("      notes: {}\n", yaml_quoted(&render_notes(submission)))
}

/// What the records allow to say: nothing where it could not be told.
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

/// What was seen, from the records only.
fn render_notes(submission: &Submission<'_>) -> String {
    let (held, verdict) = (submission.bundle, submission.verdict);
    let marks: String = submission.forced_marks().iter().map(|mark| format!("{mark}. ")).collect();
    let held_cases = verdict.cases.iter().filter(|case| case.result == CaseResult::Pass).count();
    let reason_of = |name: &str| {
        let case = verdict.cases.iter().find(|case| case.name == name && case.result == CaseResult::Pass);
        case.map(|case| format!(" {}.", case.reason)).unwrap_or_default()
    };
    let seen: String = ["Setup/PodsRequestAccelerators", "Control/ByTheAutoscaler", "ScaleUp/NewPodsRunOnAccelerators"]
        .map(reason_of)
        .concat();
    single_line(&format!(
        "{marks}gpuhpa {} on Kubernetes {}, run {} of {}: {}, {held_cases} of {} cases hold.{seen} {DISCLAIMER}",
        held.inventory.gpuhpa_version,
        held.inventory.kubernetes_version,
        held.manifest.run,
        held.inventory.started.strftime("%F"),
        verdict.title(),
        verdict.cases.len()
    ))
}

/// Text in double quotes: JSON's are YAML's too.
fn yaml_quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
