//! Section Phases, events and gaps: the HPA's events and the Warning events of the namespace, in the order of time.

use maud::{Markup, html};

use super::observations::truncate_text;
use super::report_model::ReportModel;
use super::time_format::{format_duration, format_run_time};
use crate::model::observation::{EventSnapshot, Observation, ObservationKind};

/// Rows shown; timeline.jsonl has them all.
const MAX_ROWS: usize = 100;

pub(super) fn render(model: &ReportModel<'_>) -> Markup {
    let events: Vec<(&Observation, &EventSnapshot)> = model.events.iter().filter_map(|o| relevant_event(o)).collect();
    html! {
        section id="events" {
            h2 { "Phases, events and gaps" }
            p.phases { @for (phase, began, ended) in &model.phases {
                span { b { (phase.as_str()) } " " (format_run_time(*began)) "–" (format_run_time(*ended)) " (" (format_duration(ended.saturating_sub(*began))) ")" } " "
            } }
            @for (at, signal) in &model.interrupted { p.bad { "Interrupted by " (signal) " at " (format_run_time(*at)) } }
            @if !model.gaps.is_empty() {
                ul { @for (at, gap) in model.gaps.iter().take(MAX_ROWS) {
                    li { b { "Gap " } (format_run_time(gap.from_ms)) "–" (format_run_time(*at)) ": " (gap.source) " was not readable: " (truncate_text(&gap.reason)) }
                } }
            }
            @if events.is_empty() { p { "No event of the HPA and no Warning event was observed." } } @else {
                div.wide { table.stack {
                    thead { tr { th { "seq" } th { "time" } th { "object" } th { "reason" } th { "message" } } }
                    tbody { @for (observation, event) in events.iter().take(MAX_ROWS) {
                        tr {
                            td.n { (observation.seq) }
                            td.n { (format_run_time(observation.at_ms)) }
                            td { (event.object) }
                            td { @if event.kind == "Warning" { b.bad { "Warning " } } (event.reason) @if event.count > 1 { " ×" (event.count) } }
                            td { (truncate_text(&event.message)) }
                        }
                    } }
                } }
                @if events.len() > MAX_ROWS { p.hint { "and " (events.len() - MAX_ROWS) " more, in timeline.jsonl" } }
            }
        }
    }
}

fn relevant_event(observation: &Observation) -> Option<(&Observation, &EventSnapshot)> {
    let ObservationKind::Event(event) = &observation.kind else { return None };
    let is_relevant = event.kind == "Warning" || event.object.starts_with("HorizontalPodAutoscaler/");
    is_relevant.then_some((observation, event))
}
