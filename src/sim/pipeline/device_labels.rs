//! The labels that the exporters give the series of a device.

use super::devices::{DeviceHolder, SimDevice};
use super::exposition::PipelineLabels;
use crate::sim::config::PipelineConfig;
use crate::sim::objects::devices::{DevicePart, pci_address, plain_uuid};
use crate::sim::pages::LabelSet;

/// The pod that the exporter names for a device.
pub(super) fn named_holder<'a>(device: &'a SimDevice, config: &PipelineConfig) -> Option<&'a DeviceHolder> {
    let holder = device.holder.as_ref().filter(|holder| !config.unattributed.includes(holder.is_new));
    holder.filter(|holder| holder.claim.is_none() || config.resolves_claims)
}

/// The labels of the series of a device.
pub(super) fn device_labels(device: &SimDevice, config: &PipelineConfig) -> PipelineLabels {
    let holder = named_holder(device, config);
    match config.exporter.labels {
        LabelSet::Dcgm => dcgm_labels(device, holder, config),
        LabelSet::Amd => to_labels(amd_labels(device, holder, config)),
        LabelSet::Hami => {
            let names = ["container", "device_uuid", "namespace", "pod", "vdevice_index"];
            to_labels(names.into_iter().zip(hami_values(device, holder)))
        }
        LabelSet::HamiLegacy => {
            let names = ["ctrname", "deviceuuid", "podnamespace", "podname", "vdeviceid"];
            to_labels(names.into_iter().zip(hami_values(device, holder)))
        }
        LabelSet::Intel => to_labels([
            ("hw_id", plain_uuid(&device.accelerator_uuid).to_owned()),
            ("hw_name", config.device_model.clone()),
            ("hw_gpu_task", "compute".to_owned()),
            ("pci_bdf", pci_address(index(device))),
        ]),
    }
}

fn to_labels<'a>(labels: impl IntoIterator<Item = (&'a str, String)>) -> PipelineLabels {
    labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The number of a device on its node.
fn index(device: &SimDevice) -> usize {
    device.index.parse().unwrap_or(0)
}

/// Of dcgm-exporter.
fn dcgm_labels(device: &SimDevice, holder: Option<&DeviceHolder>, config: &PipelineConfig) -> PipelineLabels {
    let SimDevice { node, index, mig_profile, accelerator_uuid, part, .. } = device;
    let pci_bus = index.parse::<u32>().unwrap_or(0) + 1;
    let device_labels = [
        ("gpu", index.clone()),
        ("UUID", accelerator_uuid.clone()),
        ("pci_bus_id", format!("00000000:{pci_bus:02X}:00.0")),
        ("device", format!("nvidia{index}")),
        ("modelName", config.device_model.clone()),
        ("Hostname", node.clone()),
    ];
    let pod_labels = holder.into_iter().flat_map(|holder| {
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
    to_labels(device_labels.into_iter().chain(instance).chain(pod_labels))
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

/// Of AMD's device-metrics-exporter: a device without a pod has the labels of pods too, and they are empty.
fn amd_labels(
    device: &SimDevice,
    holder: Option<&DeviceHolder>,
    config: &PipelineConfig,
) -> impl IntoIterator<Item = (&'static str, String)> {
    let of_pod = |value: fn(&DeviceHolder) -> &String| holder.map(value).cloned().unwrap_or_default();
    [
        ("card_model", String::new()),
        ("card_series", config.device_model.clone()),
        ("card_vendor", "Advanced Micro Devices, Inc. [AMD/ATI]".to_owned()),
        ("container", of_pod(|holder| &holder.container)),
        ("gpu_id", device.index.clone()),
        ("gpu_partition_id", "0".to_owned()),
        ("gpu_uuid", plain_uuid(&device.accelerator_uuid).to_owned()),
        ("hostname", device.node.clone()),
        ("namespace", of_pod(|holder| &holder.namespace)),
        ("pod", of_pod(|holder| &holder.pod)),
        ("serial_number", String::new()),
    ]
}

/// Of HAMi's monitor: container, device, namespace, pod, and the number of the device in the container.
fn hami_values(device: &SimDevice, holder: Option<&DeviceHolder>) -> [String; 5] {
    let of_pod = |value: fn(&DeviceHolder) -> &String| holder.map(value).cloned().unwrap_or_default();
    [
        of_pod(|holder| &holder.container),
        device.accelerator_uuid.clone(),
        of_pod(|holder| &holder.namespace),
        of_pod(|holder| &holder.pod),
        "0".to_owned(),
    ]
}
