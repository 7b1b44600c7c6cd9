//! Section Load: totals, latency quantiles and outcomes of the requests.

use maud::{Markup, html};

use super::observations::truncate_text;
use super::time_format::{format_duration, format_micros, format_run_time};
use crate::evidence::finished_run::FinishedRun;
use crate::model::load::{LoadReport, Quantiles};

/// Outcomes that are no error: the ramp-down cancels requests on purpose.
const NON_ERRORS: [&str; 2] = ["succeeded", "cancelled-by-ramp-down"];

pub(super) fn render(run: &FinishedRun<'_>) -> Markup {
    html! {
        section id="load" {
            h2 { "Load" }
            @match run.load {
                None => { p { "No load ran." } }
                Some(report) => { (render_summary(run, report)) (render_quantiles(report)) (render_outcomes(report)) }
            }
        }
    }
}

fn render_summary(run: &FinishedRun<'_>, report: &LoadReport) -> Markup {
    let took = report.ended_ms.saturating_sub(report.began_ms);
    html! {
        @if let Some(reason) = &report.client_bound { p.bad { b { "Client-bound: " } (reason) } }
        p {
            (report.concurrency) " workers with " (run.scenario.load.model) ", each with one streaming chat at a time, from "
            (format_run_time(report.began_ms)) " to " (format_run_time(report.ended_ms)) " (" (format_duration(took)) "): " (report.requests) " requests, "
            (report.tokens) " tokens of successful chats."
        }
    }
}

fn render_quantiles(report: &LoadReport) -> Markup {
    let rows: [(&str, &Quantiles); 5] = [
        ("time to first token", &report.ttft_us),
        ("time between chunks", &report.chunk_gap_us),
        ("full response", &report.duration_us),
        ("send delay of the client", &report.send_delay_us),
        ("timer delay of the client", &report.timer_delay_us),
    ];
    // One scale for all rows, so that the bars can be compared.
    let scale_max = rows.iter().map(|(_, q)| q.max).max().unwrap_or(0).max(1);
    html! {
        div.wide { table {
            thead { tr { th { "" } th { "count" } th { "min" } th { "p50" } th { "p90" } th { "p99" } th { "max" } th { "min, p50 to p90, p99, max (log scale)" } } }
            tbody { @for (name, q) in rows {
                tr {
                    th scope="row" { (name) }
                    td.n { (q.count) }
                    @for us in [q.min, q.p50, q.p90, q.p99, q.max] { td.n { @if q.count > 0 { (format_micros(us)) } @else { "–" } } }
                    td { @if q.count > 0 { (quantile_bar(q, scale_max)) } }
                }
            } }
        } }
    }
}

/// The quantiles as a bar: thin from min to max, thick from p50 to p90, a mark at p99.
fn quantile_bar(q: &Quantiles, scale_max: u64) -> Markup {
    const WIDTH: f64 = 200.0;
    let share = |us: u64| decades(us) / decades(scale_max.max(10));
    let x = |us: u64| format!("{:.1}", 4.0 + (WIDTH - 8.0) * share(us));
    let width = format!("{:.1}", ((WIDTH - 8.0) * (share(q.p90) - share(q.p50))).max(2.0));
    html! {
        svg.quantiles viewBox="0 0 200 16" role="img" aria-label="quantiles" {
            path.range d={ "M" (x(q.min)) " 8H" (x(q.max)) } {}
            path.range d={ "M" (x(q.min)) " 4v8M" (x(q.max)) " 4v8" } {}
            rect.middle x=(x(q.p50)) y="3" width=(width) height="10" {}
            path.p99 d={ "M" (x(q.p99)) " 2v12" } {}
        }
    }
}

/// Decades above 1 µs, linear within a decade. No logarithm: its last bits differ between machines, and the report must
/// not.
fn decades(us: u64) -> f64 {
    let (mut power, mut count) = (1_u64, 0.0);
    while us / power >= 10 {
        power *= 10;
        count += 1.0;
    }
    if us == 0 { 0.0 } else { count + (us as f64 / power as f64 - 1.0) / 9.0 }
}

fn render_outcomes(report: &LoadReport) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th { "outcome" } th { "requests" } th { "first error" } } }
            tbody { @for (name, count) in &report.outcomes {
                @let is_error = !NON_ERRORS.contains(&name.as_str());
                tr {
                    th scope="row" { @if is_error { span.bad { "✗ " (name) } } @else { (name) } }
                    td.n { (count) }
                    td { @if let Some(example) = report.error_examples.get(name) { (truncate_text(example)) } }
                }
            } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_linear_between_two_powers_of_ten() {
        assert_eq!([0, 1, 10, 55, 100, 1_000_000].map(decades), [0.0, 0.0, 1.0, 1.5, 2.0, 6.0]);
        assert!(decades(u64::MAX) > 19.0);
    }
}
