//! Panel of pods: a bar per pod of the target, from its first observation over Ready and deleting to its deletion.

use maud::{Markup, html};

use super::draw::{coordinate, hatched_area};
use super::legend::truncate_to_width;
use super::scale::TimeAxis;
use crate::evidence::report::observations::truncate_text;
use crate::evidence::report::report_model::{ReportModel, ReportPod};
use crate::evidence::report::time_format::format_run_time;

/// Height of one pod's row, SVG units, where there are few.
const MAX_ROW_HEIGHT: f64 = 19.0;

/// Height of the plot, SVG units: with more pods the rows get lower, down to two units each.
const MAX_PLOT_HEIGHT: f64 = 260.0;

/// Pods drawn; the panel's title says when there are more.
const MAX_PODS: usize = 400;

fn shown_pods<'c, 'a>(model: &'c ReportModel<'a>) -> &'c [ReportPod<'a>] {
    model.pods.get(..MAX_PODS).unwrap_or(&model.pods)
}

pub(super) fn title(model: &ReportModel<'_>) -> String {
    let count = model.pods.len();
    if count > MAX_PODS {
        format!("Pods of the target, the first {MAX_PODS} of {count}")
    } else {
        "Pods of the target".to_owned()
    }
}

fn row_height(model: &ReportModel<'_>) -> f64 {
    (MAX_PLOT_HEIGHT / shown_pods(model).len().max(1) as f64).clamp(2.0, MAX_ROW_HEIGHT)
}

pub(super) fn plot_height(model: &ReportModel<'_>) -> f64 {
    row_height(model) * shown_pods(model).len() as f64
}

pub(super) fn draw_bars(model: &ReportModel<'_>, axis: &TimeAxis, top: f64) -> Markup {
    let row = row_height(model);
    html! {
        @for (n, pod) in shown_pods(model).iter().enumerate() {
            (draw_bar(model, pod, axis, top + n as f64 * row, row))
        }
        @for (at, gap) in model.gaps.iter().filter(|(_, gap)| gap.source == "pods").take(MAX_PODS) {
            (hatched_area(axis.x(gap.from_ms), axis.x(*at), top, top + plot_height(model), &truncate_text(&gap.reason)))
        }
    }
}

fn draw_bar(model: &ReportModel<'_>, pod: &ReportPod<'_>, axis: &TimeAxis, y: f64, row: f64) -> Markup {
    let deleted = pod.deleted_ms.unwrap_or(model.end_ms);
    let deleting = pod.deleting_ms.unwrap_or(deleted).min(deleted);
    let ready = pod.ready_ms.unwrap_or(deleting).min(deleting);
    let height = coordinate((row - if row > 6.0 { 4.0 } else { 0.6 }).max(1.0));
    let bar = |class: &str, from: u64, to: u64| {
        let (from, to) = (axis.x(from), axis.x(to));
        html! { @if to > from { rect.(class) x=(coordinate(from)) y=(coordinate(y)) width=(coordinate(to - from)) height=(height) {} } }
    };
    let probed = pod.probe.as_ref().filter(|(_, probe)| probe.error.is_none());
    html! {
        g {
            title { (tooltip(pod)) }
            (bar("not-ready", pod.first_seen_ms, ready))
            (bar("ready", ready, deleting))
            (bar("deleting", deleting, deleted))
            @if let Some((at, _)) = probed {
                circle.probe cx=(coordinate(axis.x(*at))) cy=(coordinate(y + (row - 4.0).max(1.0) / 2.0)) r=(coordinate((row / 5.0).min(3.5))) {}
            }
            @if row > 11.0 { (draw_name(pod, axis, y + row - 8.0)) }
        }
    }
}

/// The name on the bar, or left of the bar where there is more space; a long name is cut.
fn draw_name(pod: &ReportPod<'_>, axis: &TimeAxis, y: f64) -> Markup {
    let probed = pod.probe.as_ref().map(|(at, _)| *at);
    let left = axis.x(probed.or(pod.ready_ms).unwrap_or(pod.first_seen_ms)) + 7.0;
    let right = axis.x(pod.first_seen_ms) - 4.0;
    let width = pod.latest.name.chars().count() as f64 * 5.7;
    let (x, class, space) = if left + width > axis.right && right > axis.right - left {
        (right, "before", right)
    } else {
        (left, "on", axis.right - left)
    };
    html! { text.(class) x=(coordinate(x)) y=(coordinate(y)) { (truncate_to_width(&pod.latest.name, space)) } }
}

fn tooltip(pod: &ReportPod<'_>) -> String {
    let at = |name: &str, at: Option<u64>| at.map_or(String::new(), |at| format!("\n{name} {}", format_run_time(at)));
    format!(
        "{}\nfirst seen {}{}{}{}{}",
        pod.latest.name,
        format_run_time(pod.first_seen_ms),
        at("Ready", pod.ready_ms),
        at("answered a direct chat", pod.probe.as_ref().map(|(at, _)| *at)),
        at("deleting", pod.deleting_ms),
        at("deleted", pod.deleted_ms),
    )
}
