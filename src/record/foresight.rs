//! What stands in the way of the first changes, as far as it could be seen before them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::object::Writer;

/// What was foreseen. A part that could not be read is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Foresight {
    /// Node ports in use, each with the Service that has it (`namespace/name`); absent when Services may not be listed.
    pub node_ports: Option<BTreeMap<i32, String>>,
    /// Objects that the API server would not take.
    pub refused: Vec<RefusedObject>,
    /// Objects that the charts name and that do not exist.
    pub absent: Vec<Need>,
    /// The target as it stands.
    pub target: Option<StandingTarget>,
    /// What the quotas of the target's namespace leave, by quota and resource.
    pub quotas: Vec<QuotaRoom>,
}

/// An object that the API server refused to a create with dryRun=All, which changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedObject {
    /// The release that renders it; absent for the run's own objects.
    pub release: Option<String>,
    /// Kind, namespace and name.
    pub object: String,
    /// Why, in its words.
    pub why: String,
}

/// Another object that a rendered one cannot do without.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Need {
    /// StorageClass, RuntimeClass, PriorityClass or Secret.
    pub kind: String,
    /// Namespace of a Secret.
    pub namespace: Option<String>,
    /// Name; empty for the cluster's default StorageClass.
    pub name: String,
    /// Which object needs it.
    pub by: String,
}

/// The target before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandingTarget {
    /// spec.replicas.
    pub replicas: i32,
    /// Who owns spec.replicas.
    pub writers: Vec<Writer>,
    /// helm made it by server-side apply, as helm 4 does, and not by client-side apply, as helm 3 does.
    pub is_applied: bool,
}

/// What a ResourceQuota leaves of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaRoom {
    /// Name of the quota.
    pub quota: String,
    /// Resource, for example `requests.nvidia.com/gpu` or `pods`.
    pub resource: String,
    /// hard minus used.
    pub room: i64,
}
