//! The bar above the panels: phases, changes of spec.replicas, and events.

use maud::{Markup, html};

use super::draw::coordinate;
use super::scale::TimeAxis;
use crate::evidence::finished_run::FinishedRun;
use crate::evidence::report::describe::describe_event;
use crate::evidence::report::observations::truncate_text;
use crate::evidence::report::report_model::ReportModel;
use crate::evidence::report::time_format::format_run_time;
use crate::model::observation::ObservationKind;
use crate::model::prediction::PredictedChange;

/// Height of a row, SVG units.
const ROW_HEIGHT: f64 = 18.0;

/// Rows for the labels of size changes that would overlap; a change without a row has its line only.
const MAX_MARKER_ROWS: usize = 3;

/// Above this number the lines through all panels are left out: they would hide the curves.
const MAX_MARKER_LINES: usize = 60;

/// Average width of a character, SVG units.
const CHAR_WIDTH: f64 = 6.2;

pub(super) struct PhaseBar<'a> {
    markers: Vec<SizeChangeMarker<'a>>,
    rows: usize,
}

/// The arrow and label of a change of spec.replicas.
struct SizeChangeMarker<'a> {
    change: &'a PredictedChange,
    x: f64,
    left: f64,
    row: Option<usize>,
}

impl<'a> PhaseBar<'a> {
    /// Places each marker in the first row with space for it.
    pub(super) fn from_run(run: &FinishedRun<'a>, axis: &TimeAxis) -> Self {
        let mut ends = [f64::MIN; MAX_MARKER_ROWS];
        let place = |change: &'a PredictedChange| {
            let x = axis.x(change.at_ms);
            let width = size_change_label(change).chars().count() as f64 * CHAR_WIDTH + 22.0;
            let left = x.min(axis.right - width + 4.0);
            let row = ends.iter().position(|end| *end <= left);
            if let Some(end) = row.and_then(|row| ends.get_mut(row)) {
                *end = left + width;
            }
            SizeChangeMarker { change, x, left, row }
        };
        let markers: Vec<SizeChangeMarker<'a>> = run.prediction.changes.iter().map(place).collect();
        let rows = markers.iter().filter_map(|marker| marker.row).max().map_or(0, |row| row + 1);
        Self { markers, rows }
    }

    pub(super) fn height(&self) -> f64 {
        self.events_top() + ROW_HEIGHT
    }

    fn events_top(&self) -> f64 {
        ROW_HEIGHT * (self.rows as f64 + 1.0)
    }

    pub(super) fn draw(&self, model: &ReportModel<'_>, axis: &TimeAxis) -> Markup {
        html! {
            @for (phase, began, ended) in &model.phases {
                @let (from, to) = (axis.x(*began), axis.x(*ended));
                rect.phase x=(coordinate(from)) y="0" width=(coordinate((to - from).max(0.5))) height=(coordinate(ROW_HEIGHT - 2.0)) {
                    title { (phase.as_str()) ": " (format_run_time(*began)) " to " (format_run_time(*ended)) }
                }
                @if to - from > phase.as_str().len() as f64 * CHAR_WIDTH + 4.0 {
                    text.name x=(coordinate(f64::midpoint(from, to))) y=(coordinate(ROW_HEIGHT - 6.0)) { (phase.as_str()) }
                }
            }
            @for marker in &self.markers { (marker.draw()) }
            @for (x, class, text) in event_ticks(model, axis) {
                path class={ "dot " (class) } d={ "M" (coordinate(x)) " " (coordinate(self.events_top() + 2.0)) "v10" } {
                    title { (text) }
                }
            }
        }
    }

    /// A line through all panels for each change of spec.replicas, up to `MAX_MARKER_LINES`.
    pub(super) fn draw_marker_lines(&self, bottom: f64) -> Markup {
        let markers = if self.markers.len() > MAX_MARKER_LINES { &[] } else { self.markers.as_slice() };
        html! {
            @for marker in markers {
                @let y = marker.row.map_or(self.events_top(), |row| ROW_HEIGHT * (row as f64 + 1.0) + 15.0);
                path class={ "size-change " (marker.style_class()) } d={ "M" (coordinate(marker.x)) " " (coordinate(y)) "V" (coordinate(bottom)) } {
                    title { (marker.tooltip()) }
                }
            }
        }
    }
}

impl SizeChangeMarker<'_> {
    fn style_class(&self) -> &'static str {
        if self.change.allowed.is_some() { "by-hpa" } else { "other-writer" }
    }

    fn tooltip(&self) -> String {
        let attribution = if self.change.allowed.is_some() { "" } else { ", not attributed to the HPA" };
        format!(
            "{}: {}, written by {}{attribution}",
            format_run_time(self.change.at_ms),
            size_change_label(self.change),
            self.change.writer
        )
    }

    fn draw(&self) -> Markup {
        html! { @if let Some(row) = self.row {
            @let y = ROW_HEIGHT * (row as f64 + 1.0);
            g.(self.style_class()) {
                title { (self.tooltip()) }
                path.arrow d=(arrow(self.left + 4.0, y + 3.0, self.change.to > self.change.from)) {}
                text.label x=(coordinate(self.left + 11.0)) y=(coordinate(y + 12.0)) { (size_change_label(self.change)) }
            }
        } }
    }
}

fn size_change_label(change: &PredictedChange) -> String {
    format!("{}→{}", change.from, change.to)
}

fn arrow(x: f64, y: f64, up: bool) -> String {
    match up {
        true => format!("M{} {}l4 9h-8z", coordinate(x), coordinate(y)),
        false => format!("M{} {}h-8l4 9z", coordinate(x + 4.0), coordinate(y)),
    }
}

/// A tick per column for the HPA's events, and one for the Warning events of the namespace.
fn event_ticks(model: &ReportModel<'_>, axis: &TimeAxis) -> Vec<(f64, &'static str, String)> {
    let mut all: [Vec<(f64, &'static str, String)>; 2] = [Vec::new(), Vec::new()];
    for observation in &model.events {
        let ObservationKind::Event(event) = &observation.kind else { continue };
        let is_warning = event.kind == "Warning";
        if !is_warning && !event.object.starts_with("HorizontalPodAutoscaler/") {
            continue;
        }
        let Some(shown) = all.get_mut(usize::from(is_warning)) else { continue };
        let x = axis.x(observation.at_ms);
        let text = format!("{}: {}", format_run_time(observation.at_ms), truncate_text(&describe_event(event)));
        match shown.last_mut() {
            Some((last, _, tooltip)) if (x - *last).abs() < 1.5 => {
                if tooltip.len() < 1000 {
                    *tooltip += &format!("\n{text}");
                }
            }
            _ => shown.push((x, if is_warning { "warning" } else { "event" }, text)),
        }
    }
    all.concat()
}
