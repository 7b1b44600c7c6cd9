//! The strip above the panels: phases by name, size changes and the HPA's events.

use maud::{Markup, html};

use super::draw::coordinate;
use super::scale::TimeAxis;
use crate::evidence::FinishedRun;
use crate::evidence::report::describe::describe_observation;
use crate::evidence::report::observations::truncate_text;
use crate::evidence::report::report_model::ReportModel;
use crate::evidence::report::time_format::format_run_time;
use crate::model::observation::ObservationKind;
use crate::model::prediction::PredictedChange;

/// Height of a row of the strip.
const ROW_HEIGHT: f64 = 18.0;

/// Rows in which the flags of size changes give way to each other, at most; with more of them only the lines are drawn.
const MAX_MARKER_ROWS: usize = 3;

/// More lines through all panels than this would hide what they cross.
const MAX_MARKER_LINES: usize = 60;

/// Width of a letter, about.
const CHAR_WIDTH: f64 = 6.2;

/// The strip.
pub(super) struct PhaseBar<'a> {
    markers: Vec<SizeChangeMarker<'a>>,
    rows: usize,
}

/// The flag of a change of size.
struct SizeChangeMarker<'a> {
    change: &'a PredictedChange,
    x: f64,
    left: f64,
    row: Option<usize>,
}

impl<'a> PhaseBar<'a> {
    /// The strip of a run: each flag in the first row in which it has room.
    pub(super) fn from_run(ending: &FinishedRun<'a>, axis: &TimeAxis) -> Self {
        let mut ends = [f64::MIN; MAX_MARKER_ROWS];
        let flag = |change: &'a PredictedChange| {
            let x = axis.x(change.at_ms);
            let width = size_change_label(change).chars().count() as f64 * CHAR_WIDTH + 22.0;
            let left = x.min(axis.right - width + 4.0);
            let row = ends.iter().position(|end| *end <= left);
            if let Some(end) = row.and_then(|row| ends.get_mut(row)) {
                *end = left + width;
            }
            SizeChangeMarker { change, x, left, row }
        };
        let flags: Vec<SizeChangeMarker<'a>> = ending.prediction.changes.iter().map(flag).collect();
        let rows = flags.iter().filter_map(|flag| flag.row).max().map_or(0, |row| row + 1);
        Self { markers: flags, rows }
    }

    pub(super) fn height(&self) -> f64 {
        self.events_top() + ROW_HEIGHT
    }

    fn events_top(&self) -> f64 {
        ROW_HEIGHT * (self.rows as f64 + 1.0)
    }

    pub(super) fn draw(&self, course: &ReportModel<'_>, axis: &TimeAxis) -> Markup {
        html! {
            @for (phase, began, ended) in &course.phases {
                @let (from, to) = (axis.x(*began), axis.x(*ended));
                rect.phase x=(coordinate(from)) y="0" width=(coordinate((to - from).max(0.5))) height=(coordinate(ROW_HEIGHT - 2.0)) {
                    title { (phase.as_str()) ": " (format_run_time(*began)) " to " (format_run_time(*ended)) }
                }
                @if to - from > phase.as_str().len() as f64 * CHAR_WIDTH + 4.0 {
                    text.name x=(coordinate(f64::midpoint(from, to))) y=(coordinate(ROW_HEIGHT - 6.0)) { (phase.as_str()) }
                }
            }
            @for flag in &self.markers { (flag.draw()) }
            @for (x, class, words) in event_ticks(course, axis) {
                path class={ "dot " (class) } d={ "M" (coordinate(x)) " " (coordinate(self.events_top() + 2.0)) "v10" } {
                    title { (words) }
                }
            }
        }
    }

    /// A line through all panels for each change of size, as long as they leave room for the rest.
    pub(super) fn draw_marker_lines(&self, bottom: f64) -> Markup {
        let few = if self.markers.len() > MAX_MARKER_LINES { &[] } else { self.markers.as_slice() };
        html! {
            @for flag in few {
                @let y = flag.row.map_or(self.events_top(), |row| ROW_HEIGHT * (row as f64 + 1.0) + 15.0);
                path class={ "pole " (flag.style_class()) } d={ "M" (coordinate(flag.x)) " " (coordinate(y)) "V" (coordinate(bottom)) } {
                    title { (flag.tooltip()) }
                }
            }
        }
    }
}

impl SizeChangeMarker<'_> {
    fn style_class(&self) -> &'static str {
        if self.change.allowed.is_some() { "own" } else { "foreign" }
    }

    fn tooltip(&self) -> String {
        let whose = if self.change.allowed.is_some() { "" } else { ", not confirmed as the autoscaler's own" };
        format!(
            "{}: {}, written by {}{whose}",
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
                path.flag d=(arrow(self.left + 4.0, y + 3.0, self.change.to > self.change.from)) {}
                text.label x=(coordinate(self.left + 11.0)) y=(coordinate(y + 12.0)) { (size_change_label(self.change)) }
            }
        } }
    }
}

fn size_change_label(change: &PredictedChange) -> String {
    format!("{}→{}", change.from, change.to)
}

fn arrow(x: f64, y: f64, rises: bool) -> String {
    match rises {
        true => format!("M{} {}l4 9h-8z", coordinate(x), coordinate(y)),
        false => format!("M{} {}h-8l4 9z", coordinate(x + 4.0), coordinate(y)),
    }
}

/// Events of the HPA, and warnings of anything else in the namespace: one of each a column.
fn event_ticks(course: &ReportModel<'_>, axis: &TimeAxis) -> Vec<(f64, &'static str, String)> {
    let mut all: [Vec<(f64, &'static str, String)>; 2] = [Vec::new(), Vec::new()];
    for observation in &course.events {
        let ObservationKind::Event(event) = &observation.kind else { continue };
        let is_warning = event.kind == "Warning";
        if !is_warning && !event.object.starts_with("HorizontalPodAutoscaler/") {
            continue;
        }
        let Some(shown) = all.get_mut(usize::from(is_warning)) else { continue };
        let x = axis.x(observation.at_ms);
        let words =
            format!("{}: {}", format_run_time(observation.at_ms), truncate_text(&describe_observation(observation)));
        match shown.last_mut() {
            Some((last, _, told)) if (x - *last).abs() < 1.5 => {
                if told.len() < 1000 {
                    *told += &format!("\n{words}");
                }
            }
            _ => shown.push((x, if is_warning { "warning" } else { "event" }, words)),
        }
    }
    all.concat()
}
