//! Configuration of the metric pipeline.

use super::fault_scope::{ActiveWindow, AffectedPods};
use crate::model::scenario::ServiceRef;
use crate::sim::pages::{self, ExporterPage, ServedPage};
use crate::units::HumanDuration;

/// Configuration of exporter, store and adapter. The default is that of dcgm-exporter, VictoriaMetrics and the chart of
/// prometheus-adapter.
#[derive(Clone, Debug)]
pub struct PipelineConfig {
    /// Sampling interval of the exporter.
    pub exporter_interval: HumanDuration,
    /// Time over which the exporter averages a sample of the utilization; at most the sampling interval.
    pub sample_window: HumanDuration,
    /// Scrape interval of the store.
    pub scrape_interval: HumanDuration,
    /// How far before now the store evaluates an instant query (`-search.latencyOffset`).
    pub store_offset: HumanDuration,
    /// Relist interval of the adapter, unless its arguments set `--metrics-relist-interval`.
    pub relist_interval: HumanDuration,
    /// The store's Service, where the scenario states it.
    pub(crate) store_service: Option<ServiceRef>,
    /// The page of the exporter of devices.
    pub(in crate::sim) exporter: &'static ExporterPage,
    /// The page that the servers of the target serve of themselves; `None`: none but that of a sidecar.
    pub(in crate::sim) server_page: Option<ServedPage>,
    /// Accelerator memory, MiB.
    pub device_memory_mib: u64,
    /// Model name of the accelerators.
    pub device_model: String,
    /// The store keeps the exporter's labels (`honorLabels: true`). `false`: it renames them to `exported_*`, which is a fault
    /// unless the scenario's rule selects those.
    pub honor_labels: bool,
    /// Namespace of the exporter's pods.
    pub exporter_namespace: String,
    /// The store writes stale markers. Fault `false`: it serves a series for 5 minutes after the exporter drops it.
    pub stale_markers: bool,
    /// What the exporter reports for the pods that share an accelerator.
    pub shared_values: SharedValues,
    /// The exporter has the activity of the engine of whole devices too; MIG instances always have it.
    pub has_engine_active: bool,
    /// The exporter resolves resource claims to pods. Fault `false`: it names no pod of a claim, as dcgm-exporter without
    /// `KUBERNETES_ENABLE_DRA=true`.
    pub resolves_claims: bool,
    /// Fault: the exporter does not report which of these pods uses a device.
    pub unattributed: AffectedPods,
    /// Fault: changes values.
    pub distortion: Option<MetricDistortion>,
    /// Fault: pods `neighbor-N` in the target's namespace use devices with these utilizations, percent.
    pub neighbor_utilizations: Vec<f64>,
    /// Fault: the adapter returns the aggregate of all series as the value of each pod, `neighbor_utilizations`
    /// included.
    pub ignores_pod_label: bool,
    /// Namespace of those pods; `None`: the target's.
    pub neighbor_namespace: Option<String>,
    /// Fault: the adapter's rule does not map the namespace label.
    pub drops_namespace_label: bool,
    /// Fault: the exporter answers 404.
    pub exporter_missing: Option<ActiveWindow>,
    /// Fault: the store answers 404.
    pub store_missing: Option<ActiveWindow>,
    /// Fault: the store ingests no samples.
    pub ingestion_stopped: Option<ActiveWindow>,
    /// Fault: the adapter returns the values of the start of this window.
    pub adapter_stale: Option<ActiveWindow>,
    /// Fault: the adapter does not serve the metric and answers 404.
    pub metric_unregistered: Option<ActiveWindow>,
    /// Fault: no adapter runs, nor KEDA's metrics server.
    pub adapter_down: Option<ActiveWindow>,
    /// Fault: KEDA's operator hangs, which its metrics server asks for every value.
    pub keda_away: Option<ActiveWindow>,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            exporter_interval: HumanDuration::from_secs(30),
            sample_window: HumanDuration::from_secs(5),
            scrape_interval: HumanDuration::from_secs(15),
            store_offset: HumanDuration::from_secs(30),
            relist_interval: HumanDuration::from_secs(60),
            store_service: None,
            exporter: &pages::DCGM,
            server_page: None,
            device_memory_mib: pages::DCGM.device_memory_mib,
            device_model: pages::DCGM.device_model.to_owned(),
            honor_labels: true,
            exporter_namespace: "gpu-operator".to_owned(),
            stale_markers: true,
            shared_values: SharedValues::Own,
            has_engine_active: false,
            resolves_claims: true,
            unattributed: AffectedPods::None,
            distortion: None,
            neighbor_utilizations: Vec::new(),
            ignores_pod_label: false,
            neighbor_namespace: None,
            drops_namespace_label: false,
            exporter_missing: None,
            store_missing: None,
            ingestion_stopped: None,
            adapter_stale: None,
            metric_unregistered: None,
            adapter_down: None,
            keda_away: None,
        }
    }
}

/// What an exporter reports for the pods that share an accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedValues {
    /// Of each pod its own share, where the processes show it, beside the value of the accelerator without a pod, as dcgm-exporter
    /// does with `--kubernetes-virtual-gpus`.
    Own,
    /// Of each pod the value of the accelerator.
    Whole,
    /// The value of the accelerator, with the name of one of its pods, another one at another time, as dcgm-exporter does without
    /// that flag.
    Rotating,
    /// The value of the accelerator, without a pod.
    Unattributed,
}

/// A change of values. At the exporter it affects only devices that a pod uses.
#[derive(Clone, Debug)]
pub struct MetricDistortion {
    /// How values change.
    pub(crate) kind: DistortionKind,
    /// The hop that changes them.
    pub(crate) hop: DistortionHop,
    /// When values change.
    pub(crate) window: ActiveWindow,
}

/// How a value changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DistortionKind {
    /// Always this value.
    Constant(f64),
    /// The difference to this value: 100 inverts a percentage.
    SubtractFrom(f64),
    /// The product with this value: 0.01 turns a percentage into a ratio.
    Multiply(f64),
    /// The sum with this value.
    Add(f64),
}

impl DistortionKind {
    pub(in crate::sim) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Constant(constant) => constant,
            Self::SubtractFrom(minuend) => minuend - value,
            Self::Multiply(factor) => value * factor,
            Self::Add(addend) => value + addend,
        }
    }
}

/// A hop that can change values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DistortionHop {
    /// The exporter; the store and the adapter then have the changed values too.
    Exporter,
    /// The adapter only.
    Adapter,
}
