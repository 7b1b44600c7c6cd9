//! The legend of a panel, in as many lines as it takes.

use maud::{Markup, html};

use super::draw::{coordinate, diamond_path};
use super::panel::{ChartPanel, ChartShape, StyleClass};
use super::scale::TimeAxis;

/// Height of a line of entries, SVG units.
const LINE_HEIGHT: f64 = 15.0;

/// Width of an entry's marker, SVG units.
const MARKER_WIDTH: f64 = 22.0;

/// Average width of a character, SVG units.
const CHAR_WIDTH: f64 = 5.7;

/// The lines of a legend.
pub(super) struct ChartLegend(Vec<Vec<LegendEntry>>);

struct LegendEntry {
    kind: LegendMarker,
    class: StyleClass,
    name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LegendMarker {
    Line,
    Area,
    Dot,
    Circle,
    Hatched,
}

impl ChartLegend {
    /// The legend of a panel: each name once.
    pub(super) fn from_panel(panel: &ChartPanel, axis: &TimeAxis) -> Self {
        let mut all: Vec<LegendEntry> = Vec::new();
        for shape in &panel.shapes {
            let (kind, class, name) = match shape {
                ChartShape::Line(class, name, _)
                | ChartShape::Steps(class, name, _)
                | ChartShape::Level(class, name, _) => (LegendMarker::Line, *class, name.as_str()),
                ChartShape::Band(class, name, _) | ChartShape::Zone(class, name, ..) => {
                    (LegendMarker::Area, *class, name.as_str())
                }
                ChartShape::Dots(class, name, _) => (LegendMarker::Dot, *class, name.as_str()),
                ChartShape::Gap(..) => (LegendMarker::Hatched, "gap", "not readable"),
            };
            if !all.iter().any(|entry| entry.name == name) {
                all.push(LegendEntry {
                    kind,
                    class,
                    name: truncate_to_width(name, axis.right - axis.left - MARKER_WIDTH - 5.0),
                });
            }
        }
        Self::wrap_lines(all, axis)
    }

    /// The legend of the pods' bars.
    pub(super) fn for_pods(axis: &TimeAxis) -> Self {
        let entry = |kind, class, name: &str| LegendEntry { kind, class, name: name.to_owned() };
        let all = vec![
            entry(LegendMarker::Area, "not-ready", "not Ready"),
            entry(LegendMarker::Area, "ready", "Ready"),
            entry(LegendMarker::Area, "deleting", "deleting"),
            entry(LegendMarker::Circle, "probe", "answered a direct chat"),
        ];
        Self::wrap_lines(all, axis)
    }

    fn wrap_lines(all: Vec<LegendEntry>, axis: &TimeAxis) -> Self {
        let (mut lines, mut x) = (vec![Vec::new()], 0.0);
        for entry in all {
            if x > 0.0 && x + entry.width() > axis.right - axis.left {
                lines.push(Vec::new());
                x = 0.0;
            }
            x += entry.width();
            if let Some(line) = lines.last_mut() {
                line.push(entry);
            }
        }
        Self(lines)
    }

    pub(super) fn height(&self) -> f64 {
        self.0.len() as f64 * LINE_HEIGHT
    }

    /// Draws the legend above a plot.
    pub(super) fn draw(&self, plot_top: f64, left: f64) -> Markup {
        let mut placed = Vec::new();
        for (n, line) in self.0.iter().enumerate() {
            let (mut x, y) = (left, plot_top - self.height() + n as f64 * LINE_HEIGHT + 9.0);
            for entry in line {
                placed.push((x, y, entry));
                x += entry.width();
            }
        }
        html! { @for (x, y, entry) in placed {
            (entry.draw_marker(x, y))
            text.legend x=(coordinate(x + MARKER_WIDTH + 5.0)) y=(coordinate(y)) { (entry.name) }
        } }
    }
}

impl LegendEntry {
    fn width(&self) -> f64 {
        self.name.chars().count() as f64 * CHAR_WIDTH + MARKER_WIDTH + 16.0
    }

    fn draw_marker(&self, x: f64, y: f64) -> Markup {
        let (middle, top) = (y - 3.5, y - 8.0);
        html! { @match self.kind {
            LegendMarker::Line => path class={ "line " (self.class) } d={ "M" (coordinate(x)) " " (coordinate(middle)) "h" (MARKER_WIDTH) } {},
            LegendMarker::Area => rect class=(self.class) x=(coordinate(x)) y=(coordinate(top)) width=(MARKER_WIDTH) height="9" {},
            LegendMarker::Dot => path class={ "dot " (self.class) } d=(diamond_path(x + MARKER_WIDTH / 2.0, middle)) {},
            LegendMarker::Circle => circle class=(self.class) cx=(coordinate(x + MARKER_WIDTH / 2.0)) cy=(coordinate(middle)) r="3.5" {},
            LegendMarker::Hatched => g.gap {
                rect x=(coordinate(x)) y=(coordinate(top)) width=(MARKER_WIDTH) height="9" {}
                path d={ "M" (coordinate(x)) " " (coordinate(y + 1.0)) "l9 -9m-3 9l9 -9m-3 9l9 -9" } {}
            },
        } }
    }
}

/// The text, cut to a width in SVG units.
pub(super) fn truncate_to_width(text: &str, width: f64) -> String {
    let max_chars = (width / CHAR_WIDTH) as usize;
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    text.chars().take(max_chars.saturating_sub(2)).chain(" …".chars()).collect()
}
