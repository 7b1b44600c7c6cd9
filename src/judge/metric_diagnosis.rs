//! The course of the metric in words: what each hop of its way showed without load and under it, and what that looks
//! like. It tells a reader what to mend when the metric did not follow the load.

use super::double_average;
use super::run_view::RunView;
use crate::model::reading::MetricHop;
use crate::units::Milli;

/// The values of a hop within a span of time.
#[derive(Clone, Copy, PartialEq)]
struct ValueRange {
    low: Milli,
    /// Half of the values are no larger: a few of a busy beginning do not count.
    median: Milli,
    high: Milli,
}

impl ValueRange {
    fn from_view(view: &RunView<'_>, hop: MetricHop, from_ms: u64, to_ms: u64) -> Option<Self> {
        let values = view.values_at_hop(hop, from_ms, to_ms);
        let (low, high) = (*values.first()?, *values.last()?);
        Some(Self { low, median: *values.get(values.len() / 2)?, high })
    }
}

impl std::fmt::Display for ValueRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { low, high, .. } = self;
        if low == high { write!(f, "{low}") } else { write!(f, "{low} to {high}") }
    }
}

/// The values of a hop without load, and under it.
#[derive(Clone, Copy, PartialEq)]
struct HopValues {
    baseline: ValueRange,
    under_load: ValueRange,
}

impl HopValues {
    fn from_view(view: &RunView<'_>, hop: MetricHop) -> Option<Self> {
        let (idle_began, idle_ended) = view.baseline_span()?;
        let (began, ended) = view.load_span()?;
        let idle = ValueRange::from_view(view, hop, idle_began, idle_ended.unwrap_or(began))?;
        Some(Self { baseline: idle, under_load: ValueRange::from_view(view, hop, began, ended)? })
    }

    fn is_constant(self) -> bool {
        self.baseline.low == self.baseline.high && self.under_load == self.baseline
    }

    fn is_higher_under_load(self) -> bool {
        self.under_load.median > self.baseline.median
    }

    fn is_lower_under_load(self) -> bool {
        self.under_load.median < self.baseline.median
    }
}

/// What each hop showed, and what it looks like; empty where the metrics API was not read in both phases.
pub(super) fn describe(view: &RunView<'_>) -> String {
    let hops = [MetricHop::Exporter, MetricHop::Store, MetricHop::Api];
    let courses: Vec<(MetricHop, HopValues)> =
        hops.iter().filter_map(|hop| Some((*hop, HopValues::from_view(view, *hop)?))).collect();
    let Some((_, served)) = courses.iter().find(|(hop, _)| *hop == MetricHop::Api) else { return String::new() };
    let shown: Vec<String> = courses
        .iter()
        .map(|(hop, course)| {
            format!("{} {} without load, {} under it", hop.as_str(), course.baseline, course.under_load)
        })
        .collect();
    let (good, failed) = view.loads.last().map_or((0, 0), |(_, load)| (load.succeeded, load.failed));
    let looks = if failed > good {
        "most chats failed, so there was little to follow".to_owned()
    } else {
        diagnose(view, *served, &courses)
    };
    format!("; {looks} ({})", shown.join("; "))
}

/// What the hops before the metrics API showed after the load; empty where none could be read.
pub(super) fn describe_after_load(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> String {
    let hops = [MetricHop::Exporter, MetricHop::Store];
    let shown = hops.iter().filter_map(|hop| Some((hop.as_str(), ValueRange::from_view(view, *hop, from_ms, to_ms)?)));
    shown.map(|(name, values)| format!("; the target's series at the {name} meanwhile: {values}")).collect()
}

fn diagnose(view: &RunView<'_>, served: HopValues, courses: &[(MetricHop, HopValues)]) -> String {
    if served.is_constant() {
        return diagnose_constant(courses);
    }
    if served.is_lower_under_load() {
        return "the metric falls under load, which is the wrong sign: take one that rises with the load".to_owned();
    }
    if !served.is_higher_under_load() {
        return "the metric does not rise with the load: is it measured on the pods that serve the chats?".to_owned();
    }
    if let Some(words) = double_average::describe(view) {
        return words;
    }
    let target = view.target_value().map_or(String::new(), |target| format!(" {target}"));
    let reaches = |course: HopValues| view.target_value().is_some_and(|target| course.under_load.high >= target);
    let before = courses.iter().find(|(hop, course)| *hop != MetricHop::Api && reaches(*course));
    match before.filter(|_| !reaches(served)) {
        Some((hop, _)) => format!(
            "the metric rises, but in another unit than at the {}: bring the adapter's rule and the target{target} to the same unit",
            hop.as_str()
        ),
        None => format!(
            "the metric rises, but not far or not long enough: give more load, lower the target{target}, or check that both have the same unit"
        ),
    }
}

/// Where, on its way, a metric that does not move stopped to move.
fn diagnose_constant(courses: &[(MetricHop, HopValues)]) -> String {
    let moves = courses.iter().take_while(|(_, course)| !course.is_constant()).last();
    match moves {
        Some((hop, _)) => {
            format!(
                "the metric stands still at the metrics API while it moves at the {}: look at what lies between",
                hop.as_str()
            )
        }
        None if courses.len() > 1 => {
            let (first, _) = courses[0];
            format!(
                "the metric stands still from the {} on, as if it repeated one value: does it still sample?",
                first.as_str()
            )
        }
        None => "the metric stands still, as if one value was repeated; no hop before the metrics API could be read"
            .to_owned(),
    }
}
