//! One picture over one time axis: phases, events, replicas, the metric at each hop, the load and the pods. It is drawn twice,
//! for a screen and for a phone, so that its letters can be read on both; the style sheet shows one of them.

mod downsample;
mod draw;
mod hops;
mod legend;
mod load;
mod panel;
mod phase_bar;
mod pod_bars;
mod replicas;
mod scale;

use maud::{Markup, html};

use super::report_model::ReportModel;
use super::time_format::{format_minutes, format_run_time};
use crate::evidence::FinishedRun;
use draw::coordinate;
use legend::ChartLegend;
use panel::ChartPanel;
use phase_bar::PhaseBar;
use scale::{TimeAxis, ValueAxis};

/// Widths of the two pictures: a page, and a phone of 360 pixels less its margins.
const PAGE_WIDTH: f64 = 1080.0;
const PHONE_WIDTH: f64 = 336.0;

/// Room between two panels, the title of the lower one and its key not included.
const PANEL_GAP: f64 = 12.0;

/// Room between the key of a panel and its plot, so that a line at the top of the one touches no letter of the other.
const LEGEND_GAP: f64 = 4.0;

/// Height of a line of text.
const LINE_HEIGHT: f64 = 15.0;

/// Columns in which a pointer is told the values.
const TOOLTIP_COLUMNS: u32 = 160;

pub(super) fn render(ending: &FinishedRun<'_>, course: &ReportModel<'_>) -> Markup {
    let mut panels = vec![replicas::replicas_panel(ending, course)];
    panels.extend(hops::panels(ending, course));
    panels.extend(load::panels(course));
    html! {
        figure {
            (render_svg(ending, course, &panels, PAGE_WIDTH))
            (render_svg(ending, course, &panels, PHONE_WIDTH))
        }
    }
}

fn render_svg(ending: &FinishedRun<'_>, course: &ReportModel<'_>, panels: &[ChartPanel], width: f64) -> Markup {
    let is_wide = width == PAGE_WIDTH;
    let (left, right) = if is_wide { (44.0, width - 10.0) } else { (32.0, width - 4.0) };
    let axis = TimeAxis { end_ms: course.end_ms.max(1), left, right };
    let strip = PhaseBar::from_run(ending, &axis);
    let head = strip.height();
    let mut y = head;
    let mut placed = Vec::new();
    for panel in panels {
        let key = ChartLegend::from_panel(panel, &axis);
        let top = y + PANEL_GAP + LINE_HEIGHT + key.height() + LEGEND_GAP;
        y = top + panel.height;
        placed.push((panel, key, ValueAxis::from_values(panel.values().into_iter(), panel.min_step, top, y)));
    }
    let pod_key = ChartLegend::for_pods(&axis);
    let pods_top = y + PANEL_GAP + LINE_HEIGHT + pod_key.height();
    let bottom = if course.pods.is_empty() { y } else { pods_top + pod_bars::plot_height(course) };
    html! {
        svg class=(if is_wide { "chart on-page" } else { "chart on-phone" }) role="img" viewBox={ "0 0 " (width) " " (coordinate(bottom + 22.0)) }
            aria-label="Replicas, metric, load and pods over time" {
            g.shades { @for (n, (_, began, ended)) in course.phases.iter().enumerate() {
                @if n % 2 == 0 {
                    rect x=(coordinate(axis.x(*began))) y="0" width=(coordinate(axis.x(*ended) - axis.x(*began))) height=(coordinate(bottom)) {}
                }
            } }
            (strip.draw(course, &axis))
            (strip.draw_marker_lines(bottom))
            @for (panel, key, range) in &placed { (render_panel(panel, key, range, &axis)) }
            @if !course.pods.is_empty() {
                text.title x=(coordinate(left)) y=(coordinate(pods_top - pod_key.height() - 4.0)) { (pod_bars::title(course)) }
                (pod_key.draw(pods_top, left))
                (pod_bars::draw_bars(course, &axis, pods_top))
            }
            (render_time_axis(&axis, head, bottom))
            @if let Some(stamp) = ending.verdict.stamps().first() {
                text.stand-in x=(coordinate(right)) y=(coordinate(head + PANEL_GAP + 6.0)) { (stamp.as_str()) }
            }
            @if is_wide { (render_tooltips(course, panels, &axis, head, bottom)) }
        }
    }
}

fn render_panel(panel: &ChartPanel, key: &ChartLegend, range: &ValueAxis, axis: &TimeAxis) -> Markup {
    html! {
        text.title x=(coordinate(axis.left)) y=(coordinate(range.top - LEGEND_GAP - key.height() - 4.0)) { (panel.title) }
        (key.draw(range.top - LEGEND_GAP, axis.left))
        g.grid { @for value in range.ticks() {
            path d={ "M" (coordinate(axis.left)) " " (coordinate(range.y(value))) "H" (coordinate(axis.right)) } {}
            text x=(coordinate(axis.left - 5.0)) y=(coordinate(range.y(value) + 4.0)) { (scale::format_value(value)) }
        } }
        @for shape in draw::visible_shapes(&panel.shapes, axis) { (draw::draw_shape(shape, axis, range)) }
        @if panel.is_empty() {
            text.empty x=(coordinate(axis.left + 8.0)) y=(coordinate(f64::midpoint(range.top, range.bottom) + 4.0)) {
                (legend::truncate_to_width(&panel.empty_text, axis.right - axis.left - 16.0))
            }
        }
    }
}

fn render_time_axis(axis: &TimeAxis, top: f64, bottom: f64) -> Markup {
    html! {
        g.times { @for second in axis.ticks() {
            @let x = axis.x(second * 1000);
            path d={ "M" (coordinate(x)) " " (coordinate(top)) "V" (coordinate(bottom + 4.0)) } {}
            text x=(coordinate(x)) y=(coordinate(bottom + 16.0)) { (format_minutes(second)) }
        } }
    }
}

/// Columns over the whole picture, each with the values of its moment, for whoever points at it.
fn render_tooltips(course: &ReportModel<'_>, panels: &[ChartPanel], axis: &TimeAxis, top: f64, bottom: f64) -> Markup {
    let width = (axis.right - axis.left) / f64::from(TOOLTIP_COLUMNS);
    let column = |n: u32| {
        let at = axis.at_ms((f64::from(n) + 0.5) / f64::from(TOOLTIP_COLUMNS));
        let phase = course.phases.iter().rfind(|(_, began, ended)| (*began..=*ended).contains(&at));
        let mut text = format!("{} {}", format_run_time(at), phase.map_or("", |(phase, _, _)| phase.as_str()));
        for told in panels.iter().flat_map(|panel| &panel.tooltips) {
            if let Some(value) = told.text_at(at) {
                text += &format!("\n{}: {value}", told.name);
            }
        }
        (axis.left + f64::from(n) * width, text)
    };
    html! {
        g.pointer { @for (x, text) in (0..TOOLTIP_COLUMNS).map(column) {
            rect x=(coordinate(x)) y=(coordinate(top)) width=(coordinate(width)) height=(coordinate(bottom - top)) { title { (text) } }
        } }
    }
}
