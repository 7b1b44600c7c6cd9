//! Shapes → SVG. Coordinates have one decimal, and paths are downsampled to what the chart can show.

use maud::{Markup, html};

use super::downsample::{ChartPoint, downsample};
use super::panel::{ChartSeries, ChartShape};
use super::scale::{TimeAxis, ValueAxis};

/// Distance between the strokes of a hatched area, SVG units.
const HATCH_SPACING: f64 = 6.0;

/// Width of a dot, SVG units.
const DOT_WIDTH: f64 = 7.0;

pub(super) fn draw_shape(shape: &ChartShape, axis: &TimeAxis, range: &ValueAxis) -> Markup {
    let width = axis.right - axis.left;
    match shape {
        ChartShape::Line(class, _, series) => html! {
            path class={ "line " (class) } d=(line_path(series, axis, range)) {}
            path class={ "line points " (class) } d=(point_path(series, axis, range)) {}
        },
        ChartShape::Steps(class, _, series) => {
            html! { path class={ "line " (class) } d=(step_path(series, axis, range)) {} }
        }
        ChartShape::Band(class, _, series) => html! { path class=(class) d=(band_path(series, axis, range)) {} },
        ChartShape::Level(class, _, value) => {
            let y = coordinate(range.y(*value));
            html! { path class={ "line " (class) } d={ "M" (coordinate(axis.left)) " " (y) "h" (coordinate(width)) } {} }
        }
        ChartShape::Zone(class, _, low, high) => {
            let (top, bottom) = (range.y(*high), range.y(*low));
            html! {
                rect class=(class) x=(coordinate(axis.left)) y=(coordinate(top)) width=(coordinate(width)) height=(coordinate(bottom - top)) {}
            }
        }
        ChartShape::Dots(class, _, dots) => html! {
            @for (x, y, text) in spaced_dots(dots, axis, range) {
                path class={ "dot " (class) } d=(diamond_path(x, y)) { title { (text) } }
            }
        },
        ChartShape::Gap(from, to, reason) => hatched_area(axis.x(*from), axis.x(*to), range.top, range.bottom, reason),
    }
}

/// The shapes without the gaps that an earlier gap covers in the chart.
pub(super) fn visible_shapes<'a>(shapes: &'a [ChartShape], axis: &TimeAxis) -> impl Iterator<Item = &'a ChartShape> {
    let (mut last, axis) = (f64::MIN, *axis);
    shapes.iter().filter(move |shape| {
        let ChartShape::Gap(_, to, _) = shape else { return true };
        let end = axis.x(*to);
        let is_new = end > last + 1.0;
        last = last.max(end);
        is_new
    })
}

/// Most dots within the width of one dot.
const MAX_ADJACENT_DOTS: usize = 4;

/// The dots that neither hide each other nor crowd a column.
fn spaced_dots<'a>(dots: &'a [(u64, f64, String)], axis: &TimeAxis, range: &ValueAxis) -> Vec<(f64, f64, &'a str)> {
    let mut shown: Vec<(f64, f64, &str)> = Vec::new();
    for (at, value, text) in dots {
        let (x, y) = (axis.x(*at), range.y(*value));
        let neighbors = || shown.iter().rev().take(MAX_ADJACENT_DOTS).filter(|(a, _, _)| (x - a).abs() < 6.0);
        if neighbors().count() < MAX_ADJACENT_DOTS && !neighbors().any(|(_, b, _)| (y - b).abs() < 2.0) {
            shown.push((x, y, text));
        }
    }
    shown
}

/// A hatched area over a time in which a source was not readable, so that no line seems to pass through it.
pub(super) fn hatched_area(from: f64, to: f64, top: f64, bottom: f64, reason: &str) -> Markup {
    let (to, height) = (to.max(from + 1.5), bottom - top);
    let first = (from - height) / HATCH_SPACING;
    let count = (((to - from) + height) / HATCH_SPACING).ceil() as u32;
    let mut path = String::new();
    for n in 0..=count {
        // A stroke from lower left to upper right, clipped at both sides.
        let x = (first.ceil() + f64::from(n)) * HATCH_SPACING;
        let (a, b) = (x.max(from), (x + height).min(to));
        if a < b {
            path += &format!(
                "M{} {}L{} {}",
                coordinate(a),
                coordinate(bottom - (a - x)),
                coordinate(b),
                coordinate(bottom - (b - x))
            );
        }
    }
    html! {
        g.gap {
            title { (reason) }
            rect x=(coordinate(from)) y=(coordinate(top)) width=(coordinate(to - from)) height=(coordinate(height)) {}
            path d=(path) {}
        }
    }
}

fn line_path(series: &ChartSeries, axis: &TimeAxis, range: &ValueAxis) -> String {
    let parts = series.split(|(_, value)| value.is_none());
    let points = |part: &[(u64, Option<f64>)]| -> Vec<ChartPoint> {
        part.iter().filter_map(|(at, value)| Some((axis.x(*at), range.y((*value)?)))).collect()
    };
    parts.map(|part| polyline_path(&downsample(&points(part)))).collect()
}

/// A dot for each value, if the dots fit: a line alone hides how far apart the readings are.
fn point_path(series: &ChartSeries, axis: &TimeAxis, range: &ValueAxis) -> String {
    if series.len() as f64 * DOT_WIDTH > axis.right - axis.left {
        return String::new();
    }
    let known = series.iter().filter_map(|(at, value)| Some((axis.x(*at), range.y((*value)?))));
    known.map(|(x, y)| format!("M{} {}h0.1", coordinate(x), coordinate(y))).collect()
}

fn step_path(series: &ChartSeries, axis: &TimeAxis, range: &ValueAxis) -> String {
    let mut path = String::new();
    let mut last: Option<f64> = None;
    let points: Vec<ChartPoint> =
        series.iter().map(|(at, value)| (axis.x(*at), value.map_or(f64::NAN, |value| range.y(value)))).collect();
    for (x, y) in thin_steps(&points) {
        let (is_absent, is_first) = (y.is_nan(), last.is_none());
        match last {
            // The same height at the chart's resolution: no step.
            Some(before) if before == y => continue,
            Some(_) => path += &format!("H{}", coordinate(x)),
            None => {}
        }
        if !is_absent {
            path +=
                &if is_first { format!("M{} {}", coordinate(x), coordinate(y)) } else { format!("V{}", coordinate(y)) };
        }
        last = (!is_absent).then_some(y);
    }
    if let (Some(_), Some((x, _))) = (last, points.last()) {
        path += &format!("H{}", coordinate(*x));
    }
    path
}

/// Downsamples present and absent values apart, since an absent value (NaN) has no height to compare.
fn thin_steps(points: &[ChartPoint]) -> Vec<ChartPoint> {
    points.chunk_by(|a, b| a.1.is_nan() == b.1.is_nan()).flat_map(downsample).collect()
}

fn band_path(series: &[(u64, Option<(f64, f64)>)], axis: &TimeAxis, range: &ValueAxis) -> String {
    let mut path = String::new();
    for part in series.split(|(_, value)| value.is_none()) {
        let known = || part.iter().filter_map(|(at, value)| Some((axis.x(*at), (*value)?)));
        let upper: Vec<ChartPoint> = known().map(|(x, (_, max))| (x, range.y(max))).collect();
        let mut lower: Vec<ChartPoint> = known().map(|(x, (min, _))| (x, range.y(min))).collect();
        lower = downsample(&lower);
        lower.reverse();
        let outline = polyline_path(&[downsample(&upper), lower].concat());
        if !outline.is_empty() {
            path += &format!("{outline}Z");
        }
    }
    path
}

fn polyline_path(points: &[ChartPoint]) -> String {
    let mut path = String::new();
    for (n, (x, y)) in points.iter().enumerate() {
        path += &format!("{}{} {}", if n == 0 { "M" } else { "L" }, coordinate(*x), coordinate(*y));
    }
    // A short stroke with round ends draws a single point as a dot.
    if points.len() == 1 { path + "h0.1" } else { path }
}

pub(super) fn diamond_path(x: f64, y: f64) -> String {
    format!("M{} {}l3.5 3.5l-3.5 3.5l-3.5-3.5z", coordinate(x), coordinate(y - 3.5))
}

/// A coordinate with one decimal at most.
pub(super) fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIS: TimeAxis = TimeAxis { end_ms: 100_000, left: 0.0, right: 100.0 };
    const RANGE: ValueAxis = ValueAxis { low: 0.0, high: 10.0, step: 5.0, top: 0.0, bottom: 10.0 };

    #[test]
    fn a_step_holds_until_the_next_one_and_ends_where_the_value_is_absent() {
        let series =
            vec![(0, Some(1.0)), (40_000, Some(2.0)), (60_000, Some(2.0)), (80_000, None), (90_000, Some(4.0))];
        assert_eq!(step_path(&series, &AXIS, &RANGE), "M0 9H40V8H80M90 6H90");
    }

    #[test]
    fn a_line_is_broken_where_nothing_was_read() {
        let series = vec![(0, Some(1.0)), (10_000, Some(2.0)), (20_000, None), (30_000, Some(3.0))];
        assert_eq!(line_path(&series, &AXIS, &RANGE), "M0 9L10 8M30 7h0.1");
        assert_eq!(band_path(&[(0, Some((1.0, 2.0))), (5000, Some((1.0, 3.0)))], &AXIS, &RANGE), "M0 8L5 7L5 9L0 9Z");
    }

    #[test]
    fn a_gap_is_hatched_and_states_its_reason() {
        let text = hatched_area(10.0, 20.0, 0.0, 10.0, "a <b> gap").into_string();
        assert!(text.contains("a &lt;b&gt; gap") && text.matches('M').count() >= 3, "{text}");
    }
}
