//! The verdict derived again from the observations alone, against the one that is stored; and with it every file that
//! follows from it.

use super::BundleCheck;
use crate::evidence::{self, LoadedBundle};
use crate::model::prediction::RunPrediction;
use crate::model::verdict::{Case, Verdict};

/// The stored verdict, case by case.
pub(super) fn check_verdict(held: &LoadedBundle, derived: &Verdict) -> BundleCheck {
    let what =
        format!("the verdict follows again from {} observations, {} cases", held.timeline.len(), derived.cases.len());
    let differences = held.verdict.as_ref().map(|stored| compare_verdicts(stored, derived)).unwrap_or_default();
    BundleCheck::new("verdict", what, differences)
}

/// The files that follow from records and verdict, byte for byte.
pub(super) fn check_files(held: &LoadedBundle, derived: &Verdict, prediction: &RunPrediction) -> BundleCheck {
    let mut differences = Vec::new();
    let mut names = Vec::new();
    // A bundle without its verdict was not written to its end.
    if held.verdict.is_some() {
        match evidence::derive_files(&held.finished_run(derived, prediction)) {
            Ok(files) => {
                for (name, text) in files {
                    match held.raw_files.get(name) {
                        None => differences.push(format!("{name} is missing")),
                        Some(stored) if stored != text.as_bytes() => {
                            differences.push(describe_first_difference(name, stored, &text))
                        }
                        Some(_) => {}
                    }
                    names.push(name);
                }
            }
            Err(error) => differences.push(error.to_string()),
        }
    }
    let what = format!("what follows from the records is the same byte for byte: {}", names.join(", "));
    BundleCheck::new("derived files", what, differences)
}

/// Where two texts part.
fn describe_first_difference(name: &str, stored: &[u8], derived: &str) -> String {
    let same = stored.iter().zip(derived.as_bytes()).take_while(|(a, b)| a == b).count();
    let line = stored[..same].iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("{name} is not what follows from the records: they part in line {line}")
}

fn compare_verdicts(stored: &Verdict, derived: &Verdict) -> Vec<String> {
    let mut differences = Vec::new();
    for case in &derived.cases {
        match stored.cases.iter().find(|other| other.name == case.name) {
            None => differences.push(format!("{}: the stored verdict lacks this case", case.name)),
            Some(other) => differences.extend(compare_cases(other, case)),
        }
    }
    let known = |case: &Case| derived.cases.iter().any(|other| other.name == case.name);
    for case in stored.cases.iter().filter(|case| !known(case)) {
        differences.push(format!("{}: the stored verdict has a case that there is not", quote_text(&case.name)));
    }
    let names = |verdict: &Verdict| verdict.cases.iter().map(|case| case.name.clone()).collect::<Vec<_>>();
    if differences.is_empty() && names(stored) != names(derived) {
        differences.push("the stored verdict has its cases in another order, or twice".to_owned());
    }
    let whole = [
        ("result", stored.result.as_str().to_owned(), derived.result.as_str().to_owned()),
        ("reason", stored.reason.clone(), derived.reason.clone()),
        ("standIn", stored.stand_in.to_string(), derived.stand_in.to_string()),
        ("rehearsal", stored.rehearsal.to_string(), derived.rehearsal.to_string()),
        ("restored", stored.restored.to_string(), derived.restored.to_string()),
        ("durationMs", stored.duration_ms.to_string(), derived.duration_ms.to_string()),
        ("minDurationMs", stored.min_duration_ms.to_string(), derived.min_duration_ms.to_string()),
        ("suite", stored.suite.clone(), derived.suite.clone()),
        ("format", stored.format.to_string(), derived.format.to_string()),
    ];
    differences.extend(whole.iter().filter(|(_, stored, derived)| stored != derived).map(
        |(field, stored, derived)| {
            format!("{field}: stored is {}, derived is {}", quote_text(stored), quote_text(derived))
        },
    ));
    differences
}

/// What is not the same in two rulings on one case.
fn compare_cases(stored: &Case, derived: &Case) -> Vec<String> {
    let list = |items: &[String]| items.join("; ");
    let cites = |case: &Case| case.cited_seqs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let span = |case: &Case| case.span_ms.map_or("none".to_owned(), |[from, to]| format!("{from} to {to} ms"));
    let fields = [
        ("result", stored.result.as_str().to_owned(), derived.result.as_str().to_owned()),
        ("reason", stored.reason.clone(), derived.reason.clone()),
        ("citedSeqs", cites(stored), cites(derived)),
        ("span", span(stored), span(derived)),
        ("findings", list(&stored.findings), list(&derived.findings)),
    ];
    let parted = fields.iter().filter(|(_, stored, derived)| stored != derived);
    parted
        .map(|(field, stored, other)| {
            format!("{}: {field}: stored is {}, derived is {}", derived.name, quote_text(stored), quote_text(other))
        })
        .collect()
}

/// A text of any length within a sentence.
fn quote_text(text: &str) -> String {
    let cut: String = text.chars().take(160).collect();
    if cut.len() < text.len() { format!("`{cut}...`") } else { format!("`{cut}`") }
}
