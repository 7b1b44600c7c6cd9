//! The key of a panel: what each look means, in as many lines as it takes.

use maud::{Markup, html};

use super::draw::{diamond, place};
use super::panel::{Look, Panel, Shape};
use super::scale::Axis;

/// Height of a line of entries.
const LINE: f64 = 15.0;

/// Width of a sample of a look.
const SAMPLE: f64 = 22.0;

/// Width of a letter, about.
const LETTER: f64 = 5.7;

/// The lines of a key.
pub(super) struct Key(Vec<Vec<Entry>>);

/// A look, and what it means.
struct Entry {
    kind: Kind,
    look: Look,
    name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Area,
    Dot,
    Circle,
    Hatched,
}

impl Key {
    /// The key of a panel: each name once.
    pub(super) fn of(panel: &Panel, axis: &Axis) -> Self {
        let mut all: Vec<Entry> = Vec::new();
        for shape in &panel.shapes {
            let (kind, look, name) = match shape {
                Shape::Line(look, name, _) | Shape::Steps(look, name, _) | Shape::Level(look, name, _) => {
                    (Kind::Line, *look, name.as_str())
                }
                Shape::Band(look, name, _) | Shape::Zone(look, name, ..) => (Kind::Area, *look, name.as_str()),
                Shape::Dots(look, name, _) => (Kind::Dot, *look, name.as_str()),
                Shape::Blind(..) => (Kind::Hatched, "blind", "no value to read"),
            };
            if !all.iter().any(|entry| entry.name == name) {
                all.push(Entry { kind, look, name: cut(name, axis.right - axis.left - SAMPLE - 5.0) });
            }
        }
        Self::wrapped(all, axis)
    }

    /// The key of the pods' bars.
    pub(super) fn of_pods(axis: &Axis) -> Self {
        let entry = |kind, look, name: &str| Entry { kind, look, name: name.to_owned() };
        let all = vec![
            entry(Kind::Area, "waiting", "not Ready"),
            entry(Kind::Area, "serving", "Ready"),
            entry(Kind::Area, "leaving", "being deleted"),
            entry(Kind::Circle, "answer", "answered a chat of its own"),
        ];
        Self::wrapped(all, axis)
    }

    fn wrapped(all: Vec<Entry>, axis: &Axis) -> Self {
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
        self.0.len() as f64 * LINE
    }

    /// Draws it above a plot.
    pub(super) fn draw(&self, plot_top: f64, left: f64) -> Markup {
        let mut placed = Vec::new();
        for (n, line) in self.0.iter().enumerate() {
            let (mut x, y) = (left, plot_top - self.height() + n as f64 * LINE + 9.0);
            for entry in line {
                placed.push((x, y, entry));
                x += entry.width();
            }
        }
        html! { @for (x, y, entry) in placed {
            (entry.sample(x, y))
            text.key x=(place(x + SAMPLE + 5.0)) y=(place(y)) { (entry.name) }
        } }
    }
}

impl Entry {
    fn width(&self) -> f64 {
        self.name.chars().count() as f64 * LETTER + SAMPLE + 16.0
    }

    fn sample(&self, x: f64, y: f64) -> Markup {
        let (middle, top) = (y - 3.5, y - 8.0);
        html! { @match self.kind {
            Kind::Line => path class={ "line " (self.look) } d={ "M" (place(x)) " " (place(middle)) "h" (SAMPLE) } {},
            Kind::Area => rect class=(self.look) x=(place(x)) y=(place(top)) width=(SAMPLE) height="9" {},
            Kind::Dot => path class={ "dot " (self.look) } d=(diamond(x + SAMPLE / 2.0, middle)) {},
            Kind::Circle => circle class=(self.look) cx=(place(x + SAMPLE / 2.0)) cy=(place(middle)) r="3.5" {},
            Kind::Hatched => g.blind {
                rect x=(place(x)) y=(place(top)) width=(SAMPLE) height="9" {}
                path d={ "M" (place(x)) " " (place(y + 1.0)) "l9 -9m-3 9l9 -9m-3 9l9 -9" } {}
            },
        } }
    }
}

/// As much of a text as there is room for.
pub(super) fn cut(text: &str, room: f64) -> String {
    let letters = (room / LETTER) as usize;
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(2)).chain(" …".chars()).collect()
}
