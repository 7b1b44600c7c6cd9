//! The exporter: values are of its latest sample, the pod that holds a device is looked up when it is asked.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::super::cluster::SimCluster;
use super::super::ollama::{DeviceUsage, ServerRegistry};
use super::config::{DistortionHop, MetricDistortion, PipelineConfig};
use super::devices::{DeviceHolder, SimDevice, list_devices};

/// Labels of a series.
pub(super) type PipelineLabels = BTreeMap<String, String>;

/// Fields that are exposed, in the order of the text.
const DCGM_FIELDS: [(&str, &str); 3] = [
    ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB)."),
    ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB)."),
    ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %)."),
];

/// The latest sample of every device.
#[derive(Default)]
pub(super) struct SimExporter {
    /// By UUID: the holder at the beginning of the sample, and its use until then.
    start_usage: BTreeMap<String, (DeviceHolder, DeviceUsage)>,
    start_us: u64,
    samples: BTreeMap<String, DeviceSample>,
    /// The devices as of a version of the cluster.
    devices: (u64, BTreeMap<String, SimDevice>),
    /// What is exposed, until something changes it.
    cache: Option<ExpositionCache>,
}

/// What is exposed.
struct ExpositionCache {
    is_distorted: bool,
    series: Arc<[ExporterSeries]>,
    /// The expositions by node.
    expositions: BTreeMap<String, Bytes>,
}

#[derive(Clone, Copy, Default)]
struct DeviceSample {
    utilization: f64,
    used_mib: u64,
}

/// A series and its value.
pub(super) struct ExporterSeries {
    pub(super) field: &'static str,
    pub(super) node: String,
    pub(super) labels: Arc<PipelineLabels>,
    pub(super) value: f64,
}

impl SimExporter {
    /// A sample begins.
    pub(super) fn begin_sample(&mut self, cluster: &SimCluster, servers: &ServerRegistry) {
        self.start_us = cluster.clock().now_us();
        self.refresh_devices(cluster, servers);
        let held = self.devices.1.iter().filter_map(|(uuid, device)| Some((uuid.clone(), device.holder.as_ref()?)));
        self.start_usage = held.map(|(uuid, holder)| (uuid, (holder.clone(), holder_usage(servers, holder)))).collect();
    }

    /// Looks the devices up anew where something has changed.
    fn refresh_devices(&mut self, cluster: &SimCluster, servers: &ServerRegistry) {
        let version = cluster.resource_version();
        if self.devices.0 != version {
            let devices = list_devices(cluster, servers);
            self.cache.take_if(|_| devices != self.devices.1);
            self.devices = (version, devices);
        }
    }

    /// The sample ends.
    pub(super) fn finish_sample(&mut self, cluster: &SimCluster, servers: &ServerRegistry) {
        self.refresh_devices(cluster, servers);
        let us = cluster.clock().now_us().saturating_sub(self.start_us).max(1);
        let us = u32::try_from(us).map_or(f64::from(u32::MAX), f64::from);
        let one = |uuid: &str, device: &SimDevice| {
            let Some(holder) = &device.holder else { return DeviceSample::default() };
            let now = holder_usage(servers, holder);
            let before = self.start_usage.get(uuid).filter(|(before, _)| before == holder);
            // A container that has begun since then was idle before it.
            let area =
                before.map(|(_, before)| before.percent_us).filter(|area| *area <= now.percent_us).unwrap_or(0.0);
            DeviceSample { utilization: ((now.percent_us - area) / us).min(100.0), used_mib: now.memory_mib }
        };
        self.samples = self.devices.1.iter().map(|(uuid, d)| (uuid.clone(), one(uuid, d))).collect();
        self.cap_shared_cards();
        self.cache = None;
    }

    /// Shares of one card add up to 100 at most.
    fn cap_shared_cards(&mut self) {
        let mut cards: BTreeMap<String, f64> = BTreeMap::new();
        for (uuid, sampled) in &self.samples {
            *cards.entry(card_uuid(uuid).to_owned()).or_default() += sampled.utilization;
        }
        for (uuid, sampled) in &mut self.samples {
            let whole = cards.get(card_uuid(uuid)).map_or(100.0, |sum| sum.max(100.0));
            sampled.utilization = (sampled.utilization * 100.0 / whole).round();
        }
    }

    /// What is exposed now, of all nodes.
    pub(super) fn series(&mut self, cluster: &SimCluster, servers: &ServerRegistry) -> Arc<[ExporterSeries]> {
        Arc::clone(&self.refresh_cache(cluster, servers).series)
    }

    /// The exposition of one node.
    pub(super) fn exposition(&mut self, cluster: &SimCluster, servers: &ServerRegistry, node: &str) -> Bytes {
        let ExpositionCache { series: all, expositions: pages, .. } = self.refresh_cache(cluster, servers);
        pages.entry(node.to_owned()).or_insert_with(|| format_exposition(all, node).into()).clone()
    }

    fn refresh_cache(&mut self, cluster: &SimCluster, servers: &ServerRegistry) -> &mut ExpositionCache {
        self.refresh_devices(cluster, servers);
        let setting = &cluster.config().pipeline;
        let distortion = setting.distortion.as_ref().filter(|d| d.hop == DistortionHop::Exporter);
        let distortion = distortion.filter(|d| servers.is_active(Some(&d.window)));
        let known = self.cache.take().filter(|shown| shown.is_distorted == distortion.is_some());
        let shown = known.unwrap_or_else(|| {
            let all = self.build_series(setting, distortion).into();
            ExpositionCache { is_distorted: distortion.is_some(), series: all, expositions: BTreeMap::new() }
        });
        self.cache.insert(shown)
    }

    fn build_series(&self, setting: &PipelineConfig, distortion: Option<&MetricDistortion>) -> Vec<ExporterSeries> {
        let mut all = Vec::new();
        let devices = &self.devices.1;
        for (uuid, device) in devices {
            // What nobody holds of a shared card is no device of its own.
            let is_part = device.holder.is_none() && card_uuid(uuid) != uuid;
            let Some(sampled) = self.samples.get(uuid).filter(|_| !is_part) else { continue };
            let labels = Arc::new(device_labels(uuid, device, setting));
            let values = field_values(*sampled, setting).map(|value| match distortion {
                Some(distortion) if device.holder.is_some() => distortion.kind.apply(value),
                _ => value,
            });
            push_series(&mut all, &device.node, &labels, values);
        }
        if let Some(device) = devices.values().find(|d| d.holder.is_some()) {
            for (n, utilization) in setting.neighbor_utilizations.iter().enumerate() {
                let name = format!("neighbour-{n}");
                let device = neighbor_device(&name, n, device);
                let labels = Arc::new(device_labels(&format!("GPU-{name}"), &device, setting));
                let sampled = DeviceSample { utilization: *utilization, used_mib: 0 };
                push_series(&mut all, &device.node, &labels, field_values(sampled, setting));
            }
        }
        all
    }
}

/// The card of a device.
fn card_uuid(uuid: &str) -> &str {
    uuid.split_once("::").map_or(uuid, |(card, _)| card)
}

fn holder_usage(servers: &ServerRegistry, holder: &DeviceHolder) -> DeviceUsage {
    servers.usage(&holder.namespace, &holder.pod)
}

fn field_values(sampled: DeviceSample, setting: &PipelineConfig) -> [f64; 3] {
    let mib = |mib: u64| u32::try_from(mib).map_or(f64::from(u32::MAX), f64::from);
    let free = setting.device_memory_mib.saturating_sub(sampled.used_mib);
    [mib(free), mib(sampled.used_mib), sampled.utilization]
}

fn push_series(all: &mut Vec<ExporterSeries>, node: &str, labels: &Arc<PipelineLabels>, values: [f64; 3]) {
    for ((field, _), value) in DCGM_FIELDS.into_iter().zip(values) {
        all.push(ExporterSeries { field, node: node.to_owned(), labels: Arc::clone(labels), value });
    }
}

/// Another workload's device, in the same namespace and on the same node.
fn neighbor_device(name: &str, n: usize, device: &SimDevice) -> SimDevice {
    let holder = device.holder.clone();
    let holder = holder.map(|holder| DeviceHolder { pod: name.to_owned(), container: "main".to_owned(), ..holder });
    SimDevice { index: (15 + n).to_string(), holder, ..device.clone() }
}

fn device_labels(uuid: &str, device: &SimDevice, setting: &PipelineConfig) -> PipelineLabels {
    let SimDevice { node, index, holder } = device;
    let bus = index.parse::<u32>().unwrap_or(0) + 1;
    let own = [
        ("gpu", index.clone()),
        ("UUID", card_uuid(uuid).to_owned()),
        ("pci_bus_id", format!("00000000:{bus:02X}:00.0")),
        ("device", format!("nvidia{index}")),
        ("modelName", setting.device_model.clone()),
        ("Hostname", node.clone()),
    ];
    let named = holder
        .iter()
        .filter(|holder| !setting.unattributed.includes(holder.is_new))
        .flat_map(|holder| [("namespace", &holder.namespace), ("pod", &holder.pod), ("container", &holder.container)]);
    let named = named.map(|(key, value)| (key, value.clone()));
    own.into_iter().chain(named).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The exposition of one node.
fn format_exposition(all: &[ExporterSeries], node: &str) -> String {
    let mut out = String::new();
    for (field, help) in DCGM_FIELDS {
        out.push_str(&format!("# HELP {field} {help}\n# TYPE {field} gauge\n"));
        for exposed in all.iter().filter(|exposed| exposed.field == field && exposed.node == node) {
            let labels: Vec<_> = exposed.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
            // Writing to a text does not fail.
            let _ = writeln!(out, "{field}{{{}}} {}", labels.join(","), exposed.value);
        }
    }
    out
}
