//! One picture over one time axis: phases, events, replicas, the metric at each hop, the load and the pods. It is drawn twice,
//! for a screen and for a phone, so that its letters can be read on both; the style sheet shows one of them.

mod draw;
mod hops;
mod key;
mod lives;
mod load;
mod marks;
mod panel;
mod replicas;
mod scale;
mod thin;

use maud::{Markup, html};

use super::course::Course;
use super::moment::{minutes, moment};
use crate::evidence::Ending;
use draw::place;
use key::Key;
use marks::Strip;
use panel::Panel;
use scale::{Axis, Range};

/// Widths of the two pictures: a page, and a phone of 360 pixels less its margins.
const WIDE: f64 = 1080.0;
const NARROW: f64 = 336.0;

/// Room between two panels, the title of the lower one and its key not included.
const APART: f64 = 12.0;

/// Room between the key of a panel and its plot, so that a line at the top of the one touches no letter of the other.
const HEAD: f64 = 4.0;

/// Height of a line of text.
const LINE: f64 = 15.0;

/// Columns in which a pointer is told the values.
const COLUMNS: u32 = 160;

pub(super) fn chart(ending: &Ending<'_>, course: &Course<'_>) -> Markup {
    let mut panels = vec![replicas::panel(ending, course)];
    panels.extend(hops::panels(ending, course));
    panels.extend(load::panels(course));
    html! {
        figure {
            (picture(ending, course, &panels, WIDE))
            (picture(ending, course, &panels, NARROW))
        }
    }
}

fn picture(ending: &Ending<'_>, course: &Course<'_>, panels: &[Panel], width: f64) -> Markup {
    let is_wide = width == WIDE;
    let (left, right) = if is_wide { (44.0, width - 10.0) } else { (32.0, width - 4.0) };
    let axis = Axis { end_ms: course.end_ms.max(1), left, right };
    let strip = Strip::of(ending, &axis);
    let head = strip.height();
    let mut y = head;
    let mut placed = Vec::new();
    for panel in panels {
        let key = Key::of(panel, &axis);
        let top = y + APART + LINE + key.height() + HEAD;
        y = top + panel.height;
        placed.push((panel, key, Range::of(panel.values().into_iter(), panel.least_step, top, y)));
    }
    let pod_key = Key::of_pods(&axis);
    let pods_top = y + APART + LINE + pod_key.height();
    let bottom = if course.lives.is_empty() { y } else { pods_top + lives::height(course) };
    html! {
        svg class=(if is_wide { "chart on-page" } else { "chart on-phone" }) role="img" viewBox={ "0 0 " (width) " " (place(bottom + 22.0)) }
            aria-label="Replicas, metric, load and pods over time" {
            g.shades { @for (n, (_, began, ended)) in course.phases.iter().enumerate() {
                @if n % 2 == 0 {
                    rect x=(place(axis.x(*began))) y="0" width=(place(axis.x(*ended) - axis.x(*began))) height=(place(bottom)) {}
                }
            } }
            (strip.draw(course, &axis))
            (strip.poles(bottom))
            @for (panel, key, range) in &placed { (plot(panel, key, range, &axis)) }
            @if !course.lives.is_empty() {
                text.title x=(place(left)) y=(place(pods_top - pod_key.height() - 4.0)) { (lives::title(course)) }
                (pod_key.draw(pods_top, left))
                (lives::bars(course, &axis, pods_top))
            }
            (times(&axis, head, bottom))
            @if let Some(stamp) = ending.verdict.stamps().first() {
                text.stand-in x=(place(right)) y=(place(head + APART + 6.0)) { (stamp.word()) }
            }
            @if is_wide { (pointer(course, panels, &axis, head, bottom)) }
        }
    }
}

fn plot(panel: &Panel, key: &Key, range: &Range, axis: &Axis) -> Markup {
    html! {
        text.title x=(place(axis.left)) y=(place(range.top - HEAD - key.height() - 4.0)) { (panel.title) }
        (key.draw(range.top - HEAD, axis.left))
        g.grid { @for value in range.ticks() {
            path d={ "M" (place(axis.left)) " " (place(range.y(value))) "H" (place(axis.right)) } {}
            text x=(place(axis.left - 5.0)) y=(place(range.y(value) + 4.0)) { (scale::short(value)) }
        } }
        @for shape in draw::visible(&panel.shapes, axis) { (draw::shape(shape, axis, range)) }
        @if panel.is_empty() {
            text.empty x=(place(axis.left + 8.0)) y=(place(f64::midpoint(range.top, range.bottom) + 4.0)) {
                (key::cut(&panel.empty, axis.right - axis.left - 16.0))
            }
        }
    }
}

fn times(axis: &Axis, top: f64, bottom: f64) -> Markup {
    html! {
        g.times { @for second in axis.ticks() {
            @let x = axis.x(second * 1000);
            path d={ "M" (place(x)) " " (place(top)) "V" (place(bottom + 4.0)) } {}
            text x=(place(x)) y=(place(bottom + 16.0)) { (minutes(second)) }
        } }
    }
}

/// Columns over the whole picture, each with the values of its moment, for whoever points at it.
fn pointer(course: &Course<'_>, panels: &[Panel], axis: &Axis, top: f64, bottom: f64) -> Markup {
    let width = (axis.right - axis.left) / f64::from(COLUMNS);
    let column = |n: u32| {
        let at = axis.at_ms((f64::from(n) + 0.5) / f64::from(COLUMNS));
        let phase = course.phases.iter().rfind(|(_, began, ended)| (*began..=*ended).contains(&at));
        let mut text = format!("{} {}", moment(at), phase.map_or("", |(phase, _, _)| phase.name()));
        for told in panels.iter().flat_map(|panel| &panel.told) {
            if let Some(value) = told.at(at) {
                text += &format!("\n{}: {value}", told.name);
            }
        }
        (axis.left + f64::from(n) * width, text)
    };
    html! {
        g.pointer { @for (x, text) in (0..COLUMNS).map(column) {
            rect x=(place(x)) y=(place(top)) width=(place(width)) height=(place(bottom - top)) { title { (text) } }
        } }
    }
}
