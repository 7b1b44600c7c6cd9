//! The exporter. Values come from its latest sample; pod labels are looked up on each scrape.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::devices::{DeviceHolder, SimDevice, list_devices};
use crate::metrics::PhysicalDevice;
use crate::sim::cluster::SimCluster;
use crate::sim::config::{DistortionHop, ENGINE_ACTIVE_FIELD, MetricDistortion, PipelineConfig};
use crate::sim::ollama::{DeviceUsage, ServerRegistry};

/// Labels of a series.
pub(super) type PipelineLabels = BTreeMap<String, String>;

/// Exposed DCGM fields with their HELP text, in the order of the exposition. A MIG instance has no utilization.
const DCGM_FIELDS: [(&str, &str); 4] = [
    ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB)."),
    ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB)."),
    ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %)."),
    (ENGINE_ACTIVE_FIELD, "Ratio of time the graphics engine is active."),
];

/// Names of the series that the exporter can have.
pub(in crate::sim) fn series_names() -> [&'static str; DCGM_FIELDS.len()] {
    DCGM_FIELDS.map(|(name, _)| name)
}

/// The exporter with the latest sample of every device.
#[derive(Default)]
pub(super) struct SimExporter {
    /// Keyed by UUID: the holder at the start of the sample, and its usage until then.
    start_usage: BTreeMap<String, (DeviceHolder, DeviceUsage)>,
    start_us: u64,
    samples: BTreeMap<String, DeviceSample>,
    /// The devices, with the cluster's resource version at which they were listed.
    devices: (u64, BTreeMap<String, SimDevice>),
    /// The exposition, until a device or sample changes.
    cache: Option<ExpositionCache>,
}

/// The exposed series.
struct ExpositionCache {
    is_distorted: bool,
    series: Arc<[ExporterSeries]>,
    /// Expositions keyed by node.
    expositions: BTreeMap<String, Bytes>,
}

#[derive(Clone, Copy, Default)]
struct DeviceSample {
    utilization: f64,
    used_mib: u64,
}

/// An exposed series and its value.
pub(super) struct ExporterSeries {
    pub(super) field: &'static str,
    pub(super) node: String,
    pub(super) labels: Arc<PipelineLabels>,
    pub(super) value: f64,
}

impl SimExporter {
    /// Starts a sample.
    pub(super) fn begin_sample(&mut self, cluster: &SimCluster, servers: &ServerRegistry) {
        self.start_us = cluster.clock().now_us();
        self.refresh_devices(cluster, servers);
        let held_devices =
            self.devices.1.iter().filter_map(|(uuid, device)| Some((uuid.clone(), device.holder.as_ref()?)));
        self.start_usage =
            held_devices.map(|(uuid, holder)| (uuid, (holder.clone(), holder_usage(servers, holder)))).collect();
    }

    /// Lists the devices again if the cluster has changed.
    fn refresh_devices(&mut self, cluster: &SimCluster, servers: &ServerRegistry) {
        let version = cluster.resource_version();
        if self.devices.0 != version {
            let devices = list_devices(cluster, servers);
            self.cache.take_if(|_| devices != self.devices.1);
            self.devices = (version, devices);
        }
    }

    /// Ends the sample and computes its values.
    pub(super) fn finish_sample(&mut self, cluster: &SimCluster, servers: &ServerRegistry) {
        self.refresh_devices(cluster, servers);
        let elapsed_us = cluster.clock().now_us().saturating_sub(self.start_us).max(1);
        let elapsed_us = u32::try_from(elapsed_us).map_or(f64::from(u32::MAX), f64::from);
        let sample = |uuid: &str, device: &SimDevice| {
            let Some(holder) = &device.holder else { return DeviceSample::default() };
            let now = holder_usage(servers, holder);
            let before = self.start_usage.get(uuid).filter(|(before, _)| before == holder);
            // A container that started since then was idle before: its integral starts at 0.
            let start_percent_us =
                before.map(|(_, before)| before.percent_us).filter(|start| *start <= now.percent_us).unwrap_or(0.0);
            DeviceSample {
                utilization: ((now.percent_us - start_percent_us) / elapsed_us).min(100.0),
                used_mib: now.memory_mib,
            }
        };
        self.samples = self.devices.1.iter().map(|(uuid, d)| (uuid.clone(), sample(uuid, d))).collect();
        self.divide_shared_cards(cluster.config().pipeline.whole_card_values);
        self.cache = None;
    }

    /// Scales down the utilization of devices that share a card, so that their sum is at most 100. With
    /// `whole_card_values` each of them has that sum.
    fn divide_shared_cards(&mut self, whole_card_values: bool) {
        let mut card_sums: BTreeMap<String, f64> = BTreeMap::new();
        for (uuid, sample) in &self.samples {
            *card_sums.entry(card_uuid(uuid).to_owned()).or_default() += sample.utilization;
        }
        for (uuid, sample) in &mut self.samples {
            let sum = card_sums.get(card_uuid(uuid)).copied().unwrap_or(sample.utilization);
            let own = if whole_card_values { sum.min(100.0) } else { sample.utilization * 100.0 / sum.max(100.0) };
            sample.utilization = own.round();
        }
    }

    /// The series that all nodes expose now.
    pub(super) fn series(&mut self, cluster: &SimCluster, servers: &ServerRegistry) -> Arc<[ExporterSeries]> {
        Arc::clone(&self.refresh_cache(cluster, servers).series)
    }

    /// The exposition of one node.
    pub(super) fn exposition(&mut self, cluster: &SimCluster, servers: &ServerRegistry, node: &str) -> Bytes {
        let ExpositionCache { series, expositions, .. } = self.refresh_cache(cluster, servers);
        expositions.entry(node.to_owned()).or_insert_with(|| format_exposition(series, node).into()).clone()
    }

    fn refresh_cache(&mut self, cluster: &SimCluster, servers: &ServerRegistry) -> &mut ExpositionCache {
        self.refresh_devices(cluster, servers);
        let config = &cluster.config().pipeline;
        let distortion = config.distortion.as_ref().filter(|d| d.hop == DistortionHop::Exporter);
        let distortion = distortion.filter(|d| servers.is_active(Some(&d.window)));
        let cache = self.cache.take().filter(|cache| cache.is_distorted == distortion.is_some());
        let cache = cache.unwrap_or_else(|| {
            let series = self.build_series(config, distortion).into();
            ExpositionCache { is_distorted: distortion.is_some(), series, expositions: BTreeMap::new() }
        });
        self.cache.insert(cache)
    }

    fn build_series(&self, config: &PipelineConfig, distortion: Option<&MetricDistortion>) -> Vec<ExporterSeries> {
        let mut all = Vec::new();
        let devices = &self.devices.1;
        for (uuid, device) in devices {
            // The exporter does not expose the unused shares of a card.
            let is_unused_share = device.holder.is_none() && card_uuid(uuid) != uuid;
            let Some(sample) = self.samples.get(uuid).filter(|_| !is_unused_share) else { continue };
            let labels = Arc::new(device_labels(uuid, device, config));
            let values = field_values(*sample, device, config).map(|value| match distortion {
                Some(distortion) if device.holder.is_some() => value.map(|value| distortion.kind.apply(value)),
                _ => value,
            });
            push_series(&mut all, &device.node, &labels, values);
        }
        if let Some(device) = devices.values().find(|d| d.holder.is_some()) {
            for (n, utilization) in config.neighbor_utilizations.iter().enumerate() {
                let name = format!("neighbor-{n}");
                let device = neighbor_device(&name, n, device, config.neighbor_namespace.as_deref());
                let labels = Arc::new(device_labels(&format!("GPU-{name}"), &device, config));
                let sample = DeviceSample { utilization: *utilization, used_mib: 0 };
                push_series(&mut all, &device.node, &labels, field_values(sample, &device, config));
            }
        }
        all
    }
}

/// The UUID of the card of a device, which may be a share of it.
fn card_uuid(uuid: &str) -> &str {
    PhysicalDevice::from_id(uuid).name
}

fn holder_usage(servers: &ServerRegistry, holder: &DeviceHolder) -> DeviceUsage {
    servers.usage(&holder.namespace, &holder.pod)
}

/// The value of each field; `None` for one that the device does not have.
fn field_values(sample: DeviceSample, device: &SimDevice, config: &PipelineConfig) -> [Option<f64>; DCGM_FIELDS.len()] {
    let mib = |mib: u64| u32::try_from(mib).map_or(f64::from(u32::MAX), f64::from);
    let free = config.device_memory_mib.saturating_sub(sample.used_mib);
    let is_instance = device.mig_profile.is_some();
    let utilization = Some(sample.utilization).filter(|_| !is_instance);
    let engine_active = Some(sample.utilization / 100.0).filter(|_| is_instance || config.has_engine_active);
    [Some(mib(free)), Some(mib(sample.used_mib)), utilization, engine_active]
}

fn push_series(
    all: &mut Vec<ExporterSeries>,
    node: &str,
    labels: &Arc<PipelineLabels>,
    values: [Option<f64>; DCGM_FIELDS.len()],
) {
    for ((field, _), value) in DCGM_FIELDS.into_iter().zip(values) {
        all.extend(value.map(|value| ExporterSeries {
            field,
            node: node.to_owned(),
            labels: Arc::clone(labels),
            value,
        }));
    }
}

/// Another workload's device, on the same node; in the same namespace, or in this one.
fn neighbor_device(name: &str, n: usize, device: &SimDevice, namespace: Option<&str>) -> SimDevice {
    let of_neighbor = |holder: &DeviceHolder| DeviceHolder {
        namespace: namespace.unwrap_or(&holder.namespace).to_owned(),
        pod: name.to_owned(),
        container: "main".to_owned(),
        is_new: holder.is_new,
    };
    let holder = device.holder.as_ref().map(of_neighbor);
    SimDevice { index: (15 + n).to_string(), holder, ..device.clone() }
}

fn device_labels(uuid: &str, device: &SimDevice, config: &PipelineConfig) -> PipelineLabels {
    let SimDevice { node, index, holder, mig_profile } = device;
    let pci_bus = index.parse::<u32>().unwrap_or(0) + 1;
    let device_labels = [
        ("gpu", index.clone()),
        ("UUID", card_uuid(uuid).to_owned()),
        ("pci_bus_id", format!("00000000:{pci_bus:02X}:00.0")),
        ("device", format!("nvidia{index}")),
        ("modelName", config.device_model.clone()),
        ("Hostname", node.clone()),
    ];
    let pod_labels = holder
        .iter()
        .filter(|holder| !config.unattributed.includes(holder.is_new))
        .flat_map(|holder| [("namespace", &holder.namespace), ("pod", &holder.pod), ("container", &holder.container)]);
    let pod_labels = pod_labels.map(|(key, value)| (key, value.clone()));
    let instance = mig_profile.iter();
    let instance = instance.flat_map(|profile| [("GPU_I_PROFILE", profile.clone()), ("GPU_I_ID", index.clone())]);
    device_labels.into_iter().chain(instance).chain(pod_labels).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The exposition of one node.
fn format_exposition(all: &[ExporterSeries], node: &str) -> String {
    let mut out = String::new();
    for (field, help) in DCGM_FIELDS {
        let mut of_field = all.iter().filter(|series| series.field == field && series.node == node).peekable();
        if of_field.peek().is_none() {
            continue;
        }
        out.push_str(&format!("# HELP {field} {help}\n# TYPE {field} gauge\n"));
        for series in of_field {
            let labels: Vec<_> = series.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
            // Writing to a String does not fail.
            let _ = writeln!(out, "{field}{{{}}} {}", labels.join(","), series.value);
        }
    }
    out
}
