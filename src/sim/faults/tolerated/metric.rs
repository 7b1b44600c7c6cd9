//! Disturbances of the metric pipeline.

use super::{FaultSpec, PASS_OR_INCONCLUSIVE, double, window_after_load, window_under_load};

pub(in crate::sim::faults) const DISTURBANCES: &[FaultSpec] = &[
    FaultSpec {
        name: "exporter-missing-for-20s",
        description: "the exporter answers 404 for 20 s under load",
        inject: |s| s.pipeline.exporter_missing = Some(window_under_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "store-missing-for-20s",
        description: "the store answers 404 for 20 s under load",
        inject: |s| s.pipeline.store_missing = Some(window_under_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "store-empty-for-30s",
        description: "the store ingests no samples for 30 s under load",
        inject: |s| s.pipeline.ingestion_stopped = Some(window_under_load(s, 30)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "adapter-stale-for-20s",
        description: "the adapter repeats old values for 20 s under load",
        inject: |s| s.pipeline.adapter_stale = Some(window_under_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "adapter-restarts-under-load",
        description: "the adapter is down for 20 s under load",
        inject: |s| s.pipeline.adapter_down = Some(window_under_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "adapter-restarts-after-load",
        description: "the adapter is down for 20 s around scale-down",
        inject: |s| s.pipeline.adapter_down = Some(window_after_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "metric-404-under-load",
        description: "the metrics API answers 404 for 20 s under load",
        inject: |s| s.pipeline.metric_unregistered = Some(window_under_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "metric-404-after-load",
        description: "the metrics API answers 404 for 20 s around scale-down",
        inject: |s| s.pipeline.metric_unregistered = Some(window_after_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "relist-finds-nothing",
        description: "a relist under load finds no series, the next one a minute later finds them again",
        inject: |s| s.pipeline.metric_unregistered = Some(window_under_load(s, 60)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "exporter-twice-as-slow",
        description: "the exporter samples half as often as the scenario assumes",
        inject: |s| double(&mut s.pipeline.exporter_interval),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "gpu-shared-own-values",
        description: "all pods share one accelerator by time-slicing, and the exporter reports each pod's own share",
        inject: |s| s.share_one_accelerator(8),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "pipeline-twice-as-slow",
        description: "every delay of the metric pipeline is twice what the scenario assumes",
        inject: |s| {
            let pipeline = &mut s.pipeline;
            double(&mut pipeline.exporter_interval);
            double(&mut pipeline.scrape_interval);
            double(&mut pipeline.store_offset);
            double(&mut pipeline.relist_interval);
        },
        expected: PASS_OR_INCONCLUSIVE,
    },
];
