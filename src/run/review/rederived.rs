//! The verdict derived again from the observations alone, against the stored one, and with it every file that is made from
//! the verdict.

use std::collections::BTreeSet;

use super::{BundleCheck, CaseChange, ReviewInput};
use crate::evidence::{self, LoadedBundle};
use crate::judge::{self, Check};
use crate::model::prediction::RunPrediction;
use crate::model::stamp::RunStamp;
use crate::model::verdict::{Case, CaseResult, Verdict};

/// The stored verdict. Under today's rules it is compared field by field; under older ones it has to be consistent in itself, and
/// the results of its cases are compared.
pub(super) fn check_verdict(input: &ReviewInput<'_>, changed_cases: &[CaseChange]) -> BundleCheck {
    let (bundle, derived) = (input.bundle, input.derived);
    let (observations, cases) = (bundle.timeline.len(), derived.cases.len());
    let Some(stored) = &bundle.verdict else {
        return BundleCheck::new("verdict", "there is no stored verdict", Vec::new());
    };
    if input.has_current_rules() {
        let summary = format!("derived {cases} cases again from {observations} observations");
        return BundleCheck::new("verdict", summary, compare_verdicts(stored, derived));
    }
    let summary = format!(
        "the results of {cases} cases were derived from {observations} observations under today's rules {}",
        input.current_rules()
    );
    BundleCheck::new("verdict", summary, contradictions(bundle, stored))
        .with_changed_by_rules(changed_cases.iter().map(CaseChange::text).collect())
}

/// The files that are made from records and verdict. Under today's rules they are the same byte for byte; under older ones the
/// artifacts have to hold the stored results, and the digests alone cover report and README.
pub(super) fn check_files(input: &ReviewInput<'_>, prediction: &RunPrediction) -> BundleCheck {
    let bundle = input.bundle;
    // A bundle without its verdict was not written to its end.
    let Some(stored) = &bundle.verdict else {
        return BundleCheck::new("derived files", "there are none", Vec::new());
    };
    if input.has_current_rules() {
        return compare_files(bundle, input.derived, prediction);
    }
    let summary = "junit.xml, results.json and e2e.log hold the stored results; report.html and README.md are covered by \
                   their digests alone";
    let mut differences: Vec<String> = evidence::DERIVED_FILES
        .into_iter()
        .filter(|name| !bundle.raw_files.contains_key(*name))
        .map(|name| format!("{name} is missing"))
        .collect();
    differences.extend(evidence::compare_artifacts(bundle, stored));
    BundleCheck::new("derived files", summary, differences)
}

fn compare_files(bundle: &LoadedBundle, derived: &Verdict, prediction: &RunPrediction) -> BundleCheck {
    let mut differences = Vec::new();
    let mut names = Vec::new();
    match evidence::derive_files(&bundle.finished_run(derived, prediction), bundle.has_diagnostics()) {
        Ok(files) => {
            for (name, text) in files {
                match bundle.raw_files.get(name) {
                    None => differences.push(format!("{name} is missing")),
                    Some(stored) if stored != text.as_bytes() => {
                        differences.push(describe_first_difference(name, stored, &text));
                    }
                    Some(_) => {}
                }
                names.push(name);
            }
        }
        Err(error) => differences.push(error.to_string()),
    }
    let summary = format!("compared byte for byte: {}", names.join(", "));
    BundleCheck::new("derived files", summary, differences)
}

/// What a verdict of any rules must not do: contradict itself, the records or the stamps.
fn contradictions(bundle: &LoadedBundle, stored: &Verdict) -> Vec<String> {
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    for case in &stored.cases {
        if !names.insert(case.name.as_str()) {
            found.push(format!("{}: the stored verdict has this case twice", quote_text(&case.name)));
        }
        let unknown = case.cited_seqs.iter().find(|seq| **seq >= bundle.timeline.len() as u64);
        found.extend(unknown.map(|seq| format!("{}: it cites observation {seq}, which there is not", case.name)));
    }
    let (result, _) = judge::overall_result(&bundle.records(), &stored.cases);
    if stored.result != result {
        found.push(format!("result: stored is {}, and its cases give {}", stored.result.as_str(), result.as_str()));
    }
    let is_restored =
        stored.cases.iter().any(|case| case.name == Check::Restored.name() && case.result == CaseResult::Pass);
    if stored.restored != is_restored {
        found.push(format!("restored: stored is {}, and its case says otherwise", stored.restored));
    }
    if stored.rules != bundle.manifest.rules {
        found.push(format!("rules: verdict.json says {}, and manifest.json {}", stored.rules, bundle.manifest.rules));
    }
    if stored.stamps() != RunStamp::from_run(&bundle.scenario, &bundle.inventory) {
        found.push("the stamps of verdict.json are not those of scenario and inventory".to_owned());
    }
    found
}

/// The first line in which two texts differ.
fn describe_first_difference(name: &str, stored: &[u8], derived: &str) -> String {
    let same = stored.iter().zip(derived.as_bytes()).take_while(|(a, b)| a == b).count();
    let line = stored[..same].iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("{name} is not what the records give: first difference in line {line}")
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
        differences.push(format!("{}: the stored verdict has an unknown case", quote_text(&case.name)));
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
        ("rules", stored.rules.to_string(), derived.rules.to_string()),
    ];
    let differing = whole.iter().filter(|(_, stored, derived)| stored != derived);
    differences.extend(differing.map(|(field, stored, derived)| format!("{field}: {}", quote_both(stored, derived))));
    differences
}

/// The fields in which two results of one case differ.
fn compare_cases(stored: &Case, derived: &Case) -> Vec<String> {
    let list = |items: &[String]| items.join("; ");
    let cites = |case: &Case| case.cited_seqs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let span = |case: &Case| case.span_ms.map_or("none".to_owned(), |[from, to]| format!("{from} to {to} ms"));
    let fields = [
        ("result", stored.result_label().to_owned(), derived.result_label().to_owned()),
        ("reason", stored.reason.clone(), derived.reason.clone()),
        ("citedSeqs", cites(stored), cites(derived)),
        ("span", span(stored), span(derived)),
        ("findings", list(&stored.findings), list(&derived.findings)),
    ];
    let differing = fields.iter().filter(|(_, stored, derived)| stored != derived);
    differing.map(|(field, one, other)| format!("{}: {field}: {}", derived.name, quote_both(one, other))).collect()
}

/// Characters of a quoted text.
const QUOTED: usize = 160;
/// Characters before the first difference of two texts that are quoted.
const QUOTED_BEFORE: usize = 40;

/// Two texts that differ, from shortly before their first difference where they are long.
fn quote_both(stored: &str, derived: &str) -> String {
    let same = stored.chars().zip(derived.chars()).take_while(|(one, other)| one == other).count();
    let is_long = stored.chars().count().max(derived.chars().count()) > QUOTED;
    let from = if is_long { same.saturating_sub(QUOTED_BEFORE) } else { 0 };
    format!("stored is {}, derived is {}", quote_from(stored, from), quote_from(derived, from))
}

/// A text of any length within a sentence.
fn quote_text(text: &str) -> String {
    quote_from(text, 0)
}

fn quote_from(text: &str, from: usize) -> String {
    let cut: String = text.chars().skip(from).take(QUOTED).collect();
    let (before, after) =
        (if from > 0 { "..." } else { "" }, if from + QUOTED < text.chars().count() { "..." } else { "" });
    format!("`{before}{cut}{after}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_long_texts_are_quoted_where_they_differ() {
        assert_eq!(quote_both("3 pods", "4 pods"), "stored is `3 pods`, derived is `4 pods`");
        let start = "a".repeat(200);
        let told = quote_both(&format!("{start}old{}", "z".repeat(200)), &format!("{start}new"));
        let before = "a".repeat(QUOTED_BEFORE);
        let after = "z".repeat(QUOTED - QUOTED_BEFORE - 3);
        assert_eq!(told, format!("stored is `...{before}old{after}...`, derived is `...{before}new`"));
    }
}
