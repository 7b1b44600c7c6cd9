//! Exporter, store and adapter in numbers.

use super::super::ollama::{ActiveWindow, AffectedPods};
use crate::units::HumanDuration;

/// Exporter, store and adapter in numbers. The defaults are those of dcgm-exporter, VictoriaMetrics and the adapter's
/// chart; a metric that lags longer than a scenario assumes has longer times here.
#[derive(Clone, Debug)]
pub struct PipelineConfig {
    /// The exporter samples so often.
    pub exporter_interval: HumanDuration,
    /// A sample of utilization is the average over so long, the interval at most.
    pub sample_window: HumanDuration,
    /// The store scrapes so often.
    pub scrape_interval: HumanDuration,
    /// So far behind now the store evaluates an instant query.
    pub store_offset: HumanDuration,
    /// The adapter lists series so often, where its arguments do not say (`--metrics-relist-interval`).
    pub relist_interval: HumanDuration,
    /// Accelerator memory, MiB.
    pub device_memory_mib: u64,
    /// Name of the accelerator's model.
    pub device_model: String,
    /// The store keeps the exporter's own labels (`honorLabels: true`). Fault `false`: they are called `exported_*`.
    pub honor_labels: bool,
    /// Namespace of the exporter's pods.
    pub exporter_namespace: String,
    /// The store marks a series that is no longer exposed. Fault `false`: it is served for five minutes more.
    pub stale_markers: bool,
    /// Fault: the exporter does not say which pod holds a device.
    pub unattributed: AffectedPods,
    /// Fault: values are changed on their way.
    pub distortion: Option<MetricDistortion>,
    /// Fault: pods `neighbour-N` in the target's namespace have devices with these utilizations (percent).
    pub neighbor_utilizations: Vec<f64>,
    /// Fault: for each pod the adapter answers the value of all series together, the neighbours' included.
    pub ignores_pod_label: bool,
    /// Fault: the adapter's rule does not map the label that names the namespace.
    pub drops_namespace_label: bool,
    /// Fault: the exporter answers 404.
    pub exporter_missing: Option<ActiveWindow>,
    /// Fault: the store answers 404.
    pub store_missing: Option<ActiveWindow>,
    /// Fault: the store takes in no samples.
    pub ingestion_stopped: Option<ActiveWindow>,
    /// Fault: the adapter answers as it would have at this time's beginning.
    pub adapter_stale: Option<ActiveWindow>,
    /// Fault: the adapter has lost the metric, and answers 404.
    pub metric_unregistered: Option<ActiveWindow>,
    /// Fault: no adapter answers.
    pub adapter_down: Option<ActiveWindow>,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            exporter_interval: HumanDuration::from_secs(30),
            sample_window: HumanDuration::from_secs(5),
            scrape_interval: HumanDuration::from_secs(15),
            store_offset: HumanDuration::from_secs(30),
            relist_interval: HumanDuration::from_secs(60),
            device_memory_mib: 81_559,
            device_model: "NVIDIA H100 80GB HBM3".to_owned(),
            honor_labels: true,
            exporter_namespace: "gpu-operator".to_owned(),
            stale_markers: true,
            unattributed: AffectedPods::None,
            distortion: None,
            neighbor_utilizations: Vec::new(),
            ignores_pod_label: false,
            drops_namespace_label: false,
            exporter_missing: None,
            store_missing: None,
            ingestion_stopped: None,
            adapter_stale: None,
            metric_unregistered: None,
            adapter_down: None,
        }
    }
}

/// Values that are changed on their way. At the exporter those of devices that a pod holds.
#[derive(Clone, Debug)]
pub struct MetricDistortion {
    /// How.
    pub kind: DistortionKind,
    /// From which hop on.
    pub hop: DistortionHop,
    /// When.
    pub window: ActiveWindow,
}

/// How a value is changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DistortionKind {
    /// It is this one: frozen low or high, or NaN.
    Constant(f64),
    /// It is the distance to this one: 100 turns the sign of a percentage.
    SubtractFrom(f64),
    /// It is multiplied: 0.01 makes a ratio of a percentage.
    Multiply(f64),
    /// This is added.
    Add(f64),
}

impl DistortionKind {
    pub(super) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Constant(constant) => constant,
            Self::SubtractFrom(top) => top - value,
            Self::Multiply(factor) => value * factor,
            Self::Add(more) => value + more,
        }
    }
}

/// Hops at which a value can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistortionHop {
    /// The exporter, and so everything behind it.
    Exporter,
    /// The adapter alone.
    Adapter,
}
