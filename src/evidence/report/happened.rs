//! What happened to the HPA, in the order of time: its events, and warnings of whatever else is in the namespace.

use maud::{Markup, html};

use super::cited::shortened;
use super::course::Course;
use super::moment::{length, moment};
use crate::record::observation::{EventSeen, Observation, Seen};

/// Lines that are listed; timeline.jsonl has them all.
const MOST: usize = 100;

pub(super) fn happened(course: &Course<'_>) -> Markup {
    let events: Vec<(&Observation, &EventSeen)> = course.events.iter().filter_map(|o| told(o)).collect();
    html! {
        section id="events" {
            h2 { "Phases, events and gaps" }
            p.phases { @for (phase, began, ended) in &course.phases {
                span { b { (phase.name()) } " " (moment(*began)) "–" (moment(*ended)) " (" (length(ended.saturating_sub(*began))) ")" } " "
            } }
            @for (at, signal) in &course.interrupted { p.bad { "Interrupted by " (signal) " at " (moment(*at)) } }
            @if !course.gaps.is_empty() {
                ul { @for (at, gap) in course.gaps.iter().take(MOST) {
                    li { b { "Gap " } (moment(gap.from_ms)) "–" (moment(*at)) ": " (gap.source) " could not be read: " (shortened(&gap.why)) }
                } }
            }
            @if events.is_empty() { p { "No event of the HPA and no warning was seen." } } @else {
                div.wide { table.stack {
                    thead { tr { th { "No." } th { "time" } th { "of" } th { "reason" } th { "message" } } }
                    tbody { @for (observation, event) in events.iter().take(MOST) {
                        tr {
                            td.n { (observation.seq) }
                            td.n { (moment(observation.at_ms)) }
                            td { (event.object) }
                            td { @if event.kind == "Warning" { b.bad { "Warning " } } (event.reason) @if event.count > 1 { " ×" (event.count) } }
                            td { (shortened(&event.message)) }
                        }
                    } }
                } }
                @if events.len() > MOST { p.hint { "and " (events.len() - MOST) " more, in timeline.jsonl" } }
            }
        }
    }
}

fn told(observation: &Observation) -> Option<(&Observation, &EventSeen)> {
    let Seen::Event(event) = &observation.seen else { return None };
    let is_told = event.kind == "Warning" || event.object.starts_with("HorizontalPodAutoscaler/");
    is_told.then_some((observation, event))
}
