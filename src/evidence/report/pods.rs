//! The pods of the target: where each ran, on what, and when it came, answered and went.

use maud::{Markup, html};

use super::describe::requested_resources;
use super::observations::truncate_text;
use super::report_model::{ReportModel, ReportPod};
use super::time_format::{format_duration, format_run_time};

/// Pods that are listed; the picture has them all.
const MAX_ROWS: usize = 200;

pub(super) fn render(course: &ReportModel<'_>) -> Markup {
    let more = course.pods.len().saturating_sub(MAX_ROWS);
    html! {
        section id="pods" {
            h2 { "Pods of the target" }
            @if course.pods.is_empty() { p { "No pod of the target was seen." } } @else {
                div.wide { table.labelled {
                    thead { tr {
                        th { "pod" } th { "node" } th { "requests" } th { "device or claim" } th { "first seen" } th { "Ready" }
                        th { "first answer of its own" } th { "gone" }
                    } }
                    tbody { @for life in course.pods.iter().take(MAX_ROWS) { (render_row(life)) } }
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

fn render_row(life: &ReportPod<'_>) -> Markup {
    let pod = life.latest;
    html! {
        tr {
            th scope="row" { (pod.name) @if let Some(trouble) = life.not_running.as_ref().filter(|_| life.ready_ms.is_none()) {
                br; small.bad { (truncate_text(trouble)) }
            } }
            td data-label="node" { (pod.node.as_deref().unwrap_or("none")) }
            td data-label="requests" { (requested_resources(pod)) }
            td data-label="device or claim" { @if life.devices.is_empty() { "not reported" } @else { (life.devices.join(", ")) } }
            td.n data-label="first seen" { (format_run_time(life.first_seen_ms)) @if let Some(created) = pod.created { br; small { "created " (created.strftime("%T")) } } }
            td.n data-label="Ready" { (format_since_first_seen(life, life.ready_ms, "never")) }
            td data-label="first answer" { (render_probe(life)) }
            td.n data-label="gone" { (life.deleted_ms.map_or("–".to_owned(), format_run_time)) }
        }
    }
}

fn format_since_first_seen(life: &ReportPod<'_>, at_ms: Option<u64>, never: &str) -> String {
    let told =
        |at: u64| format!("{} ({})", format_run_time(at), format_duration(at.saturating_sub(life.first_seen_ms)));
    at_ms.map_or(never.to_owned(), told)
}

fn render_probe(life: &ReportPod<'_>) -> Markup {
    html! {
        @match &life.probe {
            None => { "not asked" }
            Some((at, probe)) => {
                (format_run_time(*at)) ": "
                @match &probe.error {
                    Some(error) => { span.bad { "failed: " (truncate_text(error)) } }
                    None => { (probe.tokens) " tokens" @if let Some(bytes) = probe.model_size_vram { ", size_vram " (bytes) } }
                }
            }
        }
    }
}
