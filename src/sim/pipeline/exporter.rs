//! The exporter. Values come from its latest sample; pod labels are looked up on each scrape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::device_labels::{device_labels, named_holder};
use super::devices::{DeviceHolder, SimDevice, list_devices};
use super::exposition::{ExporterSeries, format_exposition};
use crate::seed::SplitMix64;
use crate::sim::cluster::SimCluster;
use crate::sim::config::{DistortionHop, MetricDistortion, PipelineConfig, SharedValues};
use crate::sim::objects::devices::DevicePart;
use crate::sim::ollama::{DeviceUsage, ServerRegistry};
use crate::sim::pages::{DeviceField, DeviceQuantity};

/// The exporter with the latest sample of every device.
#[derive(Default)]
pub(super) struct SimExporter {
    /// Keyed by device id: the holder at the start of the sample, and its usage until then.
    start_usage: BTreeMap<String, (DeviceHolder, DeviceUsage)>,
    start_us: u64,
    samples: BTreeMap<String, DeviceSample>,
    /// Number of samples so far.
    sample_count: u64,
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

/// One sample of a device, or of a pod on it.
#[derive(Clone, Copy, Default)]
struct DeviceSample {
    utilization: f64,
    used_mib: u64,
}

impl SimExporter {
    /// Starts a sample.
    pub(super) fn begin_sample(&mut self, cluster: &SimCluster, servers: &ServerRegistry) {
        self.start_us = cluster.clock().now_us();
        self.refresh_devices(cluster, servers);
        let held_devices = self.devices.1.iter().filter_map(|(id, device)| Some((id.clone(), device.holder.as_ref()?)));
        self.start_usage =
            held_devices.map(|(id, holder)| (id, (holder.clone(), holder_usage(servers, holder)))).collect();
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
        let idle = DeviceSample { utilization: cluster.config().ollama.idle_percent, used_mib: 0 };
        let working = working_devices(&self.devices.1);
        let sample = |id: &str, device: &SimDevice| {
            let Some(holder) = &device.holder else { return idle };
            let now = holder_usage(servers, holder);
            if !now.is_running || !working.contains(id) {
                return idle;
            }
            let before = self.start_usage.get(id).filter(|(before, _)| before == holder);
            // A container that started since then was idle before: its integral starts at 0.
            let start_percent_us =
                before.map(|(_, before)| before.percent_us).filter(|start| *start <= now.percent_us).unwrap_or(0.0);
            DeviceSample {
                utilization: ((now.percent_us - start_percent_us) / elapsed_us).min(100.0),
                used_mib: now.memory_mib,
            }
        };
        self.samples = self.devices.1.iter().map(|(id, d)| (id.clone(), sample(id, d))).collect();
        self.sample_count += 1;
        self.cache = None;
    }

    /// The series that all nodes expose now.
    pub(super) fn series(&mut self, cluster: &SimCluster, servers: &ServerRegistry) -> Arc<[ExporterSeries]> {
        Arc::clone(&self.refresh_cache(cluster, servers).series)
    }

    /// The exposition of one node.
    pub(super) fn exposition(&mut self, cluster: &SimCluster, servers: &ServerRegistry, node: &str) -> Bytes {
        let page = cluster.config().pipeline.exporter;
        let ExpositionCache { series, expositions, .. } = self.refresh_cache(cluster, servers);
        expositions.entry(node.to_owned()).or_insert_with(|| format_exposition(series, node, page).into()).clone()
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
        let mut replicas: BTreeMap<&str, Vec<(&SimDevice, DeviceSample)>> = BTreeMap::new();
        for (id, device) in devices {
            let Some(sample) = self.samples.get(id).copied() else { continue };
            match device.part {
                DevicePart::Replica(_) => {
                    replicas.entry(&device.accelerator_uuid).or_default().push((device, sample));
                }
                DevicePart::Whole | DevicePart::Instance(_) => {
                    push_device(&mut all, device, field_values(sample, sample, device, config), config, distortion);
                }
            }
        }
        for shares in replicas.values() {
            self.push_shared(&mut all, shares, config, distortion);
        }
        if let Some(device) = devices.values().find(|d| d.holder.is_some()) {
            for (n, utilization) in config.neighbor_utilizations.iter().enumerate() {
                let name = format!("neighbor-{n}");
                let device = neighbor_device(&name, n, device, config.neighbor_namespace.as_deref());
                let sample = DeviceSample { utilization: *utilization, used_mib: 0 };
                push_device(&mut all, &device, field_values(sample, sample, &device, config), config, None);
            }
        }
        all
    }

    /// The series of one accelerator, which these replicas share: their utilizations add up to 100 at most.
    fn push_shared(
        &self,
        all: &mut Vec<ExporterSeries>,
        replicas: &[(&SimDevice, DeviceSample)],
        config: &PipelineConfig,
        distortion: Option<&MetricDistortion>,
    ) {
        let Some((first, _)) = replicas.first() else { return };
        let sum: f64 = replicas.iter().map(|(_, sample)| sample.utilization).sum();
        let used_mib = replicas.iter().map(|(_, sample)| sample.used_mib).sum();
        let whole = DeviceSample { utilization: sum.min(100.0), used_mib };
        let accelerator = SimDevice { part: DevicePart::Whole, holder: None, ..(*first).clone() };
        let is_named = |holder: &DeviceHolder| holder.claim.is_none() || config.resolves_claims;
        let held: Vec<_> = replicas.iter().filter(|(device, _)| device.holder.as_ref().is_some_and(is_named)).collect();
        let mut push = |device: &SimDevice, own: DeviceSample| {
            push_device(all, device, field_values(own, whole, device, config), config, distortion);
        };
        match config.shared_values {
            SharedValues::Rotating if !held.is_empty() => {
                // The exporter takes the last pod in the kubelet's list, whose order is random.
                let turn = SplitMix64::new(self.sample_count).next_u64() % held.len() as u64;
                let (device, _) = held[usize::try_from(turn).unwrap_or(0)];
                push(&SimDevice { holder: device.holder.clone(), ..accelerator }, whole);
            }
            SharedValues::Whole if !held.is_empty() => held.iter().for_each(|(device, _)| push(device, whole)),
            SharedValues::Own => {
                push(&accelerator, whole);
                for (device, sample) in held {
                    let utilization = sample.utilization * 100.0 / sum.max(100.0);
                    push(device, DeviceSample { utilization, ..*sample });
                }
            }
            SharedValues::Rotating | SharedValues::Whole | SharedValues::Unattributed => push(&accelerator, whole),
        }
    }
}

/// The ids of the devices that work: of each pod the first one. Ollama loads a model that fits on one device onto one
/// (docs/faq.md, "How does Ollama load models on multiple GPUs?").
fn working_devices(devices: &BTreeMap<String, SimDevice>) -> BTreeSet<&str> {
    let mut seen = BTreeSet::new();
    let held = devices.iter().filter_map(|(id, device)| Some((id, device.holder.as_ref()?)));
    held.filter(|(_, holder)| seen.insert((&holder.namespace, &holder.pod))).map(|(id, _)| id.as_str()).collect()
}

fn holder_usage(servers: &ServerRegistry, holder: &DeviceHolder) -> DeviceUsage {
    servers.usage(&holder.namespace, &holder.pod)
}

/// The value of each field; `None` for one that the device does not have. A pod that shares an accelerator has its own
/// utilization and memory, and all else is `whole`.
fn field_values(
    own: DeviceSample,
    whole: DeviceSample,
    device: &SimDevice,
    config: &PipelineConfig,
) -> Vec<Option<f64>> {
    let mib = |mib: u64| u32::try_from(mib).map_or(f64::from(u32::MAX), f64::from);
    let is_instance = device.mig_profile.is_some();
    let value = |field: &DeviceField| match field.quantity {
        DeviceQuantity::FreeMib => Some(mib(config.device_memory_mib.saturating_sub(whole.used_mib))),
        DeviceQuantity::UsedMib => Some(mib(own.used_mib)),
        DeviceQuantity::UsedBytes => Some(mib(own.used_mib) * 1_048_576.0),
        DeviceQuantity::UtilizationPercent => Some(own.utilization.round()).filter(|_| !is_instance),
        DeviceQuantity::UtilizationRatio => Some(own.utilization.round() / 100.0),
        DeviceQuantity::EngineActive => {
            Some(whole.utilization.round() / 100.0).filter(|_| is_instance || config.has_engine_active)
        }
    };
    config.exporter.fields.iter().map(value).collect()
}

/// Adds the series of a device with these values, in the order of the exporter's fields.
fn push_device(
    all: &mut Vec<ExporterSeries>,
    device: &SimDevice,
    values: Vec<Option<f64>>,
    config: &PipelineConfig,
    distortion: Option<&MetricDistortion>,
) {
    if !config.exporter.shows_free_devices && named_holder(device, config).is_none() {
        return;
    }
    let labels = Arc::new(device_labels(device, config));
    let distortion = distortion.filter(|_| device.holder.is_some());
    let series = config.exporter.fields.iter().zip(values).filter_map(|(field, value)| {
        let value = value.map(|value| distortion.map_or(value, |distortion| distortion.kind.apply(value)))?;
        Some(ExporterSeries { field: field.name, node: device.node.clone(), labels: Arc::clone(&labels), value })
    });
    all.extend(series);
}

/// Another workload's device, on the same node; in the same namespace, or in this one.
fn neighbor_device(name: &str, n: usize, device: &SimDevice, namespace: Option<&str>) -> SimDevice {
    let of_neighbor = |holder: &DeviceHolder| DeviceHolder {
        namespace: namespace.unwrap_or(&holder.namespace).to_owned(),
        pod: name.to_owned(),
        container: "main".to_owned(),
        is_new: holder.is_new,
        claim: None,
    };
    let holder = device.holder.as_ref().map(of_neighbor);
    let part = match &device.part {
        DevicePart::Instance(instance) => DevicePart::Instance(instance.clone()),
        DevicePart::Whole | DevicePart::Replica(_) => DevicePart::Whole,
    };
    let accelerator_uuid = format!("GPU-{name}");
    SimDevice { index: (15 + n).to_string(), holder, part, accelerator_uuid, ..device.clone() }
}
