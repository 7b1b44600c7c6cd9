//! The cases in their order, each with what it rests on.

use maud::{Markup, html};

use super::moment::moment;
use crate::record::verdict::{Case, CaseResult, Verdict};

/// Citations that are written out: the first ones and the last. verdict.json has them all.
const FIRST: usize = 60;
const LAST: usize = 12;

/// The sign, the word and the class of a result: a colour is never alone.
pub(super) fn sign(result: CaseResult) -> (&'static str, &'static str) {
    match result {
        CaseResult::Pass => ("✓", "pass"),
        CaseResult::Fail => ("✗", "fail"),
        CaseResult::Inconclusive => ("?", "unclear"),
        CaseResult::NotApplicable => ("–", "skipped"),
    }
}

pub(super) fn cases(verdict: &Verdict) -> Markup {
    html! {
        section id="cases" {
            h2 { "Cases" }
            p.hint { (count(verdict)) }
            ol.cases { @for one in &verdict.cases { (case(one)) } }
        }
    }
}

fn count(verdict: &Verdict) -> String {
    let of = |result| verdict.cases.iter().filter(|case| case.result == result).count();
    let all = [CaseResult::Pass, CaseResult::Fail, CaseResult::Inconclusive, CaseResult::NotApplicable];
    let told: Vec<String> = all.into_iter().filter(|r| of(*r) > 0).map(|r| format!("{} {}", of(r), r.word())).collect();
    format!(
        "{} cases: {}. A precondition that does not hold is INCONCLUSIVE; a claim that does not hold is FAIL, and only if all that it needs holds.",
        verdict.cases.len(),
        told.join(", ")
    )
}

fn case(case: &Case) -> Markup {
    let (sign, class) = sign(case.result);
    html! {
        li.(class) {
            div.case {
                span.badge { span aria-hidden="true" { (sign) } " " (case.result.word()) }
                h3 { (case.name) }
                @if let Some([from, to]) = case.span_ms {
                    span.span { (moment(from)) @if to > from { "–" (moment(to)) } }
                }
            }
            p { (case.reason) }
            @if !case.findings.is_empty() {
                ul.findings { @for finding in &case.findings { li { b { "Noticed: " } (finding) } } }
            }
            @if !case.cites.is_empty() {
                (cites(case))
            }
        }
    }
}

fn cites(case: &Case) -> Markup {
    let left_out = case.cites.len().saturating_sub(FIRST + LAST);
    html! {
        p.cites {
            "Rests on "
            @for (n, seq) in cited(case).enumerate() {
                @if left_out > 0 && n == FIRST { "… " (left_out) " more in verdict.json … " }
                (cite(seq)) " "
            }
        }
    }
}

/// The numbers of a case that are written out.
pub(super) fn cited(case: &Case) -> impl Iterator<Item = u64> {
    let count = case.cites.len();
    let shown = move |n: usize| count <= FIRST + LAST || n < FIRST || n >= count - LAST;
    case.cites.iter().enumerate().filter(move |(n, _)| shown(*n)).map(|(_, seq)| *seq)
}

/// A number that leads to what was seen.
pub(super) fn cite(seq: u64) -> Markup {
    html! { a href={ "#o" (seq) } { (seq) } }
}
