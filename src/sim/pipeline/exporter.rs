//! The exporter: values are of its latest sample, the pod that holds a device is looked up when it is asked.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::super::cluster::Cluster;
use super::super::servers::{Servers, Use};
use super::devices::{Device, Holder, devices};
use super::setting::{Distortion, PipelineSetting, Place};

/// Labels of a series.
pub(super) type Labels = BTreeMap<String, String>;

/// Fields that are exposed, in the order of the text.
const FIELDS: [(&str, &str); 3] = [
    ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB)."),
    ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB)."),
    ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %)."),
];

/// The latest sample of every device.
#[derive(Default)]
pub(super) struct Exporter {
    /// By UUID: the holder at the beginning of the sample, and its use until then.
    begun: BTreeMap<String, (Holder, Use)>,
    begun_us: u64,
    sampled: BTreeMap<String, Sampled>,
    /// The devices as of a version of the cluster.
    devices: (u64, BTreeMap<String, Device>),
    /// What is exposed, until something changes it.
    shown: Option<Shown>,
}

/// What is exposed.
struct Shown {
    is_distorted: bool,
    all: Arc<[Exposed]>,
    /// The expositions by node.
    pages: BTreeMap<String, Bytes>,
}

#[derive(Clone, Copy, Default)]
struct Sampled {
    utilization: f64,
    used_mib: u64,
}

/// A series and its value.
pub(super) struct Exposed {
    pub(super) field: &'static str,
    pub(super) node: String,
    pub(super) labels: Arc<Labels>,
    pub(super) value: f64,
}

impl Exporter {
    /// A sample begins.
    pub(super) fn begin(&mut self, cluster: &Cluster, servers: &Servers) {
        self.begun_us = cluster.clock().now_us();
        self.look(cluster, servers);
        let held = self.devices.1.iter().filter_map(|(uuid, device)| Some((uuid.clone(), device.holder.as_ref()?)));
        self.begun = held.map(|(uuid, holder)| (uuid, (holder.clone(), used(servers, holder)))).collect();
    }

    /// Looks the devices up anew where something has changed.
    fn look(&mut self, cluster: &Cluster, servers: &Servers) {
        let version = cluster.version();
        if self.devices.0 != version {
            let devices = devices(cluster, servers);
            self.shown.take_if(|_| devices != self.devices.1);
            self.devices = (version, devices);
        }
    }

    /// The sample ends.
    pub(super) fn sample(&mut self, cluster: &Cluster, servers: &Servers) {
        self.look(cluster, servers);
        let us = cluster.clock().now_us().saturating_sub(self.begun_us).max(1);
        let us = u32::try_from(us).map_or(f64::from(u32::MAX), f64::from);
        let one = |uuid: &str, device: &Device| {
            let Some(holder) = &device.holder else { return Sampled::default() };
            let now = used(servers, holder);
            let before = self.begun.get(uuid).filter(|(before, _)| before == holder);
            // A container that has begun since then was idle before it.
            let area = before.map(|(_, before)| before.area).filter(|area| *area <= now.area).unwrap_or(0.0);
            Sampled { utilization: ((now.area - area) / us).min(100.0), used_mib: now.mib }
        };
        self.sampled = self.devices.1.iter().map(|(uuid, d)| (uuid.clone(), one(uuid, d))).collect();
        self.share();
        self.shown = None;
    }

    /// Shares of one card add up to 100 at most.
    fn share(&mut self) {
        let mut cards: BTreeMap<String, f64> = BTreeMap::new();
        for (uuid, sampled) in &self.sampled {
            *cards.entry(card(uuid).to_owned()).or_default() += sampled.utilization;
        }
        for (uuid, sampled) in &mut self.sampled {
            let whole = cards.get(card(uuid)).map_or(100.0, |sum| sum.max(100.0));
            sampled.utilization = (sampled.utilization * 100.0 / whole).round();
        }
    }

    /// What is exposed now, of all nodes.
    pub(super) fn exposed(&mut self, cluster: &Cluster, servers: &Servers) -> Arc<[Exposed]> {
        Arc::clone(&self.shown(cluster, servers).all)
    }

    /// The exposition of one node.
    pub(super) fn page(&mut self, cluster: &Cluster, servers: &Servers, node: &str) -> Bytes {
        let Shown { all, pages, .. } = self.shown(cluster, servers);
        pages.entry(node.to_owned()).or_insert_with(|| exposition(all, node).into()).clone()
    }

    fn shown(&mut self, cluster: &Cluster, servers: &Servers) -> &mut Shown {
        self.look(cluster, servers);
        let setting = &cluster.setting().pipeline;
        let distortion = setting.distorted.as_ref().filter(|d| d.at == Place::Exporter);
        let distortion = distortion.filter(|d| servers.is_now(Some(&d.during)));
        let known = self.shown.take().filter(|shown| shown.is_distorted == distortion.is_some());
        let shown = known.unwrap_or_else(|| {
            let all = self.all(setting, distortion).into();
            Shown { is_distorted: distortion.is_some(), all, pages: BTreeMap::new() }
        });
        self.shown.insert(shown)
    }

    fn all(&self, setting: &PipelineSetting, distortion: Option<&Distortion>) -> Vec<Exposed> {
        let mut all = Vec::new();
        let devices = &self.devices.1;
        for (uuid, device) in devices {
            // What nobody holds of a shared card is no device of its own.
            let is_part = device.holder.is_none() && card(uuid) != uuid;
            let Some(sampled) = self.sampled.get(uuid).filter(|_| !is_part) else { continue };
            let labels = Arc::new(labels(uuid, device, setting));
            let values = values(*sampled, setting).map(|value| match distortion {
                Some(distortion) if device.holder.is_some() => distortion.how.of(value),
                _ => value,
            });
            expose(&mut all, &device.node, &labels, values);
        }
        if let Some(device) = devices.values().find(|d| d.holder.is_some()) {
            for (n, utilization) in setting.neighbours.iter().enumerate() {
                let name = format!("neighbour-{n}");
                let device = neighbour(&name, n, device);
                let labels = Arc::new(labels(&format!("GPU-{name}"), &device, setting));
                let sampled = Sampled { utilization: *utilization, used_mib: 0 };
                expose(&mut all, &device.node, &labels, values(sampled, setting));
            }
        }
        all
    }
}

/// The card of a device.
fn card(uuid: &str) -> &str {
    uuid.split_once("::").map_or(uuid, |(card, _)| card)
}

fn used(servers: &Servers, holder: &Holder) -> Use {
    servers.usage(&holder.namespace, &holder.pod)
}

fn values(sampled: Sampled, setting: &PipelineSetting) -> [f64; 3] {
    let mib = |mib: u64| u32::try_from(mib).map_or(f64::from(u32::MAX), f64::from);
    let free = setting.memory_mib.saturating_sub(sampled.used_mib);
    [mib(free), mib(sampled.used_mib), sampled.utilization]
}

fn expose(all: &mut Vec<Exposed>, node: &str, labels: &Arc<Labels>, values: [f64; 3]) {
    for ((field, _), value) in FIELDS.into_iter().zip(values) {
        all.push(Exposed { field, node: node.to_owned(), labels: Arc::clone(labels), value });
    }
}

/// Another workload's device, in the same namespace and on the same node.
fn neighbour(name: &str, n: usize, device: &Device) -> Device {
    let holder = device.holder.clone();
    let holder = holder.map(|holder| Holder { pod: name.to_owned(), container: "main".to_owned(), ..holder });
    Device { index: (15 + n).to_string(), holder, ..device.clone() }
}

fn labels(uuid: &str, device: &Device, setting: &PipelineSetting) -> Labels {
    let Device { node, index, holder } = device;
    let bus = index.parse::<u32>().unwrap_or(0) + 1;
    let own = [
        ("gpu", index.clone()),
        ("UUID", card(uuid).to_owned()),
        ("pci_bus_id", format!("00000000:{bus:02X}:00.0")),
        ("device", format!("nvidia{index}")),
        ("modelName", setting.model.clone()),
        ("Hostname", node.clone()),
    ];
    let named = holder
        .iter()
        .filter(|holder| !setting.unattributed.is(holder.new))
        .flat_map(|holder| [("namespace", &holder.namespace), ("pod", &holder.pod), ("container", &holder.container)]);
    let named = named.map(|(key, value)| (key, value.clone()));
    own.into_iter().chain(named).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The exposition of one node.
fn exposition(all: &[Exposed], node: &str) -> String {
    let mut out = String::new();
    for (field, help) in FIELDS {
        out.push_str(&format!("# HELP {field} {help}\n# TYPE {field} gauge\n"));
        for exposed in all.iter().filter(|exposed| exposed.field == field && exposed.node == node) {
            let labels: Vec<_> = exposed.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
            // Writing to a text does not fail.
            let _ = writeln!(out, "{field}{{{}}} {}", labels.join(","), exposed.value);
        }
    }
    out
}
