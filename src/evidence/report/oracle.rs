//! The oracle's prediction beside what happened: for each change of size what the algorithm could have decided.

use maud::{Markup, html};

use super::cases::{observation_link, result_badge};
use super::time_format::format_run_time;
use crate::evidence::FinishedRun;
use crate::model::prediction::{AllowedReplicas, PredictedChange};

/// Changes that are listed; verdict.json and timeline.jsonl have them all.
pub(super) const MAX_ROWS: usize = 200;

/// The case that judges the changes.
const CASE: &str = "Oracle/DecisionsExplained";

pub(super) fn render(ending: &FinishedRun<'_>) -> Markup {
    let changes = &ending.prediction.changes;
    let case = ending.verdict.cases.iter().find(|case| case.name == CASE);
    let (min, max) = (ending.scenario.hpa.spec.min_replicas.unwrap_or(1), ending.scenario.hpa.spec.max_replicas);
    html! {
        section id="oracle" {
            h2 { "What the algorithm allows, beside what happened" }
            @if let Some(case) = case {
                @let (mark, class) = result_badge(case.result);
                p { span.badge.small.(class) { (mark) " " (case.result.as_str()) } " " (case.name) ": " (case.reason) }
            }
            @if changes.is_empty() { p { "The target's size did not change between the HPA's creation and the clean-up." } } @else {
                div.wide { table.labelled {
                    thead { tr {
                        th { "No." } th { "time" } th { "size" } th { "written by" } th { "readings around it ask for" }
                        th { "value in that pass's own status asks for" } th { "the spec's rate allows" } th { "min to max" }
                    } }
                    tbody { @for change in changes.iter().take(MAX_ROWS) { (render_row(change, min, max)) } }
                } }
                @if changes.len() > MAX_ROWS { p.hint { "and " (changes.len() - MAX_ROWS) " more" } }
                p.hint {
                    "The arithmetic is the controller's own, tolerance included. A range is as wide as what nobody can read makes it: values between two
                    readings, the moment of a pass, the controller's flags. A fall waits for the scale-down window, so that it may follow
                    readings of that long ago: see ScaleDown/NotEarly."
                }
            }
        }
    }
}

fn render_row(change: &PredictedChange, min: i32, max: i32) -> Markup {
    html! {
        tr {
            td.n data-label="No." { (observation_link(change.seq)) }
            td.n data-label="time" { (format_run_time(change.at_ms)) }
            td.n data-label="size" { b { (change.from) " → " (change.to) } }
            td data-label="written by" { (change.writer) }
            @match &change.allowed {
                None => { td colspan="4" { "not confirmed by the HPA's status as the autoscaler's own, so nothing is predicted" } }
                Some(own) => {
                    td.n data-label="readings ask for" { (format_replica_range(own.by_readings)) }
                    td.n data-label="status asks for" { (own.by_status.map_or("not seen".to_owned(), format_replica_range)) }
                    td.n data-label="rate allows" { (format_rate_limit(own, change)) }
                    td.n data-label="min to max" { (min) " to " (max) }
                }
            }
        }
    }
}

fn format_replica_range([least, most]: [Option<i32>; 2]) -> String {
    match (least, most) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) => format!("up to {most}"),
        (None, None) => "anything: cannot be told".to_owned(),
    }
}

fn format_rate_limit(own: &AllowedReplicas, change: &PredictedChange) -> String {
    let what = if change.to > change.from { "up to" } else { "down to" };
    own.rate_limit.map_or("any size".to_owned(), |limit| format!("{what} {}", limit.max(0)))
}
