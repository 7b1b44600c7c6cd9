//! Resource claims (DRA) of a rendered target, and the devices that the cluster has for them.

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
    /// Of these, how many claims have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allocated: Option<i64>,
}
