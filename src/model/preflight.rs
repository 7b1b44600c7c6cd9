//! What stands in the way of the first changes, as far as it could be seen before them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::snapshot::ReplicasManager;

/// What was foreseen. A part that could not be read is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PreflightFindings {
    /// Node ports in use, each with the Service that has it (`namespace/name`); absent when Services may not be listed.
    pub used_node_ports: Option<BTreeMap<i32, String>>,
    /// Objects that the API server would not take.
    pub rejected_objects: Vec<RejectedObject>,
    /// Objects that the charts name and that do not exist.
    pub missing_objects: Vec<RequiredObject>,
    /// The target as it stands.
    pub target: Option<ExistingTarget>,
    /// What the quotas of the target's namespace leave, by quota and resource.
    pub quotas: Vec<QuotaHeadroom>,
}

/// An object that the API server refused to a create with dryRun=All, which changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedObject {
    /// The release that renders it; absent for the run's own objects.
    pub release: Option<String>,
    /// Kind, namespace and name.
    pub object: String,
    /// Why, in its words.
    pub message: String,
}

/// Another object that a rendered one cannot do without.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequiredObject {
    /// StorageClass, RuntimeClass, PriorityClass or Secret.
    pub kind: String,
    /// Namespace of a Secret.
    pub namespace: Option<String>,
    /// Name; empty for the cluster's default StorageClass.
    pub name: String,
    /// Which object needs it.
    pub required_by: String,
}

/// The target before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExistingTarget {
    /// spec.replicas.
    pub replicas: i32,
    /// Who owns spec.replicas.
    pub replicas_managers: Vec<ReplicasManager>,
    /// helm made it by server-side apply, as helm 4 does, and not by client-side apply, as helm 3 does.
    pub server_side_applied: bool,
}

/// What a ResourceQuota leaves of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaHeadroom {
    /// Name of the quota.
    pub quota: String,
    /// Resource, for example `requests.nvidia.com/gpu` or `pods`.
    pub resource: String,
    /// hard minus used.
    pub remaining: i64,
}
