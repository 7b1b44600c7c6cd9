//! One panel a hop of the metric's way: what was read there, against target and tolerance.

use std::collections::BTreeSet;

use super::panel::{Panel, Series, Shape, Told};
use crate::evidence::Ending;
use crate::evidence::report::cited::shortened;
use crate::evidence::report::course::Course;
use crate::hpa::{self, Metric};
use crate::record::reading::{Answer, Hop, Reading};
use crate::units::Milli;

/// The target of the HPA's metric and what it is compared with.
pub(super) struct Aim {
    name: String,
    /// Per pod or as a whole: whether the series before the metrics API are of the same kind as the target.
    per_pod: bool,
    /// The value that is served is divided by the number of pods before it is compared.
    shared: bool,
    target: Option<f64>,
    /// The values that ask for no change.
    calm: Option<(f64, f64)>,
}

impl Aim {
    pub(super) fn of(ending: &Ending<'_>) -> Self {
        let (spec, namespace) = (&ending.scenario.hpa.spec, &ending.scenario.namespace);
        let metric = hpa::metric_of(spec, namespace, &[]);
        let target = match &metric {
            Some(Metric::Pods { target_average_value_milli, .. }) => Some(*target_average_value_milli),
            Some(Metric::Object { target, .. }) => match target.kind {
                hpa::TargetType::Value => target.value_milli,
                hpa::TargetType::AverageValue => target.average_value_milli,
            },
            Some(Metric::External { target, .. }) => target.average_value_milli.or(target.value_milli),
            None => None,
        };
        let target = target.map(Milli).map(number);
        let tolerance = hpa::tolerance_of(spec, ending.scenario.assumptions.tolerance);
        Self {
            name: metric.as_ref().map_or("the metric", Metric::name).to_owned(),
            per_pod: matches!(metric, Some(Metric::Pods { .. })),
            shared: match &metric {
                Some(Metric::Object { target, .. }) => target.kind == hpa::TargetType::AverageValue,
                Some(Metric::External { target, .. }) => target.average_value_milli.is_some(),
                Some(Metric::Pods { .. }) | None => false,
            },
            target,
            calm: target
                .map(|target| (target * (1.0 - tolerance.down), target * (1.0 + tolerance.up)))
                .filter(|(low, high)| low.is_finite() && high.is_finite()),
        }
    }
}

pub(super) fn panels(ending: &Ending<'_>, course: &Course<'_>) -> Vec<Panel> {
    let (aim, metric) = (Aim::of(ending), &ending.scenario.metric);
    let mut panels = Vec::new();
    if metric.exporter.is_some() {
        panels.push(before(ending, course, &aim, Hop::Exporter));
    }
    if metric.store.is_some() {
        panels.push(before(ending, course, &aim, Hop::Store));
    }
    panels.push(api(ending, course, &aim));
    panels
}

/// A hop before the metrics API: the series of the target's pods.
fn before(ending: &Ending<'_>, course: &Course<'_>, aim: &Aim, hop: Hop) -> Panel {
    let ours: BTreeSet<&str> = course.lives.iter().map(|life| life.last.name.as_str()).collect();
    let is_ours = |object: Option<&str>| object.is_some_and(|name| ours.contains(name));
    let spans = values(course, hop, is_ours);
    let mean = spans.iter().map(|(at, all)| (*at, all.as_ref().map(|all| all.mean))).collect();
    let mut panel = frame(ending, course, hop);
    if aim.per_pod {
        panel.shapes.extend(levels(aim));
    }
    panel.shapes.push(Shape::Band("spread", "smallest to largest".to_owned(), spread(&spans)));
    panel.shapes.push(Shape::Line("mean", "mean of the target's pods".to_owned(), mean));
    panel.shapes.extend(blind(course, hop, is_ours));
    panel.told = vec![told(hop, &spans)];
    panel
}

/// What the controller reads.
fn api(ending: &Ending<'_>, course: &Course<'_>, aim: &Aim) -> Panel {
    let spans = values(course, Hop::Api, |_| true);
    let readings = &ending.prediction.readings;
    let value: Series = readings.iter().map(|r| (r.at_ms, r.value.map(number))).collect();
    let mut panel = frame(ending, course, Hop::Api);
    panel.shapes.extend(levels(aim));
    if aim.per_pod {
        panel.shapes.push(Shape::Band("spread", "smallest to largest pod".to_owned(), spread(&spans)));
    }
    if aim.shared {
        // Several series of an external metric are summed.
        let total = |all: &Values| all.mean * f64::from(all.count);
        let served = spans.iter().map(|(at, all)| (*at, all.as_ref().map(total))).collect();
        panel.shapes.push(Shape::Line("served", "as it is served".to_owned(), served));
    }
    let share = if aim.shared { " a replica" } else { "" };
    panel.shapes.push(Shape::Line("value", format!("{}{share} by the controller's arithmetic", aim.name), value));
    let reported: Vec<(u64, f64, String)> = course
        .hpas
        .iter()
        .filter_map(|(at, hpa)| {
            let value =
                hpa.metrics.iter().find_map(|m| if m.name == aim.name { m.average.or(m.value) } else { None })?;
            Some((*at, number(value), format!("the HPA's status reports {value}")))
        })
        .collect();
    panel.shapes.push(Shape::Dots("status", "value in the HPA's own status".to_owned(), reported));
    panel.shapes.extend(blind(course, Hop::Api, |_| true));
    let texts = readings.iter().map(|r| (r.at_ms, r.value.map_or("none".to_owned(), |value| value.to_string())));
    panel.told = vec![Told { name: "metrics API".to_owned(), texts: texts.collect() }];
    panel
}

fn frame(ending: &Ending<'_>, course: &Course<'_>, hop: Hop) -> Panel {
    let unit = &ending.scenario.metric.unit;
    let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
    let last = course.readings.iter().rfind(|(_, reading)| reading.hop == hop).map(|(_, reading)| *reading);
    let empty = match last.map(|reading| &reading.answer) {
        None => "never asked".to_owned(),
        Some(Answer::Samples(samples)) => format!("{} series, none of a pod of the target", samples.len()),
        Some(Answer::Failed(why)) => format!("never served: {why}"),
        Some(Answer::NotReadable(why)) => format!("not readable from here: {why}"),
    };
    Panel { title: format!("Metric at the {}{unit}", hop.name()), height: 84.0, empty, ..Panel::default() }
}

fn levels(aim: &Aim) -> Vec<Shape> {
    let Some((target, (low, high))) = aim.target.zip(aim.calm) else { return Vec::new() };
    let short = super::scale::short;
    vec![
        Shape::Zone("calm", format!("tolerance {} to {}: no change", short(low), short(high)), low, high),
        Shape::Level("target", format!("target {}", short(target)), target),
    ]
}

/// The values of one reading.
struct Values {
    least: f64,
    most: f64,
    mean: f64,
    count: u32,
}

/// Of each reading of a hop the values that count; `None` where there are none.
fn values(course: &Course<'_>, hop: Hop, counts: impl Fn(Option<&str>) -> bool) -> Vec<(u64, Option<Values>)> {
    let of_hop = course.readings.iter().filter(|(_, reading)| reading.hop == hop);
    of_hop.map(|(at, reading)| (*at, Values::of(reading, &counts))).collect()
}

impl Values {
    fn of(reading: &Reading, counts: impl Fn(Option<&str>) -> bool) -> Option<Self> {
        let samples = reading.samples()?.iter().filter(|sample| counts(sample.object.as_deref()));
        let all: Vec<f64> = samples.filter_map(|sample| sample.value).map(number).collect();
        let count = u32::try_from(all.len()).ok().filter(|count| *count > 0)?;
        let (least, most) = all.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
        Some(Self { least, most, mean: all.iter().sum::<f64>() / f64::from(count), count })
    }
}

fn spread(spans: &[(u64, Option<Values>)]) -> Vec<(u64, Option<(f64, f64)>)> {
    spans.iter().map(|(at, all)| (*at, all.as_ref().map(|all| (all.least, all.most)))).collect()
}

fn told(hop: Hop, spans: &[(u64, Option<Values>)]) -> Told {
    let short = super::scale::short;
    let text = |all: &Option<Values>| match all {
        None => "none".to_owned(),
        Some(all) if all.count == 1 => short(all.mean),
        Some(all) => format!("{} ({} to {} over {})", short(all.mean), short(all.least), short(all.most), all.count),
    };
    Told { name: hop.name().to_owned(), texts: spans.iter().map(|(at, all)| (*at, text(all))).collect() }
}

/// Stretches in which the hop gave no value that counts: from the last good reading, or from the first question of all, to the
/// next good one.
fn blind(course: &Course<'_>, hop: Hop, counts: impl Fn(Option<&str>) -> bool) -> Vec<Shape> {
    let mut stretches = Vec::new();
    let mut open: Option<(u64, String)> = None;
    let mut last = None;
    for (at, reading) in course.readings.iter().filter(|(_, reading)| reading.hop == hop) {
        if Values::of(reading, &counts).is_some() {
            stretches.extend(open.take().map(|(from, why)| Shape::Blind(from, *at, why)));
            last = Some(*at);
        } else if open.is_none() {
            open = Some((last.unwrap_or(reading.asked_ms), why(reading)));
        }
    }
    stretches.extend(open.map(|(from, why)| Shape::Blind(from, course.end_ms, why)));
    stretches
}

fn why(reading: &Reading) -> String {
    match &reading.answer {
        Answer::Samples(samples) => format!("{} series, none that counts", samples.len()),
        Answer::Failed(why) => format!("not served: {}", shortened(why)),
        Answer::NotReadable(why) => format!("not readable: {}", shortened(why)),
    }
}

/// Thousandths as a number to draw; beyond 2^53 of them the picture is off by less than a dot.
fn number(value: Milli) -> f64 {
    value.0 as f64 / 1000.0
}
