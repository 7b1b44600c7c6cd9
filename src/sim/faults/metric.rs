//! Faults on the metric's way.

use super::{ExpectedOutcome, FaultSpec, IDLE_HOLDS, METRIC_FOLLOWS_LOAD, METRIC_SERVED, NEW_PODS_SERVE};
use crate::sim::ollama::{ActiveWindow, AffectedPods, WindowStart};
use crate::sim::pipeline::{DistortionHop, DistortionKind, MetricDistortion};
use crate::units::HumanDuration;

/// Under load: when the second chat of a worker has begun.
const UNDER_LOAD: ActiveWindow = ActiveWindow::starting_at(WindowStart::NthChat(14));

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "exporter-missing",
        description: "the exporter answers 404",
        inject: |s| s.pipeline.exporter_missing = Some(ActiveWindow::ALWAYS),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "store-missing",
        description: "the store answers 404",
        inject: |s| s.pipeline.store_missing = Some(ActiveWindow::ALWAYS),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "metric-unregistered",
        description: "the adapter does not have the metric: 404 at the metrics API",
        inject: |s| s.pipeline.metric_unregistered = Some(ActiveWindow::ALWAYS),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "adapter-away",
        description: "no adapter answers behind the APIService",
        inject: |s| s.pipeline.adapter_down = Some(ActiveWindow::ALWAYS),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "exported-namespace",
        description: "the store scrapes without honorLabels: the workload's labels are called exported_*",
        inject: |s| s.pipeline.honor_labels = false,
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "rule-loses-namespace",
        description: "the adapter's rule does not map the label that names the namespace",
        inject: |s| s.pipeline.drops_namespace_label = true,
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "unattributed",
        description: "the exporter does not say which pod holds a device",
        inject: |s| s.pipeline.unattributed = AffectedPods::All,
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "frozen-low",
        description: "the exporter repeats an idle value for ever",
        inject: |s| s.pipeline.distortion = freeze_value(0.0, DistortionHop::Exporter),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "frozen-high",
        description: "the adapter answers a busy value for ever",
        inject: |s| s.pipeline.distortion = freeze_value(97.0, DistortionHop::Adapter),
        expected: &[ExpectedOutcome::Inconclusive(IDLE_HOLDS)],
    },
    FaultSpec {
        name: "nan",
        description: "the exporter's values are no numbers, which the adapter serves as 0",
        inject: |s| s.pipeline.distortion = freeze_value(f64::NAN, DistortionHop::Exporter),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "wrong-sign",
        description: "the metric falls under load: free instead of used",
        inject: |s| {
            s.pipeline.distortion = distort_values(DistortionKind::SubtractFrom(100.0), DistortionHop::Exporter)
        },
        expected: &[ExpectedOutcome::Inconclusive(IDLE_HOLDS)],
    },
    FaultSpec {
        name: "wrong-unit",
        description: "the metric is a ratio, the target a percentage",
        inject: |s| s.pipeline.distortion = distort_values(DistortionKind::Multiply(0.01), DistortionHop::Adapter),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "contaminated",
        description: "another workload's load is added to the metric",
        inject: |s| s.pipeline.distortion = distort_values(DistortionKind::Add(80.0), DistortionHop::Adapter),
        expected: &[ExpectedOutcome::Inconclusive(IDLE_HOLDS)],
    },
    FaultSpec {
        name: "average-of-all",
        description: "the metric of each pod is the average over all pods of the namespace, two busy strangers' among them",
        inject: |s| {
            s.pipeline.neighbor_utilizations = vec![80.0, 80.0];
            s.pipeline.ignores_pod_label = true;
        },
        // It rises with the load, and stays too high after it.
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "stale-store",
        description: "the store takes in no samples from the beginning of the load on",
        inject: |s| s.pipeline.ingestion_stopped = Some(UNDER_LOAD),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "stale-adapter",
        description: "the adapter answers what it knew before the load, for ever",
        inject: |s| s.pipeline.adapter_stale = Some(ActiveWindow::starting_at(WindowStart::NthChat(2))),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "metric-lost-under-load",
        description: "a relist under load finds no series any more: 404 from then on",
        inject: |s| s.pipeline.metric_unregistered = Some(UNDER_LOAD),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "adapter-lost-under-load",
        description: "the adapter is killed under load and does not come back",
        inject: |s| s.pipeline.adapter_down = Some(UNDER_LOAD),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "metric-lags",
        description: "the exporter samples every six minutes, much less often than the scenario assumes",
        inject: |s| s.pipeline.exporter_interval = HumanDuration::from_secs(360),
        // A verdict is by what the scenario assumes; the text says so.
        expected: &[METRIC_FOLLOWS_LOAD, ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
];

const fn distort_values(how: DistortionKind, at: DistortionHop) -> Option<MetricDistortion> {
    Some(MetricDistortion { kind: how, hop: at, window: ActiveWindow::ALWAYS })
}

const fn freeze_value(value: f64, at: DistortionHop) -> Option<MetricDistortion> {
    distort_values(DistortionKind::Constant(value), at)
}
