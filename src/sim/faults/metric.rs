//! Faults of the metric pipeline.

use super::{
    ExpectedOutcome, FaultSpec, IDLE_HOLDS, METRIC_FOLLOWS_LOAD, METRIC_SERVED, NEW_PODS_SERVE, share_one_accelerator,
};
use crate::sim::config::{
    ActiveWindow, AffectedPods, DistortionHop, DistortionKind, MetricDistortion, MigStrategy, SharedValues, WindowStart,
};
use crate::units::HumanDuration;

/// Under load: from the start of the 14th chat.
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
        description: "the adapter does not serve the metric: the metrics API answers 404",
        inject: |s| s.pipeline.metric_unregistered = Some(ActiveWindow::ALWAYS),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "adapter-down",
        description: "no adapter runs behind the APIService",
        inject: |s| s.pipeline.adapter_down = Some(ActiveWindow::ALWAYS),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "exported-namespace",
        description: "the store scrapes without honorLabels: the workload's labels become exported_*",
        inject: |s| s.pipeline.honor_labels = false,
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "rule-loses-namespace",
        description: "the adapter's rule does not map the namespace label",
        inject: |s| s.pipeline.drops_namespace_label = true,
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "device-without-pod",
        description: "the exporter does not report which pod uses a device",
        inject: |s| s.pipeline.unattributed = AffectedPods::All,
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "gpu-shared-whole-values",
        description: "all pods share one accelerator by time-slicing, and the exporter reports its value for each of them",
        inject: |s| share_one_accelerator(s, SharedValues::Whole),
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "gpu-shared-rotating-label",
        description: "all pods share one accelerator by time-slicing, and the exporter reports its value for one of them, another one at each sample",
        inject: |s| share_one_accelerator(s, SharedValues::Rotating),
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "gpu-shared-unattributed",
        description: "all pods share one accelerator by time-slicing, and the exporter reports it for no pod",
        inject: |s| share_one_accelerator(s, SharedValues::Unattributed),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "mig-instances",
        description: "the accelerators are MIG instances, which have no DCGM_FI_DEV_GPU_UTIL",
        inject: |s| s.divide_into_instances(MigStrategy::Single),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "frozen-low",
        description: "the exporter repeats an idle value permanently",
        inject: |s| s.pipeline.distortion = freeze_value(0.0, DistortionHop::Exporter),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "frozen-high",
        description: "the adapter repeats a busy value permanently",
        inject: |s| s.pipeline.distortion = freeze_value(97.0, DistortionHop::Adapter),
        expected: &[ExpectedOutcome::Inconclusive(IDLE_HOLDS)],
    },
    FaultSpec {
        name: "metric-nan",
        description: "the exporter's values are NaN, which the adapter serves as 0",
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
        description: "each pod's metric is the average over all pods of the namespace, including two busy pods of other workloads",
        inject: |s| {
            s.pipeline.neighbor_utilizations = vec![80.0, 80.0];
            s.pipeline.ignores_pod_label = true;
        },
        // It rises with the load, and stays too high after the load.
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "stale-store",
        description: "the store ingests no samples once load starts",
        inject: |s| s.pipeline.ingestion_stopped = Some(UNDER_LOAD),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "stale-adapter",
        description: "the adapter repeats the values from before the load permanently",
        inject: |s| s.pipeline.adapter_stale = Some(ActiveWindow::starting_at(WindowStart::NthChat(2))),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "metric-lost-under-load",
        description: "a relist under load finds no series: the metrics API answers 404 from then on",
        inject: |s| s.pipeline.metric_unregistered = Some(UNDER_LOAD),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "adapter-lost-under-load",
        description: "the adapter is killed under load and does not restart",
        inject: |s| s.pipeline.adapter_down = Some(UNDER_LOAD),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "metric-lags",
        description: "the exporter samples every six minutes, much less often than the scenario assumes",
        inject: |s| s.pipeline.exporter_interval = HumanDuration::from_secs(360),
        // The scenario's assumptions bound the wait; the reason says so.
        expected: &[METRIC_FOLLOWS_LOAD, ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
];

const fn distort_values(kind: DistortionKind, hop: DistortionHop) -> Option<MetricDistortion> {
    Some(MetricDistortion { kind, hop, window: ActiveWindow::ALWAYS })
}

const fn freeze_value(value: f64, hop: DistortionHop) -> Option<MetricDistortion> {
    distort_values(DistortionKind::Constant(value), hop)
}
