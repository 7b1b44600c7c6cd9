//! The pods of the target as bars: made, Ready, being deleted, gone.

use maud::{Markup, html};

use super::draw::{coordinate, hatched_area};
use super::legend::truncate_to_width;
use super::scale::TimeAxis;
use crate::evidence::report::observations::truncate_text;
use crate::evidence::report::report_model::{ReportModel, ReportPod};
use crate::evidence::report::time_format::format_run_time;

/// Height of one pod's bar with its distance to the next, where there are few of them.
const MAX_ROW_HEIGHT: f64 = 19.0;

/// Room for all bars: with more pods they get thinner, down to two units each.
const MAX_PLOT_HEIGHT: f64 = 260.0;

/// Pods that are drawn at most.
const MAX_PODS: usize = 400;

/// The pods that are drawn, the first ones.
fn shown_pods<'c, 'a>(course: &'c ReportModel<'a>) -> &'c [ReportPod<'a>] {
    course.pods.get(..MAX_PODS).unwrap_or(&course.pods)
}

/// What the panel shows, in words.
pub(super) fn title(course: &ReportModel<'_>) -> String {
    let all = course.pods.len();
    if all > MAX_PODS {
        format!("Pods of the target, the first {MAX_PODS} of {all}")
    } else {
        "Pods of the target".to_owned()
    }
}

/// Height of one row.
fn row_height(course: &ReportModel<'_>) -> f64 {
    (MAX_PLOT_HEIGHT / shown_pods(course).len().max(1) as f64).clamp(2.0, MAX_ROW_HEIGHT)
}

/// Height of the plot.
pub(super) fn plot_height(course: &ReportModel<'_>) -> f64 {
    row_height(course) * shown_pods(course).len() as f64
}

pub(super) fn draw_bars(course: &ReportModel<'_>, axis: &TimeAxis, top: f64) -> Markup {
    let row = row_height(course);
    html! {
        @for (n, life) in shown_pods(course).iter().enumerate() {
            (draw_bar(course, life, axis, top + n as f64 * row, row))
        }
        @for (at, gap) in course.gaps.iter().filter(|(_, gap)| gap.source == "pods").take(MAX_PODS) {
            (hatched_area(axis.x(gap.from_ms), axis.x(*at), top, top + plot_height(course), &truncate_text(&gap.reason)))
        }
    }
}

fn draw_bar(course: &ReportModel<'_>, life: &ReportPod<'_>, axis: &TimeAxis, y: f64, row: f64) -> Markup {
    let gone = life.deleted_ms.unwrap_or(course.end_ms);
    let leaving = life.deleting_ms.unwrap_or(gone).min(gone);
    let ready = life.ready_ms.unwrap_or(leaving).min(leaving);
    let high = coordinate((row - if row > 6.0 { 4.0 } else { 0.6 }).max(1.0));
    let part = |class: &str, from: u64, to: u64| {
        let (from, to) = (axis.x(from), axis.x(to));
        html! { @if to > from { rect.(class) x=(coordinate(from)) y=(coordinate(y)) width=(coordinate(to - from)) height=(high) {} } }
    };
    let answered = life.probe.as_ref().filter(|(_, probe)| probe.error.is_none());
    html! {
        g {
            title { (tooltip(life)) }
            (part("waiting", life.first_seen_ms, ready))
            (part("serving", ready, leaving))
            (part("leaving", leaving, gone))
            @if let Some((at, _)) = answered {
                circle.answer cx=(coordinate(axis.x(*at))) cy=(coordinate(y + (row - 4.0).max(1.0) / 2.0)) r=(coordinate((row / 5.0).min(3.5))) {}
            }
            @if row > 11.0 { (draw_name(life, axis, y + row - 8.0)) }
        }
    }
}

/// The name stands on the bar, or left of it where there is more room; a long one is cut.
fn draw_name(life: &ReportPod<'_>, axis: &TimeAxis, y: f64) -> Markup {
    let answered = life.probe.as_ref().map(|(at, _)| *at);
    let left = axis.x(answered.or(life.ready_ms).unwrap_or(life.first_seen_ms)) + 7.0;
    let right = axis.x(life.first_seen_ms) - 4.0;
    let width = life.latest.name.chars().count() as f64 * 5.7;
    let (x, class, room) = if left + width > axis.right && right > axis.right - left {
        (right, "before", right)
    } else {
        (left, "on", axis.right - left)
    };
    html! { text.(class) x=(coordinate(x)) y=(coordinate(y)) { (truncate_to_width(&life.latest.name, room)) } }
}

fn tooltip(life: &ReportPod<'_>) -> String {
    let at = |name: &str, at: Option<u64>| at.map_or(String::new(), |at| format!("\n{name} {}", format_run_time(at)));
    format!(
        "{}\nfirst seen {}{}{}{}{}",
        life.latest.name,
        format_run_time(life.first_seen_ms),
        at("Ready", life.ready_ms),
        at("answered a chat of its own", life.probe.as_ref().map(|(at, _)| *at)),
        at("being deleted", life.deleting_ms),
        at("gone", life.deleted_ms),
    )
}
