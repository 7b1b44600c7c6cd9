//! The verdict derived again from the observations alone, against the one that is stored; and with it every file that
//! follows from it.

use super::Checked;
use crate::evidence::{self, Held};
use crate::record::prediction::Prediction;
use crate::record::verdict::{Case, Verdict};

/// The stored verdict, case by case.
pub(super) fn verdict(held: &Held, derived: &Verdict) -> Checked {
    let what =
        format!("the verdict follows again from {} observations, {} cases", held.timeline.len(), derived.cases.len());
    let differences = held.verdict.as_ref().map(|stored| compared(stored, derived)).unwrap_or_default();
    Checked::new("verdict", what, differences)
}

/// The files that follow from records and verdict, byte for byte.
pub(super) fn files(held: &Held, derived: &Verdict, prediction: &Prediction) -> Checked {
    let mut differences = Vec::new();
    let mut names = Vec::new();
    // A bundle without its verdict was not written to its end.
    if held.verdict.is_some() {
        match evidence::derived(&held.ending(derived, prediction)) {
            Ok(files) => {
                for (name, text) in files {
                    match held.texts.get(name) {
                        None => differences.push(format!("{name} is missing")),
                        Some(stored) if stored != text.as_bytes() => differences.push(differing(name, stored, &text)),
                        Some(_) => {}
                    }
                    names.push(name);
                }
            }
            Err(error) => differences.push(error.to_string()),
        }
    }
    let what = format!("what follows from the records is the same byte for byte: {}", names.join(", "));
    Checked::new("derived files", what, differences)
}

/// Where two texts part.
fn differing(name: &str, stored: &[u8], derived: &str) -> String {
    let same = stored.iter().zip(derived.as_bytes()).take_while(|(a, b)| a == b).count();
    let line = stored[..same].iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("{name} is not what follows from the records: they part in line {line}")
}

fn compared(stored: &Verdict, derived: &Verdict) -> Vec<String> {
    let mut differences = Vec::new();
    for case in &derived.cases {
        match stored.cases.iter().find(|other| other.name == case.name) {
            None => differences.push(format!("{}: the stored verdict lacks this case", case.name)),
            Some(other) => differences.extend(parted(other, case)),
        }
    }
    let known = |case: &Case| derived.cases.iter().any(|other| other.name == case.name);
    for case in stored.cases.iter().filter(|case| !known(case)) {
        differences.push(format!("{}: the stored verdict has a case that there is not", shown(&case.name)));
    }
    let names = |verdict: &Verdict| verdict.cases.iter().map(|case| case.name.clone()).collect::<Vec<_>>();
    if differences.is_empty() && names(stored) != names(derived) {
        differences.push("the stored verdict has its cases in another order, or twice".to_owned());
    }
    let whole = [
        ("result", stored.result.word().to_owned(), derived.result.word().to_owned()),
        ("reason", stored.reason.clone(), derived.reason.clone()),
        ("standIn", stored.stand_in.to_string(), derived.stand_in.to_string()),
        ("rehearsal", stored.rehearsal.to_string(), derived.rehearsal.to_string()),
        ("restored", stored.restored.to_string(), derived.restored.to_string()),
        ("tookMs", stored.took_ms.to_string(), derived.took_ms.to_string()),
        ("leastMs", stored.least_ms.to_string(), derived.least_ms.to_string()),
        ("suite", stored.suite.clone(), derived.suite.clone()),
        ("format", stored.format.to_string(), derived.format.to_string()),
    ];
    differences.extend(whole.iter().filter(|(_, stored, derived)| stored != derived).map(
        |(field, stored, derived)| format!("{field}: stored is {}, derived is {}", shown(stored), shown(derived)),
    ));
    differences
}

/// What is not the same in two rulings on one case.
fn parted(stored: &Case, derived: &Case) -> Vec<String> {
    let list = |items: &[String]| items.join("; ");
    let cites = |case: &Case| case.cites.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let span = |case: &Case| case.span_ms.map_or("none".to_owned(), |[from, to]| format!("{from} to {to} ms"));
    let fields = [
        ("result", stored.result.word().to_owned(), derived.result.word().to_owned()),
        ("reason", stored.reason.clone(), derived.reason.clone()),
        ("cites", cites(stored), cites(derived)),
        ("span", span(stored), span(derived)),
        ("findings", list(&stored.findings), list(&derived.findings)),
    ];
    let parted = fields.iter().filter(|(_, stored, derived)| stored != derived);
    parted
        .map(|(field, stored, other)| {
            format!("{}: {field}: stored is {}, derived is {}", derived.name, shown(stored), shown(other))
        })
        .collect()
}

/// A text of any length within a sentence.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(160).collect();
    if cut.len() < text.len() { format!("`{cut}...`") } else { format!("`{cut}`") }
}
