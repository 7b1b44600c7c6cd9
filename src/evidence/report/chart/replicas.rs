//! The panel of sizes: what the HPA wants, what is there, what is ready, and what the metric asks for.

use super::panel::{ChartPanel, ChartSeries, ChartShape, TooltipSeries};
use crate::evidence::FinishedRun;
use crate::evidence::report::observations::truncate_text;
use crate::evidence::report::report_model::ReportModel;
use crate::model::observation::WorkloadSnapshot;

/// Sources whose gaps hide sizes.
const GAP_SOURCES: [&str; 2] = ["hpa", "workload"];

pub(super) fn replicas_panel(ending: &FinishedRun<'_>, course: &ReportModel<'_>) -> ChartPanel {
    let spec = &ending.scenario.hpa.spec;
    let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
    let size = |n: i32| Some(f64::from(n));
    let workloads = |of: fn(&WorkloadSnapshot) -> i32| -> ChartSeries {
        let sizes = course.workloads.iter().map(|(at, w)| (*at, size(of(w)))).collect();
        extend_until(sizes, course.workloads.last().map_or(0, |(_, w)| course.present_until_ms(&w.uid)))
    };
    let (ready, made) = (workloads(|w| w.ready_replicas), workloads(|w| w.replicas));
    let desired = course.hpas.iter().map(|(at, hpa)| (*at, size(hpa.desired_replicas))).collect();
    let desired = extend_until(desired, course.hpas.last().map_or(0, |(_, hpa)| course.present_until_ms(&hpa.uid)));
    // The metric may ask for any number; what counts is what min and max leave of it.
    let asked = |size: i32| f64::from(size.clamp(min.min(max), max));
    let predicted: ChartSeries =
        ending.prediction.recommendations.iter().map(|reading| (reading.at_ms, reading.replicas.map(asked))).collect();
    let gaps = course.gaps.iter().filter(|(_, gap)| GAP_SOURCES.contains(&gap.source.as_str()));
    let mut shapes: Vec<ChartShape> = vec![
        ChartShape::Level("limit", format!("minReplicas {min}"), f64::from(min)),
        ChartShape::Level("limit", format!("maxReplicas {max}"), f64::from(max)),
        ChartShape::Steps("ready", "ready (target's status)".to_owned(), ready.clone()),
        ChartShape::Steps("made", "current: pods made".to_owned(), made.clone()),
        ChartShape::Steps("desired", "desired (HPA's status)".to_owned(), desired.clone()),
        ChartShape::Steps("asked", "asked for by each reading, within min and max".to_owned(), predicted),
    ];
    shapes.extend(
        gaps.map(|(at, gap)| {
            ChartShape::Gap(gap.from_ms, *at, format!("{}: {}", gap.source, truncate_text(&gap.reason)))
        }),
    );
    let raw = ending.prediction.recommendations.iter().filter_map(|r| Some((r.at_ms, r.replicas?.to_string())));
    let told = |name: &str, series: &ChartSeries| TooltipSeries {
        name: name.to_owned(),
        texts: series.iter().map(|(at, v)| (*at, v.map_or("gone".to_owned(), |v| format!("{v}")))).collect(),
    };
    ChartPanel {
        title: "Replicas".to_owned(),
        height: 120.0,
        min_step: 1.0,
        shapes,
        empty_text: "the target was not seen".to_owned(),
        tooltips: vec![
            told("desired", &desired),
            told("current", &made),
            told("ready", &ready),
            TooltipSeries { name: "the metric asks for".to_owned(), texts: raw.collect() },
        ],
    }
}

/// What is watched stays as it was last seen, until it is gone.
fn extend_until(mut series: ChartSeries, at_ms: u64) -> ChartSeries {
    if let Some((at, value)) = series.last().copied() {
        series.extend([(at_ms.max(at), value), (at_ms.max(at), None)]);
    }
    series
}
