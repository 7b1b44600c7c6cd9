//! Section Cases: each case with its result, reason, findings and cited observations.

use maud::{Markup, html};

use super::time_format::format_run_time;
use crate::model::verdict::{Case, CaseResult, NOT_RESTORED, Verdict};

/// Citations shown per case: the first and the last ones. verdict.json has them all.
const FIRST_CITATIONS: usize = 60;
const LAST_CITATIONS: usize = 12;

/// Sign and CSS class of a result. The sign is there because colour alone does not reach every reader.
pub(super) fn result_badge(result: CaseResult) -> (&'static str, &'static str) {
    match result {
        CaseResult::Pass => ("✓", "pass"),
        CaseResult::Fail => ("✗", "fail"),
        CaseResult::Inconclusive => ("?", "inconclusive"),
        CaseResult::NotApplicable => ("–", "skipped"),
    }
}

pub(super) fn render(verdict: &Verdict) -> Markup {
    html! {
        section id="cases" {
            h2 { "Cases" }
            p.hint { (summary(verdict)) }
            ol.cases { @for case in &verdict.cases { (render_case(case)) } }
        }
    }
}

fn summary(verdict: &Verdict) -> String {
    let count = |label: &str| verdict.cases.iter().filter(|case| case.result_label() == label).count();
    let results = [CaseResult::Pass, CaseResult::Fail, CaseResult::Inconclusive, CaseResult::NotApplicable];
    let labels = results.map(CaseResult::as_str).into_iter().chain([NOT_RESTORED]);
    let counts: Vec<String> = labels
        .map(|label| (count(label), label))
        .filter(|(n, _)| *n > 0)
        .map(|(n, label)| format!("{n} {label}"))
        .collect();
    format!(
        "{} cases: {}. An unmet precondition is INCONCLUSIVE. A violated requirement is FAIL, but only if the prerequisites of its case passed.",
        verdict.cases.len(),
        counts.join(", ")
    )
}

fn render_case(case: &Case) -> Markup {
    let (sign, class) = result_badge(case.result);
    html! {
        li.(class) {
            div.case {
                span.badge { span aria-hidden="true" { (sign) } " " (case.result_label()) }
                h3 { (case.name) }
                @if let Some([from, to]) = case.span_ms {
                    span.span { (format_run_time(from)) @if to > from { "–" (format_run_time(to)) } }
                }
            }
            p { (case.reason) }
            @if !case.findings.is_empty() {
                ul.findings { @for finding in &case.findings { li { b { "Finding: " } (finding) } } }
            }
            @if !case.cited_seqs.is_empty() {
                (render_citations(case))
            }
        }
    }
}

fn render_citations(case: &Case) -> Markup {
    let left_out = case.cited_seqs.len().saturating_sub(FIRST_CITATIONS + LAST_CITATIONS);
    html! {
        p.cites {
            "Observations: "
            @for (n, seq) in shown_citations(case).enumerate() {
                @if left_out > 0 && n == FIRST_CITATIONS { "… " (left_out) " more in verdict.json … " }
                (observation_link(seq)) " "
            }
        }
    }
}

/// The cited sequence numbers that the page shows.
pub(super) fn shown_citations(case: &Case) -> impl Iterator<Item = u64> {
    let count = case.cited_seqs.len();
    let shown =
        move |n: usize| count <= FIRST_CITATIONS + LAST_CITATIONS || n < FIRST_CITATIONS || n >= count - LAST_CITATIONS;
    case.cited_seqs.iter().enumerate().filter(move |(n, _)| shown(*n)).map(|(_, seq)| *seq)
}

/// A sequence number, as a link to its row in the observations.
pub(super) fn observation_link(seq: u64) -> Markup {
    html! { a href={ "#o" (seq) } { (seq) } }
}
