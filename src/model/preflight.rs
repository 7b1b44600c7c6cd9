//! Findings of the preflight: obstacles to the changes of a run, detected before the first change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::snapshot::ReplicasManager;

/// Findings of the preflight. What could not be read is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PreflightFindings {
    /// Node ports in use, each with its Service (`namespace/name`); absent without the permission to list Services.
    pub(crate) used_node_ports: Option<BTreeMap<i32, String>>,
    /// Objects that the API server rejects.
    pub(crate) rejected_objects: Vec<RejectedObject>,
    /// How the HPA that the API server would store (dryRun=All) differs from the scenario's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) hpa_differences: Vec<String>,
    /// Objects that the charts reference and that do not exist.
    pub(crate) missing_objects: Vec<RequiredObject>,
    /// The target, if it already exists.
    pub(crate) target: Option<ExistingTarget>,
    /// Headroom of the ResourceQuotas in the target's namespace.
    pub(crate) quotas: Vec<QuotaHeadroom>,
    /// Kinds of objects that the API server does not list: a namespace may contain some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) undiscovered_kinds: Vec<String>,
}

/// An object that the API server rejects on a create with dryRun=All, which changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectedObject {
    /// The release that renders it; absent for objects of the run itself.
    pub(crate) release: Option<String>,
    /// Kind, namespace and name.
    pub(crate) object: String,
    /// The API server's message.
    pub(crate) message: String,
}

/// An object that a rendered object references and cannot work without.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequiredObject {
    /// StorageClass, RuntimeClass, PriorityClass, Secret or Service.
    pub(crate) kind: String,
    /// Namespace of a Secret or a Service.
    pub(crate) namespace: Option<String>,
    /// Name; empty for the cluster's default StorageClass.
    pub(crate) name: String,
    /// The object that references it.
    pub(crate) required_by: String,
    /// A run is possible without it: a Service that gpuhpa alone reads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_optional: bool,
}

impl RequiredObject {
    /// Kind of a store's Service.
    pub(crate) const SERVICE: &str = "Service";
}

/// The target before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExistingTarget {
    /// spec.replicas.
    pub(crate) replicas: i32,
    /// Field managers that own spec.replicas.
    pub(crate) replicas_managers: Vec<ReplicasManager>,
    /// helm wrote it by server-side apply (helm 4), not by client-side apply (helm 3).
    pub(crate) server_side_applied: bool,
}

/// Headroom of a ResourceQuota for one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaHeadroom {
    /// Name of the ResourceQuota.
    pub(crate) quota: String,
    /// Resource, for example `requests.nvidia.com/gpu` or `pods`.
    pub(crate) resource: String,
    /// hard minus used.
    pub(crate) remaining: i64,
}
