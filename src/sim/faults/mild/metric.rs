//! Hiccups on the metric's way.

use super::{Fault, SOMETIMES, loaded, twice, unloaded};

pub(in crate::sim::faults) const DISTURBANCES: &[Fault] = &[
    Fault {
        name: "exporter-missing-for-20s",
        what: "the exporter answers 404 for 20 s under load",
        spoil: |s| s.pipeline.exporter_missing = Some(loaded(s, 20)),
        must: SOMETIMES,
    },
    Fault {
        name: "store-missing-for-20s",
        what: "the store answers 404 for 20 s under load",
        spoil: |s| s.pipeline.store_missing = Some(loaded(s, 20)),
        must: SOMETIMES,
    },
    Fault {
        name: "store-empty-for-30s",
        what: "the store takes in no samples for 30 s under load",
        spoil: |s| s.pipeline.ingests_nothing = Some(loaded(s, 30)),
        must: SOMETIMES,
    },
    Fault {
        name: "adapter-stale-for-20s",
        what: "the adapter answers what it knew before for 20 s under load",
        spoil: |s| s.pipeline.adapter_cached = Some(loaded(s, 20)),
        must: SOMETIMES,
    },
    Fault {
        name: "adapter-restarts-under-load",
        what: "the adapter is away for 20 s under load",
        spoil: |s| s.pipeline.adapter_away = Some(loaded(s, 20)),
        must: SOMETIMES,
    },
    Fault {
        name: "adapter-restarts-after-load",
        what: "the adapter is away for 20 s about the fall",
        spoil: |s| s.pipeline.adapter_away = Some(unloaded(s, 20)),
        must: SOMETIMES,
    },
    Fault {
        name: "metric-404-under-load",
        what: "the metric is not known at the metrics API for 20 s under load",
        spoil: |s| s.pipeline.unregistered = Some(loaded(s, 20)),
        must: SOMETIMES,
    },
    Fault {
        name: "metric-404-after-load",
        what: "the metric is not known at the metrics API for 20 s about the fall",
        spoil: |s| s.pipeline.unregistered = Some(unloaded(s, 20)),
        must: SOMETIMES,
    },
    Fault {
        name: "relist-finds-nothing",
        what: "a relist under load finds no series, the one a minute later finds them again",
        spoil: |s| s.pipeline.unregistered = Some(loaded(s, 60)),
        must: SOMETIMES,
    },
    Fault {
        name: "exporter-twice-as-slow",
        what: "the exporter samples half as often as the scenario assumes",
        spoil: |s| twice(&mut s.pipeline.exporter_interval),
        must: SOMETIMES,
    },
    Fault {
        name: "pipeline-twice-as-slow",
        what: "every time on the metric's way is twice what the scenario assumes",
        spoil: |s| {
            let pipeline = &mut s.pipeline;
            twice(&mut pipeline.exporter_interval);
            twice(&mut pipeline.scrape_interval);
            twice(&mut pipeline.store_offset);
            twice(&mut pipeline.relist_interval);
        },
        must: SOMETIMES,
    },
];
