//! Section oracle: each change of spec.replicas beside what the HPA algorithm could have decided.

use maud::{Markup, html};

use super::cases::{observation_link, result_badge};
use super::time_format::format_run_time;
use crate::evidence::finished_run::FinishedRun;
use crate::model::prediction::{AllowedReplicas, PredictedChange};

/// Changes shown; timeline.jsonl has them all.
pub(super) const MAX_ROWS: usize = 200;

/// The case that evaluates the changes.
const CASE: &str = "Oracle/DecisionsExplained";

pub(super) fn render(run: &FinishedRun<'_>) -> Markup {
    let changes = &run.prediction.changes;
    let case = run.verdict.cases.iter().find(|case| case.name == CASE);
    let (min, max) = (run.scenario.hpa.spec.min_replicas.unwrap_or(1), run.scenario.hpa.spec.max_replicas);
    html! {
        section id="oracle" {
            h2 { "Replica changes and what the HPA algorithm allows" }
            @if let Some(case) = case {
                @let (sign, class) = result_badge(case.result);
                p { span.badge.small.(class) { (sign) " " (case.result_label()) } " " (case.name) ": " (case.reason) }
            }
            @if changes.is_empty() { p { "The target's spec.replicas did not change between the HPA's creation and the clean-up." } } @else {
                div.wide { table.labelled {
                    thead { tr {
                        th { "seq" } th { "time" } th { "replicas" } th { "written by" } th { "recommended by readings" }
                        th { "recommended by the HPA status" } th { "scaling policies allow" } th { "minReplicas to maxReplicas" }
                    } }
                    tbody { @for change in changes.iter().take(MAX_ROWS) { (render_row(change, min, max)) } }
                } }
                @if changes.len() > MAX_ROWS { p.hint { "and " (changes.len() - MAX_ROWS) " more" } }
                p.hint {
                    "Recommendations follow the HPA controller's arithmetic, tolerance included. A range is as wide as unobserved state makes it: values between
                    two readings, the time of the controller's sync, its flags. A scale-down waits for the stabilization window, so it may follow
                    readings that are as old as this window: see ScaleDown/NotEarly."
                }
            }
        }
    }
}

fn render_row(change: &PredictedChange, min: i32, max: i32) -> Markup {
    html! {
        tr {
            td.n data-label="seq" { (observation_link(change.seq)) }
            td.n data-label="time" { (format_run_time(change.at_ms)) }
            td.n data-label="replicas" { b { (change.from) " → " (change.to) } }
            td data-label="written by" { (change.writer) }
            @match &change.allowed {
                None => { td colspan="4" { "not attributed to the HPA by its status: no prediction" } }
                Some(allowed) => {
                    td.n data-label="by readings" { (format_replica_range(allowed.by_readings)) }
                    td.n data-label="by status" { (allowed.by_status.map_or("not observed".to_owned(), format_replica_range)) }
                    td.n data-label="policies allow" { (format_rate_limit(allowed, change)) }
                    td.n data-label="min to max" { (min) " to " (max) }
                }
            }
        }
    }
}

fn format_replica_range([min, max]: [Option<i32>; 2]) -> String {
    match (min, max) {
        (Some(min), Some(max)) if min == max => min.to_string(),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("up to {max}"),
        (None, None) => "unknown".to_owned(),
    }
}

fn format_rate_limit(allowed: &AllowedReplicas, change: &PredictedChange) -> String {
    let direction = if change.to > change.from { "up to" } else { "down to" };
    allowed.rate_limit.map_or("any number".to_owned(), |limit| format!("{direction} {}", limit.max(0)))
}
