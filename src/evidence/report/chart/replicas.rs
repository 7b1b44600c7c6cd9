//! The panel of sizes: what the HPA wants, what is there, what is ready, and what the metric asks for.

use super::panel::{Panel, Series, Shape, Told};
use crate::evidence::Ending;
use crate::evidence::report::cited::shortened;
use crate::evidence::report::course::Course;
use crate::record::observation::WorkloadSeen;

/// Sources whose gaps hide sizes.
const SOURCES: [&str; 2] = ["hpa", "workload"];

pub(super) fn panel(ending: &Ending<'_>, course: &Course<'_>) -> Panel {
    let spec = &ending.scenario.hpa.spec;
    let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
    let size = |n: i32| Some(f64::from(n));
    let workloads = |of: fn(&WorkloadSeen) -> i32| -> Series {
        let sizes = course.workloads.iter().map(|(at, w)| (*at, size(of(w)))).collect();
        until(sizes, course.workloads.last().map_or(0, |(_, w)| course.until_ms(&w.uid)))
    };
    let (ready, made) = (workloads(|w| w.ready), workloads(|w| w.replicas));
    let desired = course.hpas.iter().map(|(at, hpa)| (*at, size(hpa.desired))).collect();
    let desired = until(desired, course.hpas.last().map_or(0, |(_, hpa)| course.until_ms(&hpa.uid)));
    // The metric may ask for any number; what counts is what min and max leave of it.
    let asked = |size: i32| f64::from(size.clamp(min.min(max), max));
    let predicted: Series =
        ending.prediction.readings.iter().map(|reading| (reading.at_ms, reading.size.map(asked))).collect();
    let gaps = course.gaps.iter().filter(|(_, gap)| SOURCES.contains(&gap.source.as_str()));
    let mut shapes: Vec<Shape> = vec![
        Shape::Level("limit", format!("minReplicas {min}"), f64::from(min)),
        Shape::Level("limit", format!("maxReplicas {max}"), f64::from(max)),
        Shape::Steps("ready", "ready (target's status)".to_owned(), ready.clone()),
        Shape::Steps("made", "current: pods made".to_owned(), made.clone()),
        Shape::Steps("desired", "desired (HPA's status)".to_owned(), desired.clone()),
        Shape::Steps("asked", "asked for by each reading, within min and max".to_owned(), predicted),
    ];
    shapes.extend(
        gaps.map(|(at, gap)| Shape::Blind(gap.from_ms, *at, format!("{}: {}", gap.source, shortened(&gap.why)))),
    );
    let raw = ending.prediction.readings.iter().filter_map(|r| Some((r.at_ms, r.size?.to_string())));
    let told = |name: &str, series: &Series| Told {
        name: name.to_owned(),
        texts: series.iter().map(|(at, v)| (*at, v.map_or("gone".to_owned(), |v| format!("{v}")))).collect(),
    };
    Panel {
        title: "Replicas".to_owned(),
        height: 120.0,
        least_step: 1.0,
        shapes,
        empty: "the target was not seen".to_owned(),
        told: vec![
            told("desired", &desired),
            told("current", &made),
            told("ready", &ready),
            Told { name: "the metric asks for".to_owned(), texts: raw.collect() },
        ],
    }
}

/// What is watched stays as it was last seen, until it is gone.
fn until(mut series: Series, at_ms: u64) -> Series {
    if let Some((at, value)) = series.last().copied() {
        series.extend([(at_ms.max(at), value), (at_ms.max(at), None)]);
    }
    series
}
