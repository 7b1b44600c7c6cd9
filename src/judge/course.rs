//! The course of the metric in words: what each hop of its way showed without load and under it, and what that looks
//! like. It tells a reader what to mend when the metric did not follow the load.

use super::twice_divided;
use super::view::View;
use crate::record::reading::Hop;
use crate::units::Milli;

/// The values of a hop within a span of time.
#[derive(Clone, Copy, PartialEq)]
struct Range {
    low: Milli,
    /// Half of the values are no larger: a few of a busy beginning do not count.
    median: Milli,
    high: Milli,
}

impl Range {
    fn of(view: &View<'_>, hop: Hop, from_ms: u64, to_ms: u64) -> Option<Self> {
        let values = view.values_at(hop, from_ms, to_ms);
        let (low, high) = (*values.first()?, *values.last()?);
        Some(Self { low, median: *values.get(values.len() / 2)?, high })
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { low, high, .. } = self;
        if low == high { write!(f, "{low}") } else { write!(f, "{low} to {high}") }
    }
}

/// The values of a hop without load, and under it.
#[derive(Clone, Copy, PartialEq)]
struct Course {
    idle: Range,
    load: Range,
}

impl Course {
    fn of(view: &View<'_>, hop: Hop) -> Option<Self> {
        let (idle_began, idle_ended) = view.idle()?;
        let (began, ended) = view.loaded()?;
        let idle = Range::of(view, hop, idle_began, idle_ended.unwrap_or(began))?;
        Some(Self { idle, load: Range::of(view, hop, began, ended)? })
    }

    fn stands_still(self) -> bool {
        self.idle.low == self.idle.high && self.load == self.idle
    }

    fn rises(self) -> bool {
        self.load.median > self.idle.median
    }

    fn falls(self) -> bool {
        self.load.median < self.idle.median
    }
}

/// What each hop showed, and what it looks like; empty where the metrics API was not read in both phases.
pub(super) fn words(view: &View<'_>) -> String {
    let hops = [Hop::Exporter, Hop::Store, Hop::Api];
    let courses: Vec<(Hop, Course)> = hops.iter().filter_map(|hop| Some((*hop, Course::of(view, *hop)?))).collect();
    let Some((_, served)) = courses.iter().find(|(hop, _)| *hop == Hop::Api) else { return String::new() };
    let shown: Vec<String> = courses
        .iter()
        .map(|(hop, course)| format!("{} {} without load, {} under it", hop.name(), course.idle, course.load))
        .collect();
    let (good, failed) = view.loads.last().map_or((0, 0), |(_, load)| (load.good, load.failed));
    let looks = if failed > good {
        "most chats failed, so there was little to follow".to_owned()
    } else {
        looks(view, *served, &courses)
    };
    format!("; {looks} ({})", shown.join("; "))
}

/// What the hops before the metrics API showed after the load; empty where none could be read.
pub(super) fn after_words(view: &View<'_>, from_ms: u64, to_ms: u64) -> String {
    let hops = [Hop::Exporter, Hop::Store];
    let shown = hops.iter().filter_map(|hop| Some((hop.name(), Range::of(view, *hop, from_ms, to_ms)?)));
    shown.map(|(name, values)| format!("; the target's series at the {name} meanwhile: {values}")).collect()
}

fn looks(view: &View<'_>, served: Course, courses: &[(Hop, Course)]) -> String {
    if served.stands_still() {
        return still(courses);
    }
    if served.falls() {
        return "the metric falls under load, which is the wrong sign: take one that rises with the load".to_owned();
    }
    if !served.rises() {
        return "the metric does not rise with the load: is it measured on the pods that serve the chats?".to_owned();
    }
    if let Some(words) = twice_divided::words(view) {
        return words;
    }
    let target = view.target().map_or(String::new(), |target| format!(" {target}"));
    let reaches = |course: Course| view.target().is_some_and(|target| course.load.high >= target);
    let before = courses.iter().find(|(hop, course)| *hop != Hop::Api && reaches(*course));
    match before.filter(|_| !reaches(served)) {
        Some((hop, _)) => format!(
            "the metric rises, but in another unit than at the {}: bring the adapter's rule and the target{target} to the same unit",
            hop.name()
        ),
        None => format!(
            "the metric rises, but not far or not long enough: give more load, lower the target{target}, or check that both have the same unit"
        ),
    }
}

/// Where, on its way, a metric that does not move stopped to move.
fn still(courses: &[(Hop, Course)]) -> String {
    let moves = courses.iter().take_while(|(_, course)| !course.stands_still()).last();
    match moves {
        Some((hop, _)) => {
            format!(
                "the metric stands still at the metrics API while it moves at the {}: look at what lies between",
                hop.name()
            )
        }
        None if courses.len() > 1 => {
            let (first, _) = courses[0];
            format!(
                "the metric stands still from the {} on, as if it repeated one value: does it still sample?",
                first.name()
            )
        }
        None => "the metric stands still, as if one value was repeated; no hop before the metrics API could be read"
            .to_owned(),
    }
}
