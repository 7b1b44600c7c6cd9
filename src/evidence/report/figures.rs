//! Section Figures: how long each step of the scaling took, and what each size brought.

use maud::{Markup, html};

use super::time_format::{format_duration, format_micros};
use crate::evidence::finished_run::FinishedRun;
use crate::model::figures::{PodFigures, RunFigures, SizeFigures};

/// Pods shown; verdict.json has them all.
const MAX_ROWS: usize = 200;

pub(super) fn render(run: &FinishedRun<'_>) -> Markup {
    let figures = &run.verdict.figures;
    html! {
        section id="figures" {
            h2 { "Figures" }
            @if figures.is_empty() { p { "No load ran." } } @else {
                p.hint { "They compare platforms and decide no case. Times are when gpuhpa received the observations; it polls once a second." }
                (render_steps(figures))
                @if !figures.new_pods.is_empty() { (render_pods(&figures.new_pods)) }
                @if !figures.sizes.is_empty() { (render_sizes(&figures.sizes)) }
            }
        }
    }
}

fn render_steps(figures: &RunFigures) -> Markup {
    let steps = [
        ("beginning of the load → the metric asks for more than minReplicas", figures.detection_ms),
        ("the metric asks → larger spec.replicas", figures.decision_ms),
        ("end of the load → smaller spec.replicas", figures.scale_down_ms),
        ("end of the load → spec.replicas is minReplicas", figures.back_at_min_ms),
    ];
    html! {
        div.wide { table {
            tbody {
                @for (name, ms) in steps { tr { th scope="row" { (name) } td.n { (format_or_dash(ms)) } } }
                tr { th scope="row" { "accelerators × seconds that the target's pods held them" } td.n {
                    @match figures.accelerator_seconds { Some(seconds) => { (seconds) } None => { "–" } }
                } }
            }
        } }
    }
}

fn format_or_dash(ms: Option<u64>) -> String {
    ms.map_or("–".to_owned(), format_duration)
}

fn render_pods(pods: &[PodFigures]) -> Markup {
    let more = pods.len().saturating_sub(MAX_ROWS);
    html! {
        div.wide { table.labelled {
            thead { tr {
                th { "new pod" } th { "size → Ready" } th { "size → endpoint" } th { "size → traffic in its metric" } th { "image pull" }
                th { "container start → Ready" }
            } }
            tbody { @for pod in pods.iter().take(MAX_ROWS) { tr {
                th scope="row" { (pod.pod) }
                td.n data-label="size → Ready" { (format_or_dash(pod.ready_ms)) }
                td.n data-label="size → endpoint" { (format_or_dash(pod.endpoint_ms)) }
                td.n data-label="size → traffic in its metric" { (format_or_dash(pod.traffic_ms)) }
                td.n data-label="image pull" { (format_or_dash(pod.image_pull_ms)) }
                td.n data-label="container start → Ready" { (format_or_dash(pod.start_ms)) }
            } } }
        } }
        @if more > 0 { p.hint { "and " (more) " more, in verdict.json" } }
    }
}

fn render_sizes(sizes: &[SizeFigures]) -> Markup {
    html! {
        div.wide { table.labelled {
            thead { tr {
                th { "Ready pods under load" } th { "for" } th { "requests" } th { "tokens per second" } th { "mean time to first token" }
                th { "mean value of the metric" }
            } }
            tbody { @for size in sizes { tr {
                th scope="row" { (size.ready_pods) }
                td.n data-label="for" { (format_duration(size.observed_ms)) }
                td.n data-label="requests" { (size.requests) }
                td.n data-label="tokens per second" { @if let Some(rate) = size.tokens_per_second() { (rate) } @else { "–" } }
                td.n data-label="mean time to first token" { @if let Some(us) = size.ttft_mean_us { (format_micros(us)) } @else { "–" } }
                td.n data-label="mean value of the metric" { @if let Some(value) = size.metric_mean { (value) } @else { "–" } }
            } } }
        } }
    }
}
