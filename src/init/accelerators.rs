//! The accelerators of the nodes: extended resources, how many are free, and what node feature discovery says of them.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::api::resource::v1::ResourceSlice;

use super::reader::ClusterReader;
use crate::model::accelerator_labels;
use crate::model::mig;
use crate::model::non_accelerators::non_accelerator_kind;
use crate::model::shipped_profiles;
use crate::snapshot::{snapshot_node, used_resources};

/// An extended resource that may be an accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AcceleratorResource {
    pub(super) name: String,
    /// Allocatable on Ready nodes.
    pub(super) allocatable: i64,
    /// Of these, how many no pod requests; `None` where the pods cannot be read.
    pub(super) free: Option<i64>,
    /// Ready nodes that have it.
    pub(super) nodes: usize,
}

/// What the nodes offer.
#[derive(Clone, Debug, Default)]
pub(super) struct AcceleratorFindings {
    /// The resources, the one with the most free devices first.
    pub(super) resources: Vec<AcceleratorResource>,
    /// Labels of feature discovery and of the provider about product, sharing and MIG, with the number of nodes that have each.
    pub(super) labels: BTreeMap<String, usize>,
    /// DRA drivers with the number of their devices; `None` where the slices cannot be read.
    pub(super) dra_drivers: Option<BTreeMap<String, usize>>,
    /// Whether the nodes could be read.
    pub(super) is_read: bool,
    /// Addresses of Ready nodes: external ones, then internal ones.
    pub(super) external_addresses: Vec<String>,
    pub(super) internal_addresses: Vec<String>,
}

/// Reads nodes and resource slices; `pods` are all pods of the cluster, if they are known.
pub(super) async fn read(reader: &mut ClusterReader<'_>, pods: Option<&[Pod]>) -> AcceleratorFindings {
    let nodes: Option<Vec<Node>> = reader.list("nodes").await;
    let slices: Option<Vec<ResourceSlice>> = reader.list("resource slices (DRA)").await;
    let mut found = AcceleratorFindings { is_read: nodes.is_some(), ..AcceleratorFindings::default() };
    found.dra_drivers = slices.map(|slices| count_devices(&slices));
    found.add_nodes(&nodes.unwrap_or_default(), pods);
    found
}

fn collect_labels(node: &Node, labels: &mut BTreeMap<String, usize>) {
    for (key, value) in node.metadata.labels.iter().flatten() {
        if accelerator_labels::is_about_devices(key) {
            *labels.entry(format!("{key}={value}")).or_insert(0) += 1;
        }
    }
}

fn collect_addresses(node: &Node, found: &mut AcceleratorFindings) {
    for address in node.status.iter().filter_map(|status| status.addresses.as_ref()).flatten() {
        match address.type_.as_str() {
            "ExternalIP" => found.external_addresses.push(address.address.clone()),
            "InternalIP" => found.internal_addresses.push(address.address.clone()),
            _ => {}
        }
    }
}

fn count_devices(slices: &[ResourceSlice]) -> BTreeMap<String, usize> {
    let mut drivers = BTreeMap::new();
    for slice in slices {
        let devices = slice.spec.devices.as_ref().map_or(0, Vec::len);
        *drivers.entry(slice.spec.driver.clone()).or_insert(0) += devices;
    }
    drivers
}

impl AcceleratorFindings {
    fn add_nodes(&mut self, nodes: &[Node], pods: Option<&[Pod]>) {
        for node in nodes {
            let snapshot = snapshot_node(node);
            if snapshot.ready {
                snapshot.allocatable.into_iter().for_each(|(name, count)| self.add_resource(name, count));
                collect_labels(node, &mut self.labels);
                collect_addresses(node, self);
            }
        }
        if let Some(pods) = pods {
            let used = used_resources(pods);
            for one in &mut self.resources {
                one.free = Some((one.allocatable - used.get(&one.name).copied().unwrap_or(0)).max(0));
            }
        }
        let profiles: Vec<_> = shipped_profiles::names().filter_map(|name| shipped_profiles::find(name).ok()).collect();
        let is_known = |name: &str| profiles.iter().any(|profile| profile.lists_resource(name));
        self.resources
            .sort_by_key(|one| (!is_known(&one.name), -one.free.unwrap_or(one.allocatable), one.name.clone()));
    }

    fn add_resource(&mut self, name: String, count: i64) {
        if count <= 0 || non_accelerator_kind(&name).is_some() {
            return;
        }
        match self.resources.iter_mut().find(|one| one.name == name) {
            Some(one) => (one.allocatable, one.nodes) = (one.allocatable.saturating_add(count), one.nodes + 1),
            None => self.resources.push(AcceleratorResource { name, allocatable: count, free: None, nodes: 1 }),
        }
    }

    /// The resource to test with.
    pub(super) fn best(&self) -> Option<&AcceleratorResource> {
        self.resources.first()
    }

    /// Whether the devices are instances of cards in MIG mode.
    pub(super) fn has_mig(&self) -> bool {
        let is_of_instances = |label: &String| {
            let of_label = label.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            mig::instances_of_node(&of_label.into_iter().collect()).is_some()
        };
        self.best().is_some_and(|one| mig::is_instance_resource(&one.name)) || self.labels.keys().any(is_of_instances)
    }

    /// Why several pods may share one device; empty where nothing says so.
    pub(super) fn sharing(&self) -> BTreeSet<&str> {
        let is_shared = |label: &&String| {
            label.split_once('=').is_some_and(|(name, value)| accelerator_labels::states_sharing(name, value))
        };
        self.labels.keys().filter(is_shared).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_labels_of_providers_show_sharing_and_instances() {
        let read = |labels: serde_json::Value| {
            let node = json!({"metadata": {"name": "n", "labels": labels}, "status": {
                "allocatable": {"nvidia.com/gpu": "3"}, "conditions": [{"type": "Ready", "status": "True"}]}});
            let mut found = AcceleratorFindings::default();
            found.add_nodes(&[serde_json::from_value(node).unwrap()], None);
            found
        };
        let shared = read(json!({"cloud.google.com/gke-gpu-sharing-strategy": "time-sharing",
            "cloud.google.com/gke-max-shared-clients-per-gpu": "3", "cloud.google.com/gke-accelerator": "nvidia-l4"}));
        assert_eq!((shared.sharing().len(), shared.labels.len(), shared.has_mig()), (2, 3, false));
        let divided = read(json!({"cloud.google.com/gke-gpu-partition-size": "1g.5gb"}));
        assert!(divided.has_mig() && divided.sharing().is_empty());
        let whole = read(json!({"karpenter.k8s.aws/instance-gpu-name": "a10g", "kubernetes.io/hostname": "n"}));
        assert_eq!(whole.labels.into_keys().collect::<Vec<_>>(), ["karpenter.k8s.aws/instance-gpu-name=a10g"]);
    }

    #[test]
    fn a_shared_resource_counts_under_its_own_name_and_a_network_interface_does_not() {
        let mut node: Node =
            serde_saphyr::from_str(include_str!("../../fixtures/field/renamed-shared-resource/cluster/node.yaml"))
                .unwrap();
        let status = node.status.as_mut().unwrap();
        status.conditions = serde_json::from_value(json!([{"type": "Ready", "status": "True"}])).unwrap();
        let allocatable = status.allocatable.as_mut().unwrap();
        allocatable.insert("vpc.amazonaws.com/efa".to_owned(), serde_json::from_value(json!("4")).unwrap());
        let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "node-a", "containers": [{"name": "c",
            "resources": {"limits": {"nvidia.com/gpu.shared": "3"}}}]}});
        let mut found = AcceleratorFindings::default();
        found.add_nodes(&[node], Some(&[serde_json::from_value(pod).unwrap()]));
        let shared =
            AcceleratorResource { name: "nvidia.com/gpu.shared".to_owned(), allocatable: 8, free: Some(5), nodes: 1 };
        assert_eq!(found.resources, [shared]);
        assert!(found.sharing().contains("nvidia.com/gpu.sharing-strategy=time-slicing") && !found.has_mig());
    }
}
