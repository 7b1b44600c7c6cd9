//! MIG instances: parts of one NVIDIA card, each a device of its own. The device plugin offers them under the names of their
//! profiles (strategy `mixed`), or as nvidia.com/gpu (`single`), where only ids and node labels tell them from whole cards.

use std::collections::BTreeMap;

use super::accelerator_labels::PARTITION_SIZE;

/// Fields of dcgm-exporter that it has of a whole device only, the first with its name before version 2: NVML's utilization
/// rates are not supported for a device in MIG mode (NVML API reference, nvmlDeviceGetUtilizationRates,
/// nvmlDeviceGetEncoderUtilization).
const WHOLE_DEVICE_FIELDS: &[&str] = &[
    "DCGM_FI_DEV_GPU_UTIL",
    "dcgm_gpu_utilization",
    "DCGM_FI_DEV_MEM_COPY_UTIL",
    "DCGM_FI_DEV_ENC_UTIL",
    "DCGM_FI_DEV_DEC_UTIL",
];

/// The field of dcgm-exporter that shows how busy an instance is, a ratio from 0 to 1.
pub(crate) const INSTANCE_ACTIVITY_FIELD: &str = "DCGM_FI_PROF_GR_ENGINE_ACTIVE";

/// True for a field that no instance has.
#[must_use]
pub(crate) fn is_whole_device_field(name: &str) -> bool {
    WHOLE_DEVICE_FIELDS.contains(&name)
}

/// True for an extended resource of instances of one profile, such as `nvidia.com/mig-1g.10gb`.
#[must_use]
pub(crate) fn is_instance_resource(resource: &str) -> bool {
    resource.contains("/mig-")
}

/// True for the device id of an instance: `MIG-UUID`, before driver 470 `MIG-GPU-UUID/gi/ci`, on GKE `nvidia0/gin`.
#[must_use]
pub(crate) fn is_instance_id(id: &str) -> bool {
    id.starts_with("MIG-") || id.contains("/gi")
}

/// The instances that a node offers as nvidia.com/gpu: their model by the label of feature discovery, such as
/// `NVIDIA-A100-SXM4-80GB-MIG-1g.10gb`, or their profile by that of GKE, such as `1g.5gb`.
#[must_use]
pub(crate) fn instances_of_node(labels: &BTreeMap<String, String>) -> Option<&str> {
    let product = labels.get("nvidia.com/gpu.product").filter(|product| product.contains("-MIG-"));
    product.or_else(|| labels.get(PARTITION_SIZE)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_known_by_its_resource_its_id_or_the_product_of_its_node() {
        assert!(is_instance_resource("nvidia.com/mig-1g.10gb") && !is_instance_resource("nvidia.com/gpu"));
        const UUID: &str = "6f1d2c3a-0003-4a5b-8c9d-000000000003";
        for (id, expected) in [
            (format!("MIG-{UUID}"), true),
            (format!("MIG-{UUID}::1"), true),
            (format!("MIG-GPU-{UUID}/7/0"), true),
            ("nvidia0/gi7".to_owned(), true),
            (format!("GPU-{UUID}"), false),
            (format!("GPU-{UUID}::1"), false),
            ("nvidia0/vgpu1".to_owned(), false),
        ] {
            assert_eq!(is_instance_id(&id), expected, "{id}");
        }
        let product = |name: &str| [("nvidia.com/gpu.product".to_owned(), name.to_owned())].into();
        assert_eq!(instances_of_node(&product("A100-MIG-1g.10gb")), Some("A100-MIG-1g.10gb"));
        assert_eq!(instances_of_node(&product("A100-SHARED")), None);
        let of_gke = [(PARTITION_SIZE.to_owned(), "1g.5gb".to_owned())].into();
        assert_eq!(instances_of_node(&of_gke), Some("1g.5gb"));
        assert_eq!(instances_of_node(&BTreeMap::new()), None);
    }
}
