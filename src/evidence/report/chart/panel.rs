//! A panel: what is drawn over the time axis, apart from how wide the picture is.

/// Values in the order of time; `None` where there was nothing to read.
pub(super) type ChartSeries = Vec<(u64, Option<f64>)>;

/// One panel.
#[derive(Clone, Debug, Default)]
pub(super) struct ChartPanel {
    /// What it shows, with its unit.
    pub(super) title: String,
    /// Height of the plot.
    pub(super) height: f64,
    /// Smallest distance of two marks of its values: 1 for what is counted.
    pub(super) min_step: f64,
    /// What is drawn, the hindmost first.
    pub(super) shapes: Vec<ChartShape>,
    /// What stands in the plot when there is nothing to draw.
    pub(super) empty_text: String,
    /// What a pointer is told.
    pub(super) tooltips: Vec<TooltipSeries>,
}

/// How a shape looks: the name of a class of the style sheet, which gives colour and dashes.
pub(super) type StyleClass = &'static str;

/// Something drawn.
#[derive(Clone, Debug)]
pub(super) enum ChartShape {
    /// Points joined by straight lines.
    Line(StyleClass, String, ChartSeries),
    /// A value that holds until the next one.
    Steps(StyleClass, String, ChartSeries),
    /// From a smallest to a largest value.
    Band(StyleClass, String, Vec<(u64, Option<(f64, f64)>)>),
    /// One value all the time.
    Level(StyleClass, String, f64),
    /// From one value to another all the time.
    Zone(StyleClass, String, f64, f64),
    /// Moments at which something happened, each with its words.
    Dots(StyleClass, String, Vec<(u64, f64, String)>),
    /// A stretch of time that could not be read, and why.
    Gap(u64, u64, String),
}

/// A series in words, for a pointer: each text holds until the next one.
#[derive(Clone, Debug)]
pub(super) struct TooltipSeries {
    pub(super) name: String,
    pub(super) texts: Vec<(u64, String)>,
}

impl TooltipSeries {
    /// What is told at a moment.
    pub(super) fn text_at(&self, at_ms: u64) -> Option<&str> {
        let after = self.texts.partition_point(|(at, _)| *at <= at_ms);
        self.texts.get(after.checked_sub(1)?).map(|(_, text)| text.as_str())
    }
}

impl ChartPanel {
    /// Every value that must have its place.
    pub(super) fn values(&self) -> Vec<f64> {
        let mut all = Vec::new();
        for shape in &self.shapes {
            match shape {
                ChartShape::Line(_, _, series) | ChartShape::Steps(_, _, series) => {
                    all.extend(series.iter().filter_map(|(_, v)| *v));
                }
                ChartShape::Band(_, _, series) => {
                    all.extend(series.iter().filter_map(|(_, v)| *v).flat_map(|(a, b)| [a, b]));
                }
                ChartShape::Level(_, _, value) => all.push(*value),
                ChartShape::Zone(_, _, low, high) => all.extend([*low, *high]),
                ChartShape::Dots(_, _, dots) => all.extend(dots.iter().map(|(_, value, _)| *value)),
                ChartShape::Gap(..) => {}
            }
        }
        all
    }

    /// Nothing was measured: levels alone say nothing.
    pub(super) fn is_empty(&self) -> bool {
        !self.shapes.iter().any(|shape| match shape {
            ChartShape::Line(_, _, series) | ChartShape::Steps(_, _, series) => series.iter().any(|(_, v)| v.is_some()),
            ChartShape::Band(_, _, series) => series.iter().any(|(_, v)| v.is_some()),
            ChartShape::Dots(_, _, dots) => !dots.is_empty(),
            ChartShape::Level(..) | ChartShape::Zone(..) | ChartShape::Gap(..) => false,
        })
    }
}
