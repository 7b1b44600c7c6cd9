//! The pods of the target: where each ran, on what, and when it came, answered and went.

use maud::{Markup, html};

use super::cited::shortened;
use super::course::{Course, Life};
use super::moment::{length, moment};
use super::words::asked_for;

/// Pods that are listed; the picture has them all.
const MOST: usize = 200;

pub(super) fn pods(course: &Course<'_>) -> Markup {
    let more = course.lives.len().saturating_sub(MOST);
    html! {
        section id="pods" {
            h2 { "Pods of the target" }
            @if course.lives.is_empty() { p { "No pod of the target was seen." } } @else {
                div.wide { table.labelled {
                    thead { tr {
                        th { "pod" } th { "node" } th { "requests" } th { "device or claim" } th { "first seen" } th { "Ready" }
                        th { "first answer of its own" } th { "gone" }
                    } }
                    tbody { @for life in course.lives.iter().take(MOST) { (row(life)) } }
                } }
                @if more > 0 { p.hint { "and " (more) " more, in timeline.jsonl" } }
                p.hint {
                    "Times are when the harness saw it, by the run's own clock; in brackets how long after it was first seen. Devices are those that the
                    kubelet reports for the pod's containers."
                }
            }
        }
    }
}

fn row(life: &Life<'_>) -> Markup {
    let pod = life.last;
    html! {
        tr {
            th scope="row" { (pod.name) @if let Some(trouble) = life.trouble.as_ref().filter(|_| life.ready_ms.is_none()) {
                br; small.bad { (shortened(trouble)) }
            } }
            td data-label="node" { (pod.node.as_deref().unwrap_or("none")) }
            td data-label="requests" { (asked_for(pod)) }
            td data-label="device or claim" { @if life.devices.is_empty() { "not reported" } @else { (life.devices.join(", ")) } }
            td.n data-label="first seen" { (moment(life.first_ms)) @if let Some(created) = pod.created { br; small { "created " (created.strftime("%T")) } } }
            td.n data-label="Ready" { (after(life, life.ready_ms, "never")) }
            td data-label="first answer" { (answer(life)) }
            td.n data-label="gone" { (life.gone_ms.map_or("–".to_owned(), moment)) }
        }
    }
}

fn after(life: &Life<'_>, at_ms: Option<u64>, never: &str) -> String {
    let told = |at: u64| format!("{} ({})", moment(at), length(at.saturating_sub(life.first_ms)));
    at_ms.map_or(never.to_owned(), told)
}

fn answer(life: &Life<'_>) -> Markup {
    html! {
        @match &life.answer {
            None => { "not asked" }
            Some((at, probe)) => {
                (moment(*at)) ": "
                @match &probe.error {
                    Some(error) => { span.bad { "failed: " (shortened(error)) } }
                    None => { (probe.tokens) " tokens" @if let Some(bytes) = probe.size_vram { ", size_vram " (bytes) } }
                }
            }
        }
    }
}
