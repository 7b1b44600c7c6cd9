//! Shapes → SVG. A path is written to a tenth of a unit, and thinned to what the picture can show.

use maud::{Markup, html};

use super::downsample::{ChartPoint, downsample};
use super::panel::{ChartSeries, ChartShape};
use super::scale::{TimeAxis, ValueAxis};

/// Distance of the strokes of a hatching.
const HATCH_SPACING: f64 = 6.0;

/// Room that a dot takes.
const DOT_WIDTH: f64 = 7.0;

pub(super) fn draw_shape(shape: &ChartShape, axis: &TimeAxis, range: &ValueAxis) -> Markup {
    let width = axis.right - axis.left;
    match shape {
        ChartShape::Line(look, _, series) => html! {
            path class={ "line " (look) } d=(line_path(series, axis, range)) {}
            path class={ "line points " (look) } d=(point_path(series, axis, range)) {}
        },
        ChartShape::Steps(look, _, series) => {
            html! { path class={ "line " (look) } d=(step_path(series, axis, range)) {} }
        }
        ChartShape::Band(look, _, series) => html! { path class=(look) d=(band_path(series, axis, range)) {} },
        ChartShape::Level(look, _, value) => {
            let y = coordinate(range.y(*value));
            html! { path class={ "line " (look) } d={ "M" (coordinate(axis.left)) " " (y) "h" (coordinate(width)) } {} }
        }
        ChartShape::Zone(look, _, low, high) => {
            let (top, bottom) = (range.y(*high), range.y(*low));
            html! {
                rect class=(look) x=(coordinate(axis.left)) y=(coordinate(top)) width=(coordinate(width)) height=(coordinate(bottom - top)) {}
            }
        }
        ChartShape::Dots(look, _, dots) => html! {
            @for (x, y, words) in spaced_dots(dots, axis, range) {
                path class={ "dot " (look) } d=(diamond_path(x, y)) { title { (words) } }
            }
        },
        ChartShape::Gap(from, to, why) => hatched_area(axis.x(*from), axis.x(*to), range.top, range.bottom, why),
    }
}

/// The shapes without the stretches that lie within an earlier one, as far as the picture can show.
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

/// Dots that stand beside each other at most, over the width of one of them.
const MAX_ADJACENT_DOTS: usize = 4;

/// Dots that do not hide each other, and no more of them than there is room for.
fn spaced_dots<'a>(dots: &'a [(u64, f64, String)], axis: &TimeAxis, range: &ValueAxis) -> Vec<(f64, f64, &'a str)> {
    let mut shown: Vec<(f64, f64, &str)> = Vec::new();
    for (at, value, words) in dots {
        let (x, y) = (axis.x(*at), range.y(*value));
        let beside = || shown.iter().rev().take(MAX_ADJACENT_DOTS).filter(|(a, _, _)| (x - a).abs() < 6.0);
        if beside().count() < MAX_ADJACENT_DOTS && !beside().any(|(_, b, _)| (y - b).abs() < 2.0) {
            shown.push((x, y, words));
        }
    }
    shown
}

/// A stretch that nobody could read: hatched, so that no line seems to pass through it.
pub(super) fn hatched_area(from: f64, to: f64, top: f64, bottom: f64, why: &str) -> Markup {
    let (to, height) = (to.max(from + 1.5), bottom - top);
    let first = (from - height) / HATCH_SPACING;
    let count = (((to - from) + height) / HATCH_SPACING).ceil() as u32;
    let mut path = String::new();
    for n in 0..=count {
        // From the lower left to the upper right, cut at both sides.
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
        g.blind {
            title { (why) }
            rect x=(coordinate(from)) y=(coordinate(top)) width=(coordinate(to - from)) height=(coordinate(height)) {}
            path d=(path) {}
        }
    }
}

fn line_path(series: &ChartSeries, axis: &TimeAxis, range: &ValueAxis) -> String {
    let parts = series.split(|(_, value)| value.is_none());
    let places = |part: &[(u64, Option<f64>)]| -> Vec<ChartPoint> {
        part.iter().filter_map(|(at, value)| Some((axis.x(*at), range.y((*value)?)))).collect()
    };
    parts.map(|part| polyline_path(&downsample(&places(part)))).collect()
}

/// A dot for each value, where there is room for them: between two values nothing was read.
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
    let places: Vec<ChartPoint> =
        series.iter().map(|(at, value)| (axis.x(*at), value.map_or(f64::NAN, |value| range.y(value)))).collect();
    for (x, y) in thin_steps(&places) {
        let (gone, began) = (y.is_nan(), last.is_none());
        match last {
            // A step within the picture's own width is none.
            Some(before) if before == y => continue,
            Some(_) => path += &format!("H{}", coordinate(x)),
            None => {}
        }
        if !gone {
            path +=
                &if began { format!("M{} {}", coordinate(x), coordinate(y)) } else { format!("V{}", coordinate(y)) };
        }
        last = (!gone).then_some(y);
    }
    if let (Some(_), Some((x, _))) = (last, places.last()) {
        path += &format!("H{}", coordinate(*x));
    }
    path
}

/// Thinned apart from each other: what is absent has no height.
fn thin_steps(places: &[ChartPoint]) -> Vec<ChartPoint> {
    places.chunk_by(|a, b| a.1.is_nan() == b.1.is_nan()).flat_map(downsample).collect()
}

fn band_path(series: &[(u64, Option<(f64, f64)>)], axis: &TimeAxis, range: &ValueAxis) -> String {
    let mut path = String::new();
    for part in series.split(|(_, value)| value.is_none()) {
        let known = || part.iter().filter_map(|(at, value)| Some((axis.x(*at), (*value)?)));
        let upper: Vec<ChartPoint> = known().map(|(x, (_, most))| (x, range.y(most))).collect();
        let mut lower: Vec<ChartPoint> = known().map(|(x, (least, _))| (x, range.y(least))).collect();
        lower = downsample(&lower);
        lower.reverse();
        let around = polyline_path(&[downsample(&upper), lower].concat());
        if !around.is_empty() {
            path += &format!("{around}Z");
        }
    }
    path
}

fn polyline_path(places: &[ChartPoint]) -> String {
    let mut path = String::new();
    for (n, (x, y)) in places.iter().enumerate() {
        path += &format!("{}{} {}", if n == 0 { "M" } else { "L" }, coordinate(*x), coordinate(*y));
    }
    // A single point is a dot, by its round ends.
    if places.len() == 1 { path + "h0.1" } else { path }
}

pub(super) fn diamond_path(x: f64, y: f64) -> String {
    format!("M{} {}l3.5 3.5l-3.5 3.5l-3.5-3.5z", coordinate(x), coordinate(y - 3.5))
}

/// A coordinate to a tenth.
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
    fn a_size_holds_until_the_next_one_and_ends_where_it_is_gone() {
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
    fn a_gap_is_hatched_and_says_why() {
        let text = hatched_area(10.0, 20.0, 0.0, 10.0, "a <b> gap").into_string();
        assert!(text.contains("a &lt;b&gt; gap") && text.matches('M').count() >= 3, "{text}");
    }
}
