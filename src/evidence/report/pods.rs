//! Section Pods: node, accelerators, direct chat and times of each pod of the target.

use maud::{Markup, html};

use super::describe::requested_resources;
use super::observations::truncate_text;
use super::report_model::{ReportModel, ReportPod};
use super::time_format::{format_duration, format_run_time};

/// Pods shown; timeline.jsonl has them all.
const MAX_ROWS: usize = 200;

pub(super) fn render(model: &ReportModel<'_>) -> Markup {
    let more = model.pods.len().saturating_sub(MAX_ROWS);
    html! {
        section id="pods" {
            h2 { "Pods of the target" }
            @if model.pods.is_empty() { p { "No pod of the target was observed." } } @else {
                div.wide { table.labelled {
                    thead { tr {
                        th { "pod" } th { "node" } th { "requests" } th { "device or claim" } th { "first seen" } th { "Ready" }
                        th { "first direct chat" } th { "deleted" }
                    } }
                    tbody { @for pod in model.pods.iter().take(MAX_ROWS) { (render_row(pod)) } }
                } }
                @if more > 0 { p.hint { "and " (more) " more, in timeline.jsonl" } }
                p.hint {
                    "Times are when gpuhpa received the observation, by the run's own clock; in brackets, how long after the pod was first seen. Devices are
                    those that the kubelet reports for the pod's containers. The direct chat goes to this pod alone, through the pod proxy."
                }
            }
        }
    }
}

fn render_row(pod: &ReportPod<'_>) -> Markup {
    let snapshot = pod.latest;
    html! {
        tr {
            th scope="row" { (snapshot.name) @if let Some(reason) = pod.not_running.as_ref().filter(|_| pod.ready_ms.is_none()) {
                br; small.bad { (truncate_text(reason)) }
            } }
            td data-label="node" { (snapshot.node.as_deref().unwrap_or("none")) }
            td data-label="requests" { (requested_resources(snapshot)) }
            td data-label="device or claim" { @if pod.devices.is_empty() { "not reported" } @else { (pod.devices.join(", ")) } }
            td.n data-label="first seen" { (format_run_time(pod.first_seen_ms)) @if let Some(created) = snapshot.created { br; small { "created " (created.strftime("%T")) } } }
            td.n data-label="Ready" { (format_since_first_seen(pod, pod.ready_ms, "never")) }
            td data-label="first direct chat" { (render_probe(pod)) }
            td.n data-label="deleted" { (pod.deleted_ms.map_or("–".to_owned(), format_run_time)) }
        }
    }
}

fn format_since_first_seen(pod: &ReportPod<'_>, at_ms: Option<u64>, never: &str) -> String {
    let format =
        |at: u64| format!("{} ({})", format_run_time(at), format_duration(at.saturating_sub(pod.first_seen_ms)));
    at_ms.map_or(never.to_owned(), format)
}

fn render_probe(pod: &ReportPod<'_>) -> Markup {
    html! {
        @match &pod.probe {
            None => { "not probed" }
            Some((at, probe)) => {
                (format_run_time(*at)) ": "
                @match &probe.error {
                    Some(error) => { span.bad { "failed: " (truncate_text(error)) } }
                    None => { (probe.tokens) " tokens" @if let Some(bytes) = probe.model_accelerator_bytes { ", " (bytes) " bytes in accelerator memory" } }
                }
            }
        }
    }
}
