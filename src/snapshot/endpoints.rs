//! The parts of a Service and of its EndpointSlices of which the snapshot of its endpoints consists.

use std::collections::BTreeMap;

use k8s_openapi::Resource;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

/// The selector of a Service.
#[must_use]
pub(crate) fn service_selector(service: &Service) -> BTreeMap<String, String> {
    service.spec.as_ref().and_then(|spec| spec.selector.clone()).unwrap_or_default()
}

/// The session affinity of a Service.
#[must_use]
pub(crate) fn session_affinity(service: &Service) -> Option<String> {
    service.spec.as_ref().and_then(|spec| spec.session_affinity.clone())
}

/// The pods of a slice that receive traffic; an absent `ready` means true (discovery.k8s.io/v1, EndpointConditions).
#[must_use]
pub(crate) fn ready_pods(slice: &EndpointSlice) -> Vec<String> {
    let ready = slice
        .endpoints
        .iter()
        .flatten()
        .filter(|endpoint| endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true));
    ready
        .filter_map(|endpoint| endpoint.target_ref.as_ref())
        .filter(|target| target.kind.as_deref() == Some(Pod::KIND))
        .filter_map(|target| target.name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_receives_traffic_unless_its_endpoint_is_not_ready() {
        let endpoint = |kind: &str, name: &str, ready: Option<bool>| json!({"addresses": ["10.0.0.1"], "conditions": {"ready": ready}, "targetRef": {"kind": kind, "name": name}});
        let slice = serde_json::from_value(json!({"metadata": {"name": "a"}, "addressType": "IPv4", "endpoints": [
            endpoint("Pod", "p2", Some(true)), endpoint("Pod", "p1", None), endpoint("Pod", "p3", Some(false)),
            endpoint("Node", "n", Some(true)), {"addresses": ["10.0.0.2"]}]}))
        .unwrap();
        assert_eq!(ready_pods(&slice), ["p2", "p1"]);
    }
}
