//! A panel: what is drawn over the time axis, apart from how wide the picture is.

/// Values in the order of time; `None` where there was nothing to read.
pub(super) type Series = Vec<(u64, Option<f64>)>;

/// One panel.
#[derive(Clone, Debug, Default)]
pub(super) struct Panel {
    /// What it shows, with its unit.
    pub(super) title: String,
    /// Height of the plot.
    pub(super) height: f64,
    /// Smallest distance of two marks of its values: 1 for what is counted.
    pub(super) least_step: f64,
    /// What is drawn, the hindmost first.
    pub(super) shapes: Vec<Shape>,
    /// What stands in the plot when there is nothing to draw.
    pub(super) empty: String,
    /// What a pointer is told.
    pub(super) told: Vec<Told>,
}

/// How a shape looks: the name of a class of the style sheet, which gives colour and dashes.
pub(super) type Look = &'static str;

/// Something drawn.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Points joined by straight lines.
    Line(Look, String, Series),
    /// A value that holds until the next one.
    Steps(Look, String, Series),
    /// From a smallest to a largest value.
    Band(Look, String, Vec<(u64, Option<(f64, f64)>)>),
    /// One value all the time.
    Level(Look, String, f64),
    /// From one value to another all the time.
    Zone(Look, String, f64, f64),
    /// Moments at which something happened, each with its words.
    Dots(Look, String, Vec<(u64, f64, String)>),
    /// A stretch of time that could not be read, and why.
    Blind(u64, u64, String),
}

/// A series in words, for a pointer: each text holds until the next one.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) texts: Vec<(u64, String)>,
}

impl Told {
    /// What is told at a moment.
    pub(super) fn at(&self, at_ms: u64) -> Option<&str> {
        let after = self.texts.partition_point(|(at, _)| *at <= at_ms);
        self.texts.get(after.checked_sub(1)?).map(|(_, text)| text.as_str())
    }
}

impl Panel {
    /// Every value that must have its place.
    pub(super) fn values(&self) -> Vec<f64> {
        let mut all = Vec::new();
        for shape in &self.shapes {
            match shape {
                Shape::Line(_, _, series) | Shape::Steps(_, _, series) => {
                    all.extend(series.iter().filter_map(|(_, v)| *v));
                }
                Shape::Band(_, _, series) => {
                    all.extend(series.iter().filter_map(|(_, v)| *v).flat_map(|(a, b)| [a, b]));
                }
                Shape::Level(_, _, value) => all.push(*value),
                Shape::Zone(_, _, low, high) => all.extend([*low, *high]),
                Shape::Dots(_, _, dots) => all.extend(dots.iter().map(|(_, value, _)| *value)),
                Shape::Blind(..) => {}
            }
        }
        all
    }

    /// Nothing was measured: levels alone say nothing.
    pub(super) fn is_empty(&self) -> bool {
        !self.shapes.iter().any(|shape| match shape {
            Shape::Line(_, _, series) | Shape::Steps(_, _, series) => series.iter().any(|(_, v)| v.is_some()),
            Shape::Band(_, _, series) => series.iter().any(|(_, v)| v.is_some()),
            Shape::Dots(_, _, dots) => !dots.is_empty(),
            Shape::Level(..) | Shape::Zone(..) | Shape::Blind(..) => false,
        })
    }
}
