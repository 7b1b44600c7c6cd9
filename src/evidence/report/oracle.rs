//! The oracle's prediction beside what happened: for each change of size what the algorithm could have decided.

use maud::{Markup, html};

use super::cases::{cite, sign};
use super::moment::moment;
use crate::evidence::Ending;
use crate::record::prediction::{Allowed, Predicted};

/// Changes that are listed; verdict.json and timeline.jsonl have them all.
pub(super) const MOST: usize = 200;

/// The case that judges the changes.
const CASE: &str = "Oracle/DecisionsExplained";

pub(super) fn oracle(ending: &Ending<'_>) -> Markup {
    let changes = &ending.prediction.changes;
    let case = ending.verdict.cases.iter().find(|case| case.name == CASE);
    let (min, max) = (ending.scenario.hpa.spec.min_replicas.unwrap_or(1), ending.scenario.hpa.spec.max_replicas);
    html! {
        section id="oracle" {
            h2 { "What the algorithm allows, beside what happened" }
            @if let Some(case) = case {
                @let (mark, class) = sign(case.result);
                p { span.badge.small.(class) { (mark) " " (case.result.word()) } " " (case.name) ": " (case.reason) }
            }
            @if changes.is_empty() { p { "The target's size did not change between the HPA's creation and the clean-up." } } @else {
                div.wide { table.labelled {
                    thead { tr {
                        th { "No." } th { "time" } th { "size" } th { "written by" } th { "readings around it ask for" }
                        th { "value in that pass's own status asks for" } th { "the spec's rate allows" } th { "min to max" }
                    } }
                    tbody { @for change in changes.iter().take(MOST) { (row(change, min, max)) } }
                } }
                @if changes.len() > MOST { p.hint { "and " (changes.len() - MOST) " more" } }
                p.hint {
                    "The arithmetic is the controller's own, tolerance included. A range is as wide as what nobody can read makes it: values between two
                    readings, the moment of a pass, the controller's flags. A fall waits for the scale-down window, so that it may follow
                    readings of that long ago: see ScaleDown/NotEarly."
                }
            }
        }
    }
}

fn row(change: &Predicted, min: i32, max: i32) -> Markup {
    html! {
        tr {
            td.n data-label="No." { (cite(change.seq)) }
            td.n data-label="time" { (moment(change.at_ms)) }
            td.n data-label="size" { b { (change.from) " → " (change.to) } }
            td data-label="written by" { (change.writer) }
            @match &change.own {
                None => { td colspan="4" { "not confirmed by the HPA's status as the autoscaler's own, so nothing is predicted" } }
                Some(own) => {
                    td.n data-label="readings ask for" { (sizes(own.read)) }
                    td.n data-label="status asks for" { (own.reported.map_or("not seen".to_owned(), sizes)) }
                    td.n data-label="rate allows" { (rate(own, change)) }
                    td.n data-label="min to max" { (min) " to " (max) }
                }
            }
        }
    }
}

fn sizes([least, most]: [Option<i32>; 2]) -> String {
    match (least, most) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) => format!("up to {most}"),
        (None, None) => "anything: cannot be told".to_owned(),
    }
}

fn rate(own: &Allowed, change: &Predicted) -> String {
    let what = if change.to > change.from { "up to" } else { "down to" };
    own.rate.map_or("any size".to_owned(), |limit| format!("{what} {}", limit.max(0)))
}
