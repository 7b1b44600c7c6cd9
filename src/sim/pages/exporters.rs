//! The pages of exporters of devices.

/// The activity of a device as a ratio, which a MIG instance has instead of a utilization.
pub(in crate::sim) const ENGINE_ACTIVE_FIELD: &str = crate::model::mig::INSTANCE_ACTIVITY_FIELD;

/// The page of an exporter of devices, one on each node.
#[derive(Debug)]
pub(in crate::sim) struct ExporterPage {
    /// Name of the shipped profile that describes it.
    pub(in crate::sim) profile: &'static str,
    /// The store's job, the exporter's container, and the beginning of its pods' names.
    pub(in crate::sim) job: &'static str,
    /// Port of the page in the store's label `instance`.
    pub(in crate::sim) port: u16,
    /// Model of its devices.
    pub(in crate::sim) device_model: &'static str,
    /// Their memory, MiB.
    pub(in crate::sim) device_memory_mib: u64,
    /// The labels of its series.
    pub(in crate::sim) labels: LabelSet,
    /// Its series, in the order of the page.
    pub(in crate::sim) fields: &'static [DeviceField],
    /// Whether it has series of a device without a pod.
    pub(in crate::sim) shows_free_devices: bool,
}

/// A series of each device.
#[derive(Debug)]
pub(in crate::sim) struct DeviceField {
    pub(in crate::sim) name: &'static str,
    /// HELP text.
    pub(in crate::sim) help: &'static str,
    pub(in crate::sim) quantity: DeviceQuantity,
}

/// What a series shows of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum DeviceQuantity {
    /// Its utilization, percent; a MIG instance has none.
    UtilizationPercent,
    /// The same from 0 to 1.
    UtilizationRatio,
    /// The activity of its engine from 0 to 1, which MIG instances have too.
    EngineActive,
    UsedMib,
    UsedBytes,
    FreeMib,
}

/// The names of the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum LabelSet {
    Dcgm,
    Amd,
    Hami,
    HamiLegacy,
    Intel,
}

const fn field(name: &'static str, help: &'static str, quantity: DeviceQuantity) -> DeviceField {
    DeviceField { name, help, quantity }
}

/// NVIDIA's dcgm-exporter.
pub(in crate::sim) const DCGM: ExporterPage = ExporterPage {
    profile: "dcgm",
    job: "nvidia-dcgm-exporter",
    port: 9400,
    device_model: "NVIDIA H100 80GB HBM3",
    device_memory_mib: 81_559,
    labels: LabelSet::Dcgm,
    fields: &[
        field("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", DeviceQuantity::FreeMib),
        field("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", DeviceQuantity::UsedMib),
        field("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", DeviceQuantity::UtilizationPercent),
        field(ENGINE_ACTIVE_FIELD, "Ratio of time the graphics engine is active.", DeviceQuantity::EngineActive),
    ],
    shows_free_devices: true,
};

const GFX_HELP: &str = "Graphics engine usage percentage (0 - 100)";

/// AMD's device-metrics-exporter.
const AMD: ExporterPage = ExporterPage {
    profile: "amd",
    job: "metrics-exporter",
    port: 5000,
    device_model: "Instinct MI300X",
    device_memory_mib: 196_592,
    labels: LabelSet::Amd,
    fields: &[
        field("gpu_free_vram", "Current free VRAM available in MB", DeviceQuantity::FreeMib),
        field("gpu_gfx_activity", GFX_HELP, DeviceQuantity::UtilizationPercent),
        field("gpu_used_vram", "Current VRAM used in MB", DeviceQuantity::UsedMib),
    ],
    shows_free_devices: true,
};

/// The same with the prefix that its configuration can set.
const AMD_PREFIXED: ExporterPage = ExporterPage {
    fields: &[
        field("amd_gpu_free_vram", "Current free VRAM available in MB", DeviceQuantity::FreeMib),
        field("amd_gpu_gfx_activity", GFX_HELP, DeviceQuantity::UtilizationPercent),
        field("amd_gpu_used_vram", "Current VRAM used in MB", DeviceQuantity::UsedMib),
    ],
    ..AMD
};

/// HAMi's monitor of the devices of containers.
const HAMI: ExporterPage = ExporterPage {
    profile: "hami",
    job: "hami-device-plugin-monitor",
    port: 9394,
    device_model: DCGM.device_model,
    device_memory_mib: DCGM.device_memory_mib,
    labels: LabelSet::Hami,
    fields: &[
        field(
            "hami_container_device_utilization_ratio",
            "Container device SM utilization ratio",
            DeviceQuantity::UtilizationPercent,
        ),
        field("hami_vgpu_memory_used_bytes", "vGPU device memory usage in bytes", DeviceQuantity::UsedBytes),
    ],
    shows_free_devices: false,
};

/// The same with `--legacy-metrics`.
const HAMI_LEGACY: ExporterPage = ExporterPage {
    labels: LabelSet::HamiLegacy,
    fields: &[
        field(
            "Device_utilization_desc_of_container",
            "Container device utilization description",
            DeviceQuantity::UtilizationPercent,
        ),
        field("vGPU_device_memory_usage_in_bytes", "vGPU device memory usage", DeviceQuantity::UsedBytes),
    ],
    ..HAMI
};

/// Intel's XPU Manager, whose series name no pod.
const INTEL: ExporterPage = ExporterPage {
    profile: "intel",
    job: "xpumd",
    port: 9105,
    device_model: "Intel Data Center GPU Max 1550",
    device_memory_mib: 131_072,
    labels: LabelSet::Intel,
    fields: &[field(
        "hw_gpu_utilization_ratio",
        "Fraction of time a specific task is running.",
        DeviceQuantity::UtilizationRatio,
    )],
    shows_free_devices: true,
};

pub(super) const ALL: [&ExporterPage; 6] = [&DCGM, &AMD, &AMD_PREFIXED, &HAMI, &HAMI_LEGACY, &INTEL];
