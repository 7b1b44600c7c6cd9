//! The key of a panel: what each look means, in as many lines as it takes.

use maud::{Markup, html};

use super::draw::{coordinate, diamond_path};
use super::panel::{ChartPanel, ChartShape, StyleClass};
use super::scale::TimeAxis;

/// Height of a line of entries.
const LINE_HEIGHT: f64 = 15.0;

/// Width of a sample of a look.
const MARKER_WIDTH: f64 = 22.0;

/// Width of a letter, about.
const CHAR_WIDTH: f64 = 5.7;

/// The lines of a key.
pub(super) struct ChartLegend(Vec<Vec<LegendEntry>>);

/// A look, and what it means.
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
    /// The key of a panel: each name once.
    pub(super) fn from_panel(panel: &ChartPanel, axis: &TimeAxis) -> Self {
        let mut all: Vec<LegendEntry> = Vec::new();
        for shape in &panel.shapes {
            let (kind, look, name) = match shape {
                ChartShape::Line(look, name, _)
                | ChartShape::Steps(look, name, _)
                | ChartShape::Level(look, name, _) => (LegendMarker::Line, *look, name.as_str()),
                ChartShape::Band(look, name, _) | ChartShape::Zone(look, name, ..) => {
                    (LegendMarker::Area, *look, name.as_str())
                }
                ChartShape::Dots(look, name, _) => (LegendMarker::Dot, *look, name.as_str()),
                ChartShape::Gap(..) => (LegendMarker::Hatched, "blind", "no value to read"),
            };
            if !all.iter().any(|entry| entry.name == name) {
                all.push(LegendEntry {
                    kind,
                    class: look,
                    name: truncate_to_width(name, axis.right - axis.left - MARKER_WIDTH - 5.0),
                });
            }
        }
        Self::wrap_lines(all, axis)
    }

    /// The key of the pods' bars.
    pub(super) fn for_pods(axis: &TimeAxis) -> Self {
        let entry = |kind, look, name: &str| LegendEntry { kind, class: look, name: name.to_owned() };
        let all = vec![
            entry(LegendMarker::Area, "waiting", "not Ready"),
            entry(LegendMarker::Area, "serving", "Ready"),
            entry(LegendMarker::Area, "leaving", "being deleted"),
            entry(LegendMarker::Circle, "answer", "answered a chat of its own"),
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

    /// Draws it above a plot.
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
            text.key x=(coordinate(x + MARKER_WIDTH + 5.0)) y=(coordinate(y)) { (entry.name) }
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
            LegendMarker::Hatched => g.blind {
                rect x=(coordinate(x)) y=(coordinate(top)) width=(MARKER_WIDTH) height="9" {}
                path d={ "M" (coordinate(x)) " " (coordinate(y + 1.0)) "l9 -9m-3 9l9 -9m-3 9l9 -9" } {}
            },
        } }
    }
}

/// As much of a text as there is room for.
pub(super) fn truncate_to_width(text: &str, room: f64) -> String {
    let letters = (room / CHAR_WIDTH) as usize;
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(2)).chain(" …".chars()).collect()
}
