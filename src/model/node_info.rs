//! What a node is: the software that runs its pods, and what its labels say about its accelerators.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::accelerator_labels;

/// Versions and labels of a node. What the node does not state is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NodeInfo {
    /// status.nodeInfo.osImage, for example `Ubuntu 24.04.3 LTS`.
    pub(crate) os_image: String,
    /// status.nodeInfo.kernelVersion.
    pub(crate) kernel_version: String,
    /// status.nodeInfo.containerRuntimeVersion, for example `containerd://2.1.0`.
    pub(crate) container_runtime_version: String,
    /// status.nodeInfo.kubeletVersion.
    pub(crate) kubelet_version: String,
    /// Labels about accelerators, as feature discovery or the provider writes them.
    pub(crate) accelerator_labels: BTreeMap<String, String>,
}

/// Accelerators that a node offers as several devices of one resource each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedAccelerators {
    /// The strategy as the label names it: time-slicing, mps, time-sharing.
    pub(crate) strategy: String,
    /// Devices that each accelerator is offered as; at least 2.
    pub(crate) devices_per_accelerator: i64,
    /// Number of accelerators.
    pub(crate) accelerators: i64,
}

impl NodeInfo {
    /// How the labels say that the node shares the accelerators behind a resource of which it has this many devices; `None`
    /// if they state no sharing.
    ///
    /// NVIDIA's feature discovery labels each resource: `nvidia.com/gpu.sharing-strategy`, `.replicas`, `.count` (also of
    /// `nvidia.com/mig-1g.10gb`); the device plugin may offer shared ones as `nvidia.com/gpu.shared`. GKE labels the node.
    #[must_use]
    pub(crate) fn shared_accelerators(&self, resource: &str, allocatable: i64) -> Option<SharedAccelerators> {
        let label = |name: &str| self.accelerator_labels.get(name);
        let number = |name: &str| label(name).and_then(|text| text.parse::<i64>().ok()).filter(|number| *number > 0);
        let base = resource.strip_suffix(".shared").unwrap_or(resource);
        let keys = [
            (format!("{base}.sharing-strategy"), format!("{base}.replicas"), Some(format!("{base}.count"))),
            (accelerator_labels::SHARING_STRATEGY.to_owned(), accelerator_labels::MAX_SHARED_CLIENTS.to_owned(), None),
        ];
        keys.iter().find_map(|(strategy, replicas, count)| {
            let devices_per_accelerator = number(replicas).filter(|devices| *devices > 1)?;
            let strategy = label(strategy).filter(|strategy| *strategy != "none")?.clone();
            let counted = count.as_ref().and_then(|count| number(count));
            let accelerators = counted.unwrap_or((allocatable / devices_per_accelerator).max(1));
            Some(SharedAccelerators { strategy, devices_per_accelerator, accelerators })
        })
    }

    /// The accelerators and the software of a node with these extended resources, as texts name them; `None` where the
    /// node states nothing.
    #[must_use]
    pub(crate) fn describe(&self, allocatable: &BTreeMap<String, i64>) -> Option<String> {
        let label = |names: &[&str]| names.iter().find_map(|name| self.accelerator_labels.get(*name)).cloned();
        let mut parts: Vec<String> = label(accelerator_labels::PRODUCT).into_iter().collect();
        for (resource, count) in allocatable {
            parts.extend(self.shared_accelerators(resource, *count).map(|shared| {
                let SharedAccelerators { strategy, devices_per_accelerator, accelerators } = shared;
                format!("{strategy}: {accelerators} × {devices_per_accelerator} {resource}")
            }));
        }
        parts.extend(label(&["nvidia.com/mig.strategy"]).map(|strategy| format!("MIG strategy {strategy}")));
        parts.extend(label(&[accelerator_labels::PARTITION_SIZE]).map(|profile| format!("MIG instances {profile}")));
        parts.extend(label(DRIVER_LABELS).map(|version| format!("driver {version}")));
        let software = [&self.container_runtime_version, &self.os_image];
        parts.extend(software.into_iter().filter(|text| !text.is_empty()).cloned());
        if !self.kernel_version.is_empty() {
            parts.push(format!("kernel {}", self.kernel_version));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// The labels with the version of the driver.
const DRIVER_LABELS: &[&str] = &["nvidia.com/cuda.driver-version.full", "amd.com/gpu.driver-version"];

#[cfg(test)]
mod tests {
    use super::*;

    fn info(labels: &[(&str, &str)]) -> NodeInfo {
        let accelerator_labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        NodeInfo { accelerator_labels, ..NodeInfo::default() }
    }

    fn shared(labels: &[(&str, &str)], resource: &str, allocatable: i64) -> Option<(String, i64, i64)> {
        let found = info(labels).shared_accelerators(resource, allocatable)?;
        Some((found.strategy, found.accelerators, found.devices_per_accelerator))
    }

    #[test]
    fn labels_state_how_many_accelerators_are_behind_the_devices() {
        let sliced = [
            ("nvidia.com/gpu.sharing-strategy", "time-slicing"),
            ("nvidia.com/gpu.replicas", "4"),
            ("nvidia.com/gpu.count", "2"),
        ];
        let expected = Some(("time-slicing".to_owned(), 2, 4));
        assert_eq!(shared(&sliced, "nvidia.com/gpu", 8), expected);
        assert_eq!(shared(&sliced, "nvidia.com/gpu.shared", 8), expected);
        assert_eq!(
            shared(&sliced[..2], "nvidia.com/gpu", 8),
            expected,
            "without a count: the devices of one accelerator"
        );
        assert_eq!(shared(&sliced, "amd.com/gpu", 8), None);
        let mig = [
            ("nvidia.com/mig-1g.10gb.sharing-strategy", "mps"),
            ("nvidia.com/mig-1g.10gb.replicas", "2"),
            ("nvidia.com/mig-1g.10gb.count", "7"),
        ];
        assert_eq!(shared(&mig, "nvidia.com/mig-1g.10gb", 14), Some(("mps".to_owned(), 7, 2)));
        let gke = [
            ("cloud.google.com/gke-gpu-sharing-strategy", "time-sharing"),
            ("cloud.google.com/gke-max-shared-clients-per-gpu", "3"),
        ];
        assert_eq!(shared(&gke, "nvidia.com/gpu", 3), Some(("time-sharing".to_owned(), 1, 3)));
    }

    #[test]
    fn an_accelerator_of_one_device_is_not_shared() {
        let none = [
            ("nvidia.com/gpu.sharing-strategy", "none"),
            ("nvidia.com/gpu.replicas", "1"),
            ("nvidia.com/gpu.count", "4"),
        ];
        assert_eq!(shared(&none, "nvidia.com/gpu", 4), None);
        let of_one = [("nvidia.com/gpu.sharing-strategy", "mps"), ("nvidia.com/gpu.replicas", "1")];
        assert_eq!(shared(&of_one, "nvidia.com/gpu", 4), None);
        let odd = [("nvidia.com/gpu.sharing-strategy", "mps"), ("nvidia.com/gpu.replicas", "-3")];
        assert_eq!(shared(&odd, "nvidia.com/gpu", 4), None);
    }

    #[test]
    fn a_node_is_described_by_its_accelerator_and_its_software() {
        let mut node = info(&[
            ("nvidia.com/gpu.product", "NVIDIA-H200-SHARED"),
            ("nvidia.com/gpu.sharing-strategy", "time-slicing"),
            ("nvidia.com/gpu.replicas", "4"),
            ("nvidia.com/gpu.count", "1"),
            ("nvidia.com/cuda.driver-version.full", "580.159.04"),
        ]);
        node.container_runtime_version = "containerd://1.6.20".to_owned();
        node.os_image = "Ubuntu 24.04.3 LTS".to_owned();
        node.kernel_version = "6.18.44".to_owned();
        let text = node.describe(&[("nvidia.com/gpu".to_owned(), 4)].into());
        assert_eq!(
            text.as_deref(),
            Some(
                "NVIDIA-H200-SHARED, time-slicing: 1 × 4 nvidia.com/gpu, driver 580.159.04, containerd://1.6.20, Ubuntu 24.04.3 LTS, kernel 6.18.44"
            )
        );
        assert_eq!(NodeInfo::default().describe(&BTreeMap::new()), None);
    }

    #[test]
    fn a_node_of_a_provider_is_described_by_the_providers_labels() {
        for (labels, expected) in [
            (
                &[
                    ("cloud.google.com/gke-accelerator", "nvidia-tesla-a100"),
                    ("cloud.google.com/gke-gpu-partition-size", "1g.5gb"),
                ][..],
                "nvidia-tesla-a100, MIG instances 1g.5gb",
            ),
            (
                &[("karpenter.k8s.aws/instance-gpu-name", "a10g"), ("karpenter.k8s.aws/instance-gpu-memory", "24576")],
                "a10g",
            ),
            (&[("eks.amazonaws.com/instance-gpu-name", "l4")], "l4"),
            (&[("kubernetes.azure.com/accelerator", "nvidia"), ("karpenter.azure.com/sku-gpu-name", "A100")], "A100"),
            (&[("kubernetes.azure.com/accelerator", "nvidia")], "nvidia"),
        ] {
            assert_eq!(info(labels).describe(&BTreeMap::new()).as_deref(), Some(expected));
        }
    }
}
