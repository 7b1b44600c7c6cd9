//! The part of PRODUCT.yaml that is ours: the entry of the requirement, to be put into the product's own file.

use super::requirement::{CATEGORY, DESCRIPTION, ID, LEVEL};
use super::{CERTIFIES, FOLDER, Submission, line};
use crate::record::verdict::CaseResult;

/// Name of the fragment's file. The validator runs on every PRODUCT.yaml, at any depth, so it has another name.
pub const FRAGMENT: &str = "product-fragment.yaml";

pub(super) fn fragment(submission: &Submission<'_>) -> String {
    let mut out = format!(
        "# For PRODUCT.yaml of {}/{}: put this in the place of the entry `{ID}` under spec.{CATEGORY}.\n# id, description \
         and level stand as in the checklist, and must stay so. {CERTIFIES}\n",
        submission.edition.version(),
        line(&submission.edition.product)
    );
    for mark in submission.marks() {
        out += &format!("# {}\n", line(&mark));
    }
    out += &format!(
        "spec:\n  {CATEGORY}:\n    - id: {ID}\n      description: {}\n      level: {LEVEL}\n      status: {}\n      \
         evidence:\n",
        quoted(DESCRIPTION),
        quoted(status(submission))
    );
    for one in evidence(submission) {
        out += &format!("        - {}\n", quoted(&one));
    }
    out + &format!("      notes: {}\n", quoted(&notes(submission)))
}

/// What the records allow to say: nothing where it could not be told.
fn status(submission: &Submission<'_>) -> &'static str {
    match submission.verdict.result {
        CaseResult::Pass => "Implemented",
        CaseResult::Fail => "Not Implemented",
        CaseResult::Inconclusive => "",
        CaseResult::NotApplicable => "N/A",
    }
}

fn evidence(submission: &Submission<'_>) -> Vec<String> {
    let suite = &submission.verdict.suite;
    match submission.edition.is_hybrid() {
        true => ["junit.xml", "results.json", "e2e.log"]
            .map(|name| format!("file://{FOLDER}/{name}#{suite}"))
            .into_iter()
            .chain([format!("file://{FOLDER}/README.md")])
            .collect(),
        false => vec![format!("{FOLDER}/README.md"), format!("{FOLDER}/e2e-results.txt")],
    }
}

/// What was seen, from the records only.
fn notes(submission: &Submission<'_>) -> String {
    let (held, verdict) = (submission.held, submission.verdict);
    let marks: String = submission.marks().iter().map(|mark| format!("{mark}. ")).collect();
    let held_cases = verdict.cases.iter().filter(|case| case.result == CaseResult::Pass).count();
    let reason_of = |name: &str| {
        let case = verdict.cases.iter().find(|case| case.name == name && case.result == CaseResult::Pass);
        case.map(|case| format!(" {}.", case.reason)).unwrap_or_default()
    };
    let seen: String = ["Setup/PodsRequestAccelerators", "Control/ByTheAutoscaler", "ScaleUp/NewPodsRunOnAccelerators"]
        .map(reason_of)
        .concat();
    line(&format!(
        "{marks}gpuhpa {} on Kubernetes {}, run {} of {}: {}, {held_cases} of {} cases hold.{seen} {CERTIFIES}",
        held.inventory.gpuhpa,
        held.inventory.kubernetes,
        held.manifest.run,
        held.inventory.started.strftime("%F"),
        verdict.title(),
        verdict.cases.len()
    ))
}

/// Text in double quotes: JSON's are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
