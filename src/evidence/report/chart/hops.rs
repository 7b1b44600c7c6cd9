//! One panel a hop of the metric's way: what was read there, against target and tolerance.

use std::collections::BTreeSet;

use super::panel::{ChartPanel, ChartSeries, ChartShape, TooltipSeries};
use crate::evidence::FinishedRun;
use crate::evidence::report::observations::truncate_text;
use crate::evidence::report::report_model::ReportModel;
use crate::hpa::{self, MetricInput};
use crate::model::reading::{MetricHop, MetricReading, ReadingResult};
use crate::units::Milli;

/// The target of the HPA's metric and what it is compared with.
pub(super) struct TargetLine {
    name: String,
    /// Per pod or as a whole: whether the series before the metrics API are of the same kind as the target.
    per_pod: bool,
    /// The value that is served is divided by the number of pods before it is compared.
    divided_by_replicas: bool,
    target: Option<f64>,
    /// The values that ask for no change.
    tolerance_band: Option<(f64, f64)>,
}

impl TargetLine {
    pub(super) fn from_run(ending: &FinishedRun<'_>) -> Self {
        let (spec, namespace) = (&ending.scenario.hpa.spec, &ending.scenario.namespace);
        let metric = hpa::metric_from_spec(spec, namespace, &[]);
        let target = match &metric {
            Some(MetricInput::Pods { target_average_value_milli, .. }) => Some(*target_average_value_milli),
            Some(MetricInput::Object { target, .. }) => match target.kind {
                hpa::TargetType::Value => target.value_milli,
                hpa::TargetType::AverageValue => target.average_value_milli,
            },
            Some(MetricInput::External { target, .. }) => target.average_value_milli.or(target.value_milli),
            None => None,
        };
        let target = target.map(Milli).map(milli_to_f64);
        let tolerance = hpa::tolerance_from_spec(spec, ending.scenario.assumptions.tolerance);
        Self {
            name: metric.as_ref().map_or("the metric", MetricInput::name).to_owned(),
            per_pod: matches!(metric, Some(MetricInput::Pods { .. })),
            divided_by_replicas: match &metric {
                Some(MetricInput::Object { target, .. }) => target.kind == hpa::TargetType::AverageValue,
                Some(MetricInput::External { target, .. }) => target.average_value_milli.is_some(),
                Some(MetricInput::Pods { .. }) | None => false,
            },
            target,
            tolerance_band: target
                .map(|target| (target * (1.0 - tolerance.down), target * (1.0 + tolerance.up)))
                .filter(|(low, high)| low.is_finite() && high.is_finite()),
        }
    }
}

pub(super) fn panels(ending: &FinishedRun<'_>, course: &ReportModel<'_>) -> Vec<ChartPanel> {
    let (aim, metric) = (TargetLine::from_run(ending), &ending.scenario.metric);
    let mut panels = Vec::new();
    if metric.exporter.is_some() {
        panels.push(upstream_panel(ending, course, &aim, MetricHop::Exporter));
    }
    if metric.store.is_some() {
        panels.push(upstream_panel(ending, course, &aim, MetricHop::Store));
    }
    panels.push(api_panel(ending, course, &aim));
    panels
}

/// A hop before the metrics API: the series of the target's pods.
fn upstream_panel(ending: &FinishedRun<'_>, course: &ReportModel<'_>, aim: &TargetLine, hop: MetricHop) -> ChartPanel {
    let ours: BTreeSet<&str> = course.pods.iter().map(|life| life.latest.name.as_str()).collect();
    let is_ours = |object: Option<&str>| object.is_some_and(|name| ours.contains(name));
    let spans = hop_values(course, hop, is_ours);
    let mean = spans.iter().map(|(at, all)| (*at, all.as_ref().map(|all| all.mean))).collect();
    let mut panel = empty_panel(ending, course, hop);
    if aim.per_pod {
        panel.shapes.extend(target_shapes(aim));
    }
    panel.shapes.push(ChartShape::Band("spread", "smallest to largest".to_owned(), min_max_band(&spans)));
    panel.shapes.push(ChartShape::Line("mean", "mean of the target's pods".to_owned(), mean));
    panel.shapes.extend(unreadable_gaps(course, hop, is_ours));
    panel.tooltips = vec![tooltip(hop, &spans)];
    panel
}

/// What the controller reads.
fn api_panel(ending: &FinishedRun<'_>, course: &ReportModel<'_>, aim: &TargetLine) -> ChartPanel {
    let spans = hop_values(course, MetricHop::Api, |_| true);
    let readings = &ending.prediction.recommendations;
    let value: ChartSeries = readings.iter().map(|r| (r.at_ms, r.value.map(milli_to_f64))).collect();
    let mut panel = empty_panel(ending, course, MetricHop::Api);
    panel.shapes.extend(target_shapes(aim));
    if aim.per_pod {
        panel.shapes.push(ChartShape::Band("spread", "smallest to largest pod".to_owned(), min_max_band(&spans)));
    }
    if aim.divided_by_replicas {
        // Several series of an external metric are summed.
        let total = |all: &HopReadingValues| all.mean * f64::from(all.count);
        let served = spans.iter().map(|(at, all)| (*at, all.as_ref().map(total))).collect();
        panel.shapes.push(ChartShape::Line("served", "as it is served".to_owned(), served));
    }
    let share = if aim.divided_by_replicas { " a replica" } else { "" };
    panel.shapes.push(ChartShape::Line("value", format!("{}{share} by the controller's arithmetic", aim.name), value));
    let reported: Vec<(u64, f64, String)> = course
        .hpas
        .iter()
        .filter_map(|(at, hpa)| {
            let value = hpa
                .current_metrics
                .iter()
                .find_map(|m| if m.name == aim.name { m.average_value.or(m.value) } else { None })?;
            Some((*at, milli_to_f64(value), format!("the HPA's status reports {value}")))
        })
        .collect();
    panel.shapes.push(ChartShape::Dots("status", "value in the HPA's own status".to_owned(), reported));
    panel.shapes.extend(unreadable_gaps(course, MetricHop::Api, |_| true));
    let texts = readings.iter().map(|r| (r.at_ms, r.value.map_or("none".to_owned(), |value| value.to_string())));
    panel.tooltips = vec![TooltipSeries { name: "metrics API".to_owned(), texts: texts.collect() }];
    panel
}

fn empty_panel(ending: &FinishedRun<'_>, course: &ReportModel<'_>, hop: MetricHop) -> ChartPanel {
    let unit = &ending.scenario.metric.unit;
    let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
    let last = course.readings.iter().rfind(|(_, reading)| reading.hop == hop).map(|(_, reading)| *reading);
    let empty = match last.map(|reading| &reading.result) {
        None => "never asked".to_owned(),
        Some(ReadingResult::Samples(samples)) => format!("{} series, none of a pod of the target", samples.len()),
        Some(ReadingResult::Failed(why)) => format!("never served: {why}"),
        Some(ReadingResult::NotReadable(why)) => format!("not readable from here: {why}"),
    };
    ChartPanel {
        title: format!("Metric at the {}{unit}", hop.as_str()),
        height: 84.0,
        empty_text: empty,
        ..ChartPanel::default()
    }
}

fn target_shapes(aim: &TargetLine) -> Vec<ChartShape> {
    let Some((target, (low, high))) = aim.target.zip(aim.tolerance_band) else { return Vec::new() };
    let short = super::scale::format_value;
    vec![
        ChartShape::Zone("calm", format!("tolerance {} to {}: no change", short(low), short(high)), low, high),
        ChartShape::Level("target", format!("target {}", short(target)), target),
    ]
}

/// The values of one reading.
struct HopReadingValues {
    min: f64,
    max: f64,
    mean: f64,
    count: u32,
}

/// Of each reading of a hop the values that count; `None` where there are none.
fn hop_values(
    course: &ReportModel<'_>,
    hop: MetricHop,
    counts: impl Fn(Option<&str>) -> bool,
) -> Vec<(u64, Option<HopReadingValues>)> {
    let of_hop = course.readings.iter().filter(|(_, reading)| reading.hop == hop);
    of_hop.map(|(at, reading)| (*at, HopReadingValues::from_reading(reading, &counts))).collect()
}

impl HopReadingValues {
    fn from_reading(reading: &MetricReading, counts: impl Fn(Option<&str>) -> bool) -> Option<Self> {
        let samples = reading.samples()?.iter().filter(|sample| counts(sample.object.as_deref()));
        let all: Vec<f64> = samples.filter_map(|sample| sample.value).map(milli_to_f64).collect();
        let count = u32::try_from(all.len()).ok().filter(|count| *count > 0)?;
        let (least, most) = all.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
        Some(Self { min: least, max: most, mean: all.iter().sum::<f64>() / f64::from(count), count })
    }
}

fn min_max_band(spans: &[(u64, Option<HopReadingValues>)]) -> Vec<(u64, Option<(f64, f64)>)> {
    spans.iter().map(|(at, all)| (*at, all.as_ref().map(|all| (all.min, all.max)))).collect()
}

fn tooltip(hop: MetricHop, spans: &[(u64, Option<HopReadingValues>)]) -> TooltipSeries {
    let short = super::scale::format_value;
    let text = |all: &Option<HopReadingValues>| match all {
        None => "none".to_owned(),
        Some(all) if all.count == 1 => short(all.mean),
        Some(all) => format!("{} ({} to {} over {})", short(all.mean), short(all.min), short(all.max), all.count),
    };
    TooltipSeries { name: hop.as_str().to_owned(), texts: spans.iter().map(|(at, all)| (*at, text(all))).collect() }
}

/// Stretches in which the hop gave no value that counts: from the last good reading, or from the first question of all, to the
/// next good one.
fn unreadable_gaps(course: &ReportModel<'_>, hop: MetricHop, counts: impl Fn(Option<&str>) -> bool) -> Vec<ChartShape> {
    let mut stretches = Vec::new();
    let mut open: Option<(u64, String)> = None;
    let mut last = None;
    for (at, reading) in course.readings.iter().filter(|(_, reading)| reading.hop == hop) {
        if HopReadingValues::from_reading(reading, &counts).is_some() {
            stretches.extend(open.take().map(|(from, why)| ChartShape::Gap(from, *at, why)));
            last = Some(*at);
        } else if open.is_none() {
            open = Some((last.unwrap_or(reading.requested_ms), gap_reason(reading)));
        }
    }
    stretches.extend(open.map(|(from, why)| ChartShape::Gap(from, course.end_ms, why)));
    stretches
}

fn gap_reason(reading: &MetricReading) -> String {
    match &reading.result {
        ReadingResult::Samples(samples) => format!("{} series, none that counts", samples.len()),
        ReadingResult::Failed(why) => format!("not served: {}", truncate_text(why)),
        ReadingResult::NotReadable(why) => format!("not readable: {}", truncate_text(why)),
    }
}

/// Thousandths as a number to draw; beyond 2^53 of them the picture is off by less than a dot.
fn milli_to_f64(value: Milli) -> f64 {
    value.0 as f64 / 1000.0
}
