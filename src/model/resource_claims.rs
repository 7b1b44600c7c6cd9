//! Resource claims (DRA) of a rendered target, and the devices that the cluster has for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An entry of the target's `resourceClaims`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TargetClaim {
    /// Name of the entry.
    pub(crate) name: String,
    /// The ResourceClaimTemplate from which each pod gets a claim of its own; absent for a claim by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<String>,
    /// The ResourceClaim that all pods share; absent for a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<String>,
    /// What the claim requests; absent where its object is not one that the chart renders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<Vec<DeviceRequest>>,
}

/// A request of a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DeviceRequest {
    /// Name of the request.
    pub(crate) name: String,
    /// DeviceClass; of several alternatives the first.
    pub(crate) device_class: String,
    /// Number of devices.
    pub(crate) count: i64,
    /// Why the devices that would do cannot be counted: alternatives, selectors of its own, or all devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_counted: Option<String>,
}

/// A DeviceClass and its devices. What could not be read is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceClassSummary {
    /// False if the class was looked up and does not exist; absent without the permission to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exists: Option<bool>,
    /// The selectors that gpuhpa does not evaluate, so that the devices of the class cannot be counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_evaluated: Vec<String>,
    /// Drivers of the devices that the class selects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) drivers: Vec<String>,
    /// Devices that the class selects, on Ready nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) devices: Option<i64>,
    /// How many of them each node has; without the devices that no one node has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) nodes: BTreeMap<String, i64>,
    /// Of the devices, how many claims have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allocated: Option<i64>,
}

impl DeviceClassSummary {
    /// The devices of this class, by its name, on a node; `None` for a node without any.
    #[must_use]
    pub(crate) fn describe_on(&self, node: &str, class: &str) -> Option<String> {
        let count = self.nodes.get(node)?;
        let noun = if *count == 1 { "device" } else { "devices" };
        Some(format!("{count} {noun} of class {class} (DRA)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::Inventory;
    use crate::model::node_info::NodeInfo;
    use crate::model::observation::NodeSnapshot;

    #[test]
    fn a_node_with_devices_for_claims_is_described_with_them_and_an_old_summary_has_none() {
        let node = |name: &str| NodeSnapshot { name: name.to_owned(), ready: true, allocatable: BTreeMap::new() };
        let info = NodeInfo { container_runtime_version: "containerd://2.1.0".to_owned(), ..NodeInfo::default() };
        let mut inventory = Inventory {
            nodes: vec![node("n1"), node("n2"), node("n3")],
            node_info: vec![info.clone(), NodeInfo::default(), info],
            ..Inventory::default()
        };
        let old = r#"{"exists":true,"drivers":["gpu.nvidia.com"],"devices":3,"allocated":1}"#;
        let mut class: DeviceClassSummary = serde_json::from_str(old).unwrap();
        assert_eq!(serde_json::to_string(&class).unwrap(), old);
        inventory.device_classes.insert("gpu.nvidia.com".to_owned(), class.clone());
        assert_eq!(inventory.describe_accelerator_nodes(), Vec::<String>::new());
        class.nodes = [("n1".to_owned(), 2), ("n2".to_owned(), 1)].into();
        inventory.device_classes.insert("gpu.nvidia.com".to_owned(), class);
        assert_eq!(
            inventory.describe_accelerator_nodes(),
            [
                "n1: 2 devices of class gpu.nvidia.com (DRA), containerd://2.1.0",
                "n2: 1 device of class gpu.nvidia.com (DRA)"
            ]
        );
    }
}
