//! The series of the exporter, their labels, and the text in which it exposes them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::devices::{DeviceHolder, SimDevice};
use crate::sim::config::{ENGINE_ACTIVE_FIELD, PipelineConfig};
use crate::sim::objects::devices::DevicePart;

/// Labels of a series.
pub(super) type PipelineLabels = BTreeMap<String, String>;

/// Exposed DCGM fields with their HELP text, in the order of the exposition. A MIG instance has no utilization.
pub(super) const DCGM_FIELDS: [(&str, &str); 4] = [
    ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB)."),
    ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB)."),
    ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %)."),
    (ENGINE_ACTIVE_FIELD, "Ratio of time the graphics engine is active."),
];

/// An exposed series and its value.
pub(super) struct ExporterSeries {
    pub(super) field: &'static str,
    pub(super) node: String,
    pub(super) labels: Arc<PipelineLabels>,
    pub(super) value: f64,
}

/// The labels of the series of a device.
pub(super) fn device_labels(device: &SimDevice, config: &PipelineConfig) -> PipelineLabels {
    let SimDevice { node, index, holder, mig_profile, accelerator_uuid, part } = device;
    let pci_bus = index.parse::<u32>().unwrap_or(0) + 1;
    let device_labels = [
        ("gpu", index.clone()),
        ("UUID", accelerator_uuid.clone()),
        ("pci_bus_id", format!("00000000:{pci_bus:02X}:00.0")),
        ("device", format!("nvidia{index}")),
        ("modelName", config.device_model.clone()),
        ("Hostname", node.clone()),
    ];
    let holder = holder.iter().filter(|holder| !config.unattributed.includes(holder.is_new));
    let holder = holder.filter(|holder| holder.claim.is_none() || config.resolves_claims);
    let pod_labels = holder.flat_map(|holder| {
        let names = [("namespace", &holder.namespace), ("pod", &holder.pod), ("container", &holder.container)];
        let replica = match (part, &holder.claim) {
            (DevicePart::Replica(replica), None) => Some(("vgpu", replica)),
            _ => None,
        };
        names.into_iter().chain(replica).chain(claim_labels(holder))
    });
    let pod_labels = pod_labels.map(|(key, value)| (key, value.clone()));
    let number = match part {
        DevicePart::Instance(number) => Some(number.clone()),
        DevicePart::Whole | DevicePart::Replica(_) => None,
    };
    let instance = mig_profile.clone().zip(number);
    let instance =
        instance.into_iter().flat_map(|(profile, number)| [("GPU_I_PROFILE", profile), ("GPU_I_ID", number)]);
    device_labels.into_iter().chain(instance).chain(pod_labels).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The labels of a pod that has its device by a resource claim (NVIDIA/dcgm-exporter, internal/pkg/transformation/dra.go).
fn claim_labels(holder: &DeviceHolder) -> Vec<(&'static str, &String)> {
    let Some((claim, (driver, pool, device))) = &holder.claim else { return Vec::new() };
    vec![
        ("dra_claim_name", claim),
        ("dra_claim_namespace", &holder.namespace),
        ("dra_device_name", device),
        ("dra_driver_name", driver),
        ("dra_pool_name", pool),
    ]
}

/// The exposition of one node.
pub(super) fn format_exposition(all: &[ExporterSeries], node: &str) -> String {
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
