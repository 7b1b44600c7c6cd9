//! Exporter, store and adapter in numbers.

use super::super::servers::{During, Who};
use crate::units::Span;

/// Exporter, store and adapter in numbers. The defaults are those of dcgm-exporter, VictoriaMetrics and the adapter's
/// chart; a metric that lags longer than a scenario assumes has longer times here.
#[derive(Clone, Debug)]
pub struct PipelineSetting {
    /// The exporter samples so often.
    pub exporter_interval: Span,
    /// A sample of utilization is the average over so long, the interval at most.
    pub sampled_over: Span,
    /// The store scrapes so often.
    pub scrape_interval: Span,
    /// So far behind now the store evaluates an instant query.
    pub store_offset: Span,
    /// The adapter lists series so often, where its arguments do not say (`--metrics-relist-interval`).
    pub relist_interval: Span,
    /// Accelerator memory, MiB.
    pub memory_mib: u64,
    /// Name of the accelerator's model.
    pub model: String,
    /// The store keeps the exporter's own labels (`honorLabels: true`). Fault `false`: they are called `exported_*`.
    pub honor_labels: bool,
    /// Namespace of the exporter's pods.
    pub exporter_namespace: String,
    /// The store marks a series that is no longer exposed. Fault `false`: it is served for five minutes more.
    pub stale_markers: bool,
    /// Fault: the exporter does not say which pod holds a device.
    pub unattributed: Who,
    /// Fault: values are changed on their way.
    pub distorted: Option<Distortion>,
    /// Fault: pods `neighbour-N` in the target's namespace have devices with these utilizations (percent).
    pub neighbours: Vec<f64>,
    /// Fault: for each pod the adapter answers the value of all series together, the neighbours' included.
    pub ignores_pods: bool,
    /// Fault: the adapter's rule does not map the label that names the namespace.
    pub loses_namespace: bool,
    /// Fault: the exporter answers 404.
    pub exporter_missing: Option<During>,
    /// Fault: the store answers 404.
    pub store_missing: Option<During>,
    /// Fault: the store takes in no samples.
    pub ingests_nothing: Option<During>,
    /// Fault: the adapter answers as it would have at this time's beginning.
    pub adapter_cached: Option<During>,
    /// Fault: the adapter has lost the metric, and answers 404.
    pub unregistered: Option<During>,
    /// Fault: no adapter answers.
    pub adapter_away: Option<During>,
}

impl Default for PipelineSetting {
    fn default() -> Self {
        Self {
            exporter_interval: Span::from_secs(30),
            sampled_over: Span::from_secs(5),
            scrape_interval: Span::from_secs(15),
            store_offset: Span::from_secs(30),
            relist_interval: Span::from_secs(60),
            memory_mib: 81_559,
            model: "NVIDIA H100 80GB HBM3".to_owned(),
            honor_labels: true,
            exporter_namespace: "gpu-operator".to_owned(),
            stale_markers: true,
            unattributed: Who::Nobody,
            distorted: None,
            neighbours: Vec::new(),
            ignores_pods: false,
            loses_namespace: false,
            exporter_missing: None,
            store_missing: None,
            ingests_nothing: None,
            adapter_cached: None,
            unregistered: None,
            adapter_away: None,
        }
    }
}

/// Values that are changed on their way. At the exporter those of devices that a pod holds.
#[derive(Clone, Debug)]
pub struct Distortion {
    /// How.
    pub how: How,
    /// From which hop on.
    pub at: Place,
    /// When.
    pub during: During,
}

/// How a value is changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// It is this one: frozen low or high, or NaN.
    Constant(f64),
    /// It is the distance to this one: 100 turns the sign of a percentage.
    From(f64),
    /// It is multiplied: 0.01 makes a ratio of a percentage.
    Times(f64),
    /// This is added.
    Plus(f64),
}

impl How {
    pub(super) fn of(self, value: f64) -> f64 {
        match self {
            Self::Constant(constant) => constant,
            Self::From(top) => top - value,
            Self::Times(factor) => value * factor,
            Self::Plus(more) => value + more,
        }
    }
}

/// Hops at which a value can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The exporter, and so everything behind it.
    Exporter,
    /// The adapter alone.
    Adapter,
}
