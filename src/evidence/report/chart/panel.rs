//! A panel: the shapes over the time axis, independent of the chart's width.

/// Time in milliseconds and value, in the order of time; `None` where no value was readable.
pub(super) type ChartSeries = Vec<(u64, Option<f64>)>;

#[derive(Clone, Debug, Default)]
pub(super) struct ChartPanel {
    /// Title with unit.
    pub(super) title: String,
    /// Height of the plot, SVG units.
    pub(super) height: f64,
    /// Smallest tick distance of the value axis: 1 for counts.
    pub(super) min_step: f64,
    /// Shapes, back to front.
    pub(super) shapes: Vec<ChartShape>,
    /// Text of the plot when there is nothing to draw.
    pub(super) empty_text: String,
    /// Texts for the tooltip.
    pub(super) tooltips: Vec<TooltipSeries>,
}

/// A class of the style sheet, which sets colour and dashes.
pub(super) type StyleClass = &'static str;

/// A shape of a panel. Names go into the legend.
#[derive(Clone, Debug)]
pub(super) enum ChartShape {
    /// Points joined by straight lines.
    Line(StyleClass, String, ChartSeries),
    /// A value that holds until the next one.
    Steps(StyleClass, String, ChartSeries),
    /// The area between a smallest and a largest value.
    Band(StyleClass, String, Vec<(u64, Option<(f64, f64)>)>),
    /// A horizontal line: one value for the whole run.
    Level(StyleClass, String, f64),
    /// A horizontal band between two values for the whole run.
    Zone(StyleClass, String, f64, f64),
    /// Dots: time, value and tooltip.
    Dots(StyleClass, String, Vec<(u64, f64, String)>),
    /// A time span in which the source was not readable: from, to, reason.
    Gap(u64, u64, String),
}

/// A series as text for the tooltip: each text holds until the next one.
#[derive(Clone, Debug)]
pub(super) struct TooltipSeries {
    pub(super) name: String,
    pub(super) texts: Vec<(u64, String)>,
}

impl TooltipSeries {
    /// The text at a time.
    pub(super) fn text_at(&self, at_ms: u64) -> Option<&str> {
        let after = self.texts.partition_point(|(at, _)| *at <= at_ms);
        self.texts.get(after.checked_sub(1)?).map(|(_, text)| text.as_str())
    }
}

impl ChartPanel {
    /// Every value that the value axis must cover.
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

    /// Whether nothing was measured: levels and zones are configuration.
    pub(super) fn is_empty(&self) -> bool {
        !self.shapes.iter().any(|shape| match shape {
            ChartShape::Line(_, _, series) | ChartShape::Steps(_, _, series) => series.iter().any(|(_, v)| v.is_some()),
            ChartShape::Band(_, _, series) => series.iter().any(|(_, v)| v.is_some()),
            ChartShape::Dots(_, _, dots) => !dots.is_empty(),
            ChartShape::Level(..) | ChartShape::Zone(..) | ChartShape::Gap(..) => false,
        })
    }
}
