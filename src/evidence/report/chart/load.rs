//! Panels of the load: requests in flight, tokens per second, time to first token.

use super::panel::{ChartPanel, ChartSeries, ChartShape, TooltipSeries};
use super::scale::{format_value, ms_to_seconds};
use crate::evidence::report::report_model::ReportModel;
use crate::evidence::report::time_format::format_micros;
use crate::model::observation::LoadSnapshot;

/// Window of the token rate: tokens are counted when a response ends, so over a shorter time the rate would jump.
const RATE_WINDOW_MS: u64 = 5_000;

pub(super) fn panels(model: &ReportModel<'_>) -> Vec<ChartPanel> {
    if model.load_samples.is_empty() {
        return Vec::new();
    }
    vec![in_flight_panel(model), token_rate_panel(model), ttft_panel(model)]
}

fn in_flight_panel(model: &ReportModel<'_>) -> ChartPanel {
    let series = load_series(model, |load| Some(load.in_flight as f64));
    let mut shapes = vec![ChartShape::Steps("in-flight", "requests in flight".to_owned(), series.clone())];
    let failed: Vec<(u64, f64, String)> = model
        .load_samples
        .iter()
        .zip(model.load_samples.iter().skip(1))
        .filter(|((_, before), (_, now))| now.failed > before.failed)
        .map(|((_, before), (at, now))| (*at, now.in_flight as f64, format!("{} failed", now.failed - before.failed)))
        .collect();
    if !failed.is_empty() {
        shapes.push(ChartShape::Dots("failed", "failed requests".to_owned(), failed));
    }
    let tooltips = vec![
        tooltip("in flight", &series, format_value),
        TooltipSeries {
            name: "succeeded, failed".to_owned(),
            texts: model
                .load_samples
                .iter()
                .map(|(at, load)| (*at, format!("{}, {}", load.succeeded, load.failed)))
                .collect(),
        },
    ];
    load_panel("Requests in flight", 1.0, shapes, tooltips)
}

fn token_rate_panel(model: &ReportModel<'_>) -> ChartPanel {
    let mut start = 0;
    let rate = |(n, (at, load)): (usize, &(u64, &LoadSnapshot))| {
        while model.load_samples.get(start + 1).is_some_and(|(next, _)| next.saturating_add(RATE_WINDOW_MS) <= *at) {
            start += 1;
        }
        let (start_ms, before) = model.load_samples.get(start.min(n))?;
        let seconds = ms_to_seconds(at.saturating_sub(*start_ms));
        let count = load.tokens.saturating_sub(before.tokens) as f64;
        (seconds > 0.0).then(|| count / seconds)
    };
    let times = model.load_samples.iter().map(|(at, _)| *at);
    let series: ChartSeries = times.zip(model.load_samples.iter().enumerate().map(rate)).collect();
    let name = format!("tokens of successful chats, average over {} s", RATE_WINDOW_MS / 1000);
    let tooltips = vec![tooltip("tokens/s", &series, format_value)];
    load_panel("Tokens per second", 0.0, vec![ChartShape::Line("tokens", name, series)], tooltips)
}

fn ttft_panel(model: &ReportModel<'_>) -> ChartPanel {
    let value = |load: &LoadSnapshot| (load.succeeded > 0).then(|| load.ttft_p50_us as f64 / 1e6);
    let series = load_series(model, value);
    let tooltips = vec![tooltip("median TTFT", &series, |value| format_micros((value * 1e6) as u64))];
    let name = "median of all successful chats so far".to_owned();
    load_panel("Time to first token, seconds", 0.0, vec![ChartShape::Line("ttft", name, series)], tooltips)
}

fn load_series(model: &ReportModel<'_>, value: impl Fn(&LoadSnapshot) -> Option<f64>) -> ChartSeries {
    model.load_samples.iter().map(|(at, load)| (*at, value(load))).collect()
}

fn tooltip(name: &str, series: &ChartSeries, text: impl Fn(f64) -> String) -> TooltipSeries {
    // `none` ends the value before it.
    let texts = series.iter().map(|(at, value)| (*at, value.map_or("none".to_owned(), &text)));
    TooltipSeries { name: name.to_owned(), texts: texts.collect() }
}

fn load_panel(title: &str, min_step: f64, shapes: Vec<ChartShape>, tooltips: Vec<TooltipSeries>) -> ChartPanel {
    ChartPanel {
        title: title.to_owned(),
        height: 60.0,
        min_step,
        shapes,
        empty_text: "no request succeeded".to_owned(),
        tooltips,
    }
}
