//! Extended resources: what pods request and what nodes have free.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::claims;
use crate::model::accelerator::is_extended_resource;

/// Amounts of extended resources, by name.
pub(in crate::sim) type ExtendedResources = BTreeMap<String, i64>;

/// The extended resources that a pod requests.
pub(in crate::sim) fn requested_resources(pod: &Value) -> ExtendedResources {
    let mut all = BTreeMap::new();
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let requests =
            &container["resources"][if container["resources"]["requests"].is_null() { "limits" } else { "requests" }];
        for (resource, quantity) in
            requests.as_object().into_iter().flatten().filter(|(name, _)| is_extended_resource(name))
        {
            *all.entry(resource.clone()).or_insert(0) += parse_count(quantity);
        }
    }
    all.retain(|_, count| *count > 0);
    all
}

/// Whether a pod requests a device: an extended resource, or a resource claim (DRA).
pub(in crate::sim) fn requests_device(pod: &Value) -> bool {
    claims::claim_entries(pod).next().is_some() || !requested_resources(pod).is_empty()
}

/// The extended resources of a node that are not allocated. A pod being deleted keeps its resources until it has ended.
pub(in crate::sim) fn free_resources(node: &Value, pods: &[Arc<Value>]) -> ExtendedResources {
    let allocatable = node["status"]["allocatable"].as_object().into_iter().flatten();
    let mut free: ExtendedResources = allocatable
        .filter(|(name, _)| is_extended_resource(name))
        .map(|(name, quantity)| (name.clone(), parse_count(quantity)))
        .collect();
    let ended = |pod: &Value| pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed";
    for pod in pods.iter().filter(|pod| pod["spec"]["nodeName"] == node["metadata"]["name"] && !ended(pod)) {
        for (resource, count) in requested_resources(pod) {
            *free.entry(resource).or_insert(0) -= count;
        }
    }
    free
}

fn parse_count(quantity: &Value) -> i64 {
    quantity.as_i64().or_else(|| quantity.as_str()?.parse().ok()).unwrap_or(0)
}
