//! Shapes → SVG. A path is written to a tenth of a unit, and thinned to what the picture can show.

use maud::{Markup, html};

use super::panel::{Series, Shape};
use super::scale::{Axis, Range};
use super::thin::{Place, thin};

/// Distance of the strokes of a hatching.
const HATCH: f64 = 6.0;

/// Room that a dot takes.
const DOT: f64 = 7.0;

pub(super) fn shape(shape: &Shape, axis: &Axis, range: &Range) -> Markup {
    let width = axis.right - axis.left;
    match shape {
        Shape::Line(look, _, series) => html! {
            path class={ "line " (look) } d=(line(series, axis, range)) {}
            path class={ "line points " (look) } d=(points(series, axis, range)) {}
        },
        Shape::Steps(look, _, series) => html! { path class={ "line " (look) } d=(steps(series, axis, range)) {} },
        Shape::Band(look, _, series) => html! { path class=(look) d=(band(series, axis, range)) {} },
        Shape::Level(look, _, value) => {
            let y = place(range.y(*value));
            html! { path class={ "line " (look) } d={ "M" (place(axis.left)) " " (y) "h" (place(width)) } {} }
        }
        Shape::Zone(look, _, low, high) => {
            let (top, bottom) = (range.y(*high), range.y(*low));
            html! {
                rect class=(look) x=(place(axis.left)) y=(place(top)) width=(place(width)) height=(place(bottom - top)) {}
            }
        }
        Shape::Dots(look, _, dots) => html! {
            @for (x, y, words) in apart(dots, axis, range) {
                path class={ "dot " (look) } d=(diamond(x, y)) { title { (words) } }
            }
        },
        Shape::Blind(from, to, why) => hatched(axis.x(*from), axis.x(*to), range.top, range.bottom, why),
    }
}

/// The shapes without the stretches that lie within an earlier one, as far as the picture can show.
pub(super) fn visible<'a>(shapes: &'a [Shape], axis: &Axis) -> impl Iterator<Item = &'a Shape> {
    let (mut last, axis) = (f64::MIN, *axis);
    shapes.iter().filter(move |shape| {
        let Shape::Blind(_, to, _) = shape else { return true };
        let end = axis.x(*to);
        let is_new = end > last + 1.0;
        last = last.max(end);
        is_new
    })
}

/// Dots that stand beside each other at most, over the width of one of them.
const DOTS: usize = 4;

/// Dots that do not hide each other, and no more of them than there is room for.
fn apart<'a>(dots: &'a [(u64, f64, String)], axis: &Axis, range: &Range) -> Vec<(f64, f64, &'a str)> {
    let mut shown: Vec<(f64, f64, &str)> = Vec::new();
    for (at, value, words) in dots {
        let (x, y) = (axis.x(*at), range.y(*value));
        let beside = || shown.iter().rev().take(DOTS).filter(|(a, _, _)| (x - a).abs() < 6.0);
        if beside().count() < DOTS && !beside().any(|(_, b, _)| (y - b).abs() < 2.0) {
            shown.push((x, y, words));
        }
    }
    shown
}

/// A stretch that nobody could read: hatched, so that no line seems to pass through it.
pub(super) fn hatched(from: f64, to: f64, top: f64, bottom: f64, why: &str) -> Markup {
    let (to, height) = (to.max(from + 1.5), bottom - top);
    let first = (from - height) / HATCH;
    let count = (((to - from) + height) / HATCH).ceil() as u32;
    let mut path = String::new();
    for n in 0..=count {
        // From the lower left to the upper right, cut at both sides.
        let x = (first.ceil() + f64::from(n)) * HATCH;
        let (a, b) = (x.max(from), (x + height).min(to));
        if a < b {
            path += &format!("M{} {}L{} {}", place(a), place(bottom - (a - x)), place(b), place(bottom - (b - x)));
        }
    }
    html! {
        g.blind {
            title { (why) }
            rect x=(place(from)) y=(place(top)) width=(place(to - from)) height=(place(height)) {}
            path d=(path) {}
        }
    }
}

fn line(series: &Series, axis: &Axis, range: &Range) -> String {
    let parts = series.split(|(_, value)| value.is_none());
    let places = |part: &[(u64, Option<f64>)]| -> Vec<Place> {
        part.iter().filter_map(|(at, value)| Some((axis.x(*at), range.y((*value)?)))).collect()
    };
    parts.map(|part| joined(&thin(&places(part)))).collect()
}

/// A dot for each value, where there is room for them: between two values nothing was read.
fn points(series: &Series, axis: &Axis, range: &Range) -> String {
    if series.len() as f64 * DOT > axis.right - axis.left {
        return String::new();
    }
    let known = series.iter().filter_map(|(at, value)| Some((axis.x(*at), range.y((*value)?))));
    known.map(|(x, y)| format!("M{} {}h0.1", place(x), place(y))).collect()
}

fn steps(series: &Series, axis: &Axis, range: &Range) -> String {
    let mut path = String::new();
    let mut last: Option<f64> = None;
    let places: Vec<Place> =
        series.iter().map(|(at, value)| (axis.x(*at), value.map_or(f64::NAN, |value| range.y(value)))).collect();
    for (x, y) in thin_steps(&places) {
        let (gone, began) = (y.is_nan(), last.is_none());
        match last {
            // A step within the picture's own width is none.
            Some(before) if before == y => continue,
            Some(_) => path += &format!("H{}", place(x)),
            None => {}
        }
        if !gone {
            path += &if began { format!("M{} {}", place(x), place(y)) } else { format!("V{}", place(y)) };
        }
        last = (!gone).then_some(y);
    }
    if let (Some(_), Some((x, _))) = (last, places.last()) {
        path += &format!("H{}", place(*x));
    }
    path
}

/// Thinned apart from each other: what is absent has no height.
fn thin_steps(places: &[Place]) -> Vec<Place> {
    places.chunk_by(|a, b| a.1.is_nan() == b.1.is_nan()).flat_map(thin).collect()
}

fn band(series: &[(u64, Option<(f64, f64)>)], axis: &Axis, range: &Range) -> String {
    let mut path = String::new();
    for part in series.split(|(_, value)| value.is_none()) {
        let known = || part.iter().filter_map(|(at, value)| Some((axis.x(*at), (*value)?)));
        let upper: Vec<Place> = known().map(|(x, (_, most))| (x, range.y(most))).collect();
        let mut lower: Vec<Place> = known().map(|(x, (least, _))| (x, range.y(least))).collect();
        lower = thin(&lower);
        lower.reverse();
        let around = joined(&[thin(&upper), lower].concat());
        if !around.is_empty() {
            path += &format!("{around}Z");
        }
    }
    path
}

fn joined(places: &[Place]) -> String {
    let mut path = String::new();
    for (n, (x, y)) in places.iter().enumerate() {
        path += &format!("{}{} {}", if n == 0 { "M" } else { "L" }, place(*x), place(*y));
    }
    // A single point is a dot, by its round ends.
    if places.len() == 1 { path + "h0.1" } else { path }
}

pub(super) fn diamond(x: f64, y: f64) -> String {
    format!("M{} {}l3.5 3.5l-3.5 3.5l-3.5-3.5z", place(x), place(y - 3.5))
}

/// A coordinate to a tenth.
pub(super) fn place(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIS: Axis = Axis { end_ms: 100_000, left: 0.0, right: 100.0 };
    const RANGE: Range = Range { low: 0.0, high: 10.0, step: 5.0, top: 0.0, bottom: 10.0 };

    #[test]
    fn a_size_holds_until_the_next_one_and_ends_where_it_is_gone() {
        let series =
            vec![(0, Some(1.0)), (40_000, Some(2.0)), (60_000, Some(2.0)), (80_000, None), (90_000, Some(4.0))];
        assert_eq!(steps(&series, &AXIS, &RANGE), "M0 9H40V8H80M90 6H90");
    }

    #[test]
    fn a_line_is_broken_where_nothing_was_read() {
        let series = vec![(0, Some(1.0)), (10_000, Some(2.0)), (20_000, None), (30_000, Some(3.0))];
        assert_eq!(line(&series, &AXIS, &RANGE), "M0 9L10 8M30 7h0.1");
        assert_eq!(band(&[(0, Some((1.0, 2.0))), (5000, Some((1.0, 3.0)))], &AXIS, &RANGE), "M0 8L5 7L5 9L0 9Z");
    }

    #[test]
    fn a_gap_is_hatched_and_says_why() {
        let text = hatched(10.0, 20.0, 0.0, 10.0, "a <b> gap").into_string();
        assert!(text.contains("a &lt;b&gt; gap") && text.matches('M').count() >= 3, "{text}");
    }
}
