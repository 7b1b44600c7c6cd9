//! Panel of replicas: desired, current, ready, and recommended by the metric.

use super::panel::{ChartPanel, ChartSeries, ChartShape, TooltipSeries};
use crate::evidence::finished_run::FinishedRun;
use crate::evidence::report::observations::truncate_text;
use crate::evidence::report::report_model::ReportModel;
use crate::model::observation::WorkloadSnapshot;

/// Sources whose gaps leave replica counts unknown.
const GAP_SOURCES: [&str; 2] = ["hpa", "workload"];

pub(super) fn replicas_panel(run: &FinishedRun<'_>, model: &ReportModel<'_>) -> ChartPanel {
    let spec = &run.scenario.hpa.spec;
    let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
    let value = |n: i32| Some(f64::from(n));
    let workload_series = |field: fn(&WorkloadSnapshot) -> i32| -> ChartSeries {
        let series = model.workloads.iter().map(|(at, w)| (*at, value(field(w)))).collect();
        extend_until(series, model.workloads.last().map_or(0, |(_, w)| model.present_until_ms(&w.uid)))
    };
    let (ready, current) = (workload_series(|w| w.ready_replicas), workload_series(|w| w.replicas));
    let desired = model.hpas.iter().map(|(at, hpa)| (*at, value(hpa.desired_replicas))).collect();
    let desired = extend_until(desired, model.hpas.last().map_or(0, |(_, hpa)| model.present_until_ms(&hpa.uid)));
    // A recommendation may be far out of range, and would then flatten every other line.
    let clamped = |replicas: i32| f64::from(replicas.clamp(min.min(max), max));
    let recommended: ChartSeries =
        run.prediction.recommendations.iter().map(|reading| (reading.at_ms, reading.replicas.map(clamped))).collect();
    let gaps = model.gaps.iter().filter(|(_, gap)| GAP_SOURCES.contains(&gap.source.as_str()));
    let mut shapes: Vec<ChartShape> = vec![
        ChartShape::Level("limit", format!("minReplicas {min}"), f64::from(min)),
        ChartShape::Level("limit", format!("maxReplicas {max}"), f64::from(max)),
        ChartShape::Steps("ready", "ready (target's status)".to_owned(), ready.clone()),
        ChartShape::Steps("current", "current (target's status)".to_owned(), current.clone()),
        ChartShape::Steps("desired", "desired (HPA's status)".to_owned(), desired.clone()),
        ChartShape::Steps("recommended", "recommendation, clamped to min and max".to_owned(), recommended),
    ];
    shapes.extend(
        gaps.map(|(at, gap)| {
            ChartShape::Gap(gap.from_ms, *at, format!("{}: {}", gap.source, truncate_text(&gap.reason)))
        }),
    );
    let recommendations =
        run.prediction.recommendations.iter().filter_map(|r| Some((r.at_ms, r.replicas?.to_string())));
    let tooltip = |name: &str, series: &ChartSeries| TooltipSeries {
        name: name.to_owned(),
        texts: series.iter().map(|(at, v)| (*at, v.map_or("deleted".to_owned(), |v| format!("{v}")))).collect(),
    };
    ChartPanel {
        title: "Replicas".to_owned(),
        height: 120.0,
        min_step: 1.0,
        shapes,
        empty_text: "the target was not observed".to_owned(),
        tooltips: vec![
            tooltip("desired", &desired),
            tooltip("current", &current),
            tooltip("ready", &ready),
            TooltipSeries { name: "recommendation".to_owned(), texts: recommendations.collect() },
        ],
    }
}

/// A watched object keeps its last value until it is deleted.
fn extend_until(mut series: ChartSeries, at_ms: u64) -> ChartSeries {
    if let Some((at, value)) = series.last().copied() {
        series.extend([(at_ms.max(at), value), (at_ms.max(at), None)]);
    }
    series
}
