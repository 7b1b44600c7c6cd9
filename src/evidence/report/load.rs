//! The load as a whole: what it was, how long its parts took, and what went wrong.

use maud::{Markup, html};

use super::observations::truncate_text;
use super::time_format::{format_duration, format_micros, format_run_time};
use crate::evidence::FinishedRun;
use crate::model::load::{LoadReport, Quantiles};

/// A request that ended by our own plan is no error.
const NON_ERRORS: [&str; 2] = ["succeeded", "cancelled-by-ramp-down"];

pub(super) fn render(ending: &FinishedRun<'_>) -> Markup {
    html! {
        section id="load" {
            h2 { "Load" }
            @match ending.load {
                None => { p { "No load was given." } }
                Some(report) => { (render_summary(ending, report)) (render_quantiles(report)) (render_outcomes(report)) }
            }
        }
    }
}

fn render_summary(ending: &FinishedRun<'_>, report: &LoadReport) -> Markup {
    let took = report.ended_ms.saturating_sub(report.began_ms);
    html! {
        @if let Some(why) = &report.client_bound { p.bad { b { "Void: " } (why) } }
        p {
            (report.concurrency) " workers with " (ending.scenario.load.model) ", each with one streaming chat at a time, from "
            (format_run_time(report.began_ms)) " to " (format_run_time(report.ended_ms)) " (" (format_duration(took)) "): " (report.requests) " requests, "
            (report.tokens) " tokens of good answers."
        }
    }
}

fn render_quantiles(report: &LoadReport) -> Markup {
    let rows: [(&str, &Quantiles); 5] = [
        ("time to first token", &report.ttft_us),
        ("gap between two chunks", &report.chunk_gap_us),
        ("whole answer", &report.duration_us),
        ("sent after it was due (the client's own delay)", &report.send_delay_us),
        ("the client's timers late", &report.timer_delay_us),
    ];
    // All on one scale, so that the bars can be compared.
    let most = rows.iter().map(|(_, q)| q.max).max().unwrap_or(0).max(1);
    html! {
        div.wide { table {
            thead { tr { th { "" } th { "counted" } th { "least" } th { "p50" } th { "p90" } th { "p99" } th { "most" } th { "least, p50, p90, p99, most, by powers of ten" } } }
            tbody { @for (name, q) in rows {
                tr {
                    th scope="row" { (name) }
                    td.n { (q.count) }
                    @for us in [q.min, q.p50, q.p90, q.p99, q.max] { td.n { @if q.count > 0 { (format_micros(us)) } @else { "–" } } }
                    td { @if q.count > 0 { (quantile_bar(q, most)) } }
                }
            } }
        } }
    }
}

/// The quantiles as a bar: thin from least to most, thick from the median to the 90th percentile, a mark at the 99th.
fn quantile_bar(q: &Quantiles, most: u64) -> Markup {
    const WIDTH: f64 = 200.0;
    let share = |us: u64| decades(us) / decades(most.max(10));
    let x = |us: u64| format!("{:.1}", 4.0 + (WIDTH - 8.0) * share(us));
    let wide = format!("{:.1}", ((WIDTH - 8.0) * (share(q.p90) - share(q.p50))).max(2.0));
    html! {
        svg.spread viewBox="0 0 200 16" role="img" aria-label="spread" {
            path.whole d={ "M" (x(q.min)) " 8H" (x(q.max)) } {}
            path.whole d={ "M" (x(q.min)) " 4v8M" (x(q.max)) " 4v8" } {}
            rect.middle x=(x(q.p50)) y="3" width=(wide) height="10" {}
            path.p99 d={ "M" (x(q.p99)) " 2v12" } {}
        }
    }
}

/// How many powers of ten a number is above 1, straight between two of them: logarithms need not be the same on every
/// machine, and a report must be.
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
            thead { tr { th { "outcome" } th { "requests" } th { "the first one's own words" } } }
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
    fn numbers_stand_straight_between_two_powers_of_ten() {
        assert_eq!([0, 1, 10, 55, 100, 1_000_000].map(decades), [0.0, 0.0, 1.0, 1.5, 2.0, 6.0]);
        assert!(decades(u64::MAX) > 19.0);
    }
}
