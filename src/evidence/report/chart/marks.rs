//! The strip above the panels: phases by name, size changes and the HPA's events.

use maud::{Markup, html};

use super::draw::place;
use super::scale::Axis;
use crate::evidence::Ending;
use crate::evidence::report::cited::shortened;
use crate::evidence::report::course::Course;
use crate::evidence::report::moment::moment;
use crate::evidence::report::words::words;
use crate::record::observation::Seen;
use crate::record::prediction::Predicted;

/// Height of a row of the strip.
const ROW: f64 = 18.0;

/// Rows in which the flags of size changes give way to each other, at most; with more of them only the lines are drawn.
const ROWS: usize = 3;

/// More lines through all panels than this would hide what they cross.
const POLES: usize = 60;

/// Width of a letter, about.
const LETTER: f64 = 6.2;

/// The strip.
pub(super) struct Strip<'a> {
    flags: Vec<Flag<'a>>,
    rows: usize,
}

/// The flag of a change of size.
struct Flag<'a> {
    change: &'a Predicted,
    x: f64,
    left: f64,
    row: Option<usize>,
}

impl<'a> Strip<'a> {
    /// The strip of a run: each flag in the first row in which it has room.
    pub(super) fn of(ending: &Ending<'a>, axis: &Axis) -> Self {
        let mut ends = [f64::MIN; ROWS];
        let flag = |change: &'a Predicted| {
            let x = axis.x(change.at_ms);
            let width = label(change).chars().count() as f64 * LETTER + 22.0;
            let left = x.min(axis.right - width + 4.0);
            let row = ends.iter().position(|end| *end <= left);
            if let Some(end) = row.and_then(|row| ends.get_mut(row)) {
                *end = left + width;
            }
            Flag { change, x, left, row }
        };
        let flags: Vec<Flag<'a>> = ending.prediction.changes.iter().map(flag).collect();
        let rows = flags.iter().filter_map(|flag| flag.row).max().map_or(0, |row| row + 1);
        Self { flags, rows }
    }

    pub(super) fn height(&self) -> f64 {
        self.events_top() + ROW
    }

    fn events_top(&self) -> f64 {
        ROW * (self.rows as f64 + 1.0)
    }

    pub(super) fn draw(&self, course: &Course<'_>, axis: &Axis) -> Markup {
        html! {
            @for (phase, began, ended) in &course.phases {
                @let (from, to) = (axis.x(*began), axis.x(*ended));
                rect.phase x=(place(from)) y="0" width=(place((to - from).max(0.5))) height=(place(ROW - 2.0)) {
                    title { (phase.name()) ": " (moment(*began)) " to " (moment(*ended)) }
                }
                @if to - from > phase.name().len() as f64 * LETTER + 4.0 {
                    text.name x=(place(f64::midpoint(from, to))) y=(place(ROW - 6.0)) { (phase.name()) }
                }
            }
            @for flag in &self.flags { (flag.draw()) }
            @for (x, class, words) in events(course, axis) {
                path class={ "dot " (class) } d={ "M" (place(x)) " " (place(self.events_top() + 2.0)) "v10" } {
                    title { (words) }
                }
            }
        }
    }

    /// A line through all panels for each change of size, as long as they leave room for the rest.
    pub(super) fn poles(&self, bottom: f64) -> Markup {
        let few = if self.flags.len() > POLES { &[] } else { self.flags.as_slice() };
        html! {
            @for flag in few {
                @let y = flag.row.map_or(self.events_top(), |row| ROW * (row as f64 + 1.0) + 15.0);
                path class={ "pole " (flag.class()) } d={ "M" (place(flag.x)) " " (place(y)) "V" (place(bottom)) } {
                    title { (flag.words()) }
                }
            }
        }
    }
}

impl Flag<'_> {
    fn class(&self) -> &'static str {
        if self.change.own.is_some() { "own" } else { "foreign" }
    }

    fn words(&self) -> String {
        let whose = if self.change.own.is_some() { "" } else { ", not confirmed as the autoscaler's own" };
        format!("{}: {}, written by {}{whose}", moment(self.change.at_ms), label(self.change), self.change.writer)
    }

    fn draw(&self) -> Markup {
        html! { @if let Some(row) = self.row {
            @let y = ROW * (row as f64 + 1.0);
            g.(self.class()) {
                title { (self.words()) }
                path.flag d=(arrow(self.left + 4.0, y + 3.0, self.change.to > self.change.from)) {}
                text.label x=(place(self.left + 11.0)) y=(place(y + 12.0)) { (label(self.change)) }
            }
        } }
    }
}

fn label(change: &Predicted) -> String {
    format!("{}→{}", change.from, change.to)
}

fn arrow(x: f64, y: f64, rises: bool) -> String {
    match rises {
        true => format!("M{} {}l4 9h-8z", place(x), place(y)),
        false => format!("M{} {}h-8l4 9z", place(x + 4.0), place(y)),
    }
}

/// Events of the HPA, and warnings of anything else in the namespace: one of each a column.
fn events(course: &Course<'_>, axis: &Axis) -> Vec<(f64, &'static str, String)> {
    let mut all: [Vec<(f64, &'static str, String)>; 2] = [Vec::new(), Vec::new()];
    for observation in &course.events {
        let Seen::Event(event) = &observation.seen else { continue };
        let is_warning = event.kind == "Warning";
        if !is_warning && !event.object.starts_with("HorizontalPodAutoscaler/") {
            continue;
        }
        let Some(shown) = all.get_mut(usize::from(is_warning)) else { continue };
        let x = axis.x(observation.at_ms);
        let words = format!("{}: {}", moment(observation.at_ms), shortened(&words(observation)));
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
