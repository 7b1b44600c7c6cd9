//! One panel per hop of the metric pipeline: the values read there, with target and tolerance.

use std::collections::BTreeSet;

use super::panel::{ChartPanel, ChartSeries, ChartShape, TooltipSeries};
use crate::evidence::finished_run::FinishedRun;
use crate::evidence::report::observations::truncate_text;
use crate::evidence::report::report_model::ReportModel;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::reading::{MetricHop, MetricReading, ReadingResult};
use crate::units::Milli;

/// The target of the HPA's metric, with tolerance.
pub(super) struct TargetLine {
    name: String,
    /// A Pods metric: its series before the metrics API are comparable with the target.
    per_pod: bool,
    /// Target type AverageValue of an Object or External metric: the controller divides the value by the replicas.
    divided_by_replicas: bool,
    target: Option<f64>,
    /// The values for which the recommendation is no change.
    tolerance_band: Option<(f64, f64)>,
}

impl TargetLine {
    pub(super) fn from_run(run: &FinishedRun<'_>) -> Self {
        let metric = MetricUnderTest::from_scenario(run.scenario);
        let target = metric.as_ref().and_then(|metric| metric.target_value).map(milli_to_f64);
        let band = |metric: &MetricUnderTest| {
            let tolerance = metric.tolerance(run.scenario.assumptions.tolerance);
            target.map(|target| (target * (1.0 - tolerance.down), target * (1.0 + tolerance.up)))
        };
        Self {
            name: metric.as_ref().map_or_else(|| "the metric".to_owned(), |metric| metric.name.clone()),
            per_pod: metric.as_ref().is_some_and(MetricUnderTest::is_per_pod),
            divided_by_replicas: metric.as_ref().is_some_and(MetricUnderTest::is_divided_by_replicas),
            target,
            tolerance_band: metric.as_ref().and_then(band).filter(|(low, high)| low.is_finite() && high.is_finite()),
        }
    }
}

pub(super) fn panels(run: &FinishedRun<'_>, model: &ReportModel<'_>) -> Vec<ChartPanel> {
    let (target_line, metric) = (TargetLine::from_run(run), &run.scenario.metric);
    let mut panels = Vec::new();
    if metric.exporter.is_some() {
        panels.push(upstream_panel(run, model, &target_line, MetricHop::Exporter));
    }
    if metric.store.is_some() {
        panels.push(upstream_panel(run, model, &target_line, MetricHop::Store));
    }
    panels.push(api_panel(run, model, &target_line));
    panels
}

/// A hop before the metrics API: only the series of the target's pods.
fn upstream_panel(
    run: &FinishedRun<'_>,
    model: &ReportModel<'_>,
    target_line: &TargetLine,
    hop: MetricHop,
) -> ChartPanel {
    let pod_names: BTreeSet<&str> = model.pods.iter().map(|pod| pod.latest.name.as_str()).collect();
    let is_of_target = |object: Option<&str>| object.is_some_and(|name| pod_names.contains(name));
    let values = hop_values(model, hop, is_of_target);
    let mean = values.iter().map(|(at, all)| (*at, all.as_ref().map(|all| all.mean))).collect();
    let mut panel = empty_panel(run, model, hop);
    if target_line.per_pod {
        panel.shapes.extend(target_shapes(target_line));
    }
    panel.shapes.push(ChartShape::Band("spread", "smallest to largest".to_owned(), min_max_band(&values)));
    panel.shapes.push(ChartShape::Line("mean", "mean of the target's pods".to_owned(), mean));
    panel.shapes.extend(unreadable_gaps(model, hop, is_of_target));
    panel.tooltips = vec![tooltip(hop, &values)];
    panel
}

/// The metrics API, which the controller reads.
fn api_panel(run: &FinishedRun<'_>, model: &ReportModel<'_>, target_line: &TargetLine) -> ChartPanel {
    let values = hop_values(model, MetricHop::Api, |_| true);
    let readings = &run.prediction.recommendations;
    let value: ChartSeries = readings.iter().map(|r| (r.at_ms, r.value.map(milli_to_f64))).collect();
    let mut panel = empty_panel(run, model, MetricHop::Api);
    panel.shapes.extend(target_shapes(target_line));
    if target_line.per_pod {
        panel.shapes.push(ChartShape::Band("spread", "smallest to largest pod".to_owned(), min_max_band(&values)));
    }
    if target_line.divided_by_replicas {
        // Several series of an external metric are summed.
        let total = |all: &HopReadingValues| all.mean * f64::from(all.count);
        let served = values.iter().map(|(at, all)| (*at, all.as_ref().map(total))).collect();
        panel.shapes.push(ChartShape::Line("served", "value of the metrics API".to_owned(), served));
    }
    let per_replica = if target_line.divided_by_replicas { " per replica" } else { "" };
    panel.shapes.push(ChartShape::Line(
        "value",
        format!("{}{per_replica} as the controller computes it", target_line.name),
        value,
    ));
    let reported: Vec<(u64, f64, String)> = model
        .hpas
        .iter()
        .filter_map(|(at, hpa)| {
            let value = hpa
                .current_metrics
                .iter()
                .find_map(|m| if m.name == target_line.name { m.average_value.or(m.value) } else { None })?;
            Some((*at, milli_to_f64(value), format!("the HPA's status reports {value}")))
        })
        .collect();
    panel.shapes.push(ChartShape::Dots("status", "value in the HPA's status".to_owned(), reported));
    panel.shapes.extend(unreadable_gaps(model, MetricHop::Api, |_| true));
    let texts = readings.iter().map(|r| (r.at_ms, r.value.map_or("none".to_owned(), |value| value.to_string())));
    panel.tooltips = vec![TooltipSeries { name: "metrics API".to_owned(), texts: texts.collect() }];
    panel
}

fn empty_panel(run: &FinishedRun<'_>, model: &ReportModel<'_>, hop: MetricHop) -> ChartPanel {
    let unit = run.scenario.metric.value_unit();
    let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
    let last = model.readings.iter().rfind(|(_, reading)| reading.hop == hop).map(|(_, reading)| *reading);
    let empty = match last.map(|reading| &reading.result) {
        None => "never queried".to_owned(),
        Some(ReadingResult::Samples(samples)) => format!("{} series, none of the target's pods", samples.len()),
        Some(ReadingResult::Failed(reason)) => format!("never served: {reason}"),
        Some(ReadingResult::NotReadable(reason)) => format!("not readable: {reason}"),
    };
    ChartPanel {
        title: format!("Metric at the {}{unit}", hop.as_str()),
        height: 84.0,
        empty_text: empty,
        ..ChartPanel::default()
    }
}

fn target_shapes(target_line: &TargetLine) -> Vec<ChartShape> {
    let Some((target, (low, high))) = target_line.target.zip(target_line.tolerance_band) else { return Vec::new() };
    let short = super::scale::format_value;
    vec![
        ChartShape::Zone("tolerance", format!("tolerance {} to {}: no change", short(low), short(high)), low, high),
        ChartShape::Level("target", format!("target {}", short(target)), target),
    ]
}

/// Summary of the values of one reading.
struct HopReadingValues {
    min: f64,
    max: f64,
    mean: f64,
    count: u32,
}

/// Per reading of a hop the values that count; `None` where there are none.
fn hop_values(
    model: &ReportModel<'_>,
    hop: MetricHop,
    counts: impl Fn(Option<&str>) -> bool,
) -> Vec<(u64, Option<HopReadingValues>)> {
    let of_hop = model.readings.iter().filter(|(_, reading)| reading.hop == hop);
    of_hop.map(|(at, reading)| (*at, HopReadingValues::from_reading(reading, &counts))).collect()
}

impl HopReadingValues {
    fn from_reading(reading: &MetricReading, counts: impl Fn(Option<&str>) -> bool) -> Option<Self> {
        let samples = reading.samples()?.iter().filter(|sample| counts(sample.object.as_deref()));
        let all: Vec<f64> = samples.filter_map(|sample| sample.value).map(milli_to_f64).collect();
        let count = u32::try_from(all.len()).ok().filter(|count| *count > 0)?;
        let (min, max) = all.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
        Some(Self { min, max, mean: all.iter().sum::<f64>() / f64::from(count), count })
    }
}

fn min_max_band(values: &[(u64, Option<HopReadingValues>)]) -> Vec<(u64, Option<(f64, f64)>)> {
    values.iter().map(|(at, all)| (*at, all.as_ref().map(|all| (all.min, all.max)))).collect()
}

fn tooltip(hop: MetricHop, values: &[(u64, Option<HopReadingValues>)]) -> TooltipSeries {
    let short = super::scale::format_value;
    let text = |all: &Option<HopReadingValues>| match all {
        None => "none".to_owned(),
        Some(all) if all.count == 1 => short(all.mean),
        Some(all) => format!("{} ({} to {} over {})", short(all.mean), short(all.min), short(all.max), all.count),
    };
    TooltipSeries { name: hop.as_str().to_owned(), texts: values.iter().map(|(at, all)| (*at, text(all))).collect() }
}

/// Time spans in which the hop had no value that counts: from the last reading with one, or from the first request, to
/// the next reading with one.
fn unreadable_gaps(model: &ReportModel<'_>, hop: MetricHop, counts: impl Fn(Option<&str>) -> bool) -> Vec<ChartShape> {
    let mut gaps = Vec::new();
    let mut open: Option<(u64, String)> = None;
    let mut last = None;
    for (at, reading) in model.readings.iter().filter(|(_, reading)| reading.hop == hop) {
        if HopReadingValues::from_reading(reading, &counts).is_some() {
            gaps.extend(open.take().map(|(from, reason)| ChartShape::Gap(from, *at, reason)));
            last = Some(*at);
        } else if open.is_none() {
            open = Some((last.unwrap_or(reading.requested_ms), gap_reason(reading)));
        }
    }
    gaps.extend(open.map(|(from, reason)| ChartShape::Gap(from, model.end_ms, reason)));
    gaps
}

fn gap_reason(reading: &MetricReading) -> String {
    match &reading.result {
        ReadingResult::Samples(samples) => format!("{} series, none of the target", samples.len()),
        ReadingResult::Failed(reason) => format!("not served: {}", truncate_text(reason)),
        ReadingResult::NotReadable(reason) => format!("not readable: {}", truncate_text(reason)),
    }
}

/// Value to draw; beyond 2^53 thousandths the rounding error is less than a dot.
fn milli_to_f64(value: Milli) -> f64 {
    value.0 as f64 / 1000.0
}
