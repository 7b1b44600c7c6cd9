//! Resource claims (DRA): the claims of a pod, their allocations, and the devices that ResourceSlices offer.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::resource::v1::{Device, ResourceSlice};
use serde::Deserialize as _;
use serde_json::Value;

use super::kinds::{RESOURCE_CLAIM, RESOURCE_SLICE};
use crate::sim::cluster::{SimCluster, metadata_text};

/// Keeps a claim with an allocation, and so its devices, until no pod uses it (k8s.io/api, resource/v1, `Finalizer`).
pub(in crate::sim) const CLAIM_FINALIZER: &str = "resource.kubernetes.io/delete-protection";

/// Driver, pool and name of a device.
pub(in crate::sim) type DeviceName = (String, String, String);

/// A device that a driver offers on a node.
#[derive(Clone, Debug)]
pub(in crate::sim) struct ClaimableDevice {
    pub(in crate::sim) node: String,
    pub(in crate::sim) name: DeviceName,
    /// As its slice has it, with its attributes.
    pub(in crate::sim) device: Device,
}

/// An entry of a pod's `resourceClaims`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) struct PodClaim {
    /// Name of the entry.
    pub(in crate::sim) entry: String,
    /// Name of the ResourceClaim; `None` until the claim of a template is created.
    pub(in crate::sim) claim: Option<String>,
}

/// The claims of a pod.
pub(in crate::sim) fn pod_claims(pod: &Value) -> Vec<PodClaim> {
    let created = |entry: &Value| {
        let statuses = pod["status"]["resourceClaimStatuses"].as_array();
        let status = statuses.into_iter().flatten().find(|status| status["name"] == entry["name"]);
        status.and_then(|status| status["resourceClaimName"].as_str())
    };
    let claims = claim_entries(pod).map(|entry| PodClaim {
        entry: entry["name"].as_str().unwrap_or_default().to_owned(),
        claim: entry["resourceClaimName"].as_str().or_else(|| created(entry)).map(str::to_owned),
    });
    claims.collect()
}

/// The entries themselves.
pub(in crate::sim) fn claim_entries(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["spec"]["resourceClaims"].as_array().into_iter().flatten()
}

/// The claims of a pod that exist, each with the name of its entry.
pub(in crate::sim) fn existing_claims(cluster: &SimCluster, pod: &Value) -> Vec<(String, Arc<Value>)> {
    let namespace = metadata_text(pod, "namespace");
    let object = |one: PodClaim| Some((one.entry, cluster.get(&RESOURCE_CLAIM, &namespace, &one.claim?)?));
    pod_claims(pod).into_iter().filter_map(object).collect()
}

/// The devices of a claim's allocation.
pub(in crate::sim) fn allocated_devices(claim: &Value) -> Vec<DeviceName> {
    let results = claim["status"]["allocation"]["devices"]["results"].as_array().into_iter().flatten();
    let text = |result: &Value, key: &str| result[key].as_str().unwrap_or_default().to_owned();
    results.map(|result| (text(result, "driver"), text(result, "pool"), text(result, "device"))).collect()
}

/// The node of an allocated claim's devices: only pods there can use them.
pub(in crate::sim) fn allocated_node(claim: &Value) -> Option<&str> {
    claim.pointer("/status/allocation/nodeSelector/nodeSelectorTerms/0/matchFields/0/values/0")?.as_str()
}

/// The devices that any claim of the cluster has.
pub(in crate::sim) fn taken_devices(cluster: &SimCluster) -> BTreeSet<DeviceName> {
    cluster.list(&RESOURCE_CLAIM, None).iter().flat_map(|claim| allocated_devices(claim)).collect()
}

/// The devices of all slices, in the order of their slices.
pub(in crate::sim) fn claimable_devices(cluster: &SimCluster) -> Vec<ClaimableDevice> {
    let slices = cluster.list(&RESOURCE_SLICE, None);
    let slices = slices.iter().filter_map(|slice| Some(ResourceSlice::deserialize(&**slice).ok()?.spec));
    let devices = slices.flat_map(|spec| {
        let (driver, pool, node) = (spec.driver, spec.pool.name, spec.node_name.unwrap_or_default());
        spec.devices.into_iter().flatten().map(move |device| ClaimableDevice {
            node: node.clone(),
            name: (driver.clone(), pool.clone(), device.name.clone()),
            device,
        })
    });
    devices.collect()
}
