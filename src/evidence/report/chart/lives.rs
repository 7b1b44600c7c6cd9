//! The pods of the target as bars: made, Ready, being deleted, gone.

use maud::{Markup, html};

use super::draw::{hatched, place};
use super::key::cut;
use super::scale::Axis;
use crate::evidence::report::cited::shortened;
use crate::evidence::report::course::{Course, Life};
use crate::evidence::report::moment::moment;

/// Height of one pod's bar with its distance to the next, where there are few of them.
const ROW: f64 = 19.0;

/// Room for all bars: with more pods they get thinner, down to two units each.
const ROOM: f64 = 260.0;

/// Pods that are drawn at most.
const MOST: usize = 400;

/// The pods that are drawn, the first ones.
fn shown<'c, 'a>(course: &'c Course<'a>) -> &'c [Life<'a>] {
    course.lives.get(..MOST).unwrap_or(&course.lives)
}

/// What the panel shows, in words.
pub(super) fn title(course: &Course<'_>) -> String {
    let all = course.lives.len();
    if all > MOST { format!("Pods of the target, the first {MOST} of {all}") } else { "Pods of the target".to_owned() }
}

/// Height of one row.
fn row(course: &Course<'_>) -> f64 {
    (ROOM / shown(course).len().max(1) as f64).clamp(2.0, ROW)
}

/// Height of the plot.
pub(super) fn height(course: &Course<'_>) -> f64 {
    row(course) * shown(course).len() as f64
}

pub(super) fn bars(course: &Course<'_>, axis: &Axis, top: f64) -> Markup {
    let row = row(course);
    html! {
        @for (n, life) in shown(course).iter().enumerate() {
            (bar(course, life, axis, top + n as f64 * row, row))
        }
        @for (at, gap) in course.gaps.iter().filter(|(_, gap)| gap.source == "pods").take(MOST) {
            (hatched(axis.x(gap.from_ms), axis.x(*at), top, top + height(course), &shortened(&gap.why)))
        }
    }
}

fn bar(course: &Course<'_>, life: &Life<'_>, axis: &Axis, y: f64, row: f64) -> Markup {
    let gone = life.gone_ms.unwrap_or(course.end_ms);
    let leaving = life.leaving_ms.unwrap_or(gone).min(gone);
    let ready = life.ready_ms.unwrap_or(leaving).min(leaving);
    let high = place((row - if row > 6.0 { 4.0 } else { 0.6 }).max(1.0));
    let part = |class: &str, from: u64, to: u64| {
        let (from, to) = (axis.x(from), axis.x(to));
        html! { @if to > from { rect.(class) x=(place(from)) y=(place(y)) width=(place(to - from)) height=(high) {} } }
    };
    let answered = life.answer.as_ref().filter(|(_, probe)| probe.error.is_none());
    html! {
        g {
            title { (words(life)) }
            (part("waiting", life.first_ms, ready))
            (part("serving", ready, leaving))
            (part("leaving", leaving, gone))
            @if let Some((at, _)) = answered {
                circle.answer cx=(place(axis.x(*at))) cy=(place(y + (row - 4.0).max(1.0) / 2.0)) r=(place((row / 5.0).min(3.5))) {}
            }
            @if row > 11.0 { (name(life, axis, y + row - 8.0)) }
        }
    }
}

/// The name stands on the bar, or left of it where there is more room; a long one is cut.
fn name(life: &Life<'_>, axis: &Axis, y: f64) -> Markup {
    let answered = life.answer.as_ref().map(|(at, _)| *at);
    let left = axis.x(answered.or(life.ready_ms).unwrap_or(life.first_ms)) + 7.0;
    let right = axis.x(life.first_ms) - 4.0;
    let width = life.last.name.chars().count() as f64 * 5.7;
    let (x, class, room) = if left + width > axis.right && right > axis.right - left {
        (right, "before", right)
    } else {
        (left, "on", axis.right - left)
    };
    html! { text.(class) x=(place(x)) y=(place(y)) { (cut(&life.last.name, room)) } }
}

fn words(life: &Life<'_>) -> String {
    let at = |name: &str, at: Option<u64>| at.map_or(String::new(), |at| format!("\n{name} {}", moment(at)));
    format!(
        "{}\nfirst seen {}{}{}{}{}",
        life.last.name,
        moment(life.first_ms),
        at("Ready", life.ready_ms),
        at("answered a chat of its own", life.answer.as_ref().map(|(at, _)| *at)),
        at("being deleted", life.leaving_ms),
        at("gone", life.gone_ms),
    )
}
