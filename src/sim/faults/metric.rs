//! Faults on the metric's way.

use super::{FOLLOWS, Fault, IDLE, Must, SERVE, SERVED};
use crate::sim::pipeline::{Distortion, How, Place};
use crate::sim::servers::{During, Since, Who};
use crate::units::Span;

/// Under load: when the second chat of a worker has begun.
const LOADED: During = During::from(Since::Chats(14));

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "exporter-missing",
        what: "the exporter answers 404",
        spoil: |s| s.pipeline.exporter_missing = Some(During::ALWAYS),
        must: &[SERVED],
    },
    Fault {
        name: "store-missing",
        what: "the store answers 404",
        spoil: |s| s.pipeline.store_missing = Some(During::ALWAYS),
        must: &[SERVED],
    },
    Fault {
        name: "metric-unregistered",
        what: "the adapter does not have the metric: 404 at the metrics API",
        spoil: |s| s.pipeline.unregistered = Some(During::ALWAYS),
        must: &[SERVED],
    },
    Fault {
        name: "adapter-away",
        what: "no adapter answers behind the APIService",
        spoil: |s| s.pipeline.adapter_away = Some(During::ALWAYS),
        must: &[SERVED],
    },
    Fault {
        name: "exported-namespace",
        what: "the store scrapes without honorLabels: the workload's labels are called exported_*",
        spoil: |s| s.pipeline.honor_labels = false,
        must: &[SERVED],
    },
    Fault {
        name: "rule-loses-namespace",
        what: "the adapter's rule does not map the label that names the namespace",
        spoil: |s| s.pipeline.loses_namespace = true,
        must: &[SERVED],
    },
    Fault {
        name: "unattributed",
        what: "the exporter does not say which pod holds a device",
        spoil: |s| s.pipeline.unattributed = Who::Everyone,
        must: &[SERVED],
    },
    Fault {
        name: "frozen-low",
        what: "the exporter repeats an idle value for ever",
        spoil: |s| s.pipeline.distorted = constant(0.0, Place::Exporter),
        must: &[FOLLOWS],
    },
    Fault {
        name: "frozen-high",
        what: "the adapter answers a busy value for ever",
        spoil: |s| s.pipeline.distorted = constant(97.0, Place::Adapter),
        must: &[Must::Inconclusive(IDLE)],
    },
    Fault {
        name: "nan",
        what: "the exporter's values are no numbers, which the adapter serves as 0",
        spoil: |s| s.pipeline.distorted = constant(f64::NAN, Place::Exporter),
        must: &[FOLLOWS],
    },
    Fault {
        name: "wrong-sign",
        what: "the metric falls under load: free instead of used",
        spoil: |s| s.pipeline.distorted = distorted(How::From(100.0), Place::Exporter),
        must: &[Must::Inconclusive(IDLE)],
    },
    Fault {
        name: "wrong-unit",
        what: "the metric is a ratio, the target a percentage",
        spoil: |s| s.pipeline.distorted = distorted(How::Times(0.01), Place::Adapter),
        must: &[FOLLOWS],
    },
    Fault {
        name: "contaminated",
        what: "another workload's load is added to the metric",
        spoil: |s| s.pipeline.distorted = distorted(How::Plus(80.0), Place::Adapter),
        must: &[Must::Inconclusive(IDLE)],
    },
    Fault {
        name: "average-of-all",
        what: "the metric of each pod is the average over all pods of the namespace, two busy strangers' among them",
        spoil: |s| {
            s.pipeline.neighbours = vec![80.0, 80.0];
            s.pipeline.ignores_pods = true;
        },
        // It rises with the load, and stays too high after it.
        must: &[FOLLOWS],
    },
    Fault {
        name: "stale-store",
        what: "the store takes in no samples from the beginning of the load on",
        spoil: |s| s.pipeline.ingests_nothing = Some(LOADED),
        must: &[FOLLOWS],
    },
    Fault {
        name: "stale-adapter",
        what: "the adapter answers what it knew before the load, for ever",
        spoil: |s| s.pipeline.adapter_cached = Some(During::from(Since::Chats(2))),
        must: &[FOLLOWS],
    },
    Fault {
        name: "metric-lost-under-load",
        what: "a relist under load finds no series any more: 404 from then on",
        spoil: |s| s.pipeline.unregistered = Some(LOADED),
        must: &[FOLLOWS],
    },
    Fault {
        name: "adapter-lost-under-load",
        what: "the adapter is killed under load and does not come back",
        spoil: |s| s.pipeline.adapter_away = Some(LOADED),
        must: &[FOLLOWS],
    },
    Fault {
        name: "metric-lags",
        what: "the exporter samples every six minutes, much less often than the scenario assumes",
        spoil: |s| s.pipeline.exporter_interval = Span::from_secs(360),
        // A verdict is by what the scenario assumes; the text says so.
        must: &[FOLLOWS, Must::Inconclusive(SERVE)],
    },
];

const fn distorted(how: How, at: Place) -> Option<Distortion> {
    Some(Distortion { how, at, during: During::ALWAYS })
}

const fn constant(value: f64, at: Place) -> Option<Distortion> {
    distorted(How::Constant(value), at)
}
