//! The panels of the load: requests in flight, tokens a second, time to first token.

use super::panel::{ChartPanel, ChartSeries, ChartShape, TooltipSeries};
use super::scale::{format_value, ms_to_seconds};
use crate::evidence::report::report_model::ReportModel;
use crate::evidence::report::time_format::format_micros;
use crate::model::observation::LoadSnapshot;

/// Over how long a rate is taken: answers of several seconds come in lumps.
const RATE_WINDOW_MS: u64 = 5_000;

pub(super) fn panels(course: &ReportModel<'_>) -> Vec<ChartPanel> {
    if course.load_samples.is_empty() {
        return Vec::new();
    }
    vec![in_flight_panel(course), token_rate_panel(course), ttft_panel(course)]
}

fn in_flight_panel(course: &ReportModel<'_>) -> ChartPanel {
    let series = load_series(course, |load| Some(load.in_flight as f64));
    let mut shapes = vec![ChartShape::Steps("flight", "requests in flight".to_owned(), series.clone())];
    let failed: Vec<(u64, f64, String)> = course
        .load_samples
        .iter()
        .zip(course.load_samples.iter().skip(1))
        .filter(|((_, before), (_, now))| now.failed > before.failed)
        .map(|((_, before), (at, now))| (*at, now.in_flight as f64, format!("{} failed", now.failed - before.failed)))
        .collect();
    if !failed.is_empty() {
        shapes.push(ChartShape::Dots("failed", "requests failed here".to_owned(), failed));
    }
    let told = vec![
        tooltip("in flight", &series, format_value),
        TooltipSeries {
            name: "good, failed".to_owned(),
            texts: course
                .load_samples
                .iter()
                .map(|(at, load)| (*at, format!("{}, {}", load.succeeded, load.failed)))
                .collect(),
        },
    ];
    load_panel("Requests in flight", 1.0, shapes, told)
}

/// Tokens are counted when their answer has ended.
fn token_rate_panel(course: &ReportModel<'_>) -> ChartPanel {
    let mut since = 0;
    let rate = |(n, (at, load)): (usize, &(u64, &LoadSnapshot))| {
        while course.load_samples.get(since + 1).is_some_and(|(next, _)| next.saturating_add(RATE_WINDOW_MS) <= *at) {
            since += 1;
        }
        let (then, before) = course.load_samples.get(since.min(n))?;
        let over = ms_to_seconds(at.saturating_sub(*then));
        let count = load.tokens.saturating_sub(before.tokens) as f64;
        (over > 0.0).then(|| count / over)
    };
    let moments = course.load_samples.iter().map(|(at, _)| *at);
    let series: ChartSeries = moments.zip(course.load_samples.iter().enumerate().map(rate)).collect();
    let name = format!("tokens of good answers a second, over {} s", RATE_WINDOW_MS / 1000);
    let told = vec![tooltip("tokens/s", &series, format_value)];
    load_panel("Tokens a second", 0.0, vec![ChartShape::Line("tokens", name, series)], told)
}

fn ttft_panel(course: &ReportModel<'_>) -> ChartPanel {
    let of = |load: &LoadSnapshot| (load.succeeded > 0).then(|| load.ttft_p50_us as f64 / 1e6);
    let series = load_series(course, of);
    let told = vec![tooltip("median TTFT", &series, |value| format_micros((value * 1e6) as u64))];
    let name = "median of all good answers so far".to_owned();
    load_panel("Time to first token, seconds", 0.0, vec![ChartShape::Line("ttft", name, series)], told)
}

fn load_series(course: &ReportModel<'_>, value: impl Fn(&LoadSnapshot) -> Option<f64>) -> ChartSeries {
    course.load_samples.iter().map(|(at, load)| (*at, value(load))).collect()
}

fn tooltip(name: &str, series: &ChartSeries, text: impl Fn(f64) -> String) -> TooltipSeries {
    // What is not measured any more is not told any more.
    let texts = series.iter().map(|(at, value)| (*at, value.map_or("none".to_owned(), &text)));
    TooltipSeries { name: name.to_owned(), texts: texts.collect() }
}

fn load_panel(title: &str, least_step: f64, shapes: Vec<ChartShape>, told: Vec<TooltipSeries>) -> ChartPanel {
    let empty = "nothing was answered well".to_owned();
    ChartPanel {
        title: title.to_owned(),
        height: 60.0,
        min_step: least_step,
        shapes,
        empty_text: empty,
        tooltips: told,
    }
}
