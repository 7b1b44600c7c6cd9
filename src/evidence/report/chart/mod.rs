//! The chart: phases, events, replicas, the metric at each hop, load and pods over one time axis. It is rendered twice, for a
//! page and for a phone, so that its text is legible on both; the style sheet shows one of them.

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
use crate::evidence::finished_run::FinishedRun;
use draw::coordinate;
use legend::ChartLegend;
use panel::ChartPanel;
use phase_bar::PhaseBar;
use scale::{TimeAxis, ValueAxis};

/// Widths of the two charts, SVG units: a page, and a phone of 360 pixels less its margins.
const PAGE_WIDTH: f64 = 1080.0;
const PHONE_WIDTH: f64 = 336.0;

/// Distance between two panels, without the lower one's title and legend.
const PANEL_GAP: f64 = 12.0;

/// Distance between a panel's legend and its plot, so that a curve at the top touches no text.
const LEGEND_GAP: f64 = 4.0;

/// Height of a line of text, SVG units.
const LINE_HEIGHT: f64 = 15.0;

/// Columns with a tooltip each.
const TOOLTIP_COLUMNS: u32 = 160;

pub(super) fn render(run: &FinishedRun<'_>, model: &ReportModel<'_>) -> Markup {
    let mut panels = vec![replicas::replicas_panel(run, model)];
    panels.extend(hops::panels(run, model));
    panels.extend(load::panels(model));
    html! {
        figure {
            (render_svg(run, model, &panels, PAGE_WIDTH))
            (render_svg(run, model, &panels, PHONE_WIDTH))
        }
    }
}

fn render_svg(run: &FinishedRun<'_>, model: &ReportModel<'_>, panels: &[ChartPanel], width: f64) -> Markup {
    let is_wide = width == PAGE_WIDTH;
    let (left, right) = if is_wide { (44.0, width - 10.0) } else { (32.0, width - 4.0) };
    let axis = TimeAxis { end_ms: model.end_ms.max(1), left, right };
    let phase_bar = PhaseBar::from_run(run, &axis);
    let head = phase_bar.height();
    let mut y = head;
    let mut placed = Vec::new();
    for panel in panels {
        let legend = ChartLegend::from_panel(panel, &axis);
        let top = y + PANEL_GAP + LINE_HEIGHT + legend.height() + LEGEND_GAP;
        y = top + panel.height;
        placed.push((panel, legend, ValueAxis::from_values(panel.values().into_iter(), panel.min_step, top, y)));
    }
    let pod_legend = ChartLegend::for_pods(&axis);
    let pods_top = y + PANEL_GAP + LINE_HEIGHT + pod_legend.height();
    let bottom = if model.pods.is_empty() { y } else { pods_top + pod_bars::plot_height(model) };
    html! {
        svg class=(if is_wide { "chart on-page" } else { "chart on-phone" }) role="img" viewBox={ "0 0 " (width) " " (coordinate(bottom + 22.0)) }
            aria-label="Replicas, metric, load and pods over time" {
            g.shades { @for (n, (_, began, ended)) in model.phases.iter().enumerate() {
                @if n % 2 == 0 {
                    rect x=(coordinate(axis.x(*began))) y="0" width=(coordinate(axis.x(*ended) - axis.x(*began))) height=(coordinate(bottom)) {}
                }
            } }
            (phase_bar.draw(model, &axis))
            (phase_bar.draw_marker_lines(bottom))
            @for (panel, legend, range) in &placed { (render_panel(panel, legend, range, &axis)) }
            @if !model.pods.is_empty() {
                text.title x=(coordinate(left)) y=(coordinate(pods_top - pod_legend.height() - 4.0)) { (pod_bars::title(model)) }
                (pod_legend.draw(pods_top, left))
                (pod_bars::draw_bars(model, &axis, pods_top))
            }
            (render_time_axis(&axis, head, bottom))
            @if let Some(stamp) = run.verdict.stamps().first() {
                text.stand-in x=(coordinate(right)) y=(coordinate(head + PANEL_GAP + 6.0)) { (stamp.as_str()) }
            }
            @if is_wide { (render_tooltips(model, panels, &axis, head, bottom)) }
        }
    }
}

fn render_panel(panel: &ChartPanel, legend: &ChartLegend, range: &ValueAxis, axis: &TimeAxis) -> Markup {
    html! {
        text.title x=(coordinate(axis.left)) y=(coordinate(range.top - LEGEND_GAP - legend.height() - 4.0)) { (panel.title) }
        (legend.draw(range.top - LEGEND_GAP, axis.left))
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

/// Invisible columns over the whole chart, each with a tooltip of the values at its time.
fn render_tooltips(model: &ReportModel<'_>, panels: &[ChartPanel], axis: &TimeAxis, top: f64, bottom: f64) -> Markup {
    let width = (axis.right - axis.left) / f64::from(TOOLTIP_COLUMNS);
    let column = |n: u32| {
        let at = axis.at_ms((f64::from(n) + 0.5) / f64::from(TOOLTIP_COLUMNS));
        let phase = model.phases.iter().rfind(|(_, began, ended)| (*began..=*ended).contains(&at));
        let mut text = format!("{} {}", format_run_time(at), phase.map_or("", |(phase, _, _)| phase.as_str()));
        for tooltip in panels.iter().flat_map(|panel| &panel.tooltips) {
            if let Some(value) = tooltip.text_at(at) {
                text += &format!("\n{}: {value}", tooltip.name);
            }
        }
        (axis.left + f64::from(n) * width, text)
    };
    html! {
        g.tooltips { @for (x, text) in (0..TOOLTIP_COLUMNS).map(column) {
            rect x=(coordinate(x)) y=(coordinate(top)) width=(coordinate(width)) height=(coordinate(bottom - top)) { title { (text) } }
        } }
    }
}
