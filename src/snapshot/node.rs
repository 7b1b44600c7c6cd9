//! Reduces a node to what the checks read.

use k8s_openapi::api::core::v1::Node;

use super::resources::extended_resources;
use crate::model::accelerator_labels;
use crate::model::node_info::NodeInfo;
use crate::model::observation::NodeSnapshot;

/// Reduces a node.
#[must_use]
pub(crate) fn snapshot_node(node: &Node) -> NodeSnapshot {
    let status = node.status.clone().unwrap_or_default();
    let ready = status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready");
    NodeSnapshot {
        name: node.metadata.name.clone().unwrap_or_default(),
        ready: ready.is_some_and(|ready| ready.status == "True"),
        allocatable: extended_resources(&status.allocatable.unwrap_or_default()),
    }
}

/// Versions and accelerator labels of a node.
#[must_use]
pub(crate) fn node_info(node: &Node) -> NodeInfo {
    let system = node.status.as_ref().and_then(|status| status.node_info.clone()).unwrap_or_default();
    let labels = node.metadata.labels.iter().flatten();
    let of_accelerators = labels.filter(|(name, _)| accelerator_labels::is_recorded(name));
    NodeInfo {
        os_image: system.os_image,
        kernel_version: system.kernel_version,
        container_runtime_version: system.container_runtime_version,
        kubelet_version: system.kubelet_version,
        accelerator_labels: of_accelerators.map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_shows_its_extended_resources_alone() {
        let node = serde_json::from_value(json!({
            "metadata": {"name": "n1", "uid": "u"},
            "status": {"allocatable": {"cpu": "2", "memory": "24Gi", "pods": "110", "nvidia.com/gpu": "4",
                    "attachable-volumes.kubernetes.io/x": "1"},
                "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]}
        }))
        .unwrap();
        assert_eq!(
            snapshot_node(&node),
            NodeSnapshot { name: "n1".into(), ready: true, allocatable: [("nvidia.com/gpu".to_owned(), 4)].into() }
        );
    }

    #[test]
    fn a_node_states_its_versions_and_what_its_labels_say_of_accelerators() {
        let node = serde_json::from_value(json!({
            "metadata": {"name": "n1", "labels": {
                "kubernetes.io/hostname": "n1",
                "nvidia.com/gpu.product": "NVIDIA-H200-SHARED",
                "nvidia.com/gpu.deploy.dcgm-exporter": "true",
                "cloud.google.com/gke-gpu-sharing-strategy": "time-sharing",
            }},
            "status": {"nodeInfo": {"osImage": "Ubuntu 24.04.3 LTS", "kernelVersion": "6.18.44", "kubeletVersion": "v1.37.2",
                "containerRuntimeVersion": "containerd://1.6.20", "architecture": "amd64", "bootID": "b", "machineID": "m",
                "kubeProxyVersion": "", "operatingSystem": "linux", "systemUUID": "s"}}
        }))
        .unwrap();
        let info = node_info(&node);
        assert_eq!(info.os_image, "Ubuntu 24.04.3 LTS");
        assert_eq!(
            (info.kubelet_version.as_str(), info.container_runtime_version.as_str()),
            ("v1.37.2", "containerd://1.6.20")
        );
        let labels: Vec<&str> = info.accelerator_labels.keys().map(String::as_str).collect();
        assert_eq!(labels, ["cloud.google.com/gke-gpu-sharing-strategy", "nvidia.com/gpu.product"]);
    }
}
